package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// twoSets are orders between which reloads alternate: a.test or b.test is under
// order, both.test always.
func twoSet(which string) string {
	return "id: switching\nauthority: Court\nblock: [" + which + ".test, both.test]\n"
}

func TestReload_noQueryIsLostAndEachSeesOneLaw(t *testing.T) {
	folder := write(t, map[string]string{"orders.yaml": twoSet("a")})
	s := bailiff(t, "--orders", folder, "--upstream", unbound(t, nsd(t, "a A 198.51.100.1", "b A 198.51.100.2", "both A 198.51.100.3")).address)
	for _, n := range []string{"a.test", "b.test", "both.test"} {
		s.ask(n, dns.TypeA)
	}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var lost lostQueries
	const clientCount, window = 10, 100 // 1,000 queries in flight
	for c := range clientCount {
		clients.Go(func() { lost.hammer(s.address, c, window, stop) })
	}
	for i := range 10 {
		overwrite(t, filepath.Join(folder, "orders.yaml"), twoSet([]string{"b", "a"}[i%2]))
		s.reload("ok")
	}
	close(stop)
	clients.Wait()
	if lost.wrong != "" || lost.missing > 0 || lost.answered < 1000 {
		t.Errorf("got %d answers, %d lost, wrong: %q; want none lost, none wrong", lost.answered, lost.missing, lost.wrong)
	}
}

// lostQueries counts what clients see.
type lostQueries struct {
	mu                sync.Mutex
	answered, missing int
	wrong             string
}

// hammer keeps window queries in flight until stop closes, and then waits for
// the rest. A lost one is noticed after silence
// that no scheduler explains.
func (l *lostQueries) hammer(address string, seed, window int, stop chan struct{}) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	names := []string{"a.test.", "b.test.", "both.test."}
	pending := map[uint16]string{}
	id := uint16(seed * 1000)
	send := func() {
		id++
		qname := names[int(id)%len(names)]
		raw, _ := new(dns.Msg).SetQuestion(qname, dns.TypeA).Pack()
		raw[0], raw[1] = byte(id>>8), byte(id)
		pending[id] = qname
		_, _ = conn.Write(raw)
	}
	for range window {
		send()
	}
	buffer := make([]byte, 1500)
	for len(pending) > 0 {
		_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		n, err := conn.Read(buffer)
		if err != nil {
			break
		}
		m := new(dns.Msg)
		if err := m.Unpack(buffer[:n]); err != nil {
			panic(err)
		}
		qname := pending[m.Id]
		delete(pending, m.Id)
		l.check(qname, m)
		select {
		case <-stop:
		default:
			send()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missing += len(pending)
}

// check: a.test and b.test may be under order or not; both.test always is.
func (l *lostQueries) check(qname string, m *dns.Msg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answered++
	truth := m.Rcode == dns.RcodeSuccess && len(m.Answer) == 1
	block := m.Rcode == dns.RcodeNameError && m.Authoritative && len(m.Ns) == 1
	if !block && (!truth || qname == "both.test.") {
		l.wrong = fmt.Sprintf("%s: %v", qname, m)
	}
}

func TestReload_aBrokenFileNeverUnloadsAGoodOne(t *testing.T) {
	good := "id: good\nauthority: Court\nblock: [good.test]\n"
	cases := []struct {
		name, file, text string
		mode             os.FileMode
		want             string // what the log says, file and line first
	}{
		{"unknown key", "bad.yaml", "id: bad\nauthority: Court\nblok: [x.test]\n", 0o644, `bad.yaml:3: `},
		{"empty", "bad.yaml", "", 0o644, `bad.yaml`},
		{"binary", "bad.yaml", "\x7fELF\x02\x01\x00\x00\xff\xfe", 0o644, `bad.yaml`},
		{"mode 000", "bad.yaml", good, 0, `bad.yaml: `},
		{"half written", "bad.yaml", "id: bad\nauthority: \"Cou", 0o644, `bad.yaml:2: `},
		{"list is gone", "bad.yaml", "id: bad\nauthority: Court\nrules:\n  - {list: gone.txt, format: domains}\n", 0o644, `bad.yaml:4: `},
		{"one bad line in a list", "bad.yaml", "id: bad\nauthority: Court\nrules:\n  - {list: list.txt, format: domains}\n", 0o644, `list.txt:2: `},
		{"the same id", "bad.yaml", good, 0o644, `bad.yaml:1: `},
	}
	who := (*syscall.Credential)(nil)
	if os.Getuid() == 0 {
		who = &syscall.Credential{Uid: 65534, Gid: 65534} // root may read every file
	}
	folder := write(t, map[string]string{"good.yaml": good, "list.txt": "ok.test\nhttp://no.test/\n"})
	s := bailiffAs(t, who, "--orders", folder, "--upstream", "127.0.0.1:9")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(folder, c.file)
			overwrite(t, path, c.text)
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			said := s.rejects()
			if !strings.Contains(said, filepath.Join(folder, strings.SplitN(c.want, ":", 2)[0])) || !strings.Contains(said, c.want) {
				t.Errorf("the log does not name %q:\n%s", c.want, said)
			}
			if got := s.metric("bailiff_orders_last_reload_successful"); got != "0" {
				t.Errorf("got last_reload_successful %s, want 0", got)
			}
			if got := s.ask("good.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
				t.Errorf("the good order is gone: %v", got)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			s.reload("ok")
			if got := s.metric("bailiff_orders_last_reload_successful"); got != "1" {
				t.Errorf("mended: got last_reload_successful %s, want 1", got)
			}
		})
	}
}

func TestReload_aStormOfSignalsIsCalm(t *testing.T) {
	folder := write(t, map[string]string{"orders.yaml": court})
	s := bailiff(t, "--orders", folder, "--upstream", "127.0.0.1:9")
	for range 300 {
		s.signal(syscall.SIGHUP)
		if got := s.ask("sport.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
			t.Fatalf("got %v, want NXDOMAIN throughout", got)
		}
	}
}
