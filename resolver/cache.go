package resolver

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	cacheShards = 64 // so that workers seldom meet at a lock

	// maxShardEntries only keeps golang-lru's own bound out of the way: the
	// bound that counts is in octets.
	maxShardEntries = 1 << 30
)

// cache holds the truth and nothing but the truth, bounded in octets, the
// least recently used entry going first. Safe for concurrent use.
type cache struct {
	seed   maphash.Seed
	keep   time.Duration // how long an entry is kept past its TTLs, for RFC 8767
	shards [cacheShards]shard
}

type shard struct {
	mu    sync.Mutex
	lru   *simplelru.LRU[uint64, *truth]
	size  int // octets held
	limit int
	stats CacheStats
	_     [40]byte // no two shards' locks in one cache line
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
		s := &c.shards[i]
		s.limit = int(octets / cacheShards)
		s.lru, _ = simplelru.NewLRU(maxShardEntries, s.removed) // errs only for a size of 0
	}
	return c
}

// removed is golang-lru's callback for an entry that leaves.
func (s *shard) removed(_ uint64, t *truth) {
	s.size -= t.size()
	s.stats.Entries[denial(t)]--
}

// key is what the truth is kept under: the bits that change an upstream's
// answer, QTYPE and QNAME.
func (q *Query) key() string {
	return string(q.appendKey(nil))
}

func (q *Query) appendKey(b []byte) []byte {
	return append(append(b, byte(q.qtype>>8), byte(q.qtype), q.variant()), q.name.Wire()...)
}

// variant is DO, CD and AD: answers that differ by them are kept apart.
func (q *Query) variant() (bits byte) {
	if q.do {
		bits |= 1
	}
	if q.cd {
		bits |= 2
	}
	if q.ad {
		bits |= 4
	}
	return bits
}

// hash spreads a key; octets of the name are hashed, type and bits mixed in.
func (c *cache) hash(q *Query) uint64 {
	h := maphash.Bytes(c.seed, q.name.Wire())
	return (h ^ uint64(q.qtype)<<8 ^ uint64(q.variant())) * 0x9e3779b97f4a7c15
}

// is reports whether the truth answers the query's question, not only one of
// the same hash.
func (t *truth) is(q *Query) bool {
	const head = 3
	return t.key[0] == byte(q.qtype>>8) && t.key[1] == byte(q.qtype) && t.key[2] == q.variant() &&
		t.key[head:] == string(q.name.Wire())
}

// get returns the truth on the query's question, stale or fresh, nil if there
// is none. The caller may keep it.
func (c *cache) get(q *Query, now time.Duration) *truth {
	h := c.hash(q)
	s := &c.shards[h%cacheShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.lru.Get(h)
	if !ok || !t.is(q) {
		return nil
	}
	if now >= t.expires()+c.keep {
		s.lru.Remove(h)
		return nil
	}
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
	s.lru.Remove(h)
	s.lru.Add(h, t)
	s.size += size
	s.stats.Entries[denial(t)]++
	for s.size > s.limit {
		if _, old, ok := s.lru.GetOldest(); ok {
			s.stats.Evictions[denial(old)]++
		}
		s.lru.RemoveOldest()
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
