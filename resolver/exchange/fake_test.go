package exchange

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

// enough is longer than anything on loopback takes.
const enough = 5 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// ask is the question for the A records of a name in presentation format.
func ask(t testing.TB, name string) Question {
	t.Helper()
	wire := make([]byte, 255)
	n, err := dns.PackDomainName(dns.Fqdn(name), wire, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return Question{Name: wire[:n], Type: dns.TypeA}
}

// respond is an empty response to a query.
func respond(query []byte) []byte {
	response := bytes.Clone(query)
	response[2] |= bitQR
	return response
}

// udpServer calls handle for each packet until the test ends.
func udpServer(t testing.TB, handle func(conn *net.UDPConn, from netip.AddrPort, query []byte)) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	t.Cleanup(func() { conn.Close(); running.Wait() })
	running.Go(func() { serveUDP(conn, handle) })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// serveUDP calls handle for each packet until conn is closed.
func serveUDP(conn *net.UDPConn, handle func(conn *net.UDPConn, from netip.AddrPort, query []byte)) {
	query := make([]byte, 512)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(query)
		if err != nil {
			return
		}
		handle(conn, from, query[:n])
	}
}

// tcpServer calls handle for each connection until the test ends, and counts
// them.
func tcpServer(t testing.TB, handle func(conn net.Conn, nth int32)) (addr netip.AddrPort, accepted *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int32)
	var running sync.WaitGroup
	t.Cleanup(func() { listener.Close(); running.Wait() })
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			nth := accepted.Add(1)
			running.Go(func() {
				defer conn.Close()
				handle(conn, nth)
			})
		}
	})
	return listener.Addr().(*net.TCPAddr).AddrPort(), accepted
}

// readTCP is the next query on a connection, nil at its end.
func readTCP(t testing.TB, conn net.Conn) []byte {
	var length [lengthOctets]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, query); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("half a query: %v", err)
	}
	return query
}

// framed is a message behind its length.
func framed(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}

// honestTCP responds to everything on a connection.
func honestTCP(t testing.TB) func(net.Conn, int32) {
	return func(conn net.Conn, _ int32) {
		for query := readTCP(t, conn); query != nil; query = readTCP(t, conn) {
			conn.Write(framed(respond(query)))
		}
	}
}

// newSockets are closed when the test ends.
func newSockets(t testing.TB, source ...netip.Addr) *Sockets {
	t.Helper()
	s := NewSockets(source)
	t.Cleanup(s.Close)
	return s
}

// mustExchange fails the test unless the response comes.
func mustExchange(t testing.TB, s *Sockets, to netip.AddrPort, over Transport) []byte {
	t.Helper()
	query := Pack(ask(t, "www.example.com"), Form{EDNS: true, MixedCase: true})
	packet, err := s.Exchange(t.Context(), to, over, query, enough)
	if err != nil {
		t.Fatal(err)
	}
	if got := query.Fit(packet); got != Fits {
		t.Fatalf("got a packet that is %v: % x", got, packet)
	}
	return packet
}
