package sketch

import (
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"bailiff/policy/name"
)

func flood(s *Sketch, names int) {
	for i := range names {
		s.Note(Sight{Name: name.MustParse(fmt.Sprintf("x%d.example", i))})
	}
}

// find is a name among those handed out.
func find(s *Sketch, want string) (Seen, bool) {
	for _, seen := range s.Names() {
		if seen.Name == want {
			return seen, true
		}
	}
	return Seen{}, false
}

func TestNote_aNewcomerSeenTwiceOutlastsThoseSeenOnce(t *testing.T) {
	s := New()
	once, twice := name.MustParse("once.test"), name.MustParse("twice.test")
	s.Note(Sight{Name: once})
	s.Note(Sight{Name: twice})
	s.Note(Sight{Name: twice, At: oneVisit})
	flood(s, MaxNames*3/2)
	if seen, ok := find(s, "twice.test"); !ok || seen.Count != 2 {
		t.Errorf("twice.test: got %+v, %t, want it, seen twice", seen, ok)
	}
	if _, ok := find(s, "once.test"); ok {
		t.Error("once.test is still there")
	}
	flood(s, 3*MaxNames)
	if _, ok := find(s, "twice.test"); ok {
		t.Error("twice.test is still there, not seen for long")
	}
}

func TestNote_keepsAtMostMaxNames(t *testing.T) {
	s := New()
	flood(s, 2*MaxNames)
	if got := len(s.Names()); got != MaxNames {
		t.Errorf("got %d names, want %d", got, MaxNames)
	}
	for i := range s.shards {
		if got := len(s.shards[i].where); got != shardNames {
			t.Errorf("shard %d: got %d places, want %d", i, got, shardNames)
		}
	}
}

func TestNote_bothFamiliesAreOneVisit(t *testing.T) {
	s := New()
	n := name.MustParse("a.example")
	for _, at := range []time.Duration{0, time.Second, oneVisit, oneVisit + time.Second, time.Minute} {
		s.Note(Sight{Name: n, At: at})
	}
	if seen, _ := find(s, "a.example"); seen.Count != 3 {
		t.Errorf("got %d visits, want 3", seen.Count)
	}
}

func TestNames_tellWhatTheNameLeadsToOfLate(t *testing.T) {
	s := New()
	n := name.MustParse("a.example")
	servers := []name.Name{name.MustParse("ns1.example"), name.MustParse("ns2.example")}
	s.Note(Sight{Name: n, Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}, Servers: servers})
	s.Note(Sight{Name: n, Target: name.MustParse("edge.test"), Servers: servers, ServerAddresses: []netip.Addr{netip.MustParseAddr("192.0.2.53")}})
	for i := range 5 {
		s.Note(Sight{Name: n, Addresses: []netip.Addr{netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + i)})}})
	}
	want := []Seen{{
		Name: "a.example", Count: 1, CNAME: "edge.test",
		Answers: []string{"192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"},
		NS:      []string{"ns1.example", "ns2.example", "192.0.2.53"},
	}}
	if got := s.Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestNote_manyAtATime(t *testing.T) {
	s := New()
	var notes sync.WaitGroup
	for range 4 {
		notes.Go(func() { flood(s, 2000) })
	}
	s.Names()
	notes.Wait()
	if got := len(s.Names()); got != 2000 {
		t.Errorf("got %d names, want 2000", got)
	}
}

func TestNote_aKnownNameAllocatesNothing(t *testing.T) {
	s := New()
	seen := Sight{Name: name.MustParse("a.example"), Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	s.Note(seen)
	if got := testing.AllocsPerRun(100, func() { s.Note(seen) }); got > 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func BenchmarkNote_newNames(b *testing.B) {
	s := New()
	names := make([]name.Name, 4*MaxNames)
	for i := range names {
		names[i] = name.MustParse(fmt.Sprintf("x%d.example", i))
	}
	addresses := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Note(Sight{Name: names[i%len(names)], Addresses: addresses})
	}
}
