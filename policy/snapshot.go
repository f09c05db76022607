package policy

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// Snapshot is the law at an instant. It is immutable: a query loads it once
// and asks nothing else. The zero value holds no order.
type Snapshot struct {
	// Generation counts snapshots; a higher one is newer.
	Generation uint64

	program *Program
	spans   []span       // by set number
	active  []activeRule // what the spans point into
	from    int64        // Unix nanoseconds: the instants over which
	until   int64        // this is the law, from ≤ t < until
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
	s := &Snapshot{Generation: generation, program: p, spans: make([]span, len(p.sets)), from: distantPast, until: distantFuture}
	for i, set := range p.sets {
		start := len(s.active)
		for _, n := range set {
			b := p.bindings[n]
			s.narrow(b.valid, at)
			if b.valid.state(at) == InForce {
				s.active = append(s.active, activeRule{
					untilSeconds: untilSeconds(b.valid), order: b.order, rule: b.rule, match: b.match, except: b.except,
				})
			}
		}
		s.spans[i] = span{uint32(start), uint32(len(s.active) - start)}
	}
	for _, o := range p.orders {
		s.narrow(validityOf(o.Valid, time.Time{}, time.Time{}), at)
	}
	return s
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

// Match appends to matches each order that n falls under for this client, one
// entry an order, and returns the extended slice with the index of the match
// that answers: -1 if none enforces.
//
// Within an order the closest of rules and exceptions decides, an exception on
// a tie. Among orders the closest match answers: exact over subtree, more
// labels over fewer; then the order's rank.
func (s *Snapshot) Match(n *name.Buffer, client netip.Addr, matches []Match) (all []Match, answers int) {
	if s.program == nil {
		return matches, -1
	}
	start := len(matches)
	h := s.program.table.seed
	for i := n.Labels() - 1; i >= 0; i-- {
		h = n.HashLabel(h, i)
		slot := s.program.table.find(h)
		if slot == 0 {
			break
		}
		if record := uint32(slot); record != 0 {
			if !s.program.table.holds(record, n.Suffix(i)) {
				break
			}
			matches = s.collect(matches, start, i, record, client)
		}
		if slot&childFlag == 0 {
			break
		}
	}
	if len(matches) == start {
		return matches, -1
	}
	return settle(matches, start)
}

// Touches reports whether any rule, of whatever order, dates and clients,
// stands on the path of n. While it does not, no client's answer can change.
func (s *Snapshot) Touches(n *name.Buffer) bool {
	if s.program == nil {
		return false
	}
	t := s.program.table
	h := t.seed
	for i := n.Labels() - 1; i >= 0; i-- {
		h = n.HashLabel(h, i)
		slot := t.find(h)
		if record := uint32(slot); record != 0 && t.holds(record, n.Suffix(i)) {
			return true
		}
		if slot&childFlag == 0 {
			return false
		}
	}
	return false
}

// collect adds what one record says about a name whose label-th label starts
// the record's name. Later records are closer: they replace an order's entry.
func (s *Snapshot) collect(matches []Match, start, label int, record uint32, client netip.Addr) []Match {
	sp := s.spans[s.program.table.set(record)]
	for i := range s.active[sp.at : sp.at+sp.n] {
		r := &s.active[int(sp.at)+i]
		if label == 0 && r.match == name.Below || label > 0 && r.match == name.Exact {
			continue
		}
		o := s.program.orders[r.order]
		if !o.serves(client) {
			continue
		}
		m := Match{Order: o, rank: r.order, Rule: int(r.rule), OwnerLabel: label, Until: r.untilSeconds, exact: r.match == name.Exact, except: r.except}
		matches = closest(matches, start, m)
	}
	return matches
}

// closest keeps one entry an order: the closest, an exception on a tie, else
// the rule that stands first.
func closest(matches []Match, start int, m Match) []Match {
	for i := start; i < len(matches); i++ {
		old := &matches[i]
		if old.rank != m.rank {
			continue
		}
		if d := m.closeness() - old.closeness(); d > 0 || d == 0 && (m.except && !old.except || m.except == old.except && m.Rule < old.Rule) {
			*old = m
		}
		return matches
	}
	return append(matches, m)
}

// closeness grows with the labels of the rule's name; exact beats subtree.
func (m *Match) closeness() int {
	c := -2 * m.OwnerLabel
	if m.exact {
		c++
	}
	return c
}

// settle drops the orders that an exception lifts and picks the one that
// answers.
func settle(matches []Match, start int) ([]Match, int) {
	kept, answers := matches[:start], -1
	for _, m := range matches[start:] {
		if m.except {
			continue
		}
		kept = append(kept, m)
		if m.Order.Mode != order.Enforce {
			continue
		}
		if answers >= 0 {
			best := &kept[answers]
			if d := m.closeness() - best.closeness(); d < 0 || d == 0 && m.rank > best.rank {
				continue
			}
		}
		answers = len(kept) - 1
	}
	return kept, answers
}
