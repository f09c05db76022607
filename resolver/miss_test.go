package resolver

import (
	"encoding/binary"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/upstream"
)

// misses are misses without the network: queries that wait, and the upstream's
// responses to them.
type misses struct {
	w      *world
	q      *Query
	packet []byte
	count  uint32
}

func newMisses(t testing.TB) *misses {
	w := newWorld(t, oneOrder)
	w.cache = newCache(256<<20, 0)
	q := prepared(t, "0123.example.test", dns.TypeA, true)
	q.Late = discard{}
	return &misses{w: w, q: q}
}

// discard takes late replies and forgets them.
type discard struct{}

func (discard) Reply(*Query, []byte) {}

// next asks for a name that was not asked for yet.
func (m *misses) next() {
	m.count++
	binary.BigEndian.PutUint32(m.q.Packet[headerSize+1:], m.count)
	m.q.parse(0)
	f, _ := m.w.flights.join(m.q.key(), m.q, forAnswer, nil)
	m.packet = append(m.packet[:0], m.q.Packet[:m.q.questionEnd]...)
	m.packet = append(m.packet, 0xc0, headerSize, 0, typeA, 0, classIN, 0, 0, 1, 44, 0, 4, 198, 51, 100, 1)
	m.packet[2], m.packet[7], m.packet[11] = flagQR, 1, 0
	a, _, err := upstream.Read(f.asks(), m.packet)
	m.w.land(f, a, err)
}

func TestLand_allocations(t *testing.T) {
	// The key, the flight and its waiters, the outcome, the truth and its octets;
	// slots and index at times, and what the race detector takes from the pools.
	const allowed = 8
	m := newMisses(t)
	if got := testing.AllocsPerRun(1000, m.next); got > allowed {
		t.Errorf("got %v allocations, want at most %d", got, allowed)
	}
	if stats := m.w.CacheStats(); stats.Entries[0] == 0 || m.w.Panics() != 0 {
		t.Errorf("got %+v and %d panics, want the answers in the cache", stats, m.w.Panics())
	}
}

func BenchmarkMiss(b *testing.B) {
	m := newMisses(b)
	b.ReportAllocs()
	for b.Loop() {
		m.next()
	}
}
