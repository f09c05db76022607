package recurse

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memory keeps what is known of names and zones, least recently used first to
// go, bounded in octets. Safe for concurrent use.
type memory struct {
	seed   maphash.Seed
	shards [memoryShards]memoryShard
}

const memoryShards = 16

// memoryShard is the facts and cuts of some names.
type memoryShard struct {
	mu    sync.Mutex
	kept  *simplelru.LRU[key, entry]
	size  int
	limit int
}

// key says what an entry is about.
type key struct {
	name  string
	qtype uint16 // of ofSet
	of    about
}

// about tells the entries of a name apart.
type about uint8

const (
	ofSet   about = iota // a *fact on one type
	ofName               // a *fact: the name does not exist
	ofCut                // a *cut: the delegation of the zone
	ofTrust              // a *trust: the zone's keys
)

// entry is a *fact, a *cut or a *trust.
type entry interface {
	size() int
	fresh(now time.Time) bool
}

// maxEntries bounds a shard where entries are small; octets bound it elsewhere.
const maxEntries = 1 << 20

func newMemory(octets int64) *memory {
	m := &memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		s := &m.shards[i]
		s.limit = int(octets / memoryShards)
		s.kept, _ = simplelru.NewLRU(maxEntries, func(_ key, e entry) { s.size -= e.size() }) // errs for a size of 0 only
	}
	return m
}

func (m *memory) shard(k key) *memoryShard {
	return &m.shards[maphash.String(m.seed, k.name)%memoryShards]
}

// get returns what is kept, nil if that is nothing, or too old.
func (m *memory) get(k key, now time.Time) entry {
	s := m.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.kept.Get(k)
	switch {
	case !ok:
		return nil
	case !e.fresh(now):
		s.kept.Remove(k)
		return nil
	}
	return e
}

// put keeps an entry in the place of the one before.
func (m *memory) put(k key, e entry) {
	s := m.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept.Remove(k)
	if e.size() > s.limit {
		return
	}
	s.kept.Add(k, e)
	s.size += e.size()
	for s.size > s.limit {
		s.kept.RemoveOldest()
	}
}

// remove forgets an entry, if it is still the one kept.
func (m *memory) remove(k key, e entry) {
	s := m.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.kept.Peek(k); ok && kept == e {
		s.kept.Remove(k)
	}
}

// usage is how many octets are kept, and may be.
func (m *memory) usage() (octets, limit int64) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		octets, limit = octets+int64(s.size), limit+int64(s.limit)
		s.mu.Unlock()
	}
	return octets, limit
}

func (m *memory) fact(k key, now time.Time) *fact {
	f, _ := m.get(k, now).(*fact)
	return f
}

func (m *memory) cut(zone string, now time.Time) *cut {
	c, _ := m.get(key{name: zone, of: ofCut}, now).(*cut)
	return c
}

func (m *memory) trust(zone string, now time.Time) *trust {
	t, _ := m.get(key{name: zone, of: ofTrust}, now).(*trust)
	return t
}
