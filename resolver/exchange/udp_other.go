//go:build !linux

package exchange

import (
	"context"
	"net/netip"
	"time"
)

// udpSockets are used again on Linux only.
type udpSockets struct{}

func (*udpSockets) close() {}

// overUDP sends the query from a fresh socket.
func (s *Sockets) overUDP(ctx context.Context, to netip.AddrPort, q Query, patience time.Duration) ([]byte, error) {
	return s.dialUDP(ctx, to, q, patience)
}
