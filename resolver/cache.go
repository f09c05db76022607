package resolver

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sync"
	"time"

	"bailiff/policy/name"
)

// cacheShards are so many that workers seldom meet at a lock.
const cacheShards = 64

// cache holds the truth and nothing but the truth, bounded in octets. What was
// not asked for since the hand last passed goes first: the clock algorithm, near
// to least recently used. Safe for concurrent use.
type cache struct {
	seed   maphash.Seed
	keep   time.Duration // how long an entry may be served past its TTLs, for RFC 8767
	shards [cacheShards]shard
}

// shard is the slots of some keys and where each of these is: two pieces of
// memory, of which the garbage collector walks one.
type shard struct {
	mu    sync.Mutex
	index map[uint64]uint32 // slots by hash
	slots []slot
	free  []uint32 // the empty slots
	hand  int      // the slot that is looked at next
	size  int      // octets held
	limit int
	stats CacheStats
	_     [40]byte // no two shards' locks in one cache line
}

// slot is a place for one truth.
type slot struct {
	truth *truth // nil: the slot is empty
	hash  uint64
	used  bool // asked for since the hand last passed
}

// CacheStats are the cache's counts: [0] positive answers, [1] negative ones.
// A miss counts by what was then learnt.
type CacheStats struct {
	Entries                 [2]int
	Hits, Misses, Evictions [2]uint64
}

func denial(t *truth) int {
	if t.negative {
		return 1
	}
	return 0
}

func newCache(octets int64, keep time.Duration) *cache {
	c := &cache{seed: maphash.MakeSeed(), keep: keep}
	for i := range c.shards {
		c.shards[i].index = map[uint64]uint32{}
		c.shards[i].limit = int(octets / cacheShards)
	}
	return c
}

// key tells questions apart: the bits that change an upstream's answer, QTYPE
// and QNAME.
func (q *Query) key() string {
	b := append(make([]byte, 0, 3+name.MaxWire), byte(q.qtype>>8), byte(q.qtype), q.variant())
	return string(append(b, q.name.Wire()...))
}

// The bits of a query that an answer may depend on.
const (
	variantDO = 1 << iota
	variantCD
	variantAD
)

// variant is DO, CD and AD, as far as the backend's answers differ by them:
// these are kept apart.
func (q *Query) variant() (bits byte) {
	if q.do {
		bits |= variantDO
	}
	if q.cd {
		bits |= variantCD
	}
	if q.ad {
		bits |= variantAD
	}
	return bits & q.differs
}

// hash spreads a key; octets of the name are hashed, type and bits mixed in.
func (c *cache) hash(q *Query) uint64 {
	h := maphash.Bytes(c.seed, q.name.Wire())
	return (h ^ uint64(q.qtype)<<8 ^ uint64(q.variant())) * 0x9e3779b97f4a7c15
}

// is reports whether the truth answers the query's question, not only one of
// the same hash.
func (t *truth) is(q *Query) bool {
	question, ok := bytes.CutPrefix(t.octets[headerSize:], q.name.Wire())
	return ok && binary.BigEndian.Uint16(question) == q.qtype && t.variant == q.variant()
}

// get returns the truth on the query's question, stale or fresh, nil if there
// is none. The caller may keep it.
func (c *cache) get(q *Query, now time.Duration) *truth {
	h := c.hash(q)
	s := &c.shards[h%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.index[h]
	if !ok || !s.slots[i].truth.is(q) || now >= s.slots[i].truth.expires()+c.keep {
		return nil
	}
	t := s.slots[i].truth
	s.slots[i].used = true
	if t.fresh(now) {
		s.stats.Hits[denial(t)]++
	}
	return t
}

// put keeps the truth unless its TTLs forbid.
func (c *cache) put(q *Query, t *truth) {
	h := c.hash(q)
	s := &c.shards[h%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Misses[denial(t)]++
	size := t.size()
	if t.lifetime == 0 || size > s.limit {
		return
	}
	if i, ok := s.index[h]; ok {
		s.drop(i)
	}
	for s.size+size > s.limit {
		s.evict()
	}
	i := s.place()
	s.slots[i] = slot{truth: t, hash: h}
	s.index[h] = i
	s.size += size
	s.stats.Entries[denial(t)]++
}

// place is an empty slot.
func (s *shard) place() uint32 {
	last := len(s.free) - 1
	if last < 0 {
		s.slots = append(s.slots, slot{})
		return uint32(len(s.slots) - 1)
	}
	i := s.free[last]
	s.free = s.free[:last]
	return i
}

// drop empties a slot.
func (s *shard) drop(i uint32) {
	t := s.slots[i].truth
	delete(s.index, s.slots[i].hash)
	s.slots[i] = slot{}
	s.free = append(s.free, i)
	s.size -= t.size()
	s.stats.Entries[denial(t)]--
}

// evict drops the first truth from the hand on that was not used since it last
// passed: within two rounds, as the hand takes that mark away. There must be one.
func (s *shard) evict() {
	for {
		at := &s.slots[s.hand]
		i := uint32(s.hand)
		s.hand = (s.hand + 1) % len(s.slots)
		switch {
		case at.truth == nil:
		case at.used:
			at.used = false
		default:
			s.stats.Evictions[denial(at.truth)]++
			s.drop(i)
			return
		}
	}
}

// stats sums the shards' counts.
func (c *cache) stats() (sum CacheStats) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for kind := range 2 {
			sum.Entries[kind] += s.stats.Entries[kind]
			sum.Hits[kind] += s.stats.Hits[kind]
			sum.Misses[kind] += s.stats.Misses[kind]
			sum.Evictions[kind] += s.stats.Evictions[kind]
		}
		s.mu.Unlock()
	}
	return sum
}
