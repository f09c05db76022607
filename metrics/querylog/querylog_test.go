package querylog

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/resolver"
	"bailiff/resolver/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// orders are one for each trigger and each way to answer.
const orders = `
id: milan
authority: {kind: court, name: Court of Milan}
answer: {action: notice, notice: {ipv4: [192.0.2.80]}}
block: [iptv.test]
---
id: watch
authority: Police
mode: observe
block: [watched.test, iptv.test]
---
id: secret
authority: Police
publicity: hidden
rules: [{name: hidden.test}, {address: 198.51.100.99}]
---
id: others
authority: Police
publicity: hidden
clients: [203.0.113.0/24]
rules: [{name: elsewhere.test, match: exact}]
---
id: refusing
authority: Police
answer: {action: refuse}
rules: [{label: pirate, match: any-tld}]
---
id: dropping
authority: Police
answer: {action: drop}
rules: [{address: 198.51.100.64/28}]
`

// records are what the upstream knows.
var records = []string{
	"free.test. 300 IN A 198.51.100.1", "free.test. 300 IN AAAA 2001:db8::1",
	"alias.test. 300 IN CNAME free.test.", "watched.test. 300 IN A 198.51.100.2",
	"to-iptv.test. 300 IN CNAME www.iptv.test.", "held.test. 300 IN A 198.51.100.66",
	"at-secret.test. 300 IN A 198.51.100.99", "www.elsewhere.test. 300 IN A 198.51.100.3",
}

// world is a resolver with a query log.
type world struct {
	*Log
	resolver *resolver.Resolver
	late     chan struct{}
}

// newWorld starts both; close ends them.
func newWorld(t testing.TB, cfg Config) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	program := policy.Compile(order.Load([]string{file}, &problems), policy.Options{}, &problems)
	if problems.Refused() {
		t.Fatal(problems.Sorted())
	}
	law := policy.NewStore()
	law.Install(program, time.Now())
	l, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Log: l, late: make(chan struct{}, 1)}
	w.resolver = resolver.New(resolver.Config{
		Policy: law, CacheBytes: 1 << 20, Record: l.Recorder(),
		Clients:  []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		Upstream: upstream.Config{Servers: []netip.AddrPort{serveZone(t)}},
	})
	return w
}

// close ends resolver and log.
func (w *world) close() {
	w.resolver.Close()
	w.Log.Close()
}

// Reply takes late replies.
func (w *world) Reply(*resolver.Query, []byte) { w.late <- struct{}{} }

// serveZone starts an upstream with the records on loopback.
func serveZone(t testing.TB) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(answer), NotifyStartedFunc: func() { close(ready) }}
	var done sync.WaitGroup
	done.Go(func() { _ = s.ActivateAndServe() })
	<-ready
	t.Cleanup(func() { _ = s.ShutdownContext(context.Background()); done.Wait() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	for owner := dns.CanonicalName(q.Question[0].Name); owner != ""; {
		next := ""
		for _, text := range records {
			rr, _ := dns.NewRR(text)
			cname, alias := rr.(*dns.CNAME)
			switch {
			case rr.Header().Name != owner:
			case alias:
				m.Answer, next = append(m.Answer, rr), cname.Target
			case rr.Header().Rrtype == q.Question[0].Qtype:
				m.Answer = append(m.Answer, rr)
			}
		}
		owner = next
	}
	if len(m.Answer) == 0 {
		m.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(m)
}

// client asks in tests.
var client = netip.MustParseAddr("192.0.2.77")

// question is a query with EDNS options that tell on its client.
func question(t testing.TB, qname string, qtype uint16) *resolver.Query {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(qname), qtype)
	m.Id = 0xbeef
	m.SetEdns0(1232, true).IsEdns0().Option = []dns.EDNS0{
		&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 32, Address: net.IPv4(192, 0, 2, 77)},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return &resolver.Query{Packet: packet, Client: client, Received: time.Now(), Out: make([]byte, 0, 2048)}
}

// ask asks for A and waits until the query is recorded.
func (w *world) ask(t testing.TB, qnames ...string) {
	t.Helper()
	for _, qname := range qnames {
		w.put(question(t, qname, dns.TypeA))
	}
}

func (w *world) put(q *resolver.Query) {
	q.Late = w
	w.resolver.Respond(q)
	if q.Waits() {
		<-w.late
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

func TestStart_whatCannotBeWrittenIsNamedWithItsRemedy(t *testing.T) {
	folder := t.TempDir()
	for _, tt := range []struct{ name, path, want string }{
		{"no folder", folder + "/no/file", "/no/file: cannot be written (no such file or directory); check the path"},
		{"a folder", folder, ": cannot be written (is a directory); check the path"},
		{"a device", "/dev/null", "/dev/null: is not a regular file; name a file in a folder that bailiff may write to"},
	} {
		for form, cfg := range map[string]Config{"json": {JSONFile: tt.path}, "dnstap": {JSONFile: folder + "/good", DnstapFile: tt.path}} {
			t.Run(tt.name+", "+form, func(t *testing.T) {
				if _, err := Start(cfg); err == nil || !strings.HasPrefix(err.Error(), "query log: ") || !strings.HasSuffix(err.Error(), tt.want) {
					t.Errorf("got %v, want … %s", err, tt.want)
				}
			})
		}
	}
}

func TestStart_withoutAPlaceTheLogIsOff(t *testing.T) {
	l, err := Start(Config{Sample: 1})
	if l != nil || err != nil || l.Recorder() != nil || l.Stats() != nil {
		t.Errorf("got %v, %v, want a log that is off", l, err)
	}
	l.Reopen()
	l.Close()
}

func TestStart_fullAddressesAreWarnedOf(t *testing.T) {
	var text strings.Builder
	w := newWorld(t, Config{JSONFile: t.TempDir() + "/q", Clients: Full, Log: slog.New(slog.NewTextHandler(&text, nil))})
	w.close()
	if !strings.Contains(text.String(), `level=WARN msg="the query log shows the full addresses of clients"`) {
		t.Errorf("got %q", text.String())
	}
}

func TestRecord_allocatesNothing(t *testing.T) {
	w := newWorld(t, Config{JSONFile: t.TempDir() + "/q"})
	defer w.close()
	w.ask(t, "free.test")
	for _, qname := range []string{"free.test", "www.iptv.test", "hidden.test"} {
		q := question(t, qname, dns.TypeA)
		if got := testing.AllocsPerRun(100, func() { w.resolver.Respond(q) }); got > 0 {
			t.Errorf("%s: got %v allocations, want none", qname, got)
		}
	}
}

func TestRecord_ofFreeQueriesOneInSoManyIsKeptAndOfMatchesEach(t *testing.T) {
	for _, tt := range []struct {
		name              string
		cfg               Config
		leastFree, atMost uint64
	}{
		{"all", Config{}, 1000, 1000},
		{"one in ten", Config{Sample: 10}, 40, 200},
		{"matches only", Config{OnlyMatches: true, Sample: 1}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.JSONFile = t.TempDir() + "/q"
			w := newWorld(t, tt.cfg)
			for range 1000 {
				w.ask(t, "localhost")
			}
			w.ask(t, "iptv.test", "watched.test")
			w.close()
			if got := w.Stats()[0]; got.Written < tt.leastFree+2 || got.Written > tt.atMost+2 || got.Dropped > 0 {
				t.Errorf("got %+v, want %d to %d written and 2 matches, none dropped", got, tt.leastFree, tt.atMost)
			}
		})
	}
}

func TestRecord_whatTheBatchHasNoRoomForIsDroppedAndCounted(t *testing.T) {
	w := newWorld(t, Config{JSONFile: t.TempDir() + "/q"})
	for _, s := range w.shards {
		s.mu.Lock()
		s.filling.octets = s.filling.octets[:cap(s.filling.octets)-10]
		s.mu.Unlock()
	}
	w.record(question(t, "free.test", dns.TypeA), resolver.Event{}, nil)
	w.close()
	if got := w.Stats()[0]; got.Written != 0 || got.Dropped != 1 {
		t.Errorf("got %+v, want one dropped", got)
	}
}

func TestBatch_holdsABoundedNumberOfMatches(t *testing.T) {
	b := newBatch()
	q := question(t, "free.test", dns.TypeA)
	n := 0
	for b.add(q, resolver.Event{}, make([]byte, 100)) {
		n++
	}
	if n == 0 || n > maxEntries || cap(b.octets) != maxOctets || cap(b.matches) != maxMatches {
		t.Errorf("got %d entries, %d octets, %d matches: the batch grew", n, cap(b.octets), cap(b.matches))
	}
}

func BenchmarkRespond(b *testing.B) {
	for _, cfg := range []struct {
		name string
		cfg  Config
	}{
		{"off", Config{}}, {"json", Config{JSONFile: "q"}}, {"dnstap", Config{DnstapFile: "t"}},
		{"json, one in 100", Config{JSONFile: "q", Sample: 100}},
	} {
		b.Run(cfg.name, func(b *testing.B) {
			if folder := b.TempDir(); cfg.cfg.JSONFile != "" {
				cfg.cfg.JSONFile = folder + "/q"
			} else if cfg.cfg.DnstapFile != "" {
				cfg.cfg.DnstapFile = folder + "/t"
			}
			w := newWorld(b, cfg.cfg)
			defer w.close()
			w.ask(b, "free.test")
			q := question(b, "free.test", dns.TypeA)
			for b.Loop() {
				w.resolver.Respond(q)
			}
		})
	}
}

// BenchmarkEncode is what the encoder's goroutine takes for an entry.
func BenchmarkEncode(b *testing.B) {
	m := new(dns.Msg).SetQuestion("free.test.", dns.TypeA)
	query, _ := m.Pack()
	m.Response = true
	m.Answer = []dns.RR{must(dns.NewRR(records[0]))}
	reply, _ := m.Pack()
	e := entry{received: time.Now(), took: time.Millisecond, client: client, qtype: dns.TypeA, name: []byte("\x04free\x04test\x00"), query: query, reply: reply}
	var room []byte
	v := newVeil(Truncate)
	for name, encode := range map[string]func([]byte, *entry) []byte{
		"json": lines{v}.append, "dnstap": newTap("id", "v", v).append,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				room = encode(room[:0], &e)
			}
		})
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
