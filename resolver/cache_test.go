package resolver

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// kept puts a truth of so many octets on the name's A records into the cache.
func kept(t *testing.T, c *cache, qname string, octets int, lifetime time.Duration) (*Query, *truth) {
	t.Helper()
	q := prepared(t, qname, dns.TypeA, false)
	q.differs = variantDO | variantCD | variantAD
	q.parse(0)
	entry := &truth{octets: append(q.Packet, make([]byte, octets)...), lifetime: lifetime}
	c.put(q, entry)
	return q, entry
}

func TestCache_whatIsAskedForStays(t *testing.T) {
	c := newCache(cacheShards*4096, 0)
	q, entry := kept(t, c, "often.test", 100, time.Hour)
	once, _ := kept(t, c, "once.test", 100, time.Hour)
	for i := range 20000 {
		kept(t, c, fmt.Sprintf("n%d.test", i), 100, time.Hour)
		if c.get(q, 0) != entry {
			t.Fatalf("evicted after %d others, want it kept: it is asked for all the time", i)
		}
	}
	if c.get(once, 0) != nil {
		t.Errorf("got what nobody asks for, want it evicted")
	}
}

func TestCache_aTruthReplacesTheOneBefore(t *testing.T) {
	c := newCache(cacheShards*4096, 0)
	kept(t, c, "free.test", 1000, time.Hour)
	q, second := kept(t, c, "free.test", 100, time.Hour)
	if got := c.get(q, 0); got != second {
		t.Errorf("got %v, want the second", got)
	}
	octets, _ := c.usage()
	if stats := c.stats(); octets != int64(second.size()) || stats.Entries[0] != 1 || stats.Evictions[0] != 0 {
		t.Errorf("got %d octets, %+v; want %d octets, one entry, none evicted", octets, stats, second.size())
	}
}

func TestCache_holdsNothingThatIsLargerThanAShard(t *testing.T) {
	c := newCache(cacheShards*4096, 0)
	q, _ := kept(t, c, "large.test", 4096, time.Hour)
	if octets, _ := c.usage(); c.get(q, 0) != nil || octets != 0 {
		t.Errorf("got %d octets, want none", octets)
	}
}

func TestCache_oneLargeTruthEvictsManySmallOnes(t *testing.T) {
	c := newCache(cacheShards*4096, 0)
	for i := range 2000 {
		q, _ := kept(t, c, fmt.Sprintf("n%d.test", i), 10, time.Hour)
		c.get(q, 0)
	}
	q, large := kept(t, c, "large.test", 3000, time.Hour)
	octets, limit := c.usage()
	if c.get(q, 0) != large || octets > limit {
		t.Errorf("got %v and %d of %d octets, want the large one within the limit", c.get(q, 0), octets, limit)
	}
}

func TestCache_isStaleNoLongerThanItMayBe(t *testing.T) {
	c := newCache(cacheShards*4096, time.Minute)
	q, entry := kept(t, c, "free.test", 100, time.Hour)
	if got := c.get(q, time.Hour+time.Minute-1); got != entry {
		t.Errorf("got %v, want the stale truth", got)
	}
	if got := c.get(q, time.Hour+time.Minute); got != nil {
		t.Errorf("got %v, want none", got)
	}
}

func TestCache_anotherQuestionOfTheSameHashIsAMiss(t *testing.T) {
	c := newCache(cacheShards*4096, 0)
	q, entry := kept(t, c, "free.test", 100, time.Hour)
	for _, change := range []func(*Query){
		func(q *Query) { q.qtype = dns.TypeAAAA },
		func(q *Query) { q.do = true },
		func(q *Query) { q.name.Set([]byte("\x04free\x05tests\x00")) },
		func(q *Query) { q.name.Set([]byte("\x04free\x00")) },
		func(q *Query) { q.name.Set([]byte{0}) },
	} {
		other := *q
		change(&other)
		if entry.is(&other) {
			t.Errorf("got the truth on %x for %x, type %d", q.name.Wire(), other.name.Wire(), other.qtype)
		}
	}
}
