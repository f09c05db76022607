package recurse

import (
	"net/netip"
	"time"
)

// cut is a zone as we come to it: its name and who serves it. Immutable.
type cut struct {
	zone    string
	parent  string       // the zone whose servers referred to it; "" for the root and configured zones
	servers []nameserver // in the order of the referral
	role    role
	learnt  time.Time
	expires time.Time // zero: never. The parent's TTL alone counts: a zone cannot keep itself alive (ghost domains)
}

// role is how the servers of a cut are asked.
type role uint8

const (
	authoritative role = iota // they serve the zone (RD=0)
	forwarding                // they resolve whatever is below (RD=1)
)

// nameserver is one server of a zone: its name, and the addresses that came
// with it. Configured ones have no name.
type nameserver struct {
	name string
	glue []*server
}

// hasChoice reports whether the zone has several servers.
func (c *cut) hasChoice() bool {
	return len(c.servers) > 1 || len(c.servers) == 1 && len(c.servers[0].glue) > 1
}

func (c *cut) fresh(now time.Time) bool { return c.expires.IsZero() || now.Before(c.expires) }

func (c *cut) size() int {
	size := 128 + len(c.zone)
	for _, s := range c.servers {
		size += 64 + len(s.name) + 8*len(s.glue)
	}
	return size
}

// closest returns the deepest zone known at or above name. Records of type DS
// are the parent's: for them it is the deepest strictly above.
func (r *Recursor) closest(name string, above bool) *cut {
	now := r.now()
	for at := name; ; at = parent(at) {
		if !above || at != name {
			if c := r.configured[at]; c != nil {
				return c
			}
			if c := r.memory.cut(at, now); c != nil {
				return c
			}
		}
		if at == "." {
			return r.hints
		}
	}
}

// speaksFor reports whether the servers of a zone have a say on a name: it is in
// the zone, and in none below that the operator named servers for.
func (r *Recursor) speaksFor(z *cut, name string) bool {
	if !within(name, z.zone) {
		return false
	}
	for at := name; at != z.zone && len(r.configured) > 0; at = parent(at) {
		if r.configured[at] != nil {
			return false
		}
	}
	return true
}

// serverAt is the name server at an address.
func (r *Recursor) serverAt(a netip.Addr) *server {
	return r.infra.server(netip.AddrPortFrom(a.Unmap(), 53))
}

// usable reports whether an address that somebody else told may be asked.
func (r *Recursor) usable(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case a.Is4() && !r.cfg.IPv4, a.Is6() && !r.cfg.IPv6:
		return false
	case a.IsUnspecified(), a.IsMulticast(), a.IsLinkLocalUnicast(), a == broadcast:
		return false
	case !r.cfg.AskLoopback && a.IsLoopback(), r.cfg.Own != nil && r.cfg.Own(a):
		return false
	}
	return true
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})
