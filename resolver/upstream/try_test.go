package upstream

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// lies sends a false reply first and the honest one 50 ms later.
func lies(change func(query, reply *dns.Msg)) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		changed(func(query, reply *dns.Msg) {
			poison(reply)
			change(query, reply)
		})(w, query)
		time.Sleep(50 * time.Millisecond)
		honest(w, query)
	}
}

func poison(m *dns.Msg) { m.Answer[0].(*dns.A).A[3] = 66 }

func TestResolve_responseThatDoesNotFitIsIgnored(t *testing.T) {
	tests := []struct {
		name string
		udp  dns.HandlerFunc
	}{
		{"wrong ID", lies(func(_, m *dns.Msg) { m.Id++ })},
		{"QR clear", lies(func(_, m *dns.Msg) { m.Response = false })},
		{"wrong opcode", lies(func(_, m *dns.Msg) { m.Opcode = dns.OpcodeNotify })},
		{"wrong QNAME", lies(func(_, m *dns.Msg) { m.Question[0].Name = "www.example.org." })},
		{"wrong QTYPE", lies(func(_, m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA })},
		{"wrong QCLASS", lies(func(_, m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS })},
		{"no question", lies(func(_, m *dns.Msg) { m.Question = nil })},
		{"two questions", lies(func(_, m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) })},
		{"the query itself", func(w dns.ResponseWriter, m *dns.Msg) { w.WriteMsg(m); honest(w, m) }},
		{"nothing", func(w dns.ResponseWriter, m *dns.Msg) { w.Write(nil); honest(w, m) }},
		{"half a header", func(w dns.ResponseWriter, m *dns.Msg) { w.Write(make([]byte, 6)); honest(w, m) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startFake(t, tt.udp, nil)
			mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), ask(t, "www.example.com"))
			if got := s.udp.Load(); got != 1 {
				t.Errorf("got %d queries, want the wait to go on after one", got)
			}
		})
	}
}

func TestResolve_nearMissesLeadToTCP(t *testing.T) {
	flood := func(w dns.ResponseWriter, query *dns.Msg) {
		for range 3 {
			changed(func(_, m *dns.Msg) { poison(m); m.Id++ })(w, query)
		}
		changed(func(_, m *dns.Msg) { poison(m) })(w, query) // the guess that hits comes too late
	}
	s := startFake(t, flood, honest)
	mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), ask(t, "www.example.com"))
	if s.tcp.Load() != 1 {
		t.Errorf("got %d queries over TCP, want 1", s.tcp.Load())
	}
}

func TestResolve_wrongSpellingIsAskedAgainOverTCP(t *testing.T) {
	s := startFake(t, changed(func(_, m *dns.Msg) { poison(m); m.Question[0].Name = flip(m.Question[0].Name) }), honest)
	f := newForwarder(t, Config{Servers: addrs(s), CaseRandomisation: true})
	for range 2 { // forged over UDP: TCP shows that the server repeats the spelling, nothing is remembered
		mustResolve(t, f, ask(t, "www.example.com"))
	}
	if s.udp.Load() != 2 || s.tcp.Load() != 2 {
		t.Errorf("got %d queries over UDP and %d over TCP, want 2 and 2", s.udp.Load(), s.tcp.Load())
	}
}

// flip changes the case of the first letter.
func flip(name string) string {
	if first := name[:1]; first == strings.ToLower(first) {
		return strings.ToUpper(first) + name[1:]
	}
	return strings.ToLower(name[:1]) + name[1:]
}

func TestResolve_serverThatDropsTheSpellingIsRemembered(t *testing.T) {
	lowers := changed(func(_, m *dns.Msg) { m.Question[0].Name = strings.ToLower(m.Question[0].Name) })
	s := startFake(t, lowers, lowers)
	now := time.Now()
	f := newForwarder(t, Config{Servers: addrs(s), CaseRandomisation: true, Now: func() time.Time { return now }})
	q := ask(t, strings.Repeat("a", 60)+".example") // all lower case by chance: 1 in 2^67
	for _, step := range []struct {
		name string
		wait time.Duration
		tcp  int32
	}{
		{"first", 0, 1},
		{"remembered", caseMemory - time.Second, 1},
		{"forgotten", time.Second, 2},
	} {
		now = now.Add(step.wait)
		mustResolve(t, f, q)
		if got := s.tcp.Load(); got != step.tcp {
			t.Errorf("%s: got %d queries over TCP, want %d", step.name, got, step.tcp)
		}
	}
}

func TestResolve_truncatedResponseIsNeverUsed(t *testing.T) {
	s := startFake(t, changed(func(_, m *dns.Msg) { poison(m); m.Truncated = true }), honest)
	mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), ask(t, "www.example.com"))
	if s.tcp.Load() != 1 {
		t.Errorf("got %d queries over TCP, want 1", s.tcp.Load())
	}
}

func TestResolve_largeUDPResponseIsFineIfWhole(t *testing.T) {
	s := startFake(t, changed(func(_, m *dns.Msg) {
		m.Extra = []dns.RR{&dns.TXT{
			Hdr: dns.RR_Header{Name: "filler.test.", Rrtype: dns.TypeTXT, Class: dns.ClassINET},
			Txt: []string{strings.Repeat("x", 250), strings.Repeat("y", 250), strings.Repeat("z", 250), strings.Repeat("u", 250), strings.Repeat("v", 250), strings.Repeat("w", 250)},
		}}
	}), nil)
	mustResolve(t, newForwarder(t, Config{Servers: addrs(s)}), ask(t, "www.example.com"))
}

func TestResolve_ednsIsLeftOutOnceWhereItIsRejected(t *testing.T) {
	tests := []struct {
		name    string
		respond func(w dns.ResponseWriter, m *dns.Msg)
		do      bool
		queries int32
		answer  bool
	}{
		{"FORMERR", rcode(dns.RcodeFormatError), false, 2, true},
		{"NOTIMP", rcode(dns.RcodeNotImplemented), false, 2, true},
		{"FORMERR of a header alone", func(w dns.ResponseWriter, m *dns.Msg) {
			bare := new(dns.Msg).SetRcodeFormatError(m)
			bare.Question = nil
			w.WriteMsg(bare)
		}, false, 2, true},
		{"BADVERS", changed(func(_, m *dns.Msg) {
			m.Answer = nil
			m.SetEdns0(1232, false)
			m.Rcode = dns.RcodeBadVers
		}), false, 2, true},
		{"FORMERR, but signatures are wanted", rcode(dns.RcodeFormatError), true, 1, false},
		{"SERVFAIL is no rejection", rcode(dns.RcodeServerFailure), false, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) {
				if m.IsEdns0() != nil {
					tt.respond(w, m)
				} else {
					honest(w, m)
				}
			}, nil)
			q := ask(t, "www.example.com")
			q.DO = tt.do
			_, err := newForwarder(t, Config{Servers: addrs(s)}).Resolve(t.Context(), q)
			if (err == nil) != tt.answer || s.udp.Load() != tt.queries {
				t.Errorf("got error %v after %d queries, want an answer: %v after %d", err, s.udp.Load(), tt.answer, tt.queries)
			}
		})
	}
}

func TestTryRun_panicIsAFailure(t *testing.T) {
	s := startFake(t, honest, nil)
	f := newForwarder(t, Config{Servers: addrs(s), Observe: func(Exchange) { panic("observer") }})
	if got := mustFail(t, f, ask(t, "www.example.com")); !strings.Contains(got.Cause, "panic: observer") {
		t.Errorf("got cause %q, want the panic", got.Cause)
	}
}
