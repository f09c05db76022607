package upstream

import (
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/miekg/dns"
)

// Bounds of what is passed on of an upstream's extended errors.
const (
	maxEDE          = 4   // options; more than two are not seen in the field
	maxEDETextBytes = 200 // keeps the reply well below the size of a UDP payload
)

// Failure is why there is no answer. It is an error.
type Failure struct {
	EDE      uint16          // INFO-CODE of RFC 8914 section 4 that describes it
	Upstream []dns.EDNS0_EDE // the extended errors an upstream's SERVFAIL carried, at most maxEDE
	Bogus    bool            // the SERVFAIL says that validation failed
	Cause    string          // for logs: who did what
	Text     string          // for the client, as EXTRA-TEXT; may be empty
}

// Error is the cause.
func (f *Failure) Error() string {
	return f.Cause
}

// refused is the Failure a response's RCODE stands for, nil where it may
// answer the question.
func refused(rcode int, upstream []dns.EDNS0_EDE) *Failure {
	switch rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
		return nil
	}
	f := &Failure{EDE: dns.ExtendedErrorCodeNoReachableAuthority, Cause: rcodeText(rcode)}
	if rcode == dns.RcodeServerFailure {
		f.Upstream = upstream
		f.Bogus = slices.ContainsFunc(upstream, isBogus)
	}
	return f
}

// rcodeText is the RCODE's name.
func rcodeText(rcode int) string {
	if text, ok := dns.RcodeToString[rcode]; ok {
		return text
	}
	return "unknown RCODE"
}

// isBogus reports whether an extended error says that validation failed:
// RFC 8914 sections 4.6 to 4.13.
func isBogus(e dns.EDNS0_EDE) bool {
	return dns.ExtendedErrorCodeDNSSECIndeterminate <= e.InfoCode && e.InfoCode <= dns.ExtendedErrorCodeNSECMissing
}

// extendedErrors are those of the response's OPT, bounded in number and
// length, their text made valid UTF-8.
func extendedErrors(m *dns.Msg) []dns.EDNS0_EDE {
	opt := m.IsEdns0()
	if opt == nil {
		return nil
	}
	var found []dns.EDNS0_EDE
	for _, option := range opt.Option {
		if e, ok := option.(*dns.EDNS0_EDE); ok && len(found) < maxEDE {
			text := e.ExtraText[:min(len(e.ExtraText), maxEDETextBytes)]
			found = append(found, dns.EDNS0_EDE{InfoCode: e.InfoCode, ExtraText: strings.ToValidUTF8(text, "")})
		}
	}
	return found
}

// asFailure gives any error of a try its extended error; nil stays nil.
func asFailure(err error) *Failure {
	var failure *Failure
	var op *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return failure
	case errors.As(err, &op): // its own text repeats both addresses
		return &Failure{EDE: dns.ExtendedErrorCodeNetworkError, Cause: op.Net + ": " + op.Err.Error()}
	case IsNetworkError(err):
		return &Failure{EDE: dns.ExtendedErrorCodeNetworkError, Cause: "connection closed: " + err.Error()}
	}
	return &Failure{EDE: dns.ExtendedErrorCodeNoReachableAuthority, Cause: err.Error()}
}

// IsNetworkError reports whether err comes from the socket and not from what
// was read.
func IsNetworkError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// IsOurs reports whether a network error is this machine's want of descriptors,
// ports or memory: no server is to blame for it.
func IsOurs(err error) bool {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL, syscall.EAGAIN, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

// graver is the failure that tells the client more, the later of equals.
func graver(earlier, later *Failure) *Failure {
	if later.gravity() < earlier.gravity() {
		return earlier
	}
	return later
}

// gravity orders failures: that data is bogus, an upstream's own words, a
// wrong chain, silence, a dead socket.
func (f *Failure) gravity() int {
	switch {
	case f.Bogus:
		return 4
	case len(f.Upstream) > 0:
		return 3
	case f.EDE == dns.ExtendedErrorCodeOther:
		return 2
	case f.EDE == dns.ExtendedErrorCodeNoReachableAuthority:
		return 1
	}
	return 0
}
