package exchange

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
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
	udp                udpSockets
	idle               idle
}

// NewSockets asks from one of these addresses; for a family that has none among
// them, from the address the system chooses. It opens nothing yet.
func NewSockets(source []netip.Addr) *Sockets {
	s := new(Sockets)
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
// it. Exchanges under way are ended by their contexts and their patience: over
// UDP they may hear nothing any more. Further ones over UDP are refused.
func (s *Sockets) Close() {
	s.idle.close()
	s.udp.close()
}

// Exchange asks one server; see Network.
func (s *Sockets) Exchange(ctx context.Context, to netip.AddrPort, over Transport, q Query, patience time.Duration) (packet []byte, err error) {
	if over == UDP {
		packet, err = s.overUDP(ctx, to, q, patience)
	} else {
		packet, err = s.overTCP(ctx, to, q, time.Now().Add(patience))
	}
	switch {
	case err == nil:
		return packet, nil
	case ctx.Err() != nil: // not the network: the connection was closed under it
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

// dialUDP is overUDP on any system, and for addresses with a zone.
func (s *Sockets) dialUDP(ctx context.Context, to netip.AddrPort, q Query, patience time.Duration) ([]byte, error) {
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
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(q.Message()); err != nil {
		return nil, err
	}
	buffer := make([]byte, udpBufferBytes)
	for range maxNearMisses {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		if response, err := q.accept(buffer[:n]); response != nil || err != nil {
			return response, err
		}
	}
	return nil, ErrDoubtful
}

// accept copies a packet that came over UDP if it is the response. A near miss
// is neither a response nor an error.
func (q Query) accept(packet []byte) (response []byte, err error) {
	switch fit := q.Fit(packet); {
	case fit == Misspelt, fit == Fits && len(packet) > maxPayload && q.form.Iterative:
		// Longer than we offered: fragments can be forged apart (RFC 9715 section 3).
		return nil, ErrDoubtful
	case fit == Fits:
		return slices.Clone(packet), nil
	}
	return nil, nil
}

// closeWith ends whatever waits on conn when ctx ends. What it returns stops
// that, and reports whether ctx has not ended before.
func closeWith(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { conn.Close() })
}
