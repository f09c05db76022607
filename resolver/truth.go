package resolver

import (
	"encoding/binary"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/name"
)

// Bounds on how long the truth is kept (RFC 8767 section 4 has both).
const (
	maxTTLSeconds         = 86400 // one day: no zone's mistake lasts longer here
	maxNegativeTTLSeconds = 3600  // RFC 2308 section 5 has one to three hours
)

// truth is a response from upstream, packed as it will be sent: the question
// in canonical spelling, no OPT. It never holds a verdict. Immutable but for
// its atomics, shared by all that read it. Its octets are in one piece without
// pointers: a million of them are little work for the garbage collector.
type truth struct {
	octets         []byte // the message, its extended errors, its links
	errors, linked uint32 // where the errors and the links start
	variant        byte   // of the question, see Query.variant
	negative       bool
	prefetch       atomic.Bool   // a refresh has been started
	stored         time.Duration // on the resolver's clock
	lifetime       time.Duration // smallest TTL; 0: only for those who wait for it
	clean          atomic.Uint64 // the generation in which no order held any of its names
	servers        atomic.Pointer[servers]
}

// message is the response.
func (t *truth) message() []byte { return t.octets[:t.errors] }

// ede is the upstream's own extended errors, as packed EDNS options.
func (t *truth) ede() []byte { return t.octets[t.errors:t.linked] }

// newTruth makes the truth of an upstream's message for the question in q, and
// of its extended errors. The message's TTLs are changed; nothing is kept.
func newTruth(q *Query, message, ede []byte, now time.Duration) *truth {
	records := headerSize + len(q.name.Wire()) + 4 // where they start
	t := &truth{variant: q.variant(), negative: negative(message, records, q.qtype), stored: now}
	t.lifetime = capTTLs(message, records, t.negative)
	var usual [512]byte // more than most need
	links := appendLinks(usual[:0], message, records)
	t.octets = slices.Concat(message, ede, links)
	t.errors = uint32(len(message))
	t.linked = t.errors + uint32(len(ede))
	return t
}

// record is where a record of a message stands: offsets of its owner, its TYPE
// and the next record.
type record struct{ owner, fixed, end int }

// fixedRecord is the size of a record between its owner and its RDATA: TYPE,
// CLASS, TTL and RDLENGTH.
const fixedRecord = 10

// recordAt reads the record that starts at an offset of a truth's message, or of
// a reply made of one.
func recordAt(message []byte, at int) record {
	fixed := skipName(message, at)
	return record{at, fixed, fixed + fixedRecord + int(binary.BigEndian.Uint16(message[fixed+8:]))}
}

func (r record) rrtype(message []byte) uint16 { return binary.BigEndian.Uint16(message[r.fixed:]) }

func (r record) ttl(message []byte) []byte { return message[r.fixed+4:][:4] }

func (r record) rdata(message []byte) []byte { return message[r.fixed+fixedRecord : r.end] }

// negative reports an NXDOMAIN or NODATA response to a question of qtype (RFC
// 2308 section 2), whose records start at an offset.
func negative(message []byte, at int, qtype uint16) bool {
	if message[3]&0xf != rcodeNoError {
		return true
	}
	for range binary.BigEndian.Uint16(message[answerCount:]) {
		r := recordAt(message, at)
		if qtype == typeANY || r.rrtype(message) == qtype {
			return false
		}
		at = r.end
	}
	return true
}

// capTTLs caps the TTLs of the records from at on, in place, and returns the
// smallest. A negative answer lives as long as its SOA says (RFC 2308 section
// 5), and without one not at all.
func capTTLs(message []byte, at int, negative bool) time.Duration {
	limit, lives := uint32(maxTTLSeconds), !negative && at < len(message)
	if negative {
		limit = maxNegativeTTLSeconds
	}
	smallest := limit
	for at < len(message) {
		r := recordAt(message, at)
		ttl := min(limit, binary.BigEndian.Uint32(r.ttl(message)))
		if negative && r.rrtype(message) == typeSOA {
			ttl, lives = min(ttl, binary.BigEndian.Uint32(message[r.end-4:])), true // MINIMUM
		}
		binary.BigEndian.PutUint32(r.ttl(message), ttl)
		smallest = min(smallest, ttl)
		at = r.end
	}
	if !lives {
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

// without is the truth for q less the records that the name owns.
func (t *truth) without(q *Query, owner []byte) (*truth, error) {
	m := new(dns.Msg)
	if err := m.Unpack(t.message()); err != nil {
		return nil, err
	}
	owned := func(rr dns.RR) bool { return canonical(rr.Header().Name) == name.Name(owner) }
	m.Answer, m.Ns = slices.DeleteFunc(m.Answer, owned), slices.DeleteFunc(m.Ns, owned)
	m.Compress = true
	message, err := m.Pack()
	if err != nil {
		return nil, err
	}
	less := newTruth(q, message, t.ede(), t.stored)
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
	return t.lifetime >= worthwhile && t.expires()-now <= t.lifetime/10
}

// size is about what the truth takes in memory, in octets.
func (t *truth) size() int {
	const overhead = 160 // the struct, and what the cache keeps beside it
	return overhead + cap(t.octets)
}
