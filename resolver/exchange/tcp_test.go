package exchange

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestExchange_tcpConnectionsAreUsedAgain(t *testing.T) {
	to, accepted := tcpServer(t, honestTCP(t))
	s := newSockets(t)
	for range 5 {
		mustExchange(t, s, to, TCP)
	}
	if got := accepted.Load(); got != 1 {
		t.Errorf("got %d connections for 5 queries, want 1", got)
	}
}

func TestExchange_aConnectionThatFailsIsReplacedOnce(t *testing.T) {
	tests := []struct {
		name  string
		after func(conn net.Conn, response []byte) // the first response on the first connection
	}{
		{"closed while idle", func(net.Conn, []byte) {}},
		{"closed once asked", func(conn net.Conn, _ []byte) { readTCP(t, conn) }},
		{"closed within the response", func(conn net.Conn, response []byte) {
			readTCP(t, conn)
			conn.Write(framed(response)[:5])
		}},
		{"a second response to the first query", func(conn net.Conn, response []byte) {
			conn.Write(framed(response))
			readTCP(t, conn)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, accepted := tcpServer(t, func(conn net.Conn, nth int32) {
				if nth > 1 {
					honestTCP(t)(conn, nth)
					return
				}
				response := respond(readTCP(t, conn))
				conn.Write(framed(response))
				tt.after(conn, response)
			})
			s := newSockets(t)
			for range 3 {
				mustExchange(t, s, to, TCP)
			}
			if got := accepted.Load(); got != 2 {
				t.Errorf("got %d connections, want 2", got)
			}
		})
	}
}

func TestExchange_aFreshConnectionThatFailsIsFinal(t *testing.T) {
	half := func(conn net.Conn, response []byte) { conn.Write(framed(response)[:20]) }
	tests := []struct {
		name   string
		server func(conn net.Conn, response []byte)
		want   error
	}{
		{"closed", func(net.Conn, []byte) {}, io.EOF},
		{"half a length", func(conn net.Conn, _ []byte) { conn.Write([]byte{0}) }, io.ErrUnexpectedEOF},
		{"half a response", half, io.ErrUnexpectedEOF},
		{"length 0", func(conn net.Conn, _ []byte) { conn.Write([]byte{0, 0}) }, errUnrelated},
		{"length too small", func(conn net.Conn, response []byte) { conn.Write(append([]byte{0, 20}, response...)) }, errUnrelated},
		{"length too large, then silence", func(conn net.Conn, response []byte) {
			conn.Write(append([]byte{0xff, 0xff}, response...))
			readTCP(t, conn)
		}, os.ErrDeadlineExceeded},
		{"an octet now and then", func(conn net.Conn, response []byte) {
			for _, c := range framed(response) {
				if _, err := conn.Write([]byte{c}); err != nil {
					return
				}
				time.Sleep(30 * time.Millisecond)
			}
		}, os.ErrDeadlineExceeded},
		{"another query's", func(conn net.Conn, response []byte) { response[0]++; conn.Write(framed(response)) }, errUnrelated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, accepted := tcpServer(t, func(conn net.Conn, _ int32) { tt.server(conn, respond(readTCP(t, conn))) })
			start := time.Now()
			_, err := newSockets(t).Exchange(t.Context(), to, TCP, Pack(ask(t, "www.example.com"), Form{}), 200*time.Millisecond)
			if !errors.Is(err, tt.want) || accepted.Load() != 1 {
				t.Errorf("got error %v after %d connections, want %v after 1", err, accepted.Load(), tt.want)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v, want no more than the patience", took)
			}
		})
	}
}

func TestExchange_wrongSpellingOverTCPIsTheServersOwn(t *testing.T) {
	to, _ := tcpServer(t, func(conn net.Conn, _ int32) {
		response := respond(readTCP(t, conn))
		response[headerOctets+1] ^= 'a' - 'A'
		conn.Write(framed(response))
	})
	query := Pack(ask(t, "www.example.com"), Form{MixedCase: true})
	packet, err := newSockets(t).Exchange(t.Context(), to, TCP, query, enough)
	if err != nil || query.Fit(packet) != Misspelt {
		t.Errorf("got % x, error %v; want the misspelt response", packet, err)
	}
}

func TestClose_keepsNoConnection(t *testing.T) {
	to, accepted := tcpServer(t, honestTCP(t))
	s := NewSockets(nil)
	mustExchange(t, s, to, TCP)
	s.Close()
	s.Close()
	for range 2 {
		mustExchange(t, s, to, TCP)
	}
	if got := accepted.Load(); got != 3 || len(s.idle.conns) != 0 {
		t.Errorf("got %d connections, %d idle; want 3, none", got, len(s.idle.conns))
	}
}

// pipe is one end of a connection; closed tells whether it has been closed.
func pipe(t *testing.T) (conn net.Conn, closed func() bool) {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, func() bool { return errors.Is(ours.SetDeadline(time.Time{}), io.ErrClosedPipe) }
}

// server is the nth server.
func server(nth int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(nth)}), 53)
}

func TestIdle_keepsAFewOfEachServerAndTheLatest(t *testing.T) {
	var pool idle
	defer pool.close()
	var closed []func() bool
	for nth := range 4 * maxIdle {
		conn, isClosed := pipe(t)
		closed = append(closed, isClosed)
		pool.put(server(nth/(2*maxIdleAServer)), conn)
	}
	if got := len(pool.conns); got != maxIdle {
		t.Errorf("got %d idle connections, want %d", got, maxIdle)
	}
	for nth, isClosed := range closed { // of four in a row the last two; of these the latest
		want := nth%4 < 2 || nth < len(closed)-2*maxIdle
		if isClosed() != want {
			t.Errorf("connection %d of %d: got closed %v, want %v", nth, len(closed), !want, want)
		}
	}
}

func TestIdle_theLastUsedIsTakenFirstAndOnce(t *testing.T) {
	var pool idle
	defer pool.close()
	first, _ := pipe(t)
	second, _ := pipe(t)
	other, _ := pipe(t)
	pool.put(server(1), first)
	pool.put(server(1), second)
	pool.put(server(2), other)
	got := []net.Conn{pool.take(server(1)), pool.take(server(1)), pool.take(server(1))}
	if want := []net.Conn{second, first, nil}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestIdle_connectionsNobodyTakesAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pool idle
		conn, closed := pipe(t)
		pool.put(server(1), conn)
		time.Sleep(maxIdlePeriod - time.Second)
		pool.put(server(1), pool.take(server(1))) // used, and idle anew
		time.Sleep(maxIdlePeriod - time.Second)
		synctest.Wait()
		if closed() {
			t.Errorf("got it closed %v after its last use, want it idle", maxIdlePeriod-time.Second)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !closed() || pool.take(server(1)) != nil {
			t.Errorf("got it open %v after its last use, want it closed", maxIdlePeriod)
		}
	})
}
