package dnssec

import (
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Ranges keeps validated NSEC and NSEC3 records, to deny other names and types
// than those they came for (RFC 8198). What it takes in memory is bounded; what
// was of no use for longest goes first. Safe for concurrent use.
type Ranges struct {
	mu     sync.Mutex
	limit  int64
	octets int64
	zones  map[string]*zoneRanges
	recent *simplelru.LRU[*span, struct{}]
}

// Negative is a denial found in Ranges. The sets are shared: read only.
type Negative struct {
	NXDOMAIN bool // else NODATA
	SOA      Set
	Proofs   []Set     // the NSEC or NSEC3 RRsets, each once
	Until    time.Time // the end of what it rests on
}

// NewRanges returns an empty store for about as many octets.
func NewRanges(octets int64) *Ranges {
	r := &Ranges{limit: octets, zones: map[string]*zoneRanges{}}
	r.recent, _ = simplelru.NewLRU(math.MaxInt, r.drop) // errs only for a size of 0
	return r
}

// Add takes an NSEC or NSEC3 RRset of the zone and the zone's SOA RRset, both
// verified, the former not made from a wildcard. They are used until the given
// time, which the TTLs, the SOA's MINIMUM and the signatures bound (RFC 8198
// section 5.4, RFC 9077). Sets that are of no use are ignored: among them NSEC3
// with the opt-out flag.
func (r *Ranges) Add(zone string, set, soa Set, until time.Time) {
	apex, ok := pathOf(zone)
	if !ok || len(set.RRs) != 1 || len(soa.RRs) != 1 {
		return
	}
	s := newSpan(apex, set, until)
	if s == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	z := r.zones[zone]
	if z == nil {
		z = &zoneRanges{name: zone, apex: apex}
		r.zones[zone] = z
	}
	r.octets += s.octets + octetsOf(soa) - z.octets
	z.soa, z.until, z.octets = soa, until, octetsOf(soa)
	s.zone = z
	for _, old := range z.insert(s) {
		r.recent.Remove(old)
	}
	r.recent.Add(s, struct{}{})
	for r.octets > r.limit && r.recent.Len() > 0 {
		r.recent.RemoveOldest()
	}
}

// drop takes out what recent no longer has.
func (r *Ranges) drop(s *span, _ struct{}) {
	r.octets -= s.octets
	z := s.zone
	z.remove(s)
	if len(z.names)+len(z.hashes) == 0 {
		r.octets -= z.octets
		delete(r.zones, z.name)
	}
}

// Find is the denial of a name or type in a zone, nil if what is known proves
// none. The zone is the closest above the name, for DS records its parent. A
// record that no longer counts at now is dropped. Names are hashed on the budget,
// and before the Ranges are locked, but for that of a wildcard.
func (r *Ranges) Find(zone, qname string, qtype uint16, now time.Time, b *Budget) *Negative {
	c, ok := r.like(zone, now)
	if !ok {
		return nil
	}
	q, ok := pathOf(qname)
	if !ok || !q.within(c.apex) {
		return nil
	}
	hashed := c.hashAll(q, b)
	r.mu.Lock()
	defer r.mu.Unlock()
	z := r.zones[zone]
	if z == nil || !now.Before(z.until) {
		return nil
	}
	proof, nxdomain := z.denyByName(q, qtype)
	if proof == nil && hashed && len(z.hashes) > 0 && z.hashes[0].nsec3.like(c) {
		proof, nxdomain = z.denyByHash(q, qtype, c, b)
	}
	if proof == nil {
		return nil
	}
	n := &Negative{NXDOMAIN: nxdomain, SOA: z.soa, Until: z.until}
	for _, s := range proof {
		if !now.Before(s.until) {
			r.recent.Remove(s)
			return nil
		}
		r.recent.Get(s)
		n.Proofs = append(n.Proofs, s.set)
		if s.until.Before(n.Until) {
			n.Until = s.until
		}
	}
	return n
}

// like has the apex of a zone and the parameters of its NSEC3 records, if there
// are any; it is not ok where nothing is known of the zone.
func (r *Ranges) like(zone string, now time.Time) (c *nsec3s, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	z := r.zones[zone]
	if z == nil || !now.Before(z.until) {
		return nil, false
	}
	c = &nsec3s{apex: z.apex}
	if len(z.hashes) > 0 {
		with := &z.hashes[0].nsec3
		c.iterations, c.salt, c.known = with.iterations, with.salt, map[path]hash{}
	}
	return c, true
}
