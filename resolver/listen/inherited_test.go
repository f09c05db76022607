package listen

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// supervisor opens a socket of each kind on one address, as systemd does, and
// hands out copies.
type supervisor struct {
	t       *testing.T
	tcp     *net.TCPListener
	udp     *net.UDPConn
	address netip.AddrPort
}

func newSupervisor(t *testing.T, address string) *supervisor {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{t: t, tcp: l, address: plain(l.Addr().(*net.TCPAddr).AddrPort())}
	if s.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(s.address)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.tcp.Close()
		_ = s.udp.Close()
	})
	return s
}

// files are new copies of both sockets, for one server.
func (s *supervisor) files() []*os.File {
	s.t.Helper()
	tcp, err := s.tcp.File()
	if err != nil {
		s.t.Fatal(err)
	}
	udp, err := s.udp.File()
	if err != nil {
		s.t.Fatal(err)
	}
	return []*os.File{tcp, udp}
}

func TestListen_inheritedSocketsAreUsed(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"} {
		from := newSupervisor(t, address)
		s := serveConfig(t, Config{Addresses: []netip.AddrPort{from.address}, Inherited: from.files()})
		asked := from.address
		if asked.Addr().IsUnspecified() {
			asked = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), asked.Port())
		}
		for _, transport := range []string{"udp", "tcp"} {
			for qname, rcode := range map[string]int{"blocked.test.": dns.RcodeNameError, "free.test.": dns.RcodeSuccess} {
				got, _, err := (&dns.Client{Net: transport}).Exchange(query(qname), asked.String())
				if err != nil || got.Rcode != rcode {
					t.Errorf("%s %s %s: got %v %v, want %s", transport, address, qname, got, err, dns.RcodeToString[rcode])
				}
			}
		}
		if got := len(s.udp); got != 1 {
			t.Errorf("%s: got %d readers, want 1 for the one socket", address, got)
		}
	}
}

// TestListen_anInheritedSocketOutlivesItsServer: queries that come while the
// server restarts wait in the socket.
func TestListen_anInheritedSocketOutlivesItsServer(t *testing.T) {
	from := newSupervisor(t, "127.0.0.1:0")
	first := serveConfig(t, Config{Addresses: []netip.AddrPort{from.address}, Inherited: from.files()})
	if err := first.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	waiting := map[string]*dns.Conn{}
	for _, transport := range []string{"udp", "tcp"} {
		conn, err := dns.DialTimeout(transport, from.address.String(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if err := conn.WriteMsg(query("blocked.test.")); err != nil {
			t.Fatal(err)
		}
		waiting[transport] = conn
	}
	serveConfig(t, Config{Addresses: []netip.AddrPort{from.address}, Inherited: from.files()})
	for transport, conn := range waiting {
		if got, err := conn.ReadMsg(); err != nil || got.Rcode != dns.RcodeNameError {
			t.Errorf("%s: the query between two servers: got %v %v, want NXDOMAIN", transport, got, err)
		}
	}
}

func TestListen_whatIsMissingIsOpened(t *testing.T) {
	from := newSupervisor(t, "127.0.0.1:0")
	files := from.files()
	_ = files[0].Close()
	_ = from.tcp.Close()
	s := serveConfig(t, Config{Addresses: []netip.AddrPort{from.address}, Inherited: files[1:]})
	for _, transport := range []string{"udp", "tcp"} {
		if _, _, err := (&dns.Client{Net: transport}).Exchange(query("blocked.test."), s.Addresses()[0].String()); err != nil {
			t.Errorf("%s: %v", transport, err)
		}
	}
}

func TestListen_anInheritedSocketThatNobodyReadsIsRefused(t *testing.T) {
	from := newSupervisor(t, "127.0.0.1:0")
	other := netip.MustParseAddrPort("127.0.0.1:0")
	_, err := Listen(Config{Addresses: []netip.AddrPort{other}, Inherited: from.files()})
	if err == nil || strings.Count(err.Error(), from.address.String()+": is not listened on; name the address under listen too") != 2 {
		t.Errorf("got %v, want both sockets on %s refused", err, from.address)
	}
}

func TestListen_anInheritedFileThatIsNoSocketOfDNSIsRefused(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: t.TempDir() + "/s", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close()
	socket, err := unix.File()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{null, socket} {
		_, err := Listen(Config{Inherited: []*os.File{f}})
		if err == nil || !strings.Contains(err.Error(), "is neither UDP nor TCP") {
			t.Errorf("%s: got %v, want it refused", f.Name(), err)
		}
	}
}
