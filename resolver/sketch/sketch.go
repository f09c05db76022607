// Package sketch remembers a bounded number of names that were resolved of
// late, and what they lead to, for a person who looks for the next mirror of a
// service under order.
//
// It is in memory only, knows no client and decides nothing. Beside the
// standard library it imports policy/name. Start reading at Sketch.Note.
package sketch

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"

	"bailiff/policy/name"
)

// Bounds. A name takes some 300 octets, at worst 1.9 KiB: 20 MiB in all, and
// 120 MiB if every name and server has the longest name there is.
const (
	MaxNames     = 65_536
	maxAddresses = 4 // of one name, and of its name servers
	maxServers   = 4

	shards     = 64 // so that workers seldom meet at a lock, and nobody waits long for Names
	shardNames = MaxNames / shards
)

// oneVisit is how soon a name asked for again counts as the same visit: for
// the addresses of the other family, mostly.
const oneVisit = 5 * time.Second

// Sketch is the names. Safe for concurrent use.
//
// The name that makes place for a new one is found by second chances (GCLOCK):
// a hand goes round and passes over a name once for each time that it was seen
// again, at most maxChances times. A newcomer seen twice thus outlasts those seen
// once, however many pour in, and what was popular last month goes in the end.
// Counting the most frequent (Space-Saving) would keep that, and make a newcomer
// take over the count of the name it displaces.
type Sketch struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard holds the names of one hash.
type shard struct {
	mu    sync.Mutex // guards all below
	ring  []entry
	hand  int               // in ring: the next that may have to go
	where map[name.Name]int // in ring
}

// maxChances bounds how long a name outlives its last sight: as many turns of
// the hand.
const maxChances = 3

// entry is a name and what is known of it.
type entry struct {
	Sight
	visits  uint32
	chances uint8
}

// Sight is a name that was resolved, and what it leads to. What is given of
// slices is copied.
type Sight struct {
	Name            name.Name     // canonical
	At              time.Duration // on any clock that does not go back
	Target          name.Name     // at the end of its aliases; empty: it is none
	Addresses       []netip.Addr
	Servers         []name.Name // of its zone, where they are known
	ServerAddresses []netip.Addr
}

// New returns a sketch without names.
func New() *Sketch {
	s := &Sketch{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].where = map[name.Name]int{}
	}
	return s
}

// Note remembers a name. It allocates for what is new alone.
func (s *Sketch) Note(seen Sight) {
	shard := &s.shards[maphash.String(s.seed, string(seen.Name))%shards]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	i, known := shard.where[seen.Name]
	if !known {
		i = shard.place(seen.Name)
	}
	shard.ring[i].add(&seen)
}

// place is where a new name goes.
func (s *shard) place(n name.Name) (at int) {
	if at = len(s.ring); at < shardNames {
		s.ring = append(s.ring, entry{})
	} else {
		for s.ring[s.hand].chances > 0 {
			s.ring[s.hand].chances--
			s.hand = (s.hand + 1) % shardNames
		}
		at = s.hand
		s.hand = (s.hand + 1) % shardNames
		delete(s.where, s.ring[at].Name)
		s.ring[at] = entry{}
	}
	s.where[n] = at
	return at
}

// add adds what was seen of the name now.
func (e *entry) add(seen *Sight) {
	switch {
	case e.visits == 0:
		e.visits, e.Name, e.At = 1, seen.Name, seen.At
	case seen.At-e.At >= oneVisit:
		e.visits = max(e.visits, e.visits+1) // it stays where it overflows
		e.chances = min(e.chances+1, maxChances)
		e.At = seen.At
	}
	if seen.Target != "" {
		e.Target = seen.Target
	}
	e.Addresses = recent(e.Addresses, seen.Addresses, maxAddresses)
	e.Servers = recent(e.Servers, seen.Servers, maxServers)
	e.ServerAddresses = recent(e.ServerAddresses, seen.ServerAddresses, maxAddresses)
}

// recent adds what is new and drops the oldest beyond limit.
func recent[T comparable](known, seen []T, limit int) []T {
	for _, v := range seen[:min(len(seen), limit)] {
		if !slices.Contains(known, v) {
			known = append(known, v)
		}
	}
	return slices.Delete(known, 0, max(0, len(known)-limit))
}

// Seen is a name as it is handed out.
type Seen struct {
	Name    string   `json:"name"`
	Count   uint32   `json:"count"` // how often it was resolved; the cache answers in between
	Answers []string `json:"answers,omitempty"`
	CNAME   string   `json:"cname,omitempty"`
	NS      []string `json:"ns,omitempty"` // names and addresses of its name servers
}

// Names returns all names, sorted. Those that come meanwhile may be missing.
func (s *Sketch) Names() []Seen {
	var all []Seen
	for i := range s.shards {
		all = s.shards[i].appendNames(all)
	}
	slices.SortFunc(all, func(a, b Seen) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (s *shard) appendNames(all []Seen) []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.ring {
		e := &s.ring[i]
		seen := Seen{Name: e.Name.String(), Count: e.visits, Answers: texts(e.Addresses)}
		if e.Target != "" {
			seen.CNAME = e.Target.String()
		}
		seen.NS = append(texts(e.Servers), texts(e.ServerAddresses)...)
		all = append(all, seen)
	}
	return all
}

func texts[T interface{ String() string }](values []T) (texts []string) {
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return texts
}
