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
	orders     map[string]*Order // loaded, by id: their tallies
}

// NewStore returns a store that holds no order yet.
func NewStore() *Store {
	s := new(Store)
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
	kept := make(map[string]*Order, len(p.orders))
	for _, o := range p.orders {
		if old := s.orders[o.ID]; old != o {
			o.inherit(old, now)
		}
		kept[o.ID] = o
	}
	s.orders = kept
	return s.swap(p, now)
}

// inherit makes the order go on with the tallies of an earlier load; old is
// nil if there was none.
func (o *Order) inherit(old *Order, now time.Time) {
	if old == nil {
		old = &Order{Tally: &Tally{since: now}}
	}
	o.Tally = old.Tally
	notices := map[string]*atomic.Int64{}
	for i := range o.Rules {
		r := &o.Rules[i]
		if r.Notice == "" {
			continue
		}
		if notices[r.Notice] == nil {
			if notices[r.Notice] = old.notices[r.Notice]; notices[r.Notice] == nil {
				notices[r.Notice] = new(atomic.Int64)
			}
		}
		r.first = notices[r.Notice]
	}
	o.notices = notices
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
	last   atomic.Int64 // Unix seconds of the last match, 0 if none
	since  time.Time    // when the order was first loaded
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
	if second := now / int64(time.Second); t.last.Load() != second {
		t.last.Store(second)
	}
	if m.Enforced() {
		t.counts[m.Trigger()][m.Order.Answer.Action][Enforced].Add(1)
		noteFirst(&t.first, now)
		if first := m.Order.Rules[m.Rule].first; first != nil {
			noteFirst(first, now)
		}
		return
	}
	t.counts[m.Trigger()][m.Order.Answer.Action][Observed].Add(1)
}

// noteFirst keeps the first time it is given.
func noteFirst(first *atomic.Int64, now int64) {
	if first.Load() == 0 {
		first.CompareAndSwap(0, now)
	}
}

// Matches is how many queries fell under the order with this outcome.
func (t *Tally) Matches(trigger order.Trigger, action order.Action, outcome Outcome) uint64 {
	return t.counts[trigger][action][outcome].Load()
}

// FirstAnswer is when the order first changed an answer; zero if it has not.
func (t *Tally) FirstAnswer() time.Time { return timeOf(&t.first) }

// LastMatch is when a query last fell under the order, enforced or observed, to
// the second; zero if none has.
func (t *Tally) LastMatch() time.Time {
	if at := t.last.Load(); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// Since is when this process first loaded the order.
func (t *Tally) Since() time.Time { return t.since }

// FirstAnswerUnder is when a rule that the notice added first changed an
// answer; zero if none has. ok is false if no rule is the notice's.
func (o *Order) FirstAnswerUnder(notice string) (first time.Time, ok bool) {
	at, ok := o.notices[notice]
	if !ok {
		return time.Time{}, false
	}
	return timeOf(at), true
}

// RestoreFirstAnswer makes the order, or the notice if it is not empty, go on
// with the first answer that an earlier process gave. It must come before the
// first query of this one.
func (o *Order) RestoreFirstAnswer(notice string, at time.Time) {
	first := &o.Tally.first
	if notice != "" {
		first = o.notices[notice]
	}
	if first != nil {
		noteFirst(first, at.UnixNano())
	}
}

func timeOf(first *atomic.Int64) time.Time {
	if at := first.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}
