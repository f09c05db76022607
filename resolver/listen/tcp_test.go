package listen

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

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

// flood sends queries under order and reads no answer, until the server takes
// no more of them for a while.
func flood(t *testing.T, conn net.Conn) {
	t.Helper()
	queries := bytes.Repeat(frame(t, query("blocked.test.")), 500)
	for range 10000 {
		_ = conn.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := conn.Write(queries); err != nil {
			return
		}
	}
	t.Fatal("the server takes queries without end and no answer is read")
}

func TestTCP_aClientThatDoesNotReadHoldsUpNobodyElse(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	deaf := dial(t, s)
	_ = deaf.(*net.TCPConn).SetReadBuffer(4096)
	if _, err := deaf.Write(frame(t, query("slowest.test."))); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // its query is the first to wait
	answered := make(chan time.Duration, 1)
	go func() {
		start := time.Now()
		c := &dns.Client{Timeout: 10 * time.Second}
		if _, _, err := c.Exchange(query("slowest.test."), s.Addresses()[0].String()); err != nil {
			t.Error(err)
		}
		answered <- time.Since(start)
	}()
	flood(t, deaf)
	if took := <-answered; took > slowest+writeTimeout/2 {
		t.Errorf("another client had the same answer after %v, want %v", took, slowest)
	}
}

func TestTCP_aBusyConnectionIsNotIdle(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	crowd := make([]*tcpConn, maxConnections*3/4+1) // so that patience is short
	s.tcp.mu.Lock()
	for i := range crowd {
		crowd[i] = new(tcpConn)
		s.tcp.open[crowd[i]] = struct{}{}
	}
	s.tcp.mu.Unlock()
	defer func() {
		for _, c := range crowd {
			s.tcp.leave(c)
		}
	}()
	conn := dial(t, s)
	whole := frame(t, query("blocked.test."))
	rest := whole
	for end := time.Now().Add(busyIdleTimeout * 3 / 2); time.Now().Before(end); {
		// The end of one query comes with the beginning of the next.
		packet := append(bytes.Clone(rest), whole[:5]...)
		if _, err := conn.Write(packet); err != nil {
			t.Fatalf("a connection in use was closed: %v", err)
		}
		readFrame(t, conn)
		rest = whole[5:]
		time.Sleep(10 * time.Millisecond)
	}
}
