package resolver

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/resolver/upstream"
)

func TestLand_aPanicIsAFailureOfThatQuestion(t *testing.T) {
	w := newWorld(t, oneOrder)
	q := prepared(t, "free.test", dns.TypeA, false)
	q.Late = w
	q.parse(0)
	f, _ := w.flights.join(q.key(), q, forAnswer, nil)
	w.land(f, upstream.Answer{}, nil)
	reply := new(dns.Msg)
	if err := reply.Unpack(<-w.late); err != nil || reply.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v %v, want SERVFAIL", reply, err)
	}
	if w.Panics() != 1 {
		t.Errorf("got %d panics counted, want 1", w.Panics())
	}
}

func TestRead_aPanicIsAFailureOfThatQuery(t *testing.T) {
	w := newWorld(t, oneOrder)
	healthy := w.policy
	w.policy = nil // to look at it panics
	q := prepared(t, "blocked.test", dns.TypeA, false)
	w.Read(q)
	w.policy = healthy
	reply := new(dns.Msg)
	if err := reply.Unpack(w.Answer(q)); err != nil || reply.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v %v, want SERVFAIL", reply, err)
	}
	if w.Panics() != 1 {
		t.Errorf("got %d panics counted, want 1", w.Panics())
	}
}

// FuzzNewTruth takes the way of an upstream's response, from the packet on, and
// compares what is found among its octets with what the library reads there.
func FuzzNewTruth(f *testing.F) {
	for _, line := range []string{
		"free.test. 300 IN A 198.51.100.1", "free.test. 300 IN HTTPS 1 . alpn=h2 ipv4hint=198.51.100.1",
		"free.test. 300 IN CNAME late.test.", "test. 300 IN DNAME example.", "test. 300 IN DNAME new.test.", "free.test. 300 IN TXT a b",
		`free.test. 300 IN NAPTR 1 1 "s" "a" "b" late.test.`, "free.test. 300 IN LOC 1 N 1 E 1m", "free.test. 300 IN NSEC a.test. A TYPE1234",
		"free.test. 300 IN SVCB 1 late.test.",
	} {
		rr, err := dns.NewRR(line)
		if err != nil {
			f.Fatal(err)
		}
		m := question("free.test", rr.Header().Rrtype)
		m.Answer = []dns.RR{rr}
		raw, _ := m.Pack()
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil || len(m.Question) != 1 {
			return
		}
		for _, qtype := range []uint16{m.Question[0].Qtype, typeANY} {
			q := prepared(t, "free.test", qtype, false)
			if q.parse(0) != rcodeNoError {
				return
			}
			for _, do := range []bool{false, true} {
				packet := append(q.Packet[:len(q.Packet):len(q.Packet)], raw[min(len(raw), len(q.Packet)):]...)
				copy(packet[:headerSize], raw)
				packet[4], packet[5] = 0, 1
				a, _, err := upstream.Read(upstream.Question{Name: q.name.Wire(), Type: qtype, DO: do}, packet)
				if err == nil {
					checkTruth(t, q, a)
				}
			}
		}
	})
}

// checkTruth compares the truth of an answer with a plain reading.
func checkTruth(t *testing.T, q *Query, a upstream.Answer) {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatalf("what is to be kept cannot be read: %v: %x", err, a.Message)
	}
	truth := newTruth(q, a.Message, packEDE(a.EDE), 0)
	negative := m.Rcode != 0 || !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		return rr.Header().Rrtype == q.qtype || q.qtype == typeANY
	})
	if want := plainLifetime(m, negative); truth.negative != negative || truth.lifetime != want {
		t.Errorf("got negative %v, lifetime %v, want %v, %v of\n%v", truth.negative, truth.lifetime, negative, want, m)
	}
	var links []string
	for l := range truth.links() {
		links = append(links, fmt.Sprint(l.kind, name.Name(l.name), l.count))
		part, cut := bytes.Clone(truth.octets[:l.end]), new(dns.Msg)
		clear(part[answerCount:headerSize])
		part[answerCount+1] = byte(l.count + 1) // one more than there shall be
		if err := cut.Unpack(part); err != nil || len(cut.Answer) != l.count {
			t.Errorf("got %d records up to %d (%v), want %d", len(cut.Answer), l.end, err, l.count)
		}
	}
	if want := plainLinks(m); !slices.Equal(links, want) {
		t.Errorf("got links %q, want %q of\n%v", links, want, m)
	}
	for l := range truth.links() {
		if l.kind != linkOwner {
			continue
		}
		less, err := truth.without(q, l.name)
		if err != nil {
			t.Fatalf("without %x: %v", l.name, err)
		}
		for left := range less.links() {
			if left.kind == linkOwner && bytes.Equal(left.name, l.name) {
				t.Errorf("without %x: it is left", l.name)
			}
		}
	}
}

// plainLifetime is how long the truth of a message lives.
func plainLifetime(m *dns.Msg, negative bool) time.Duration {
	records := slices.Concat(m.Answer, m.Ns)
	limit, lives := uint32(maxTTLSeconds), !negative && len(records) > 0
	if negative {
		limit = maxNegativeTTLSeconds
	}
	for _, rr := range records {
		limit = min(limit, rr.Header().Ttl)
		if soa, ok := rr.(*dns.SOA); ok && negative {
			limit, lives = min(limit, soa.Minttl), true
		}
	}
	if !lives {
		return 0
	}
	return time.Duration(limit) * time.Second
}

// plainLinks are the links of a message as "kind name count".
func plainLinks(m *dns.Msg) (links []string) {
	add := func(kind linkKind, presentation string, count int) {
		if n := canonical(presentation); n != name.Root {
			links = append(links, fmt.Sprint(kind, n, count))
		}
	}
	isCNAME := func(rr dns.RR) bool { return rr.Header().Rrtype == typeCNAME }
	isService := func(rr dns.RR) bool { t := rr.Header().Rrtype; return t == typeSVCB || t == typeHTTPS }
	for i, rr := range m.Answer {
		signed := i + 1 // the chain's record is followed by its signatures
		for signed < len(m.Answer) && m.Answer[signed].Header().Rrtype == typeRRSIG {
			signed++
		}
		switch rr := rr.(type) {
		case *dns.CNAME:
			add(linkChain, rr.Target, signed)
		case *dns.DNAME:
			add(linkOwner, rr.Hdr.Name, i)
			if !slices.ContainsFunc(m.Answer[i:], isCNAME) {
				add(linkChain, rr.Target, signed)
			}
		case *dns.SVCB:
			add(linkService, rr.Target, slices.IndexFunc(m.Answer, isService))
		case *dns.HTTPS:
			add(linkService, rr.Target, slices.IndexFunc(m.Answer, isService))
		}
	}
	for _, rr := range m.Ns {
		add(linkAuthority, rr.Header().Name, len(m.Answer))
	}
	return links
}
