package listen

// Usage is how much of their bounds the listeners use at a moment.
type Usage struct {
	Connections, ConnectionsLimit int    // over TCP
	Refused                       uint64 // connections for which no place was left, since the start
	Dropped                       uint64 // queries that the kernel dropped before they were read; 0 where it does not say
}

// Usage is for metrics.
func (s *Server) Usage() Usage {
	u := Usage{ConnectionsLimit: maxConnections}
	u.Connections, u.Refused = s.tcp.usage()
	bySocket := map[uint64]uint64{} // workers may share one
	for _, w := range s.udp {
		socket, datagrams := w.dropped()
		bySocket[socket] = datagrams
	}
	for _, datagrams := range bySocket {
		u.Dropped += datagrams
	}
	return u
}

func (t *tcpServer) usage() (open int, refused uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open), t.refused
}
