package resolver

import (
	"context"
	"crypto"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/resolver/exchange"
	"bailiff/resolver/recurse"
)

// authorities are the servers of three zones: the root, signed, with the names
// signed. and bogus. in it; test., unsigned; and hosted.test. on other servers.
type authorities struct {
	t       testing.TB
	asked   atomic.Int64
	down    atomic.Bool // all are silent
	forging atomic.Bool // the root's signatures are those of another
	records map[string][]dns.RR
	key     *dns.DNSKEY
	private crypto.Signer
}

// Exchange is exchange.Network.
func (a *authorities) Exchange(_ context.Context, to netip.AddrPort, _ exchange.Transport, q exchange.Query, _ time.Duration) ([]byte, error) {
	a.asked.Add(1)
	if a.down.Load() {
		return nil, os.ErrDeadlineExceeded
	}
	m := new(dns.Msg)
	if err := m.Unpack(q.Message()); err != nil {
		return nil, err
	}
	switch owner := dns.CanonicalName(m.Question[0].Name); {
	case to.Addr() == netip.MustParseAddr("198.51.100.1"):
		return a.root(m).Pack()
	case to.Addr() == netip.MustParseAddr("198.51.100.2") && dns.IsSubDomain("hosted.test.", owner):
		referral := new(dns.Msg).SetReply(m)
		referral.Ns = a.parse("hosted.test. 300 IN NS a.ns.pirates.test.")
		referral.Extra = a.parse("a.ns.pirates.test. 300 IN A 198.51.100.53")
		return referral.Pack()
	}
	answer := respond(a.records, m)
	answer.Authoritative, answer.RecursionAvailable = true, false
	if to.Addr() != netip.MustParseAddr("198.51.100.53") { // a chain ends where another zone begins
		answer.Answer = slices.DeleteFunc(answer.Answer, func(rr dns.RR) bool { return dns.IsSubDomain("hosted.test.", rr.Header().Name) })
	}
	return answer.Pack()
}

// root answers for the root zone.
func (a *authorities) root(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	switch owner := dns.CanonicalName(q.Question[0].Name); {
	case dns.IsSubDomain("test.", owner):
		m.Authoritative = q.Question[0].Qtype == dns.TypeDS
		m.Ns = append(a.parse("test. 300 IN NS ns.test."), a.sign("test. 300 IN NSEC zone. NS RRSIG NSEC")...)
		m.Extra = a.parse("ns.test. 300 IN A 198.51.100.2")
	case q.Question[0].Qtype == dns.TypeDNSKEY:
		m.Answer = a.sign(a.key.String())
	case q.Question[0].Qtype == dns.TypeNS:
		m.Answer, m.Extra = a.sign(". 300 IN NS ns.root.test."), a.parse("ns.root.test. 300 IN A 198.51.100.1")
	case owner == "signed.":
		m.Answer = a.sign("signed. 60 IN A 198.51.100.9")
	default:
		m.Rcode = dns.RcodeRefused
	}
	return m
}

func (a *authorities) parse(line string) []dns.RR {
	rr, err := dns.NewRR(line)
	if err != nil {
		a.t.Error(err)
	}
	return []dns.RR{rr}
}

// sign is a record with its signature.
func (a *authorities) sign(line string) []dns.RR {
	set := a.parse(line)
	now := time.Now().Unix()
	sig := &dns.RRSIG{Algorithm: a.key.Algorithm, KeyTag: a.key.KeyTag(), SignerName: ".", Inception: uint32(now - 86400), Expiration: uint32(now + 86400)}
	sig.Hdr.Ttl = set[0].Header().Ttl
	if err := sig.Sign(a.private, set); err != nil {
		a.t.Error(err)
	}
	if a.forging.Load() && set[0].Header().Rrtype == dns.TypeA {
		set[0].(*dns.A).A[3] = 66
	}
	return append(set, sig)
}

// newRecursive is newWorld with a Recursor among these servers.
func newRecursive(t testing.TB, orders string, records ...string) (*world, *authorities) {
	t.Helper()
	a := &authorities{t: t, records: map[string][]dns.RR{}}
	a.key = &dns.DNSKEY{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := a.key.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	a.private = private.(crypto.Signer)
	for _, line := range records {
		rr := a.parse(line)
		a.records[rr[0].Header().Name] = append(a.records[rr[0].Header().Name], rr...)
	}
	w := &world{store: policy.NewStore(), late: make(chan []byte, 100)}
	w.reload(t, orders)
	w.Resolver = New(Config{
		Policy: w.store, Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, CacheBytes: 1 << 20, Stale: time.Hour, Now: w.clock,
		Recursor: recurse.New(recurse.Config{
			Network: a, Hints: []recurse.Hint{{Name: "ns.root.test.", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.1")}}},
			Anchors: func() []dns.RR { return []dns.RR{a.key} }, IPv4: true, CacheBytes: 1 << 20, Now: w.clock,
			WantServers: func() bool { return w.store.Load().HoldsServers() },
		}),
	})
	t.Cleanup(w.Close)
	return w, a
}

func TestRecursion_everyTriggerDecidesOnWhatIsKnown(t *testing.T) {
	for _, tr := range triggerCases {
		w, a := newRecursive(t, noOrder, triggerZone...)
		w.ask(t, question(tr.qname, tr.qtype))
		truth := a.asked.Load()
		for _, phase := range phases {
			t.Run(tr.name+", "+phase, func(t *testing.T) {
				text := "id: o\nauthority: Court\nrules: [" + tr.rule + "]\n"
				w, a := newRecursive(t, noOrder, triggerZone...)
				got := w.askWhen(t, phase, text, question(tr.qname, tr.qtype))
				checkAnswer(t, got, order.ActionNXDOMAIN, tr.qtype, tr.soaOwner, tr.chain)
				if errors := errorsOf(got); !slices.Equal(errors, []string{"16 o: Court"}) {
					t.Errorf("got EDE %q, want that of the order", errors)
				}
				allowed := truth
				if phase == "order comes later" && strings.Contains(tr.rule, "nameserver") {
					allowed += 6 // nobody asked for the delegation when the answer was learnt
				}
				if asked := a.asked.Load(); asked > allowed {
					t.Errorf("got %d queries, want at most %d", asked, allowed)
				}
			})
		}
	}
}

func TestRecursion_ordersByNameHoldWithTheNetworkDead(t *testing.T) {
	w, a := newRecursive(t, everyAction)
	a.down.Store(true)
	for qname, rcode := range map[string]int{"www.nx.test": dns.RcodeNameError, "nodata.test": dns.RcodeSuccess, "notice.test": dns.RcodeSuccess, "refuse.test": dns.RcodeRefused} {
		if got := w.ask(t, question(qname, dns.TypeA)); got.Rcode != rcode || len(errorsOf(got)) == 0 {
			t.Errorf("%s: got %v, want %s and the reason", qname, got, dns.RcodeToString[rcode])
		}
	}
	if n := a.asked.Load(); n != 0 {
		t.Errorf("got %d queries, want none", n)
	}
	if got := w.ask(t, question("free.test", dns.TypeA)); got.Rcode != dns.RcodeServerFailure || len(errorsOf(got)) == 0 {
		t.Errorf("got %v, want SERVFAIL and the reason", got)
	}
}

func TestRecursion_bits(t *testing.T) {
	for _, test := range []struct {
		name       string
		do, ad, cd bool
		wantAD     bool
		signatures int
	}{
		{"none", false, false, false, false, 0},
		{"AD", false, true, false, true, 0},
		{"DO", true, false, false, true, 1},
		{"CD", false, true, true, false, 0},
		{"DO and CD", true, false, true, false, 1},
	} {
		w, _ := newRecursive(t, noOrder)
		for _, when := range []string{"fresh", "cached"} {
			m := question("signed", dns.TypeA)
			m.AuthenticatedData, m.CheckingDisabled = test.ad, test.cd
			if test.do {
				m.IsEdns0().SetDo()
			}
			got := w.ask(t, m)
			if got.Rcode != 0 || got.AuthenticatedData != test.wantAD || got.CheckingDisabled != test.cd || got.Authoritative || len(got.Answer) != 1+test.signatures {
				t.Errorf("%s, %s: got %v, want ad=%v cd=%v and %d signatures", test.name, when, got, test.wantAD, test.cd, test.signatures)
			}
		}
	}
}

func TestRecursion_bogusIsToldAndNeverStale(t *testing.T) {
	w, a := newRecursive(t, noOrder)
	if got := w.ask(t, question("signed", dns.TypeA)); got.Rcode != 0 {
		t.Fatalf("got %v, want the answer", got)
	}
	a.forging.Store(true)
	w.age(2 * time.Minute)
	for _, when := range []string{"fresh", "remembered"} {
		got := w.ask(t, question("signed", dns.TypeA))
		if errors := errorsOf(got); got.Rcode != dns.RcodeServerFailure || len(errors) == 0 || !strings.HasPrefix(errors[0], "6 ") {
			t.Errorf("%s: got %v, want SERVFAIL with EDE 6", when, got)
		}
	}
	m := question("signed", dns.TypeA)
	m.CheckingDisabled = true
	if got := w.ask(t, m); got.Rcode != 0 || got.AuthenticatedData || len(got.Answer) != 1 {
		t.Errorf("with CD: got %v, want what came", got)
	}
	if got := w.ask(t, question("signed", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("after a question with CD: got %v, want SERVFAIL", got)
	}
}

func TestRecursion_staleWhereServersAreSilent(t *testing.T) {
	w, a := newRecursive(t, noOrder, triggerZone...)
	w.ask(t, question("pirate.test", dns.TypeA))
	a.down.Store(true)
	w.age(10 * time.Minute)
	if got := w.ask(t, question("pirate.test", dns.TypeA)); got.Rcode != 0 || len(got.Answer) != 1 || got.Answer[0].Header().Ttl > 30 {
		t.Errorf("got %v, want the stale answer for 30 s at most", got)
	}
	w.reload(t, "id: o\nauthority: Court\nblock: [pirate.test]\n")
	if got := w.ask(t, question("pirate.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %v, want what the order says", got)
	}
}

func TestRecursion_failuresNameTheReasonAndNoAddress(t *testing.T) {
	w, a := newRecursive(t, noOrder, triggerZone...)
	a.down.Store(true)
	got := errorsOf(w.ask(t, question("www.hosted.test", dns.TypeA)))
	if want := fmt.Sprintf("%d no response from the servers of .", dns.ExtendedErrorCodeNoReachableAuthority); len(got) == 0 || got[0] != want {
		t.Errorf("got EDE %q, want %q", got, want)
	}
}
