package resolver

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/name"
)

// prepared is a query as a transport hands it over, ready to be asked again
// and again.
func prepared(t testing.TB, qname string, qtype uint16, edns bool) *Query {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(qname), qtype)
	if edns {
		m.SetEdns0(1232, false)
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return &Query{Packet: packet, Client: netip.MustParseAddr("192.0.2.9"), Received: time.Now(), Out: make([]byte, 0, 2048)}
}

func TestRespond_allocations(t *testing.T) {
	w := newWorld(t, everyAction+"---\nid: more\nauthority: Court\nrules: [{label: pirate, match: any-tld}, {address: 198.51.100.66}]\n",
		"free.test. 300 IN A 198.51.100.1", "alias.test. 300 IN CNAME free.test.", "held.test. 300 IN A 198.51.100.66")
	for _, qname := range []string{"free.test", "alias.test", "nothing.test", "held.test"} {
		w.ask(t, question(qname, dns.TypeA))
	}
	cases := []struct {
		name, qname string
		qtype       uint16
		edns        bool
		allowed     float64
		cause       string
	}{
		{"block, NXDOMAIN", "www.nx.test", dns.TypeA, false, 0, ""},
		{"block, NXDOMAIN with EDE", "www.nx.test", dns.TypeA, true, 0, ""},
		{"block, NODATA", "nodata.test", dns.TypeA, true, 0, ""},
		{"block, notice", "notice.test", dns.TypeA, true, 0, ""},
		{"block, refuse", "refuse.test", dns.TypeA, true, 0, ""},
		{"block, NXDOMAIN with a structured error", "www.nx.test", dns.TypeA, true, 0, ""},
		{"block, notice with a structured error", "notice.test", dns.TypeA, true, 0, ""},
		{"block, drop", "drop.test", dns.TypeA, true, 0, ""},
		{"block, any-tld", "www.pirate.co.uk", dns.TypeA, true, 2, "publicsuffix takes a string and keeps it"},
		{"block, address", "held.test", dns.TypeA, true, 3, "the iterators over addresses and over the prefixes that hold one"},
		{"hit", "free.test", dns.TypeA, true, 0, ""},
		{"hit through a CNAME", "alias.test", dns.TypeA, true, 0, ""},
		{"negative hit", "nothing.test", dns.TypeA, true, 0, ""},
		{"local zone", "localhost", dns.TypeA, true, 0, ""},
		{"RESINFO", "resolver.arpa", dns.TypeRESINFO, true, 0, ""},
		{"refused client", "free.test", dns.TypeA, true, 0, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			q := prepared(t, c.qname, c.qtype, c.edns)
			if strings.HasSuffix(c.name, "structured error") {
				q.Packet, _ = asking(c.qname, c.qtype, 1232).Pack()
			}
			if c.name == "refused client" {
				q.Client = netip.MustParseAddr("203.0.113.1")
			}
			got := testing.AllocsPerRun(100, func() { w.Respond(q) })
			if got > c.allowed {
				t.Errorf("got %v allocations, want at most %v %s", got, c.allowed, c.cause)
			}
			if q.Waits() {
				t.Errorf("the query went upstream")
			}
		})
	}
}

func BenchmarkRespond(b *testing.B) {
	w := newWorld(b, everyAction, "free.test. 300 IN A 198.51.100.1", "alias.test. 300 IN CNAME free.test.")
	w.ask(b, question("free.test", dns.TypeA))
	w.ask(b, question("alias.test", dns.TypeA))
	for _, qname := range []string{"www.nx.test", "notice.test", "free.test", "alias.test", "localhost"} {
		b.Run(qname, func(b *testing.B) {
			q := prepared(b, qname, dns.TypeA, true)
			b.ReportAllocs()
			for b.Loop() {
				w.Respond(q)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	q := prepared(b, "www.service.example.test", dns.TypeA, true)
	b.ReportAllocs()
	for b.Loop() {
		if q.parse(0) != rcodeNoError {
			b.Fatal("refused")
		}
	}
}

var sink name.Buffer

func BenchmarkReadName(b *testing.B) {
	q := prepared(b, "www.service.example.test", dns.TypeA, true)
	for b.Loop() {
		sink.Read(q.Packet, headerSize)
	}
}
