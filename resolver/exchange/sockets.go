package exchange

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	udpBufferBytes = 4096 // more than we offer: a whole response is welcome all the same
	maxNearMisses  = 3    // packets that do not fit before UDP is no longer trusted
)

// Sockets is the Network of this machine. The number of exchanges under way is
// the caller's to bound: each takes a descriptor and a port.
type Sockets struct {
	sources4, sources6 []netip.Addr
	buffers            sync.Pool // of *[udpBufferBytes]byte
	idle               idle
}

// NewSockets asks from one of these addresses; for a family that has none among
// them, from the address the system chooses. It opens nothing yet.
func NewSockets(source []netip.Addr) *Sockets {
	s := &Sockets{buffers: sync.Pool{New: func() any { return new([udpBufferBytes]byte) }}}
	for _, a := range source {
		if a.Is4() {
			s.sources4 = append(s.sources4, a)
		} else {
			s.sources6 = append(s.sources6, a)
		}
	}
	return s
}

// Close ends the connections that are idle, and from now on those that become
// it. Exchanges under way are ended by their contexts.
func (s *Sockets) Close() {
	s.idle.close()
}

// Exchange asks one server; see Network.
func (s *Sockets) Exchange(ctx context.Context, to netip.AddrPort, over Transport, q Query, patience time.Duration) (packet []byte, err error) {
	until := time.Now().Add(patience)
	if over == UDP {
		packet, err = s.overUDP(ctx, to, q, until)
	} else {
		packet, err = s.overTCP(ctx, to, q, until)
	}
	switch {
	case err == nil:
		return packet, nil
	case ctx.Err() != nil: // not the network: the socket was closed under it
		return nil, ctx.Err()
	case isTimeout(err):
		return nil, os.ErrDeadlineExceeded
	}
	return nil, err
}

// isTimeout reports whether an exchange ended because its time was over.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// source is the address to ask another from: of those configured any one of its
// family, the zero Addr where the system shall choose.
func (s *Sockets) source(to netip.Addr) netip.Addr {
	sources := s.sources6
	if to.Is4() {
		sources = s.sources4
	}
	if len(sources) == 0 {
		return netip.Addr{}
	}
	return sources[rand.IntN(len(sources))]
}

// overUDP sends the query from a fresh socket, so that the kernel chooses a
// random port (RFC 5452 section 9.2), and reads until a packet fits. The socket
// is connected: packets of others do not arrive, ICMP errors do.
func (s *Sockets) overUDP(ctx context.Context, to netip.AddrPort, q Query, until time.Time) ([]byte, error) {
	var local *net.UDPAddr
	if source := s.source(to.Addr()); source.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	conn, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer closeWith(ctx, conn)()
	if err := conn.SetReadDeadline(until); err != nil {
		return nil, err
	}
	if _, err := conn.Write(q.Message()); err != nil {
		return nil, err
	}
	buffer := s.buffers.Get().(*[udpBufferBytes]byte)
	defer s.buffers.Put(buffer)
	for range maxNearMisses {
		n, err := conn.Read(buffer[:])
		if err != nil {
			return nil, err
		}
		switch fit := q.Fit(buffer[:n]); {
		case fit == Misspelt, fit == Fits && n > maxPayload && q.form.Iterative:
			// Longer than we offered: fragments can be forged apart (RFC 9715 section 3).
			return nil, ErrDoubtful
		case fit == Fits:
			return slices.Clone(buffer[:n]), nil
		}
	}
	return nil, ErrDoubtful
}

// closeWith ends whatever waits on conn when ctx ends. What it returns stops
// that, and reports whether ctx has not ended before.
func closeWith(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { conn.Close() })
}
