package upstream

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

// mustResolve fails the test unless q gets the honest answer.
func mustResolve(t *testing.T, f *Forwarder, q Question) Answer {
	t.Helper()
	a, err := f.Resolve(t.Context(), q)
	if err != nil {
		t.Fatalf("got failure %v, want an answer", err)
	}
	if got := unpacked(t, a).Answer; len(got) != 1 || got[0].(*dns.A).A.String() != "192.0.2.1" {
		t.Fatalf("got records %v, want 192.0.2.1", got)
	}
	return a
}

// unpacked is the message of an answer.
func unpacked(t testing.TB, a Answer) *dns.Msg {
	t.Helper()
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatal(err)
	}
	return m
}

func mustFail(t *testing.T, f *Forwarder, q Question) *Failure {
	t.Helper()
	a, err := f.Resolve(t.Context(), q)
	failure, ok := err.(*Failure)
	if !ok || failure == nil {
		t.Fatalf("got answer %+v, error %v, want a *Failure", a, err)
	}
	return failure
}

func TestResolve_ownerIsLowerCaseWhateverWasSent(t *testing.T) {
	s := startFake(t, honest, honest)
	f := newForwarder(t, Config{Servers: addrs(s), CaseRandomisation: true})
	a := mustResolve(t, f, ask(t, "a-long-name-in-mixed-case.example"))
	if got, want := unpacked(t, a).Answer[0].Header().Name, "a-long-name-in-mixed-case.example."; got != want {
		t.Errorf("got owner %s, want %s", got, want)
	}
}

func TestResolve_theRandomSpellingStaysOutOfRDATA(t *testing.T) {
	f := startFake(t, func(w dns.ResponseWriter, query *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(query)
		m.Compress = true
		qname := query.Question[0].Name
		_, parent, _ := strings.Cut(qname, ".")
		m.Answer = []dns.RR{&dns.CNAME{Hdr: dns.RR_Header{Name: qname, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: 60}, Target: "target." + parent}}
		w.WriteMsg(m)
	}, nil)
	forwarder := newForwarder(t, Config{Servers: addrs(f), CaseRandomisation: true})
	answer, err := forwarder.Resolve(t.Context(), ask(t, "www.some-long-zone-name.example"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := unpacked(t, answer).Answer[0].(*dns.CNAME).Target, "target.some-long-zone-name.example."; got != want {
		t.Errorf("got target %s, want %s", got, want)
	}
}

func TestResolve_queryCarriesWhatTheQuestionAsks(t *testing.T) {
	for _, q := range []Question{{}, {DO: true}, {CD: true}, {AD: true}, {DO: true, CD: true, AD: true}} {
		t.Run(fmt.Sprintf("DO=%v CD=%v AD=%v", q.DO, q.CD, q.AD), func(t *testing.T) {
			seen := make(chan *dns.Msg, 1)
			s := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) { seen <- m; honest(w, m) }, nil)
			q.Name, q.Type = ask(t, "www.example.com").Name, dns.TypeA
			mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), q)
			m := <-seen
			opt := m.IsEdns0()
			if opt == nil || opt.UDPSize() != 1232 || opt.Version() != 0 || opt.Do() != q.DO {
				t.Errorf("got OPT %v, want version 0, 1232 octets, DO %v", opt, q.DO)
			}
			if !m.RecursionDesired || m.CheckingDisabled != q.CD || m.AuthenticatedData != q.AD {
				t.Errorf("got RD %v CD %v AD %v, want true %v %v", m.RecursionDesired, m.CheckingDisabled, m.AuthenticatedData, q.CD, q.AD)
			}
			if m.Question[0].Name != "www.example.com." || m.Question[0].Qclass != dns.ClassINET {
				t.Errorf("got question %v", m.Question[0])
			}
		})
	}
}

func TestResolve_nextServerAfterAFailedOne(t *testing.T) {
	tests := []struct {
		name     string
		udp, tcp dns.HandlerFunc
	}{
		{"SERVFAIL", rcode(dns.RcodeServerFailure), nil},
		{"REFUSED", rcode(dns.RcodeRefused), nil},
		{"NOTAUTH", rcode(dns.RcodeNotAuth), nil},
		{"FORMERR to everything", rcode(dns.RcodeFormatError), nil},
		{"silence", silent, nil},
		{"malformed", func(w dns.ResponseWriter, m *dns.Msg) {
			packet, _ := honestReply(m).Pack()
			w.Write(packet[:len(packet)-2])
		}, nil},
		{"record without RDATA", changed(func(_, m *dns.Msg) {
			m.Answer[0] = &dns.ANY{Hdr: *m.Answer[0].Header()}
		}), nil},
		{"record whose RDATA ends early", changedPacket(func(packet []byte) []byte { // MNAME only
			return append(packet, 0xc0, headerOctets, 0, byte(dns.TypeSOA), 0, 1, 0, 0, 0, 60, 0, 1, 0)
		}), nil},
		{"fewer records than counted", changedPacket(func(packet []byte) []byte {
			packet[7] = 2
			return append(packet, 0xc0, headerOctets, 0, byte(dns.TypeA), 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1)
		}), nil},
		{"upward referral", changed(func(_, m *dns.Msg) {
			m.Answer, m.RecursionAvailable = nil, false
			m.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "ns.test."}}
		}), nil},
		{"truncated, TCP refused", changed(truncate), nil},
		{"truncated, truncated over TCP", changed(truncate), changed(truncate)},
		{"truncated, TCP closes", changed(truncate), func(w dns.ResponseWriter, _ *dns.Msg) { w.Close() }},
		{"truncated, TCP is silent", changed(truncate), silent},
		{"truncated, TCP response of another query", changed(truncate), changed(func(_, m *dns.Msg) { m.Id++ })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad, good := startFake(t, tt.udp, tt.tcp), startFake(t, honest, honest)
			f := newForwarder(t, Config{Servers: addrs(bad, good)})
			mustResolve(t, f, ask(t, "www.example.com"))
			if bad.udp.Load() == 0 || good.udp.Load() != 1 {
				t.Errorf("got %d and %d queries, want the bad server asked, then the good one once", bad.udp.Load(), good.udp.Load())
			}
		})
	}
}

// changedPacket answers with what change makes of a response whose one answer
// record has yet to be appended.
func changedPacket(change func([]byte) []byte) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		m := new(dns.Msg).SetReply(query)
		m.RecursionAvailable = true
		packet, _ := m.Pack()
		packet[7] = 1 // ANCOUNT
		w.Write(change(packet))
	}
}

func truncate(_, m *dns.Msg) { m.Truncated = true }

func TestResolve_deadPortIsNoticedAtOnce(t *testing.T) {
	good := startFake(t, honest, honest)
	f := newForwarder(t, Config{Servers: []netip.AddrPort{deadPort(t), good.addr}})
	start := time.Now()
	mustResolve(t, f, ask(t, "www.example.com"))
	if took := time.Since(start); took > minPatience {
		t.Errorf("took %v, want less than any patience: ICMP said it", took)
	}
	if got := f.Healthy(); got != 1 {
		t.Errorf("got %d healthy servers, want 1", got)
	}
}

func TestResolve_failureSaysWhy(t *testing.T) {
	withEDE := func(codes ...uint16) dns.HandlerFunc {
		return changed(func(_, m *dns.Msg) {
			m.Rcode, m.Answer = dns.RcodeServerFailure, nil
			m.SetEdns0(1232, false)
			for _, code := range codes {
				opt := m.IsEdns0()
				opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code})
			}
		})
	}
	tests := []struct {
		name     string
		udp      dns.HandlerFunc // nil: nobody listens
		ede      uint16
		upstream int
		bogus    bool
	}{
		{"nobody listens", nil, dns.ExtendedErrorCodeNetworkError, 0, false},
		{"REFUSED", rcode(dns.RcodeRefused), dns.ExtendedErrorCodeNoReachableAuthority, 0, false},
		{"SERVFAIL", rcode(dns.RcodeServerFailure), dns.ExtendedErrorCodeNoReachableAuthority, 0, false},
		{"SERVFAIL with EDE 22, 23", withEDE(22, 23), dns.ExtendedErrorCodeNoReachableAuthority, 2, false},
		{"SERVFAIL with EDE 7", withEDE(7), dns.ExtendedErrorCodeNoReachableAuthority, 1, true},
		{"SERVFAIL with six EDEs", withEDE(3, 3, 3, 3, 6, 6), dns.ExtendedErrorCodeNoReachableAuthority, maxEDE, false},
		{"truncated, TCP refused", changed(truncate), dns.ExtendedErrorCodeNetworkError, 0, false},
		{"CNAME loop", changed(func(q, m *dns.Msg) {
			m.Answer = []dns.RR{&dns.CNAME{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: q.Question[0].Name}}
		}), dns.ExtendedErrorCodeOther, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var server netip.AddrPort
			if tt.udp == nil {
				server = deadPort(t)
			} else {
				server = startFake(t, tt.udp, nil).addr
			}
			start := time.Now()
			got := mustFail(t, newForwarder(t, Config{Servers: []netip.AddrPort{server}}), ask(t, "www.example.com"))
			if got.EDE != tt.ede || len(got.Upstream) != tt.upstream || got.Bogus != tt.bogus {
				t.Errorf("got EDE %d, %d of the upstream, bogus %v; want %d, %d, %v", got.EDE, len(got.Upstream), got.Bogus, tt.ede, tt.upstream, tt.bogus)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %v, want a lone server's word to be final", took)
			}
			t.Log(got)
		})
	}
}

func TestResolve_slowServerIsHeardWhenItIsTheOnlyOne(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 3 s")
	}
	slow := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) {
		select {
		case <-time.After(3 * time.Second):
			honest(w, m)
		case <-t.Context().Done():
		}
	}, nil)
	f := newForwarder(t, Config{Servers: addrs(slow)})
	mustResolve(t, f, ask(t, "www.example.com"))
	if got := slow.udp.Load(); got > minTries {
		t.Errorf("got %d queries, want at most %d", got, minTries)
	}
	if got := f.Healthy(); got != 1 {
		t.Errorf("got %d healthy servers after the response, want 1", got)
	}
}

func TestResolve_silenceEndsAtTheDeadline(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 4.5 s")
	}
	s := startFake(t, silent, nil)
	f := newForwarder(t, Config{Servers: addrs(s)})
	start := time.Now()
	got := mustFail(t, f, ask(t, "www.example.com"))
	if took := time.Since(start); took < questionDeadline || took > questionDeadline+300*time.Millisecond {
		t.Errorf("took %v, want %v", took, questionDeadline)
	}
	if got.EDE != dns.ExtendedErrorCodeNoReachableAuthority {
		t.Errorf("got EDE %d, want 22", got.EDE)
	}
	if got := s.udp.Load(); got != minTries {
		t.Errorf("got %d queries, want %d", got, minTries)
	}
}

func TestResolve_lostPacketsAreSentAgain(t *testing.T) {
	var queries atomic.Int32
	s := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) {
		if queries.Add(1) > 2 {
			honest(w, m)
		}
	}, nil)
	mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), ask(t, "www.example.com"))
}

func TestResolve_deadServerStopsDelayingAnswers(t *testing.T) {
	dead, good := startFake(t, silent, nil), startFake(t, honest, nil)
	f := newForwarder(t, Config{Servers: addrs(dead, good)})
	mustResolve(t, f, ask(t, "first.example"))
	slow := 0
	for i := range 100 {
		start := time.Now()
		mustResolve(t, f, ask(t, fmt.Sprintf("n%d.example", i)))
		if time.Since(start) > 50*time.Millisecond {
			slow++
		}
	}
	if slow > 5 { // one expected, by exploration
		t.Errorf("got %d slow answers of 100, want next to none", slow)
	}
}

func TestResolve_cancelledContextEndsIt(t *testing.T) {
	s := startFake(t, silent, nil)
	f := newForwarder(t, Config{Servers: addrs(s)})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := f.Resolve(ctx, ask(t, "www.example.com"))
	if took := time.Since(start); err == nil || took > minPatience {
		t.Errorf("got %v after %v, want a failure at once", err, took)
	}
}

func TestResolve_leavesNoGoroutineBehind(t *testing.T) {
	before := goleak.IgnoreCurrent()
	dead, good := startFake(t, silent, silent), startFake(t, honest, nil)
	running := goleak.IgnoreCurrent()
	f := New(Config{Servers: addrs(dead, good)})
	for i := range 3 {
		mustResolve(t, f, ask(t, fmt.Sprintf("n%d.example", i)))
		goleak.VerifyNone(t, running, before, goleak.IgnoreAnyFunction("github.com/miekg/dns.(*Server).serveDNS"),
			goleak.IgnoreAnyFunction("bailiff/resolver/exchange.(*udpSockets).start.func1")) // the sockets' own, until Close
	}
	f.Close()
}

func TestClose_waitsAndMayBeRepeated(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	s := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) { close(asked); <-answer; honest(w, m) }, nil)
	f := New(Config{Servers: addrs(s)})
	var resolved error
	var wg sync.WaitGroup
	wg.Go(func() { _, resolved = f.Resolve(t.Context(), ask(t, "www.example.com")) })
	<-asked
	time.AfterFunc(50*time.Millisecond, func() { close(answer) })
	f.Close()
	f.Close()
	wg.Wait()
	if resolved != nil {
		t.Errorf("got %v, want the question under way answered", resolved)
	}
	mustFail(t, f, ask(t, "www.example.com"))
}

func TestResolve_noServersIsAFailure(t *testing.T) {
	if got := mustFail(t, newForwarder(t, Config{}), ask(t, "www.example.com")); got.EDE != dns.ExtendedErrorCodeNetworkError {
		t.Errorf("got %+v, want EDE 23", got)
	}
}

func TestResolve_observesEveryExchange(t *testing.T) {
	bad, good := startFake(t, rcode(dns.RcodeRefused), nil), startFake(t, changed(truncate), honest)
	var mu sync.Mutex
	var got []string
	f := newForwarder(t, Config{Servers: append(addrs(bad, good), deadPort(t)), Observe: func(e Exchange) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprint(e.To == bad.addr, e.To == good.addr, e.Rcode))
	}})
	mustResolve(t, f, ask(t, "www.example.com"))
	if want := []string{"true false 5", "false true 0", "false true 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolve_failureIsTypedNotNil(t *testing.T) {
	s := startFake(t, honest, nil)
	f := newForwarder(t, Config{Servers: addrs(s)})
	_, err := f.Resolve(t.Context(), ask(t, "www.example.com"))
	var failure *Failure
	if err != nil || errors.As(err, &failure) {
		t.Errorf("got %#v, want a plain nil", err)
	}
}
