package upstream

import (
	"net/netip"
	"time"
)

// Health is what is known of one upstream, for metrics.
type Health struct {
	Server netip.AddrPort
	Up     bool          // false from its third silence in a row, or a network error, until a response
	RTT    time.Duration // smoothed; 0: not measured since it came up
}

// Health tells of each upstream, in the order of Config.
func (f *Forwarder) Health() []Health { return f.servers.health() }

func (r *roster) health() []Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Health, len(r.servers))
	for i, s := range r.servers {
		all[i] = Health{Server: s.addr, Up: s.failures < silencesToBackOff, RTT: s.srtt}
	}
	return all
}
