package probing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/resolver"
	"bailiff/resolver/listen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// compile reads orders, from text or from a folder, as serve does.
func compile(t testing.TB, orders string) (*policy.Program, map[string][]order.Rule) {
	t.Helper()
	path := orders
	if strings.Contains(orders, "\n") {
		path = filepath.Join(t.TempDir(), "orders.yaml")
		if err := os.WriteFile(path, []byte(orders), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var problems problem.List
	set := order.Load([]string{path}, &problems)
	rules := map[string][]order.Rule{}
	for _, o := range set.Orders {
		rules[o.ID] = o.Rules
	}
	notice := order.Addresses{IPv4: []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("192.0.2.8")}}
	p := policy.Compile(set, policy.Options{Notice: notice}, &problems)
	if p == nil {
		t.Fatal(problems.Sorted())
	}
	return p, rules
}

// serve starts a real server with these orders; it has no upstream.
func serve(t testing.TB, orders string) (netip.AddrPort, *policy.Store) {
	t.Helper()
	law := policy.NewStore()
	program, _ := compile(t, orders)
	law.Install(program, time.Now())
	r := resolver.New(resolver.Config{Policy: law, Clients: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, CacheBytes: 1 << 20})
	s, err := listen.Listen(listen.Config{
		Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Resolver: r, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		r.Close()
	})
	return s.Addresses()[0], law
}

// probe asks a server for what these orders say.
func probe(t testing.TB, server netip.AddrPort, orders string, free ...string) *Result {
	t.Helper()
	p := newProbe(t, server, orders, free...)
	started := time.Now()
	return p.Result(started, p.Run(t.Context()))
}

func newProbe(t testing.TB, server netip.AddrPort, orders string, free ...string) *Probe {
	t.Helper()
	program, rules := compile(t, orders)
	law := policy.NewStore()
	law.Install(program, time.Now())
	c := Config{
		Server: server, Client: netip.MustParseAddr("127.0.0.1"), Law: law, Rules: rules,
		Rate: 1_000_000, Sample: 3, Timeout: 300 * time.Millisecond, Digest: func(string) string { return "42" },
	}
	for _, text := range free {
		c.Free = append(c.Free, name.MustParse(text))
	}
	return New(c)
}

// everyAction has each action, way of matching and kind of authority, an
// exception, and orders that overlap.
const everyAction = `
id: nx
authority: {kind: court, name: Court}
block: [a.example, b.a.example]
rules:
  - {name: exact.example, match: exact}
  - {name: below.example, match: below}
  - {except: free.a.example, reason: not meant}
  - {label: brand, match: any-tld}
---
id: empty
authority: {kind: operator, name: Operator}
answer: {action: nodata, ttl: 7s}
block: [c.example, x.b.a.example]
---
id: page
authority: Test
answer: {action: notice}
valid: {until: 2090-01-01T00:00:00Z}
block: [d.example]
---
id: no
authority: Test
answer: {action: refuse}
block: [e.example, a.example]
---
id: quiet
authority: Test
answer: {action: drop}
block: [f.example]
`

func TestRun_provesEveryActionMatchAndTrigger(t *testing.T) {
	server, _ := serve(t, everyAction)
	r := probe(t, server, everyAction)
	if !r.OK() || r.Rules.Proved != 12 || r.Rules.Overruled != 1 || len(r.Failures) > 0 || sum(r.Rules.NotProbed) > 0 {
		t.Errorf("got %+v, want 12 proved, one of them (a.example of no) by another order", r)
	}
	if got := r.Orders["nx"].Proved; got != 6 {
		t.Errorf("got %d proved of order nx, want 6", got)
	}
	if r.Lost != 0 {
		t.Errorf("got %d lost, want none: silence is the answer of drop", r.Lost)
	}
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

func TestRun_provesTheExamples(t *testing.T) {
	const examples = "../../../deploy/examples"
	server, _ := serve(t, examples)
	if r := probe(t, server, examples); !r.OK() || r.Rules.Proved < 30 {
		t.Errorf("got %+v, want every rule proved", r)
	}
}

func TestRun_staleOrdersFailByRule(t *testing.T) {
	const old = "id: o\nauthority: Test\nblock: [a.example]\n"
	server, _ := serve(t, old)
	for _, tt := range []struct {
		name, orders, want string
		failed             int
	}{
		{
			"a new name", "id: o\nauthority: Test\nblock: [a.example, new.example]\n",
			"new.example A udp: got SERVFAIL EDE 23 \"no upstream could be reached\": another RCODE; want nxdomain by order o; o, block (", 1,
		},
		{
			"another action", "id: o\nauthority: Test\nanswer: {action: nodata}\nblock: [a.example]\n",
			`a.example A udp: got NXDOMAIN EDE 16 "o: Test": another RCODE; want nodata by order o`, 1,
		},
		{
			"an order that was lifted", "id: o\nauthority: Test\nrules: [{name: a.example, match: exact}]\n",
			`.a.example A udp: got NXDOMAIN EDE 16 "o: Test": an order's extended error; want no order's answer; o, rule 1 (`, 1,
		},
		{
			"a name that is free now", "id: o\nauthority: Test\nblock: [z.example]\nrules: [{name: a.example}, {except: www.a.example, reason: test}]\n",
			"www.a.example A udp: got NXDOMAIN", 2,
		},
		{"another id", "id: p\nauthority: Test\nblock: [a.example]\n", "another EXTRA-TEXT; want nxdomain by order p", 1},
		{"a longer TTL", "id: o\nauthority: Test\nanswer: {ttl: 59s}\nblock: [a.example]\n", "a TTL of 60 s, over 59 s", 1},
		{"a wider rule", "id: o\nauthority: Test\nblock: [www.a.example]\n", "no SOA, or one of another owner", 1},
	} {
		r := probe(t, server, tt.orders)
		var found []string
		for _, f := range r.Failures {
			found = append(found, fmt.Sprintf("%s %s %s: got %s; want %s; %s, %s", f.Name, f.Type, f.Transport, f.Got, f.Want, f.Order, f.Rule))
		}
		if r.OK() || r.Rules.Failed != tt.failed || !strings.Contains(strings.Join(found, "\n"), tt.want) {
			t.Errorf("%s: got %d failed, %q; want %d, %s", tt.name, r.Rules.Failed, found, tt.failed, tt.want)
		}
	}
}

func TestRun_lostAnswersAreAskedForAgain(t *testing.T) {
	server, _ := serve(t, everyAction)
	r := probe(t, lossy(t, server), everyAction)
	if !r.OK() || r.Lost < 10 {
		t.Errorf("got %d lost and %+v, want many lost and nothing failed", r.Lost, r)
	}
}

// lossy passes questions on to a server and loses every second answer of each
// client over UDP, beginning with the first.
func lossy(t *testing.T, server netip.AddrPort) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().(*net.TCPAddr).AddrPort()
	in, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Skip(err) // the port is free for TCP alone
	}
	var running sync.WaitGroup
	t.Cleanup(func() { in.Close(); l.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { passOn(conn, server) })
		}
	})
	running.Go(func() {
		clients := map[netip.AddrPort]*net.UDPConn{}
		defer func() {
			for _, c := range clients {
				c.Close()
			}
		}()
		packet := make([]byte, 1500)
		for {
			n, client, err := in.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			behind := clients[client]
			if behind == nil {
				behind, _ = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server))
				clients[client] = behind
				running.Go(func() { loseHalf(behind, in, client) })
			}
			_, _ = behind.Write(packet[:n])
		}
	})
	return at
}

func passOn(conn net.Conn, server netip.AddrPort) {
	defer conn.Close()
	behind, err := net.Dial("tcp", server.String())
	if err != nil {
		return
	}
	defer behind.Close()
	go func() { _, _ = io.Copy(behind, conn); behind.Close() }()
	_, _ = io.Copy(conn, behind)
}

func loseHalf(from, to *net.UDPConn, client netip.AddrPort) {
	packet := make([]byte, 1500)
	for n := 0; ; n++ {
		size, err := from.Read(packet)
		if err != nil {
			return
		}
		if n%2 == 1 {
			_, _ = to.WriteToUDPAddrPort(packet[:size], client)
		}
	}
}

func TestRun_anAnswerWhereSilenceIsOrderedFails(t *testing.T) {
	const drops = "id: o\nauthority: Test\nanswer: {action: drop}\nblock: [a.example]\n"
	server, _ := serve(t, strings.Replace(drops, "drop", "refuse", 1))
	r := probe(t, server, drops)
	if r.Rules.Failed != 1 || len(r.Failures) != 4 || !strings.HasSuffix(r.Failures[0].Got, ": an answer") {
		t.Errorf("got %+v, want four answers too many", r)
	}
}

func TestRun_silenceWhereAnAnswerIsOrderedFails(t *testing.T) {
	const refuses = "id: o\nauthority: Test\nanswer: {action: refuse}\nblock: [a.example]\n"
	server, _ := serve(t, strings.Replace(refuses, "refuse", "drop", 1))
	r := probe(t, server, refuses)
	if r.Rules.Failed != 1 || len(r.Failures) != 4 || r.Failures[0].Got != "no answer" || r.Lost != 4*tries {
		t.Errorf("got %+v, want four without an answer after %d tries each", r, tries)
	}
}

func TestRun_freeNamesThatAnOrderAnswersForAreNamed(t *testing.T) {
	server, _ := serve(t, everyAction)
	r := probe(t, server, everyAction, "www.example.org", "below.example", "www.c.example", "d.example", "localhost")
	if r.OK() || r.Free != (Free{Passed: 3, Failed: 2}) || r.Rules.Failed != 0 {
		t.Fatalf("got %+v, want two names failed", r)
	}
	for i, want := range []string{"d.example A: NOERROR 192.0.2.", "d.example AAAA: NOERROR", "www.c.example A: NOERROR EDE 15", "www.c.example AAAA: NOERROR EDE 15"} {
		f := r.Failures[i]
		if got := fmt.Sprintf("%s %s: %s", f.Name, f.Type, f.Got); !strings.HasPrefix(got, want) || f.Order != "" || !strings.HasPrefix(f.Want, "no order's answer; the orders say: no") {
			t.Errorf("got %q by order %q, want %s…", got, f.Order, want)
		}
	}
}

func TestRun_whatIsNotProbedIsCountedByReason(t *testing.T) {
	const orders = `
id: future
authority: Test
valid: {from: 2090-01-01T00:00:00Z}
block: [a.example]
---
id: past
authority: Test
rules: [{name: b.example, until: 2020-01-01T00:00:00Z}, {name: c.example}]
---
id: watch
authority: Test
mode: observe
block: [d.example, e.example]
---
id: elsewhere
authority: Test
clients: [198.51.100.0/24]
block: [f.example]
---
id: here
authority: Test
clients: [127.0.0.0/8]
rules: [{name: g.example}, {address: 198.51.100.44}, {nameserver: ns.example}, {nameserver_address: 198.51.100.53}]
`
	server, _ := serve(t, orders)
	r := probe(t, server, orders)
	want := map[string]int{"not-in-force": 2, "observe": 2, "other-clients": 1, "address": 1, "nameserver": 1, "nameserver-address": 1}
	if !r.OK() || r.Rules.Proved != 2 || fmt.Sprint(r.Rules.NotProbed) != fmt.Sprint(want) {
		t.Errorf("got %+v, want 2 proved and %v", r.Rules, want)
	}
}

func TestRun_namesOfHiddenOrdersAreDigests(t *testing.T) {
	const orders = "id: o\nauthority: {kind: police, name: Office}\npublicity: hidden\nblock: [secret.example]\n"
	server, _ := serve(t, orders)
	if r := probe(t, server, orders); !r.OK() {
		t.Errorf("got %+v, want the rule proved", r)
	}
	r := probe(t, server, strings.Replace(orders, "secret", "secret2", 1))
	if told := fmt.Sprintf("%+v", r); r.OK() || strings.Contains(told, "secret") || r.Failures[0].Name != "digest 42" {
		t.Errorf("got %s, want a digest for the name", told)
	}
}

// TestRun_longTextsAndManyAddresses: what does not fit an answer over UDP is
// asked for over TCP, and texts that are left out are no fault.
func TestRun_longTextsAndManyAddresses(t *testing.T) {
	addresses := make([]string, 16)
	for i := range addresses {
		addresses[i] = fmt.Sprintf(`"2001:db8::%d"`, i+1)
	}
	orders := fmt.Sprintf("id: o\nauthority: %s\nanswer: {action: notice, notice: {ipv6: [%s]}}\nblock: [a.example]\n",
		strings.Repeat("é", 200), strings.Join(addresses, ", "))
	server, _ := serve(t, orders)
	if r := probe(t, server, orders); !r.OK() {
		t.Errorf("got %+v, want the rule proved", r)
	}
}

func TestRun_aShareGoesOverTCP(t *testing.T) {
	orders := "id: o\nauthority: Test\nblock: [" + many(300) + "]\n"
	server, _ := serve(t, orders)
	r := probe(t, server, orders)
	if !r.OK() || r.Queries != 1200 || r.OverTCP != 1200/tcpOneIn {
		t.Errorf("got %d queries, %d over TCP, %+v; want 1200, %d", r.Queries, r.OverTCP, r.Rules, 1200/tcpOneIn)
	}
}

func many(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%d.example", i)
	}
	return strings.Join(names, ", ")
}

func TestRun_aHundredThousandRulesTakeSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	folder := t.TempDir()
	var list bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&list, "n%d.example\n", i)
	}
	for file, text := range map[string]string{"list.txt": list.String(), "o.yaml": "id: o\nauthority: Test\nrules: [{list: list.txt, format: domains}]\n"} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, _ := serve(t, folder)
	p := newProbe(t, server, folder)
	p.Timeout = 5 * time.Second // of a machine that is busy
	started := time.Now()
	r := p.Result(started, p.Run(t.Context()))
	if !r.OK() || r.Rules.Proved != 100_000 || r.Seconds > 120 {
		t.Errorf("got %+v in %.0f s, want all proved within seconds", r.Rules, r.Seconds)
	}
}

func TestRun_keepsToTheRate(t *testing.T) {
	orders := "id: o\nauthority: Test\nblock: [" + many(50) + "]\n"
	server, _ := serve(t, orders)
	p := newProbe(t, server, orders)
	p.Rate = 400
	started := time.Now()
	if r := p.Result(started, p.Run(t.Context())); !r.OK() || r.Seconds < 0.45 {
		t.Errorf("got %d queries in %.2f s, want at most 400 a second", r.Queries, r.Seconds)
	}
}

func TestRun_anOrderThatEndsMeanwhileIsNoFailure(t *testing.T) {
	orders := "id: o\nauthority: Test\nvalid: {until: " + time.Now().Add(700*time.Millisecond).Format(time.RFC3339Nano) + "}\nblock: [" + many(100) + "]\n"
	server, law := serve(t, orders)
	late := time.AfterFunc(1500*time.Millisecond, func() { law.Advance(time.Now()) }) // as a server's clock may be
	defer late.Stop()
	p := newProbe(t, server, orders)
	p.Rate = 400 // a second in all
	started := time.Now()
	if r := p.Result(started, p.Run(t.Context())); !r.OK() {
		t.Errorf("got %+v, want no failure", r)
	}
}

func TestRun_endsWhenTheServerHasGone(t *testing.T) {
	p := newProbe(t, netip.MustParseAddrPort("127.0.0.1:1"), "id: o\nauthority: Test\nblock: ["+many(300)+"]\n")
	p.Timeout, p.silence = time.Millisecond, 50*time.Millisecond
	started := time.Now()
	err := p.Run(t.Context())
	if r := p.Result(started, err); !errors.Is(err, ErrSilent) || r.OK() || r.Ended != ErrSilent.Error() {
		t.Errorf("got %v and %+v, want the end said", err, r.Rules)
	}
}

func TestRun_keepsABoundedNumberOfFailures(t *testing.T) {
	server, _ := serve(t, "id: o\nauthority: Test\nanswer: {action: refuse}\nblock: ["+many(300)+"]\n")
	r := probe(t, server, "id: o\nauthority: Test\nblock: ["+many(300)+"]\n")
	if r.Rules.Failed != 300 || len(r.Failures) != maxFailures || r.LeftOut != 200 {
		t.Errorf("got %d failed, %d told, %d left out; want 300, %d, 200", r.Rules.Failed, len(r.Failures), r.LeftOut, maxFailures)
	}
	if !slices.IsSortedFunc(r.Failures, func(a, b Failure) int { return strings.Compare(a.Rule+" "+a.Name, b.Rule+" "+b.Name) }) {
		t.Error("the failures are not sorted")
	}
}

func TestCheck_saysWhyAProbeWouldProveNothing(t *testing.T) {
	const orders = "id: o\nauthority: Test\nblock: [a.example]\n"
	server, _ := serve(t, orders)
	if err := newProbe(t, server, orders).Check(t.Context()); err != nil {
		t.Errorf("got %v, want none", err)
	}
	dead := newProbe(t, netip.MustParseAddrPort("127.0.0.1:1"), orders)
	if err := dead.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "does not answer; ") {
		t.Errorf("got %v, want does not answer", err)
	}
	law := policy.NewStore()
	r := resolver.New(resolver.Config{Policy: law, Clients: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	defer r.Close()
	s, err := listen.Listen(listen.Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Resolver: r, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	defer func() { _ = s.Shutdown(context.Background()) }()
	stranger := newProbe(t, s.Addresses()[0], orders)
	if err := stranger.Check(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "does not serve 127.0.0.1 (EDE 18); ") {
		t.Errorf("got %v, want does not serve", err)
	}
}
