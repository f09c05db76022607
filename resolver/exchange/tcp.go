package exchange

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Bounds of the connections kept for another query (RFC 7766 section 6.2.3).
const (
	maxIdle        = 64               // descriptors; truncated responses are rare
	maxIdleAServer = 2                // one query at a time on each
	maxIdlePeriod  = 10 * time.Second // servers close earlier where they want to
)

// errUnrelated is a response over TCP to something else.
var errUnrelated = errors.New("a response over tcp that does not fit the query")

// overTCP asks on an idle connection if there is one. If that turns out closed,
// or brings anything but a response to this query, a fresh one decides.
func (s *Sockets) overTCP(ctx context.Context, to netip.AddrPort, q Query, until time.Time) ([]byte, error) {
	if conn := s.idle.take(to); conn != nil {
		packet, err := s.askOn(ctx, conn, to, q, until)
		if err == nil || ctx.Err() != nil || isTimeout(err) {
			return packet, err
		}
	}
	dialer := net.Dialer{Deadline: until}
	if source := s.source(to.Addr()); source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return s.askOn(ctx, conn, to, q, until)
}

// askOn makes one query on a connection and takes care of the connection: it is
// kept if it brought a response, and closed if not.
func (s *Sockets) askOn(ctx context.Context, conn net.Conn, to netip.AddrPort, q Query, until time.Time) ([]byte, error) {
	stop := closeWith(ctx, conn)
	packet, err := converse(conn, q, until)
	if !stop() || err != nil {
		conn.Close()
		return packet, err
	}
	s.idle.put(to, conn)
	return packet, nil
}

// converse writes a query and reads the response.
func converse(conn net.Conn, q Query, until time.Time) ([]byte, error) {
	if err := conn.SetDeadline(until); err != nil {
		return nil, err
	}
	if _, err := conn.Write(q.packet); err != nil {
		return nil, err
	}
	var length [lengthOctets]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return nil, err
	}
	if q.Fit(packet) == Unrelated {
		return nil, errUnrelated
	}
	return packet, nil
}

// idle are the connections that wait for another query.
type idle struct {
	mu     sync.Mutex
	conns  []*idleConn // the one that has waited longest first
	closed bool
}

// idleConn is a connection nobody uses.
type idleConn struct {
	conn   net.Conn
	to     netip.AddrPort
	expiry *time.Timer
}

// take is the server's connection that was used last, nil if there is none. It
// is the caller's.
func (i *idle) take(to netip.AddrPort) net.Conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	for at, c := range slices.Backward(i.conns) {
		if c.to == to {
			return i.remove(at)
		}
	}
	return nil
}

// put keeps a connection for a while. Where there is no room, the one that has
// waited longest makes it.
func (i *idle) put(to netip.AddrPort, conn net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		conn.Close()
		return
	}
	oldest, same := 0, 0
	for at, c := range slices.Backward(i.conns) {
		if c.to == to {
			oldest, same = at, same+1
		}
	}
	switch {
	case same == maxIdleAServer:
		i.remove(oldest).Close()
	case len(i.conns) == maxIdle:
		i.remove(0).Close()
	}
	c := &idleConn{conn: conn, to: to}
	c.expiry = time.AfterFunc(maxIdlePeriod, func() { i.expire(c) })
	i.conns = append(i.conns, c)
}

// expire closes a connection that nobody has taken.
func (i *idle) expire(c *idleConn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if at := slices.Index(i.conns, c); at >= 0 {
		i.remove(at).Close()
	}
}

// remove takes a connection out. The mutex is held.
func (i *idle) remove(at int) net.Conn {
	c := i.conns[at]
	c.expiry.Stop()
	i.conns = slices.Delete(i.conns, at, at+1)
	return c.conn
}

// close ends all connections, and those put later.
func (i *idle) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	for len(i.conns) > 0 {
		i.remove(0).Close()
	}
}
