package listen

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
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
// every A query; names that begin with "slow" take 300 ms.
func serve(t *testing.T, addresses ...string) *Server {
	t.Helper()
	store := policy.NewStore()
	store.Install(compile(t, "id: one\nauthority: Court\nblock: [blocked.test]\n"), time.Now())
	r := resolver.New(resolver.Config{
		Policy:     store,
		Clients:    []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		Upstream:   upstream.Config{Servers: []netip.AddrPort{fakeUpstream(t)}, Now: time.Now},
		CacheBytes: 1 << 20,
	})
	cfg := Config{Resolver: r, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, a := range addresses {
		cfg.Addresses = append(cfg.Addresses, netip.MustParseAddrPort(a))
	}
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

func fakeUpstream(t *testing.T) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if strings.HasPrefix(strings.ToLower(q.Question[0].Name), "slow") {
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

// frame is a message as TCP carries it.
func frame(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...)
}

func readFrame(t *testing.T, r io.Reader) *dns.Msg {
	t.Helper()
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(r, raw); err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(raw); err != nil {
		t.Fatal(err)
	}
	return m
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func TestTCP_rfc7766RepliesOutOfOrder(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn := dial(t, s)
	var all []byte
	for i, qname := range []string{"slow.test.", "blocked.test.", "fast.test."} {
		m := query(qname)
		m.Id = uint16(i)
		all = append(all, frame(t, m)...)
	}
	if _, err := conn.Write(all); err != nil {
		t.Fatal(err)
	}
	var got []uint16
	for range 3 {
		got = append(got, readFrame(t, conn).Id)
	}
	if want := []uint16{1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("got replies %v, want %v: the slow one last", got, want)
	}
}

func TestTCP_aThousandPipelinedQueriesAreAllAnswered(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn := dial(t, s)
	go func() {
		for i := range 1000 {
			m := query("blocked.test.")
			if i%2 > 0 {
				m = query("free.test.")
			}
			m.Id = uint16(i)
			raw, _ := m.Pack()
			_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(raw))), raw...))
		}
	}()
	seen := map[uint16]bool{}
	for range 1000 {
		seen[readFrame(t, conn).Id] = true
	}
	if len(seen) != 1000 {
		t.Errorf("got %d different replies, want 1000", len(seen))
	}
}

func TestTCP_anOctetAtATimeIsStillAQuery(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn := dial(t, s)
	for _, b := range frame(t, query("blocked.test.")) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if got := readFrame(t, conn); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
}

func TestTCP_aHalfClosedClientGetsItsAnswers(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn := dial(t, s)
	if _, err := conn.Write(frame(t, query("slow.test."))); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := readFrame(t, conn); len(got.Answer) != 1 {
		t.Errorf("got %v, want the answer", got)
	}
}

func TestTCP_whatIsNoQueryEndsTheConnection(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	conn := dial(t, s)
	if _, err := conn.Write(bytes.Repeat([]byte{0xff}, 100)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF && !isReset(err) {
		t.Errorf("got %d octets, %v; want the connection closed", n, err)
	}
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "reset") }

func TestTCP_oneClientTakesNotEveryPlace(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	for range maxConnectionsClient {
		conn := dial(t, s)
		if _, err := conn.Write(frame(t, query("blocked.test."))); err != nil {
			t.Fatal(err)
		}
		readFrame(t, conn)
	}
	conn := dial(t, s)
	_, _ = conn.Write(frame(t, query("blocked.test.")))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("connection %d was served", maxConnectionsClient+1)
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	second, err := other.Dial("tcp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Write(frame(t, query("blocked.test."))); err != nil {
		t.Fatal(err)
	}
	if got := readFrame(t, second); got.Rcode != dns.RcodeNameError {
		t.Errorf("another client: got %v", got)
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
