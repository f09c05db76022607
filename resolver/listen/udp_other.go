//go:build !linux

package listen

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"bailiff/resolver"
)

// udpWorker reads one socket with the portable calls, a datagram at a time. On
// a wildcard address the system picks the source of a reply.
type udpWorker struct {
	conn    *net.UDPConn
	number  int
	stopped atomic.Bool
}

// openUDP opens one socket: SO_REUSEPORT does not spread load everywhere.
func openUDP(a netip.AddrPort, _, number int) ([]*udpWorker, error) {
	conn, err := net.ListenUDP(network("udp", a), net.UDPAddrFromAddrPort(a))
	if err != nil {
		return nil, err
	}
	return []*udpWorker{{conn: conn, number: number}}, nil
}

// adoptUDP makes a worker of a socket that is bound already.
func adoptUDP(conn *net.UDPConn, _ netip.AddrPort, number int) (*udpWorker, error) {
	return &udpWorker{conn: conn, number: number}, nil
}

// serve answers until the worker is stopped.
func (w *udpWorker) serve(r *resolver.Resolver) {
	var q resolver.Query
	packet, out := make([]byte, queryBytes), make([]byte, 0, replyBytes)
	for !w.stopped.Load() {
		n, peer, err := w.conn.ReadFromUDPAddrPort(packet)
		if err != nil || n == 0 || peer.Port() == 0 {
			continue
		}
		q.Packet, q.Out, q.Late, q.Worker = packet[:n], out, w, w.number
		q.Client, q.Transport, q.Received = clientOf(peer.Addr()), resolver.UDP, time.Now()
		text, _ := peer.MarshalBinary()
		q.Route.PeerLen = uint32(copy(q.Route.Peer[:], text))
		if reply := r.Respond(&q); reply != nil {
			_, _ = w.conn.WriteToUDPAddrPort(reply, peer)
		}
	}
}

// Reply sends the reply to a query that had to wait.
func (w *udpWorker) Reply(q *resolver.Query, reply []byte) {
	var peer netip.AddrPort
	if reply == nil || peer.UnmarshalBinary(q.Route.Peer[:q.Route.PeerLen]) != nil {
		return
	}
	_, _ = w.conn.WriteToUDPAddrPort(reply, peer)
}

// stop ends reading; replies still go out.
func (w *udpWorker) stop() {
	w.stopped.Store(true)
	_ = w.conn.SetReadDeadline(time.Now())
}

func (w *udpWorker) close() error { return w.conn.Close() }
