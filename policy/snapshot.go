package policy

import (
	"cmp"
	"slices"
	"time"

	"bailiff/policy/name"
)

// Snapshot is the law at an instant. It is immutable: a query loads it once
// and asks nothing else. The zero value holds no order.
type Snapshot struct {
	// Generation counts snapshots; a higher one is newer.
	Generation uint64

	program *Program
	layers  []activeLayer
	active  []activeRule // what the layers' spans point into
	from    int64        // Unix nanoseconds: the instants over which
	until   int64        // this is the law, from ≤ t < until
}

// activeLayer is a layer of the program at an instant.
type activeLayer struct {
	*layer
	spans []span // by set number
}

// span is where a set's rules in force stand in Snapshot.active.
type span struct{ at, n uint32 }

// activeRule is a binding whose dates hold now.
type activeRule struct {
	untilSeconds int64 // 0: none
	order, rule  uint32
	match        name.Match
	except       bool
}

// activate is the program at an instant.
func (p *Program) activate(now time.Time, generation uint64) *Snapshot {
	at := now.UnixNano()
	s := &Snapshot{Generation: generation, program: p, from: distantPast, until: distantFuture}
	for _, l := range p.layers {
		s.activate(l, at)
	}
	for _, o := range p.orders {
		s.narrow(validityOf(o.Valid, time.Time{}, time.Time{}), at)
	}
	return s
}

func (s *Snapshot) activate(p placed, at int64) {
	l := activeLayer{p.layer, make([]span, len(p.sets))}
	for i, set := range p.sets {
		start := len(s.active)
		for _, n := range set {
			b := p.bindings[n]
			rank := p.ranks[b.order]
			if rank == gone {
				continue
			}
			s.narrow(b.valid, at)
			if b.valid.state(at) == InForce {
				s.active = append(s.active, activeRule{
					untilSeconds: untilSeconds(b.valid), order: rank, rule: b.rule, match: b.match, except: b.except,
				})
			}
		}
		l.spans[i] = span{uint32(start), uint32(len(s.active) - start)}
	}
	s.layers = append(s.layers, l)
}

// narrow cuts the snapshot's interval at the boundaries of v.
func (s *Snapshot) narrow(v validity, at int64) {
	for _, boundary := range []int64{v.from, v.until} {
		if boundary > at {
			s.until = min(s.until, boundary)
		} else {
			s.from = max(s.from, boundary)
		}
	}
}

func untilSeconds(v validity) int64 {
	if v.until == distantFuture {
		return 0
	}
	return v.until / int64(time.Second)
}

// Holds reports whether the snapshot is the law at t; a clock that jumps,
// either way, may leave its interval.
func (s *Snapshot) Holds(t time.Time) bool {
	at := t.UnixNano()
	return s.program == nil || s.from <= at && at < s.until
}

// Boundary is the next instant at which an order or a rule begins or ends;
// ok is false if there is none.
func (s *Snapshot) Boundary() (t time.Time, ok bool) {
	if s.program == nil || s.until == distantFuture {
		return time.Time{}, false
	}
	return time.Unix(0, s.until), true
}

// Orders lists the orders of the load, those not in force included, by id.
func (s *Snapshot) Orders() []*Order {
	if s.program == nil {
		return nil
	}
	return slices.SortedFunc(slices.Values(s.program.orders), func(a, b *Order) int { return cmp.Compare(a.ID, b.ID) })
}

// State is where the order stands at t.
func (o *Order) State(t time.Time) State {
	return validityOf(o.Valid, time.Time{}, time.Time{}).state(t.UnixNano())
}
