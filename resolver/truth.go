package resolver

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/resolver/upstream"
)

// Bounds on how long the truth is kept (RFC 8767 section 4 has both).
const (
	maxTTLSeconds         = 86400 // one day: no zone's mistake lasts longer here
	maxNegativeTTLSeconds = 3600  // RFC 2308 section 5 has one to three hours
)

// truth is a response from upstream, packed as it will be sent: the question
// in canonical spelling, no OPT. It never holds a verdict. Immutable but for
// its atomics, shared by all that read it.
type truth struct {
	key      string // see Query.key
	message  []byte
	ttls     []uint16 // offsets of the TTL fields in message
	links    []link
	ede      []byte // the upstream's own extended errors, as packed EDNS options
	negative bool
	stored   time.Duration // on the resolver's clock
	lifetime time.Duration // smallest TTL; 0: only for those who wait for it

	clean    atomic.Uint64 // the generation in which no order held any of its names
	prefetch atomic.Bool   // a refresh has been started
	servers  atomic.Pointer[servers]
}

// linkKind says what an order on a link's name does to the response.
type linkKind uint8

const (
	linkChain     linkKind = iota // target of a CNAME, or of a DNAME that was asked for: the order answers for it
	linkOwner                     // of a DNAME, above the name it stands for: the record is withheld
	linkService                   // SVCB or HTTPS target: these records are withheld
	linkAuthority                 // owner in the authority section: the section is withheld
)

// link is a name beside QNAME in the response, subject to name rules.
type link struct {
	name  []byte // canonical wire format
	kind  linkKind
	end   int // offset in message up to which records stand if an order holds the name
	count int // how many answer records those are
}

// fixed is the size of a record between its owner and its RDATA.
const fixedRecord = 10

// errUnfit is an answer that no message holds.
var errUnfit = errors.New("the answer does not fit a message")

// newTruth packs an upstream's answer for the question in q. It fails only if
// the answer does not fit a message.
func newTruth(q *Query, a upstream.Answer, now time.Duration) (*truth, error) {
	m := new(dns.Msg)
	m.Response, m.RecursionAvailable, m.Compress = true, true, true
	m.Rcode, m.AuthenticatedData = a.Rcode, a.AuthenticData
	qname, _, err := dns.UnpackDomainName(q.name.Wire(), 0)
	if err != nil {
		return nil, err
	}
	m.Question = []dns.Question{{Name: qname, Qtype: q.qtype, Qclass: dns.ClassINET}}
	m.Answer, m.Ns = a.Records, a.Authority
	t := &truth{key: q.key(), stored: now, negative: negative(q, a)}
	t.lifetime = lifetime(a, t.negative)
	if t.message, err = m.Pack(); err != nil {
		return nil, err
	}
	if len(t.message) > maxTCPPayload { // the upstream compressed names that must not be (RFC 3597 section 4)
		return nil, errUnfit
	}
	t.ede = packEDE(a.EDE)
	t.index(q, a)
	return t, nil
}

// negative reports an NXDOMAIN or NODATA response (RFC 2308 section 2).
func negative(q *Query, a upstream.Answer) bool {
	if a.Rcode != dns.RcodeSuccess {
		return true
	}
	return !slices.ContainsFunc(a.Records, func(rr dns.RR) bool {
		t := rr.Header().Rrtype
		return t == q.qtype || q.qtype == typeANY
	})
}

// lifetime caps the TTLs in place and returns the smallest. A negative answer
// lives as long as its SOA says (RFC 2308 section 5), and without one not at
// all.
func lifetime(a upstream.Answer, negative bool) time.Duration {
	limit, hasSOA := uint32(maxTTLSeconds), false
	if negative {
		limit = maxNegativeTTLSeconds
	}
	smallest := limit
	for _, rr := range slices.Concat(a.Records, a.Authority) {
		h := rr.Header()
		if soa, ok := rr.(*dns.SOA); ok && negative {
			h.Ttl, hasSOA = min(h.Ttl, soa.Minttl), true
		}
		h.Ttl = min(h.Ttl, limit)
		smallest = min(smallest, h.Ttl)
	}
	if negative && !hasSOA || len(a.Records)+len(a.Authority) == 0 {
		return 0
	}
	return time.Duration(smallest) * time.Second
}

// packEDE packs the extended errors as EDNS options.
func packEDE(errors []dns.EDNS0_EDE) (options []byte) {
	for _, e := range errors {
		options = binary.BigEndian.AppendUint16(options, optionEDE)
		options = binary.BigEndian.AppendUint16(options, uint16(2+len(e.ExtraText)))
		options = binary.BigEndian.AppendUint16(options, e.InfoCode)
		options = append(options, e.ExtraText...)
	}
	return options
}

// index finds the TTL fields and the links of the packed message, whose
// records stand in the order of a.
func (t *truth) index(q *Query, a upstream.Answer) {
	at := headerSize + len(q.name.Wire()) + 4
	first, services := slices.IndexFunc(a.Records, isService), 0 // the first such record, and where it begins
	for i, rr := range slices.Concat(a.Records, a.Authority) {
		start := at
		at = skipName(t.message, at)
		t.ttls = append(t.ttls, uint16(at+4))
		at += fixedRecord + int(binary.BigEndian.Uint16(t.message[at+8:]))
		if i >= len(a.Records) {
			t.link(linkAuthority, rr.Header().Name, t.authorityStart(start), len(a.Records))
			continue
		}
		if i == first {
			services = start
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			t.link(linkChain, rr.Target, at, i+1)
		case *dns.DNAME:
			t.link(linkOwner, rr.Header().Name, start, i)
			if !slices.ContainsFunc(a.Records[i:], isCNAME) { // it is the answer itself: no CNAME follows from it
				t.link(linkChain, rr.Target, at, i+1)
			}
		case *dns.SVCB:
			t.link(linkService, rr.Target, services, first)
		case *dns.HTTPS:
			t.link(linkService, rr.Target, services, first)
		case *dns.RRSIG:
			t.extendLink(at, i+1)
		}
	}
}

func isCNAME(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME }

// isService reports whether rr is an SVCB or HTTPS record.
func isService(rr dns.RR) bool {
	t := rr.Header().Rrtype
	return t == dns.TypeSVCB || t == dns.TypeHTTPS
}

// authorityStart is where the authority section starts, given the start of one
// of its records.
func (t *truth) authorityStart(start int) int {
	if n := len(t.links); n > 0 && t.links[n-1].kind == linkAuthority {
		return t.links[n-1].end
	}
	return start
}

// link notes a name unless it is the root, which no order holds.
func (t *truth) link(kind linkKind, presentation string, end, count int) {
	if n := canonical(presentation); n != "" && n != name.Root {
		t.links = append(t.links, link{[]byte(n), kind, end, count})
	}
}

// extendLink takes the signature that follows a chain's record into its part
// of the answer.
func (t *truth) extendLink(end, count int) {
	if n := len(t.links); n > 0 && t.links[n-1].kind == linkChain && t.links[n-1].count == count-1 {
		t.links[n-1].end, t.links[n-1].count = end, count
	}
}

// without is the truth for q less the records that the name owns.
func (t *truth) without(q *Query, owner []byte) (*truth, error) {
	m := new(dns.Msg)
	if err := m.Unpack(t.message); err != nil {
		return nil, err
	}
	owned := func(rr dns.RR) bool { return canonical(rr.Header().Name) == name.Name(owner) }
	less, err := newTruth(q, upstream.Answer{
		Rcode: m.Rcode, AuthenticData: m.AuthenticatedData,
		Records: slices.DeleteFunc(m.Answer, owned), Authority: slices.DeleteFunc(m.Ns, owned),
	}, t.stored)
	if err != nil {
		return nil, err
	}
	less.ede = t.ede
	less.servers.Store(t.servers.Load())
	return less, nil
}

// expires is when the truth becomes stale, on the resolver's clock.
func (t *truth) expires() time.Duration { return t.stored + t.lifetime }

// fresh reports whether the truth is within its TTLs.
func (t *truth) fresh(now time.Duration) bool { return now < t.expires() }

// ageing reports whether a refresh is due: the last tenth of a lifetime that is
// worth one.
func (t *truth) ageing(now time.Duration) bool {
	const worthwhile = 10 * time.Second
	return t.lifetime >= worthwhile && t.expires()-now < t.lifetime/10
}

// size is about what the truth takes in memory, in octets.
func (t *truth) size() int {
	const overhead = 320 // the struct, the list element, the map's share
	links := 0
	for _, l := range t.links {
		links += 64 + len(l.name)
	}
	return overhead + len(t.key) + cap(t.message) + 2*cap(t.ttls) + links + len(t.ede)
}
