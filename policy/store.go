package policy

import (
	"sync"
	"sync/atomic"
	"time"

	"bailiff/policy/order"
)

// Store owns the law in force. Load is for the query path; the other methods
// are for the one goroutine that reloads and watches the clock, though any may
// be called at any time.
type Store struct {
	current atomic.Pointer[Snapshot]

	mu         sync.Mutex // guards what follows
	generation uint64
	tallies    map[string]*Tally
}

// NewStore returns a store that holds no order yet.
func NewStore() *Store {
	s := &Store{tallies: map[string]*Tally{}}
	s.current.Store(&Snapshot{})
	return s
}

// Load returns the law of this moment. A query calls it once.
func (s *Store) Load() *Snapshot { return s.current.Load() }

// Program is the load in force, nil before the first.
func (s *Store) Program() *Program { return s.Load().program }

// Install puts a program in force. The tallies of orders that stay go on;
// those of orders that went are forgotten.
func (s *Store) Install(p *Program, now time.Time) *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make(map[string]*Tally, len(p.orders))
	for _, o := range p.orders {
		if o.Tally = s.tallies[o.ID]; o.Tally == nil {
			o.Tally = new(Tally)
		}
		kept[o.ID] = o.Tally
	}
	s.tallies = kept
	return s.swap(p, now)
}

// Advance makes the law follow the clock: if now lies outside the current
// snapshot's interval a new one takes its place. It reports whether it did.
func (s *Store) Advance(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	current := s.Load()
	if current.Holds(now) {
		return false
	}
	s.swap(current.program, now)
	return true
}

func (s *Store) swap(p *Program, now time.Time) *Snapshot {
	s.generation++
	next := p.activate(now, s.generation)
	s.current.Store(next)
	return next
}

// Tally counts the matches of one order over all loads that hold it.
type Tally struct {
	counts [order.Triggers][order.Actions][2]atomic.Uint64
	first  atomic.Int64 // Unix nanoseconds of the first answer given, 0 if none
}

// Outcome says what a match did to the answer.
type Outcome uint8

// Enforced: the order applied, whether this order or a closer one answered.
// Observed: it was only counted.
const (
	Enforced Outcome = iota
	Observed
)

// String is the label value of the metrics.
func (o Outcome) String() string {
	if o == Observed {
		return "observed"
	}
	return "enforced"
}

// Count records one query that fell under the order, at now in Unix
// nanoseconds.
func (m *Match) Count(now int64) {
	t := m.Order.Tally
	if m.Enforced() {
		t.counts[m.Trigger()][m.Order.Answer.Action][Enforced].Add(1)
		if t.first.Load() == 0 {
			t.first.CompareAndSwap(0, now)
		}
		return
	}
	t.counts[m.Trigger()][m.Order.Answer.Action][Observed].Add(1)
}

// Matches is how many queries fell under the order with this outcome.
func (t *Tally) Matches(trigger order.Trigger, action order.Action, outcome Outcome) uint64 {
	return t.counts[trigger][action][outcome].Load()
}

// FirstAnswer is when the order first changed an answer; zero if it has not.
func (t *Tally) FirstAnswer() time.Time {
	if at := t.first.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}
