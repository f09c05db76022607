// Package dns64 lets clients that have IPv6 only reach servers that have IPv4
// only (RFC 6147): where a name has no IPv6 address, it makes one of the IPv4
// address and the prefix that a NAT64 translates.
//
// It is a layer over whatever resolves: it asks that for other types and names
// than it was asked for, and changes answers. It keeps nothing, validates
// nothing and knows no orders. It may import miekg/dns and package upstream.
// Start reading at Layer.Resolve; prefix.go puts addresses into addresses,
// reverse.go leads back.
package dns64

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/upstream"
)

// Layer makes IPv6 addresses where there are none. Its methods may be called by
// several goroutines at once.
type Layer struct {
	prefix netip.Prefix
	next   upstream.Resolver
}

// New returns a Layer over next. The prefix passes Check.
func New(prefix netip.Prefix, next upstream.Resolver) *Layer { return &Layer{prefix, next} }

// Close closes what is below.
func (l *Layer) Close() { l.next.Close() }

// Concerns reports whether the answer to a question may be another than that
// of what is below. A client that validates on its own (DO and CD) is left to it:
// section 5.5.
func (l *Layer) Concerns(q upstream.Question) bool {
	switch q.Type {
	case dns.TypeAAAA:
		return !q.DO || !q.CD
	case dns.TypePTR:
		_, ok := l.reversed(q.Name)
		return ok
	}
	return false
}

// Resolve answers a question. The error is an *upstream.Failure.
func (l *Layer) Resolve(ctx context.Context, q upstream.Question) (upstream.Answer, error) {
	switch {
	case !l.Concerns(q):
		return l.next.Resolve(ctx, q)
	case q.Type == dns.TypePTR:
		return l.resolvePTR(ctx, q)
	}
	return l.resolveAAAA(ctx, q)
}

// resolveAAAA asks for A where there is no AAAA record. A failure counts as
// there being none (section 5.1.2), but for data that is bogus.
func (l *Layer) resolveAAAA(ctx context.Context, q upstream.Question) (upstream.Answer, error) {
	six, err := l.next.Resolve(ctx, q)
	if f, ok := errors.AsType[*upstream.Failure](err); ok && f.Bogus {
		return six, err
	}
	var m dns.Msg
	if err == nil && settles(six, &m) {
		return six, nil
	}
	mapped := q
	mapped.Type = dns.TypeA
	four, failed := l.next.Resolve(ctx, mapped)
	switch {
	case err != nil && failed != nil:
		return six, err
	case failed != nil:
		return four, failed
	}
	answer, ok := l.synthesize(q, four, ttlLimit(m.Ns))
	switch {
	case ok:
		return answer, nil
	case err != nil:
		return six, err
	}
	return withoutAddresses(q, &m, six)
}

// settles reports whether the answer for AAAA, unpacked into m, leaves nothing to
// be made.
func settles(six upstream.Answer, m *dns.Msg) bool {
	return m.Unpack(six.Message) != nil || m.Rcode != dns.RcodeSuccess || reachable(m.Answer)
}

// excluded are the IPv6 addresses that are none: section 5.1.4.
var excluded = netip.MustParsePrefix("::ffff:0:0/96")

// reachable reports whether there is an IPv6 address that is one.
func reachable(section []dns.RR) bool {
	return slices.ContainsFunc(section, func(rr dns.RR) bool {
		aaaa, ok := rr.(*dns.AAAA)
		return ok && !excluded.Contains(netip.AddrFrom16([16]byte(aaaa.AAAA.To16())))
	})
}

// maxTTLSeconds is the TTL of what is made where the zone says no negative one:
// section 5.1.7.
const maxTTLSeconds = 600

// ttlLimit is how long it may be believed that there is no IPv6 address, in
// seconds: by then a made one must be gone.
func ttlLimit(authority []dns.RR) uint32 {
	for _, rr := range authority {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(soa.Hdr.Ttl, soa.Minttl) // RFC 2308 section 5
		}
	}
	return maxTTLSeconds
}

// synthesize makes the answer to q of the answer for A: an address of each,
// behind the same aliases. It is not ok if there is none.
func (l *Layer) synthesize(q upstream.Question, four upstream.Answer, ttlSeconds uint32) (six upstream.Answer, ok bool) {
	var m dns.Msg
	if m.Unpack(four.Message) != nil {
		return six, false
	}
	kept := m.Answer[:0]
	for _, rr := range m.Answer {
		if a, isA := rr.(*dns.A); isA {
			v4, _ := netip.AddrFromSlice(a.A.To4())
			header := dns.RR_Header{Name: a.Hdr.Name, Rrtype: dns.TypeAAAA, Class: dns.ClassINET, Ttl: min(a.Hdr.Ttl, ttlSeconds)}
			rr, ok = &dns.AAAA{Hdr: header, AAAA: Embed(l.prefix, v4).AsSlice()}, true
		}
		if !signs(rr, dns.TypeA) {
			kept = append(kept, rr)
		}
	}
	m.Answer, m.Ns, m.AuthenticatedData = kept, nil, false
	six, err := four.With(q, &m)
	return six, ok && err == nil
}

// signs reports whether a record is a signature of an RRset of that type.
func signs(rr dns.RR, rrtype uint16) bool {
	sig, ok := rr.(*dns.RRSIG)
	return ok && sig.TypeCovered == rrtype
}

// withoutAddresses is the answer for AAAA, which has no address or excluded ones
// only, without these.
func withoutAddresses(q upstream.Question, m *dns.Msg, six upstream.Answer) (upstream.Answer, error) {
	all := len(m.Answer)
	m.Answer = slices.DeleteFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeAAAA || signs(rr, dns.TypeAAAA)
	})
	if len(m.Answer) == all {
		return six, nil
	}
	m.AuthenticatedData = false
	return six.With(q, m)
}
