// Package exchange carries one query to one server: it packs a question, sends
// it, and tells the response from what only looks like one.
//
// It decides which packet is the response and when UDP is no longer to be
// trusted. It never decides whom to ask or how often, believes no record, keeps
// no answer, knows no orders. It may import miekg/dns and nothing of bailiff.
//
// Start reading at Network; query.go packs questions and recognises responses,
// sockets.go and tcp.go are the network of this machine, parse.go unpacks what
// came.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Question is what is asked, always in class IN.
type Question struct {
	Name []byte // canonical wire format (lower-case, uncompressed, final zero octet); only read
	Type uint16
	DO   bool // DNSSEC OK (RFC 3225): signatures and proofs are wanted
	CD   bool // checking disabled (RFC 4035 section 3.2.2)
	AD   bool // the AD bit is wanted in the response (RFC 6840 section 5.7)

	// Renew asks a Recursor not to answer with what it knows if that is about to
	// expire: the question is a prefetch.
	Renew bool
}

// Name is a name as a Question has it, nil if the text is none.
func Name(presentation string) []byte {
	var octets [255 + 1]byte // RFC 1035 section 2.3.4; the library wants room for one more
	end, err := dns.PackDomainName(dns.CanonicalName(presentation), octets[:], 0, nil, false)
	if err != nil {
		return nil
	}
	return slices.Clone(octets[:end])
}

// Form is how a question is put to a server.
type Form struct {
	EDNS      bool // with an OPT; without one the question's DO is not told
	MixedCase bool // QNAME in random spelling ("0x20")
	Iterative bool // RD clear: the server is authoritative
}

// Transport carries messages.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
)

// String is the transport's name.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	}
	return fmt.Sprintf("transport(%d)", uint8(t))
}

// ErrDoubtful is why a question leaves UDP for TCP: someone may be guessing, or
// forging fragments.
var ErrDoubtful = errors.New("responses that do not fit the query")

// Network carries a query to a server and brings the response: Sockets, or the
// scenario of a test. Its methods may be called by several goroutines at once.
type Network interface {
	// Exchange returns the first packet that Fits the query, over TCP a Misspelt
	// one too: nobody can forge that from afar, it is the server's own way. What
	// follows the question in it has not been looked at. The packet is the caller's.
	//
	// After patience without a response the error is os.ErrDeadlineExceeded; when
	// ctx ends it is ctx's; ErrDoubtful asks for TCP.
	Exchange(ctx context.Context, to netip.AddrPort, over Transport, q Query, patience time.Duration) (packet []byte, err error)
}

// RejectsEDNS reports whether the OPT may be what a server dislikes that gives
// this RCODE (RFC 6891 section 7).
func RejectsEDNS(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeBadVers
}
