package listen

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"bailiff/resolver"
)

// Bounds on TCP (RFC 7766 sections 6.2 and 10).
const (
	maxConnections       = 2048            // each costs a goroutine, a descriptor and about 8 KiB
	maxConnectionsClient = 128             // of one address: many subscribers may share one behind a NAT
	maxInFlight          = 100             // of one connection: beyond it reading waits, so the client does
	writeTimeout         = 5 * time.Second // a client that does not read its answers loses the connection
	maxUnsent            = 256 << 10       // octets of late replies queued on a connection; beyond it is lost
	busyIdleTimeout      = 2 * time.Second // instead of idleTimeout when three quarters of the places are taken
	acceptPause          = time.Second / 4 // after an error such as "too many open files"
)

// tcpServer serves DNS over TCP.
type tcpServer struct {
	resolver  *resolver.Resolver
	log       *slog.Logger
	listeners []*net.TCPListener
	stopped   atomic.Bool

	mu      sync.Mutex // guards what follows
	open    map[*tcpConn]struct{}
	clients map[netip.Addr]int
	refused uint64 // connections for which no place was left, since the start
}

func newTCPServer(r *resolver.Resolver, log *slog.Logger) *tcpServer {
	return &tcpServer{resolver: r, log: log, open: map[*tcpConn]struct{}{}, clients: map[netip.Addr]int{}}
}

// tcpConn is one connection. Its reader owns the query and writes the replies
// that are there at once; those to queries that had to wait are queued, and
// written by a goroutine of their own that drain waits for.
type tcpConn struct {
	server   *tcpServer
	conn     *net.TCPConn
	client   netip.Addr
	inFlight chan struct{} // a token for each query without its reply
	framed   []byte        // the reader's

	writing sync.Mutex // one writer at a time

	mu     sync.Mutex // guards what follows; nobody waits for the client under it
	unsent []byte     // late replies, framed
	queued int        // how many
}

func (t *tcpServer) serve(done *sync.WaitGroup) {
	for _, l := range t.listeners {
		done.Go(func() { t.accept(l, done) })
	}
}

func (t *tcpServer) accept(l *net.TCPListener, done *sync.WaitGroup) {
	for {
		conn, err := l.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			t.log.Warn("tcp accept", "error", err)
			time.Sleep(acceptPause)
			continue
		}
		remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
		c := &tcpConn{server: t, conn: conn, client: clientOf(remote), inFlight: make(chan struct{}, maxInFlight)}
		if !t.enter(c) {
			_ = conn.Close()
			continue
		}
		done.Go(c.serve)
	}
}

// enter takes a place for the connection, if one is left for its client.
func (t *tcpServer) enter(c *tcpConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped.Load() || len(t.open) >= maxConnections || t.clients[c.client] >= maxConnectionsClient {
		t.refused++
		return false
	}
	t.open[c] = struct{}{}
	t.clients[c.client]++
	return true
}

func (t *tcpServer) leave(c *tcpConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
	if t.clients[c.client]--; t.clients[c.client] == 0 {
		delete(t.clients, c.client)
	}
}

// patience is how long a connection may be idle now.
func (t *tcpServer) patience() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.open) > maxConnections*3/4 {
		return busyIdleTimeout
	}
	return idleTimeout
}

// stop ends accepting and reading; replies still go out.
func (t *tcpServer) stop() {
	t.stopped.Store(true)
	for _, l := range t.listeners {
		_ = l.Close()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.open {
		_ = c.conn.SetReadDeadline(time.Now())
	}
}

func (t *tcpServer) close() error {
	var all []error
	for _, l := range t.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			all = append(all, err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.open {
		_ = c.conn.Close()
	}
	return errors.Join(all...)
}

// serve reads queries until the client ends, is idle or sends no DNS.
func (c *tcpConn) serve() {
	defer c.server.leave(c)
	defer c.conn.Close()
	in := bufio.NewReaderSize(c.conn, queryBytes)
	var q resolver.Query
	out := make([]byte, 0, queryBytes)
	for {
		packet, err := c.read(in, q.Packet)
		if err != nil {
			break
		}
		q.Packet, q.Out, q.Late = packet, out, c
		q.Client, q.Transport, q.Received = c.client, resolver.TCP, time.Now()
		c.inFlight <- struct{}{} // reading waits while too many queries do
		if reply := c.server.resolver.Respond(&q); !q.Waits() {
			c.answer(reply)
		}
	}
	c.drain()
}

// drain lets the queries that wait have their answers before the connection
// closes; they all end with the upstream's deadline.
func (c *tcpConn) drain() {
	for range maxInFlight {
		c.inFlight <- struct{}{}
	}
}

// read takes one message (RFC 1035 section 4.2.2), into buf if it has room.
// The time for a whole message is bounded, so that a client that sends an
// octet a second is idle.
func (c *tcpConn) read(in *bufio.Reader, buf []byte) ([]byte, error) {
	if c.server.stopped.Load() {
		return nil, net.ErrClosed
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(c.server.patience())); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n > queryBytes {
		return nil, errors.New("no query is that long")
	}
	if cap(buf) < n {
		buf = make([]byte, n, queryBytes)
	}
	_, err := io.ReadFull(in, buf[:n])
	return buf[:n], err
}

// answer writes the reply to the query just read, if there is one. The reader
// may wait for its own client.
func (c *tcpConn) answer(reply []byte) {
	if reply != nil {
		c.framed = appendFrame(c.framed[:0], reply)
		c.writing.Lock()
		c.write(c.framed)
		c.writing.Unlock()
	}
	<-c.inFlight
}

// Reply queues the reply to a query that had to wait. It does not wait for the
// client: who brings the reply has others to serve.
func (c *tcpConn) Reply(_ *resolver.Query, reply []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case reply == nil:
	case len(c.unsent)+len(reply) > maxUnsent:
		_ = c.conn.Close() // the client does not read
	default:
		c.unsent = appendFrame(c.unsent, reply)
	}
	if c.queued++; c.queued == 1 {
		go c.flush()
	}
}

// flush writes the late replies and frees their queries' places.
func (c *tcpConn) flush() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	framed, count := c.unsent, c.queued
	c.unsent, c.queued = nil, 0
	c.mu.Unlock()
	c.write(framed)
	for range count {
		<-c.inFlight
	}
}

// appendFrame appends a message as TCP carries it.
func appendFrame(to, message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(to, uint16(len(message))), message...)
}

// write is for who holds writing.
func (c *tcpConn) write(framed []byte) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := c.conn.Write(framed); err != nil {
		_ = c.conn.Close() // the client is gone; its reader notices
	}
}
