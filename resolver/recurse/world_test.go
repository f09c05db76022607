package recurse

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// world is a small Internet: authoritative servers by address, and a clock that
// silence moves on.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	servers map[netip.Addr]answerer
	asked   []asked
	now     time.Time
}

// answerer makes a server's response; nil: it is silent.
type answerer func(q *dns.Msg, over exchange.Transport) *dns.Msg

// asked is one query that was sent.
type asked struct {
	to    netip.Addr
	over  exchange.Transport
	name  string
	qtype uint16
	edns  bool
}

func newWorld(t testing.TB) *world {
	return &world{t: t, servers: map[netip.Addr]answerer{}, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

// Exchange is exchange.Network.
func (w *world) Exchange(_ context.Context, to netip.AddrPort, over exchange.Transport, q exchange.Query, patience time.Duration) ([]byte, error) {
	m := new(dns.Msg)
	if err := m.Unpack(q.Message()); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.asked = append(w.asked, asked{to.Addr(), over, strings.ToLower(m.Question[0].Name), m.Question[0].Qtype, m.IsEdns0() != nil})
	server := w.servers[to.Addr()]
	w.mu.Unlock()
	var response *dns.Msg
	if server != nil {
		response = server(m, over)
	}
	if response == nil {
		w.pass(patience)
		return nil, os.ErrDeadlineExceeded
	}
	return response.Pack()
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// questions are what was asked, as "name type", since the last call.
func (w *world) questions() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.asked {
		all = append(all, a.name+" "+dns.TypeToString[a.qtype])
	}
	w.asked = nil
	return all
}

// recursor resolves in this world. The root is at 198.51.100.1.
func (w *world) recursor(change func(*Config)) *Recursor {
	cfg := Config{
		Network: w, Hints: []Hint{{Name: "ns.root.test.", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.1")}}},
		IPv4: true, IPv6: true, CacheBytes: 16 << 20, Now: w.clock,
	}
	if change != nil {
		change(&cfg)
	}
	r := New(cfg)
	w.t.Cleanup(r.Close)
	return r
}

// resolve asks and gives RCODE and answer section, or the failure.
func resolve(t testing.TB, r *Recursor, name string, qtype uint16) string {
	t.Helper()
	a, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(name), Type: qtype})
	if err != nil {
		return fmt.Sprintf("failure %d: %v", err.(*upstream.Failure).EDE, err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatalf("the answer to %s: %v", name, err)
	}
	text := dns.RcodeToString[m.Rcode]
	for _, rr := range m.Answer {
		text += "; " + strings.Join(strings.Fields(rr.String()), " ")
	}
	return text
}

// zone serves records in zone-file form at an address, as an authoritative
// server does, delegations included.
func (w *world) zone(apex, address, text string) {
	var records []dns.RR
	p := dns.NewZoneParser(strings.NewReader("$ORIGIN "+apex+"\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n"+text), apex, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		records = append(records, rr)
	}
	if err := p.Err(); err != nil {
		w.t.Fatalf("the zone %s: %v", apex, err)
	}
	a, before := netip.MustParseAddr(address), answerer(nil)
	before = w.servers[a]
	w.servers[a] = func(q *dns.Msg, over exchange.Transport) *dns.Msg {
		name := strings.ToLower(q.Question[0].Name)
		if !within(name, apex) || name == apex && q.Question[0].Qtype == dns.TypeDS {
			if before != nil {
				return before(q, over)
			}
			return new(dns.Msg).SetRcode(q, dns.RcodeRefused)
		}
		return serve(q, apex, records)
	}
}

// serve answers from one zone (RFC 1034 section 4.3.2), without wildcards.
func serve(q *dns.Msg, apex string, records []dns.RR) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	name, qtype := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	at := func(n string, t uint16) (set []dns.RR) {
		for _, rr := range records {
			if rr.Header().Name == n && (rr.Header().Rrtype == t || t == dns.TypeANY) {
				set = append(set, rr)
			}
		}
		return set
	}
	for n := labels(apex) + 1; n <= labels(name); n++ {
		cut := suffix(name, n)
		if ns := at(cut, dns.TypeNS); len(ns) > 0 && (qtype != dns.TypeDS || cut != name) {
			m.Authoritative, m.Ns = false, ns
			for _, rr := range ns {
				m.Extra = append(append(m.Extra, at(rr.(*dns.NS).Ns, dns.TypeA)...), at(rr.(*dns.NS).Ns, dns.TypeAAAA)...)
			}
			return m
		}
	}
	if m.Answer = at(name, qtype); len(m.Answer) > 0 {
		return m
	}
	if m.Answer = at(name, dns.TypeCNAME); len(m.Answer) > 0 {
		return m
	}
	m.Ns = at(apex, dns.TypeSOA)
	if !slices.ContainsFunc(records, func(rr dns.RR) bool { return within(rr.Header().Name, name) }) {
		m.Rcode = dns.RcodeNameError
	}
	return m
}

// small is a world with a root, the zones test and example.test.
func small(t testing.TB) *world {
	w := newWorld(t)
	w.zone(".", "198.51.100.1", "@ NS ns.root.test.\nns.root.test. A 198.51.100.1\ntest. NS ns.test.\nns.test. A 198.51.100.2\n")
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nother NS ns.example\n")
	w.zone("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nwww A 192.0.2.1\nalias CNAME www\naway CNAME www.other.test.\na.b.c A 192.0.2.2\nloop CNAME pool\npool CNAME loop\n")
	w.zone("other.test.", "198.51.100.3", "@ NS ns.example.test.\nwww A 192.0.2.7\n")
	return w
}
