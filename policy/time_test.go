package policy

import (
	"net/netip"
	"testing"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// clockwork is a store with one order on a.test, valid for an hour from epoch.
func clockwork(t *testing.T, now time.Time) *Store {
	t.Helper()
	o := anOrder("o", name.Subtree, "a.test")
	o.Valid = order.Valid{From: epoch, Until: epoch.Add(time.Hour)}
	var problems problem.List
	p := Compile(&order.Set{Orders: []*order.Order{o}}, Options{}, &problems)
	s := NewStore()
	s.Install(p, now)
	return s
}

func (s *Store) answersFor(text string) bool {
	var b name.Buffer
	b.Set([]byte(name.MustParse(text)))
	_, answers := s.Load().Match(&b, netip.Addr{}, nil)
	return answers >= 0
}

func TestAdvance_theLawFollowsTheClockBothWays(t *testing.T) {
	s := clockwork(t, epoch.Add(-time.Hour))
	steps := []struct {
		at      time.Duration
		changes bool
		want    bool
		state   State
	}{
		{-time.Nanosecond, false, false, Pending},
		{0, true, true, InForce}, // from ≤ t
		{time.Minute, false, true, InForce},
		{time.Hour - time.Nanosecond, false, true, InForce},
		{time.Hour, true, false, Lapsed},        // t < until
		{30 * time.Minute, true, true, InForce}, // the clock is put back
		{-24 * 365 * 10 * time.Hour, true, false, Pending},
		{24 * 365 * 10 * time.Hour, true, false, Lapsed},
		{time.Minute, true, true, InForce},
	}
	for _, step := range steps {
		now := epoch.Add(step.at)
		generation := s.Load().Generation
		if changed := s.Advance(now); changed != step.changes || (s.Load().Generation > generation) != step.changes {
			t.Errorf("%v: changed %v, want %v", step.at, changed, step.changes)
		}
		if got := s.answersFor("a.test"); got != step.want {
			t.Errorf("%v: answers %v, want %v", step.at, got, step.want)
		}
		if got := s.Load().Orders()[0].State(now); got != step.state {
			t.Errorf("%v: got %v, want %v", step.at, got, step.state)
		}
	}
}

func TestBoundary_isTheNextBeginOrEnd(t *testing.T) {
	for at, want := range map[time.Duration]time.Time{
		-time.Minute: epoch, time.Minute: epoch.Add(time.Hour), 2 * time.Hour: {},
	} {
		got, ok := clockwork(t, epoch.Add(at)).Load().Boundary()
		if ok == want.IsZero() || ok && !got.Equal(want) {
			t.Errorf("at %v: got %v %v, want %v", at, got, ok, want)
		}
	}
}

func TestTTLSeconds_neverReachesPastTheEnd(t *testing.T) {
	s := clockwork(t, epoch)
	var b name.Buffer
	b.Set([]byte(name.MustParse("a.test")))
	matches, answers := s.Load().Match(&b, netip.Addr{}, nil)
	for at, want := range map[time.Duration]uint32{
		0: 60, 59 * time.Minute: 60, 59*time.Minute + 30*time.Second: 30, time.Hour - time.Nanosecond: 1, time.Hour: 0, 2 * time.Hour: 0,
	} {
		if got := matches[answers].TTLSeconds(epoch.Add(at)); got != want {
			t.Errorf("at %v: got %d, want %d", at, got, want)
		}
	}
}

func TestInstall_talliesSurviveAReloadAndGoWithTheOrder(t *testing.T) {
	s := NewStore()
	install := func(ids ...string) {
		var set order.Set
		for _, id := range ids {
			set.Orders = append(set.Orders, anOrder(id, name.Subtree, id+".test"))
		}
		var problems problem.List
		s.Install(Compile(&set, Options{}, &problems), epoch)
	}
	count := func() uint64 {
		for _, o := range s.Load().Orders() {
			if o.ID == "kept" {
				return o.Tally.Matches(order.TriggerName, order.ActionNXDOMAIN, Enforced)
			}
		}
		return 0
	}
	install("kept", "gone")
	for range 3 {
		var b name.Buffer
		b.Set([]byte(name.MustParse("kept.test")))
		matches, answers := s.Load().Match(&b, netip.Addr{}, nil)
		matches[answers].Count(epoch.UnixNano())
	}
	install("kept")
	if got := count(); got != 3 {
		t.Errorf("after a reload: got %d, want 3", got)
	}
	install("other")
	install("kept")
	if got := count(); got != 0 {
		t.Errorf("after the order was gone: got %d, want 0", got)
	}
}
