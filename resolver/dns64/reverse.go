package dns64

import (
	"bytes"
	"context"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

var ip6ARPA = []byte("\x03ip6\x04arpa\x00")

// reversed is the IPv4 address that a name in ip6.arpa is about, in canonical
// wire format. It is not ok for any other name, one of part of an address
// included.
func (l *Layer) reversed(qname []byte) (v4 netip.Addr, ok bool) {
	nibbles, ok := bytes.CutSuffix(qname, ip6ARPA)
	if !ok || len(nibbles) != 2*32 {
		return v4, false
	}
	var six [16]byte
	for i := range 32 { // the last nibble comes first, each a label of one octet
		digit := bytes.IndexByte([]byte("0123456789abcdef"), nibbles[2*i+1])
		if nibbles[2*i] != 1 || digit < 0 {
			return v4, false
		}
		six[15-i/2] |= byte(digit) << (4 * (i % 2))
	}
	return Embedded(l.prefix, netip.AddrFrom16(six))
}

// resolvePTR leads the name of a made address to that of the IPv4 address, by a
// CNAME: section 5.3.1, its second way.
func (l *Layer) resolvePTR(ctx context.Context, q upstream.Question) (upstream.Answer, error) {
	v4, _ := l.reversed(q.Name)
	real, _ := dns.ReverseAddr(v4.String()) // errs for what is no address
	mapped := q
	mapped.Name = exchange.Name(real)
	answer, err := l.next.Resolve(ctx, mapped)
	if err != nil {
		return answer, err
	}
	var m dns.Msg
	if err := m.Unpack(answer.Message); err != nil {
		return upstream.Answer{}, &upstream.Failure{EDE: dns.ExtendedErrorCodeOther, Cause: err.Error()}
	}
	qname, _, _ := dns.UnpackDomainName(q.Name, 0) // reversed has read it
	header := dns.RR_Header{Name: qname, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: maxTTLSeconds}
	m.Answer = slices.Insert(m.Answer, 0, dns.RR(&dns.CNAME{Hdr: header, Target: real}))
	m.AuthenticatedData = false
	return answer.With(q, &m)
}
