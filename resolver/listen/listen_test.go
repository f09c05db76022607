package listen

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
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

// serve starts a server with one order, in front of an upstream that answers
// every A query; names that begin with "slow" take 300 ms, with "slowest" 1 s.
func serve(t *testing.T, addresses ...string) *Server {
	t.Helper()
	var cfg Config
	for _, a := range addresses {
		cfg.Addresses = append(cfg.Addresses, netip.MustParseAddrPort(a))
	}
	return serveConfig(t, cfg)
}

// serveConfig is serve with more of a Config.
func serveConfig(t *testing.T, cfg Config) *Server {
	t.Helper()
	store := policy.NewStore()
	store.Install(compile(t, "id: one\nauthority: Court\nblock: [blocked.test]\n"), time.Now())
	r := resolver.New(resolver.Config{
		Policy:     store,
		Clients:    []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Upstream:   upstream.Config{Servers: []netip.AddrPort{fakeUpstream(t)}, Now: time.Now},
		CacheBytes: 1 << 20,
	})
	cfg.Resolver, cfg.Log = r, slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := Listen(cfg)
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
	return s
}

func compile(t *testing.T, text string) *policy.Program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	p := policy.Compile(order.Load([]string{path}, &problems), policy.Options{}, &problems)
	if p == nil {
		t.Fatal(problems.Sorted())
	}
	return p
}

const slowest = time.Second

func fakeUpstream(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		switch qname := strings.ToLower(q.Question[0].Name); {
		case strings.HasPrefix(qname, "slowest"):
			time.Sleep(slowest)
		case strings.HasPrefix(qname, "slow"):
			time.Sleep(300 * time.Millisecond)
		}
		m := new(dns.Msg)
		m.SetReply(q)
		m.RecursionAvailable = true
		rr, _ := dns.NewRR(q.Question[0].Name + " 60 IN A 198.51.100.1")
		m.Answer = append(m.Answer, rr)
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func query(name string) *dns.Msg {
	return new(dns.Msg).SetQuestion(name, dns.TypeA)
}

func TestServe_bothTransportsBothFamilies(t *testing.T) {
	s := serve(t, "127.0.0.1:0", "[::1]:0")
	for _, a := range s.Addresses() {
		for _, transport := range []string{"udp", "tcp"} {
			for qname, rcode := range map[string]int{"www.blocked.test.": dns.RcodeNameError, "free.test.": dns.RcodeSuccess} {
				c := &dns.Client{Net: transport}
				got, _, err := c.Exchange(query(qname), a.String())
				if err != nil || got.Rcode != rcode {
					t.Errorf("%s %s %s: got %v %v, want %s", transport, a, qname, got, err, dns.RcodeToString[rcode])
				}
			}
		}
	}
}

func TestServe_theReplyComesFromTheAddressThatWasAsked(t *testing.T) {
	s := serve(t, "0.0.0.0:0")
	port := s.Addresses()[0].Port()
	for _, qname := range []string{"blocked.test.", "late.test."} {
		for _, a := range []string{"127.0.0.1", "127.0.0.2", "127.9.9.9"} {
			// A connected socket takes replies from that address only.
			c := &dns.Client{Net: "udp", Timeout: 2 * time.Second}
			if _, _, err := c.Exchange(query(qname), netip.AddrPortFrom(netip.MustParseAddr(a), port).String()); err != nil {
				t.Errorf("%s asked at %s: %v", qname, a, err)
			}
		}
	}
}

func TestServe_datagramsThatDeserveSilenceHoldNobodyUp(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn, err := net.Dial("udp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, packet := range [][]byte{{}, {1}, make([]byte, 11), bytes.Repeat([]byte{0xff}, 5000)} {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := new(dns.Client).Exchange(query("blocked.test."), s.Addresses()[0].String()); err != nil {
		t.Errorf("the next query: %v", err)
	}
}

func TestListen_aTakenAddressIsAnErrorAndLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Listen(Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort(taken.Addr().String())}})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want an error that names %s", err, taken.Addr())
	}
}

func TestShutdown_answersWhatWasRead(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn, err := net.Dial("udp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, _ := query("slow.test.").Pack()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	if n, err := conn.Read(make([]byte, 512)); err != nil || n == 0 {
		t.Errorf("the query under way at shutdown got no answer: %v", err)
	}
}
