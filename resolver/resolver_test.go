package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/resolver/upstream"
)

// world is a resolver with orders in force and a fake upstream that answers
// from zone lines.
type world struct {
	*Resolver
	store *policy.Store
	asked atomic.Int64 // questions the upstream has seen
	down  atomic.Bool  // the upstream is silent
	late  chan []byte
	skew  atomic.Int64 // nanoseconds that the clock is ahead
}

// serverNotice are the server's own notice addresses.
var serverNotice = order.Addresses{IPv4: []netip.Addr{netip.MustParseAddr("192.0.2.80")}, IPv6: []netip.Addr{netip.MustParseAddr("2001:db8::80")}}

// structuredOption asks for structured errors, serverErrors is the server's
// share of them.
const structuredOption = 65400

var serverErrors = policy.StructuredErrors{
	Contact: []string{"mailto:legal@isp.example"}, Organisation: "Example ISP", Language: "en", Databases: true,
}

// newWorld serves the orders in YAML, and beyond them the records given.
func newWorld(t testing.TB, orders string, records ...string) *world {
	t.Helper()
	return newWorldWith(t, Config{}, orders, records...)
}

// newWorldWith is newWorld with zones and a NAT64.
func newWorldWith(t testing.TB, cfg Config, orders string, records ...string) *world {
	t.Helper()
	w := &world{store: policy.NewStore(), late: make(chan []byte, 100)}
	w.reload(t, orders)
	w.Resolver = New(Config{
		Policy:     w.store,
		Clients:    []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Upstream:   upstream.Config{Servers: []netip.AddrPort{w.serveZone(t, records)}, Now: time.Now},
		Zones:      cfg.Zones,
		NAT64:      cfg.NAT64,
		CacheBytes: 1 << 20,
		Stale:      time.Hour,
		Now:        w.clock,

		StructuredOption: structuredOption,
		InfoURL:          "https://isp.example/dns",
	})
	t.Cleanup(w.Close)
	return w
}

func (w *world) clock() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }

// age moves the resolver's clock forward.
func (w *world) age(d time.Duration) { w.skew.Add(int64(d)) }

// reload puts other orders in force.
func (w *world) reload(t testing.TB, orders string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(path, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	set := order.Load([]string{path}, &problems)
	program := policy.Compile(set, policy.Options{Notice: serverNotice, Structured: &serverErrors}, &problems)
	if program == nil {
		t.Fatalf("orders refused: %v", problems.Sorted())
	}
	w.store.Install(program, time.Now())
}

// serveZone starts an upstream on loopback, over UDP. Names
// without a record are NXDOMAIN, other types NODATA; CNAMEs and DNAMEs are
// followed.
func (w *world) serveZone(t testing.TB, records []string) netip.AddrPort {
	t.Helper()
	zone := map[string][]dns.RR{}
	for _, line := range records {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		zone[rr.Header().Name] = append(zone[rr.Header().Name], rr)
	}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(rw dns.ResponseWriter, q *dns.Msg) {
		w.asked.Add(1)
		if !w.down.Load() {
			_ = rw.WriteMsg(respond(zone, q))
		}
	})
	s := &dns.Server{PacketConn: conn, Handler: handler}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func respond(zone map[string][]dns.RR, q *dns.Msg) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	owner, qtype := dns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype
	for range 12 {
		next := ""
		if dname := dnameAbove(zone, owner); dname != nil {
			target := strings.TrimSuffix(owner, dname.Hdr.Name) + dname.Target
			m.Answer = append(m.Answer, dns.Copy(dname), &dns.CNAME{
				Hdr:    dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.Hdr.Ttl},
				Target: target,
			})
			owner = target
			continue
		}
		for _, rr := range zone[owner] {
			cname, alias := rr.(*dns.CNAME)
			if rr.Header().Rrtype == qtype || qtype == dns.TypeANY || alias {
				m.Answer = append(m.Answer, dns.Copy(rr))
			}
			if alias && qtype != dns.TypeCNAME {
				next = cname.Target
			}
		}
		if next == "" {
			break
		}
		owner = next
	}
	if len(zone[owner]) == 0 {
		m.Rcode = dns.RcodeNameError
	}
	if n := len(m.Answer); n == 0 || m.Answer[n-1].Header().Rrtype != qtype {
		m.Ns = append(m.Ns, soaFor(zone, owner))
	}
	return m
}

// dnameAbove is the DNAME that stands for owner, nil if there is none.
func dnameAbove(zone map[string][]dns.RR, owner string) *dns.DNAME {
	for off, end := dns.NextLabel(owner, 0); !end; off, end = dns.NextLabel(owner, off) {
		for _, rr := range zone[owner[off:]] {
			if dname, is := rr.(*dns.DNAME); is {
				return dname
			}
		}
	}
	return nil
}

// soaFor is the SOA of the closest zone that has one in the records.
func soaFor(zone map[string][]dns.RR, owner string) dns.RR {
	for off, end := 0, false; !end; off, end = dns.NextLabel(owner, off) {
		for _, rr := range zone[owner[off:]] {
			if rr.Header().Rrtype == dns.TypeSOA {
				return dns.Copy(rr)
			}
		}
	}
	soa, _ := dns.NewRR("test. 300 IN SOA ns.test. admin.test. 1 3600 600 86400 60")
	return soa
}

// ask sends one query and returns the reply, waiting for a late one; nil if
// none comes.
func (w *world) ask(t testing.TB, m *dns.Msg) *dns.Msg {
	t.Helper()
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	raw := w.askRaw(packet, netip.MustParseAddr("192.0.2.9"))
	if raw == nil {
		return nil
	}
	reply := new(dns.Msg)
	if err := reply.Unpack(raw); err != nil {
		t.Fatalf("reply %x: %v", raw, err)
	}
	return reply
}

func (w *world) askRaw(packet []byte, client netip.Addr) []byte {
	q := &Query{Packet: packet, Client: client, Transport: UDP, Received: w.clock(), Late: w, Out: make([]byte, 0, 2048)}
	reply := w.Respond(q)
	if q.Waits() {
		select {
		case reply = <-w.late:
		case <-time.After(8 * time.Second):
			panic("no late reply")
		}
	}
	return reply
}

// Reply takes the late replies.
func (w *world) Reply(_ *Query, reply []byte) { w.late <- append([]byte(nil), reply...) }

// question is a query with EDNS, as a stub resolver sends it.
func question(qname string, qtype uint16) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(dns.Fqdn(qname), qtype)
	m.SetEdns0(1232, false)
	return m
}

// errorsOf lists the extended errors of a reply as "code text".
func errorsOf(m *dns.Msg) (out []string) {
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				out = append(out, fmt.Sprintf("%d %s", e.InfoCode, e.ExtraText))
			}
		}
	}
	return out
}

// lines prints records for comparison, TTL included.
func lines(rrs []dns.RR) (out []string) {
	for _, rr := range rrs {
		out = append(out, rr.String())
	}
	return out
}
