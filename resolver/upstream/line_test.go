//go:build linux

package upstream

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// newLine opens a line to the servers.
func newLine(t *testing.T, c Config) *Line {
	t.Helper()
	l, err := newForwarder(t, c).NewLine()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// outcome is what done was told.
type outcome struct {
	answer Answer
	err    error
}

// ask puts one question and waits for its end as a worker does.
func (l *Line) askAndWait(t *testing.T, q Question) outcome {
	t.Helper()
	var got *outcome
	if !l.Ask(q, time.Now(), func(a Answer, err error) { got = &outcome{a, err} }) {
		t.Fatal("the line takes no question")
	}
	l.Flush()
	l.until(t, func() bool { return got != nil })
	return *got
}

// until serves the line until done.
func (l *Line) until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatal("the line told nothing within 10 s")
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(l.Poll()), Events: unix.POLLIN}}, int(LineTick/time.Millisecond))
		l.Receive(time.Now())
		l.Expire(time.Now())
	}
}

func TestLine_answersWhatIsPlain(t *testing.T) {
	s := startFake(t, honest, honest)
	l := newLine(t, Config{Servers: addrs(s), CaseRandomisation: true})
	for range 3 {
		got := l.askAndWait(t, ask(t, "www.example.com"))
		if got.err != nil || len(unpacked(t, got.answer).Answer) != 1 {
			t.Fatalf("got %+v, want one record", got)
		}
	}
	if l.Waiting() != 0 {
		t.Errorf("got %d questions waiting, want none", l.Waiting())
	}
}

func TestLine_leavesToResolveWhatIsNotPlain(t *testing.T) {
	silent := func(dns.ResponseWriter, *dns.Msg) {}
	tests := []struct {
		name string
		udp  dns.HandlerFunc // nil: nobody listens
	}{
		{"no server there", nil},
		{"silence", silent},
		{"truncated", changed(truncate)},
		{"SERVFAIL", changed(func(_, m *dns.Msg) { m.Rcode = dns.RcodeServerFailure })},
		{"wrong spelling", changed(func(_, m *dns.Msg) { m.Question[0].Name = dns.CanonicalName(m.Question[0].Name) })},
		{"strays", func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			for range maxStrays {
				m.Id++
				_ = w.WriteMsg(m)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := deadPort
			if tt.udp != nil {
				server = func(t testing.TB) netip.AddrPort { return startFake(t, tt.udp, nil).addr }
			}
			l := newLine(t, Config{Servers: []netip.AddrPort{server(t)}, CaseRandomisation: true})
			if got := l.askAndWait(t, ask(t, "www.a-name-long-enough-to-have-capitals.example")); got.err == nil {
				t.Errorf("got answer %+v, want an error", got.answer)
			}
			if l.Waiting() != 0 {
				t.Errorf("got %d questions waiting, want none", l.Waiting())
			}
		})
	}
}

func TestLine_aLoneQuestionHasAPortOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	ports := map[string]bool{}
	s := startFake(t, func(w dns.ResponseWriter, q *dns.Msg) {
		mu.Lock()
		ports[w.RemoteAddr().String()] = true
		mu.Unlock()
		honest(w, q)
	}, nil)
	l := newLine(t, Config{Servers: addrs(s)})
	const questions = 20
	for range questions {
		l.askAndWait(t, ask(t, "www.example.com"))
		time.Sleep(linePortLife + time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ports) < questions-1 { // the kernel may draw one twice
		t.Errorf("got %d ports for %d questions, want one each", len(ports), questions)
	}
}

func TestLine_aFloodSharesPortsButNotForLong(t *testing.T) {
	s := startFake(t, honest, nil)
	l := newLine(t, Config{Servers: addrs(s)})
	const questions = 10 * lineUses
	ended := 0
	for range questions {
		if !l.Ask(ask(t, "www.example.com"), time.Now(), func(Answer, error) { ended++ }) {
			t.Fatal("the line takes no question")
		}
	}
	if got := len(l.sockets); got < questions/lineUses {
		t.Errorf("got %d sockets for %d questions, want at most %d questions each", got, questions, lineUses)
	}
	l.Flush()
	l.until(t, func() bool { return ended == questions })
	if got := len(l.sockets); got > 1 {
		t.Errorf("got %d sockets left, want at most the current one", got)
	}
}

func TestLine_closeHandsTheQuestionsOver(t *testing.T) {
	s := startFake(t, func(dns.ResponseWriter, *dns.Msg) {}, nil)
	l, err := newForwarder(t, Config{Servers: addrs(s)}).NewLine()
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for range 2 * lineUses {
		l.Ask(ask(t, "www.example.com"), time.Now(), func(_ Answer, err error) {
			if err == nil {
				t.Error("got an answer, want an error")
			}
			ended++
		})
	}
	l.Close()
	if ended != 2*lineUses {
		t.Errorf("got %d ends, want each question told once", ended)
	}
}

func TestLine_isNoWayToABackedOffServer(t *testing.T) {
	l := newLine(t, Config{Servers: []netip.AddrPort{deadPort(t)}})
	l.askAndWait(t, ask(t, "www.example.com"))
	if l.Ask(ask(t, "www.example.com"), time.Now(), nil) {
		t.Errorf("the line took a question for a server that is backed off")
	}
}
