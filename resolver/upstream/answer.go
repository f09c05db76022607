package upstream

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// Answer is an upstream's response after scrubbing: only what belongs to the
// question.
type Answer struct {
	// Message is the response as a message of at most 65,535 octets: the
	// question in lower case, an answer and an authority section, nothing more. Of
	// its header only RCODE (NOERROR, NXDOMAIN or YXDOMAIN), AD (as trustworthy as
	// the way to the upstream) and the counts mean anything.
	//
	// The answer section holds CNAMEs and DNAMEs from QNAME on in the order of the
	// chain, then the final RRset; each RRset is followed by its RRSIGs, which are
	// there with DO only (or when QTYPE asks for them). The authority section holds
	// the SOA of a negative response and, with DO, the signed NSEC and NSEC3 records
	// of any; never NS records. Owner names are in lower case, the TTLs within an
	// RRset are equal, RDATA is well-formed, and no name goes through octets of a
	// header or a TTL: both may be changed.
	Message []byte
	EDE     []dns.EDNS0_EDE // extended errors (RFC 8914) of the upstream or about validation, at most maxEDE
	Servers *Servers        // of the zones that the answer comes from; nil: not known
}

// With is the answer with another message for q, of which Pack says what it takes
// of m. The error is a *Failure.
func (a Answer) With(q Question, m *dns.Msg) (Answer, error) {
	message, err := Pack(q, m)
	if err != nil {
		return Answer{}, &Failure{EDE: dns.ExtendedErrorCodeOther, Cause: err.Error()}
	}
	a.Message = message
	return a, nil
}

// Servers are name servers of zones.
type Servers struct {
	Names     [][]byte // canonical wire format
	Addresses []netip.Addr
}

// Read judges a response packet that fits the question. Where the response
// stands as it is to be kept, the Answer borrows the packet; otherwise it is
// packed anew. rcode is the response's, -1 if it cannot be read. Read never
// panics: the library that unpacks is fed by strangers.
func Read(q Question, packet []byte) (answer Answer, rcode int, err error) {
	rcode = -1
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if answer, ok := plain(q, packet); ok {
		return answer, int(packet[3] & maskRcode), nil
	}
	m, err := exchange.Parse(packet)
	if err != nil {
		return Answer{}, rcode, err
	}
	if m.Truncated {
		return Answer{}, m.Rcode, errTruncated
	}
	answer, err = repack(q, m)
	return answer, m.Rcode, err
}

// errTruncated is a response that does not hold all of the answer: nothing of
// it is used.
var errTruncated = errors.New("truncated")

// repack is the general way from a response to an answer: what is kept of its
// records is packed anew. The error is a *Failure.
func repack(q Question, m *dns.Msg) (Answer, error) {
	kept, err := scrub(q, m)
	if err != nil {
		return Answer{}, err
	}
	return Answer{EDE: kept.EDE}.With(q, kept.message())
}

// errTooLong is an answer that no message holds: its upstream compressed names
// that must not be (RFC 3597 section 4).
var errTooLong = errors.New("the answer does not fit a message")

// message is what is kept, as Pack takes it.
func (s *scrubbed) message() *dns.Msg {
	m := new(dns.Msg)
	m.Rcode, m.AuthenticatedData = s.Rcode, s.AuthenticData
	m.Answer, m.Ns = s.Records, s.Authority
	return m
}

// Pack makes the Message of an Answer to q: of RCODE, AD, answer and authority
// section of m, whose other parts it sets.
func Pack(q Question, m *dns.Msg) ([]byte, error) {
	qname, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		return nil, fmt.Errorf("QNAME: %v", err)
	}
	m.Response, m.RecursionAvailable, m.Compress = true, true, true
	m.Question = []dns.Question{{Name: qname, Qtype: q.Type, Qclass: dns.ClassINET}}
	message, err := m.Pack()
	if err == nil && len(message) > math.MaxUint16 {
		err = errTooLong
	}
	return message, err
}
