package recurse

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// adversary answers whatever the fuzzer says, about names that have to do with
// each other.
type adversary struct {
	script []byte
	asked  int
	now    time.Time
}

func (a *adversary) octet() int {
	if len(a.script) == 0 {
		return 0
	}
	b := a.script[0]
	a.script = a.script[1:]
	return int(b)
}

func (a *adversary) name(qname string) string {
	n := a.octet()
	switch n % 10 {
	case 0, 1, 2:
		return qname
	case 3:
		return parent(qname)
	case 4:
		return "."
	case 5:
		return "test."
	case 6:
		return "*.example.test."
	case 7:
		return "ns.example.test."
	case 8:
		return fmt.Sprintf("n%d.example.test.", n)
	}
	return fmt.Sprintf("ns%d.%s", n, qname)
}

func (a *adversary) record(qname string) dns.RR {
	owner, target := a.name(qname), a.name(qname)
	if len(owner) > 200 {
		owner = "test."
	}
	if len(target) > 200 {
		target = "test."
	}
	text := []string{
		"%s 300 A 198.51.100.1", "%s 300 NS %s", "%s 300 CNAME %s", "%s 300 DNAME %s", "%s 0 SOA %s . 1 2 3 4 5",
		"%s 300 NSEC %s A NS SOA RRSIG", "%s 300 DS 1 13 2 00", "%s 300 AAAA 2001:db8::1", "%s 300 TXT a",
		"%s 300 RRSIG A 13 2 300 20300101000000 20200101000000 1 %s AAAA", "%s 300 DNSKEY 257 3 13 AAAA",
		"%s 300 NSEC3 1 1 500 AABB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG", "%s 300 RRSIG NSEC 13 2 300 20300101000000 20200101000000 1 %s AAAA",
	}[a.octet()%13]
	rr, err := dns.NewRR(fmt.Sprintf(text+" ;%s", owner, target, target))
	if err != nil {
		return nil
	}
	return rr
}

func (a *adversary) Exchange(_ context.Context, _ netip.AddrPort, _ exchange.Transport, q exchange.Query, patience time.Duration) ([]byte, error) {
	a.asked++
	m := new(dns.Msg)
	if err := m.Unpack(q.Message()); err != nil {
		return nil, err
	}
	kind := a.octet()
	if kind == 255 {
		a.now = a.now.Add(patience)
		return nil, os.ErrDeadlineExceeded
	}
	qname := canonical(m.Question[0].Name)
	m.SetReply(m)
	m.Authoritative, m.Truncated, m.RecursionAvailable = kind&1 == 0, kind&0xf0 == 0xf0, kind&2 != 0
	m.Rcode = []int{0, 0, 0, 3, 3, 2, 5, 1}[kind>>2&7]
	for _, section := range []*[]dns.RR{&m.Answer, &m.Ns, &m.Extra} {
		for range a.octet() % 6 {
			if rr := a.record(qname); rr != nil {
				*section = append(*section, rr)
			}
		}
	}
	if m.Question[0].Name == "." && a.octet()%2 == 0 {
		m.Answer = append(m.Answer, &dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET, Ttl: 9}, Ns: "ns.root.test."})
	}
	return m.Pack()
}

// FuzzResolve: whatever servers answer, a question ends, costs no more queries
// than it may, and its answer is a message.
func FuzzResolve(f *testing.F) {
	for i := range 32 {
		script := make([]byte, 400)
		for j := range script {
			script[j] = byte((i + 1) * (j*j + 7*i) >> 3)
		}
		f.Add(script, "www.example.test.", dns.TypeA)
	}
	f.Add([]byte{}, "a.b.c.d.e.f.g.h.i.j.k.l.m.example.test.", dns.TypeDS)
	f.Fuzz(func(t *testing.T, script []byte, name string, qtype uint16) {
		if _, ok := dns.IsDomainName(name); !ok || len(name) > 250 || exchange.Name(dns.Fqdn(name)) == nil {
			return
		}
		name = canonical(name)
		a := &adversary{script: script, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		anchor, _ := dns.NewRR(". 300 DS 1 13 2 00")
		r := New(Config{
			Network: a, Hints: []Hint{{Name: "ns.root.test.", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.1")}}},
			IPv4: true, Minimise: len(script)%2 == 0, AggressiveNSEC: true, CacheBytes: 1 << 20, Now: func() time.Time { return a.now },
			Anchors: func() []dns.RR {
				if len(script)%3 == 0 {
					return nil
				}
				return []dns.RR{anchor}
			},
		})
		defer r.Close()
		for range 2 {
			a.asked = 0
			begun := time.Now()
			answer, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(name), Type: qtype, DO: true})
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("took %v, and %d queries", took, a.asked)
			}
			if a.asked > maxQueries {
				t.Errorf("got %d queries, want at most %d", a.asked, maxQueries)
			}
			if err == nil && new(dns.Msg).Unpack(answer.Message) != nil {
				t.Errorf("got %x, want a message", answer.Message)
			}
		}
	})
}
