package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// oneOrder holds blocked.test, and nothing else.
func oneOrder(t testing.TB) string {
	return write(t, map[string]string{"orders.yaml": "id: one\nauthority: Court\nblock: [blocked.test]\n"})
}

// alive checks that queries are answered, by order and from upstream, and that
// none has ended in a panic.
func (s *server) alive(free string) {
	s.t.Helper()
	start := time.Now()
	if got := s.ask("blocked.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
		s.t.Errorf("under order: got %v, want NXDOMAIN", got)
	}
	if got := s.ask(free, dns.TypeA); got.Rcode != dns.RcodeSuccess || len(got.Answer) != 1 {
		s.t.Errorf("free: got %v, want the truth", got)
	}
	if took := time.Since(start); took > 2*time.Second {
		s.t.Errorf("two answers took %v", took)
	}
	if got := s.metric("bailiff_panics_total"); got != "0" {
		s.t.Errorf("got %s panics:\n%s", got, s.log)
	}
}

func TestPackets_whatIsMangledStaysHereOrBecomesWellFormed(t *testing.T) {
	t.Parallel()
	bad := make(chan string, 1)
	u := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		opt := q.IsEdns0()
		if q.Opcode != dns.OpcodeQuery || q.Response || len(q.Question) != 1 || q.Question[0].Qclass != dns.ClassINET ||
			len(q.Answer)+len(q.Ns) > 0 || len(q.Extra) > 1 || opt != nil && (opt.Version() != 0 || len(opt.Option) > 0) {
			select {
			case bad <- q.String():
			default:
			}
		}
		honest(w, q)
	}, honest)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	m := new(dns.Msg).SetQuestion("www.free.test.", dns.TypeA)
	m.SetEdns0(4096, true)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"}}
	seed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 20000 {
		_, _ = conn.Write(mangled(seed))
		if i%200 == 0 { // at the server's own pace
			s.ask("blocked.test", dns.TypeA)
		}
	}
	select {
	case q := <-bad:
		t.Errorf("the upstream was asked:\n%s", q)
	default:
	}
	s.alive("free.test")
}

// mangled is a copy of a packet with a few octets changed, cut off or added.
func mangled(packet []byte) []byte {
	p := bytes.Clone(packet)
	for range 1 + rand.IntN(4) {
		p[rand.IntN(len(p))] = byte(rand.Uint32())
	}
	switch rand.IntN(4) {
	case 0:
		return p[:rand.IntN(len(p))]
	case 1:
		return append(p, bytes.Repeat([]byte{byte(rand.Uint32())}, rand.IntN(2000))...)
	}
	return p
}

func TestPackets_aHeldQuestionHoldsABoundedNumberOfQueries(t *testing.T) {
	t.Parallel()
	u := upstream(t, silent, silent)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	const sockets, queries = 40, 50
	var atOnce, late atomic.Int32
	var clients sync.WaitGroup
	start := time.Now()
	for range sockets {
		clients.Go(func() {
			conn, err := net.Dial("udp", s.address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			raw, _ := new(dns.Msg).SetQuestion("held.test.", dns.TypeA).Pack()
			for range queries {
				_, _ = conn.Write(raw)
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			for range queries {
				if _, err := conn.Read(raw[:cap(raw)]); err != nil {
					return
				}
				if time.Since(start) < 3*time.Second {
					atOnce.Add(1)
				} else {
					late.Add(1)
				}
			}
		})
	}
	clients.Wait()
	// DNSBomb, CVE-2024-33655: what waits together is released together.
	if late.Load() > 1024 || atOnce.Load()+late.Load() < sockets*queries*9/10 {
		t.Errorf("got %d replies at once and %d at the end, want at most 1,024 held and the others refused at once", atOnce.Load(), late.Load())
	}
	if n := u.asked.Load(); n > 6 {
		t.Errorf("the upstream was asked %d times for one question, want at most 6", n)
	}
}

func TestPackets_slowTCPClientsEndAndHoldNobodyUp(t *testing.T) {
	t.Parallel()
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", upstream(t, honest, honest).address)
	start := time.Now()
	var clients sync.WaitGroup
	for i := range 100 {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		clients.Go(func() { slow(t, conn, i%2 == 0) })
	}
	for time.Since(start) < 15*time.Second {
		s.alive("free.test")
		time.Sleep(500 * time.Millisecond)
	}
	clients.Wait()
	if took := time.Since(start); took < 15*time.Second || took > 30*time.Second {
		t.Errorf("slow clients were borne for %v, want about 20 s", took)
	}
}

// slow sends an octet of a query a second, or nothing but its length, until
// the connection ends.
func slow(t *testing.T, conn net.Conn, trickles bool) {
	raw := make([]byte, 2+512)
	raw[0] = 512 >> 8 // the length
	_, _ = conn.Write(raw[:2])
	if trickles {
		go func() {
			for _, b := range raw[2:] {
				if _, err := conn.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
	}
	_ = conn.SetReadDeadline(time.Now().Add(40 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n > 0 || strings.Contains(fmt.Sprint(err), "timeout") {
		t.Errorf("got %d octets, %v; want the connection ended", n, err)
	}
}

func TestPages_strangersDoNotKeepScrapersOut(t *testing.T) {
	t.Parallel()
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", upstream(t, honest, honest).address)
	for range 63 { // of 64 places
		conn, err := net.Dial("tcp", s.pages)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nX-Slow: ")
	}
	var scrapes sync.WaitGroup
	for range 100 {
		scrapes.Go(func() {
			response, err := http.Get("http://" + s.pages + "/metrics")
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("got status %d, want 200 or 503", response.StatusCode)
			}
		})
	}
	s.signal(syscall.SIGHUP)
	scrapes.Wait()
	s.alive("free.test")
}

func TestPages_aRequestWithoutEndIsCutOff(t *testing.T) {
	t.Parallel()
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", upstream(t, honest, honest).address)
	for name, begin := range map[string]string{
		"header": "GET /metrics HTTP/1.1\r\nHost: a.test\r\nX-Long: ",
		"body":   "GET /metrics HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1073741824\r\n\r\n",
		"path":   "GET /",
	} {
		conn, err := net.Dial("tcp", s.pages)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, begin)
		chunk, sent := bytes.Repeat([]byte("x"), 64<<10), 0
		go io.Copy(io.Discard, conn)
		for err == nil && sent < 1<<28 {
			_, err = conn.Write(chunk)
			sent += len(chunk)
		}
		if sent >= 1<<28 {
			t.Errorf("%s: %d octets were taken", name, sent)
		}
	}
	s.alive("free.test")
}
