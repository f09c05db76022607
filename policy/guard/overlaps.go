package guard

import (
	"fmt"
	"math/bits"
	"math/rand/v2"

	"bailiff/policy"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// maxOverlapNames bounds the names that are compared with each other: they
// take some 40 octets each meanwhile.
const maxOverlapNames = 5_000_000

// noteOverlaps notes names that stand twice, rules that another rule of their
// order covers, and names with www. whose site stays free without it. There is
// one note of a kind for a rule: lists have thousands of such names. Orders that
// the load kept are looked up in loaded.
func noteOverlaps(set *order.Set, loaded *policy.Program, problems *problem.List) {
	c := comparison{seed: rand.Uint64(), problems: problems}
	if len(set.Kept) > 0 {
		c.loaded, c.kept = loaded, make(map[*order.Order]bool, len(set.Kept))
		for _, o := range set.Kept {
			c.kept[o] = true
		}
	}
	names := 0
	for _, o := range set.Orders {
		for i := range o.Rules {
			names += o.Rules[i].Names.Len()
		}
	}
	if names > maxOverlapNames {
		problems.Add(problem.Problem{
			Severity: problem.Note, File: "guard",
			Text: fmt.Sprintf("the orders hold %d names: what stands twice or is covered is looked for among %d at most", names, maxOverlapNames),
		})
		return
	}
	c.slots = make([]uint64, 1<<bits.Len(uint(2*names)))
	c.seen = make([]byte, max(1, len(c.slots)/2))
	c.entries = make([]entry, 1, names+1)
	for _, o := range set.Orders {
		c.order(o)
	}
}

// comparison holds every name seen so far, by its hash: a note about a chance
// collision would do no harm.
type comparison struct {
	seed     uint64
	slots    []uint64 // open addressing by hash: its high half, and the newest entry
	seen     []byte   // a bit for each hash, small enough to stay near the processor
	entries  []entry  // from 1
	rules    []*writtenRule
	problems *problem.List
	loaded   *policy.Program // nil: no order was kept
	kept     map[*order.Order]bool
	key      name.Buffer
	hashes   [name.MaxLabels]uint64 // of key from each label on
}

// entry is one name of a rule.
type entry struct {
	rule  uint32 // index in comparison.rules
	line  uint32
	older uint32 // entry of the same name, 0 is none; those of one order stand together
	match name.Match
}

// writtenRule is a rule with what is found at its place: the rules that one
// list makes share that.
type writtenRule struct {
	*order.Rule
	order *order.Order
	*overlaps
}

// overlaps are the names of one place that there is something to note about.
type overlaps struct{ twice, covered, withoutWWW tally }

// tally counts names, and keeps the first.
type tally struct {
	count int
	first list.Entry
	other string // where what it is compared with stands
}

// add counts a name and reports whether it is the first.
func (t *tally) add(e list.Entry) bool {
	if t.count++; t.count == 1 {
		t.first = e
		return true
	}
	return false
}

// order takes an order in, and reports what it finds.
func (c *comparison) order(o *order.Order) {
	from := len(c.rules)
	places := map[string]*overlaps{}
	for i := range o.Rules {
		if r := &o.Rules[i]; r.Trigger == order.TriggerName {
			if places[r.Place] == nil {
				places[r.Place] = new(overlaps)
			}
			c.rules = append(c.rules, &writtenRule{r, o, places[r.Place]})
		}
	}
	for i, r := range c.rules[from:] {
		for e := range r.Names.All() {
			c.enter(e, uint32(from+i))
		}
	}
	for _, r := range c.rules[from:] {
		if !r.Except {
			for e := range r.Names.All() {
				c.compare(e, r)
			}
		}
	}
	for _, r := range c.rules[from:] {
		r.report(c.problems)
		*r.overlaps = overlaps{}
	}
}

// read hashes a name.
func (c *comparison) read(wire []byte) {
	c.key.Set(wire)
	h := c.seed
	for i := c.key.Labels() - 1; i >= 0; i-- {
		h = c.key.HashLabel(h, i)
		c.hashes[i] = h
	}
}

// slot is where the newest entry of a hash stands in its low half; 0 if there is
// none yet. There are more slots than names.
func (c *comparison) slot(h uint64) *uint64 {
	mask := uint64(len(c.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		if s := &c.slots[at]; *s == 0 || *s>>32 == h>>32 {
			return s
		}
	}
}

// newest is the newest entry of a hash, 0 if there is none.
func (c *comparison) newest(h uint64) uint32 {
	if octet, bit := c.bit(h); *octet&bit == 0 {
		return 0
	}
	return uint32(*c.slot(h))
}

// bit is where a hash is marked as seen.
func (c *comparison) bit(h uint64) (octet *byte, bit byte) {
	return &c.seen[h>>3&uint64(len(c.seen)-1)], 1 << (h & 7)
}

// enter adds a name, unless it stands in the same order in the same way.
func (c *comparison) enter(e list.Entry, rule uint32) {
	c.read(e.Name)
	slot := c.slot(c.hashes[0])
	newest := uint32(*slot)
	r := c.rules[rule]
	for at := newest; at != 0; at = c.entries[at].older {
		old := &c.entries[at]
		known := c.rules[old.rule]
		if known.order != r.order {
			if !known.Except && !r.Except && meet(known.order, r.order) && r.twice.add(e) {
				r.twice.other = fmt.Sprintf("in order %s (%s)", known.order.ID, old.at(known))
			}
			break
		}
		if old.match == e.Match && known.Except == r.Except {
			if r.twice.add(e) {
				r.twice.other = "at " + old.at(known)
			}
			return
		}
	}
	if newest == 0 && c.loaded != nil {
		c.compareKept(e, r)
	}
	*slot = c.hashes[0]>>32<<32 | uint64(len(c.entries))
	octet, bit := c.bit(c.hashes[0])
	*octet |= bit
	c.entries = append(c.entries, entry{rule: rule, line: uint32(e.Line), older: newest, match: e.Match})
}

// compareKept looks for a name that was read among the rules of kept orders.
func (c *comparison) compareKept(e list.Entry, r *writtenRule) {
	for _, o := range c.loaded.At(&c.key) {
		if !r.Except && c.kept[o.Order] && meet(o.Order, r.order) && r.twice.add(e) {
			r.twice.other = "in order " + o.ID
		}
	}
}

// meet reports whether two orders hold at the same time, and both may be told
// of. Orders for one season after the other name the same sites.
func meet(a, b *order.Order) bool {
	before := func(a, b *order.Order) bool {
		return !a.Valid.Until.IsZero() && !b.Valid.From.IsZero() && !a.Valid.Until.After(b.Valid.From)
	}
	return told(a) && told(b) && !before(a, b) && !before(b, a)
}

// told reports whether problems may tell the order's names.
func told(o *order.Order) bool { return o.Publicity != order.Hidden }

func (e *entry) at(r *writtenRule) string { return at(r.File, int(e.line)) }

// compare looks for a rule of the same order that covers the name, and that no
// exception parts it from.
func (c *comparison) compare(e list.Entry, r *writtenRule) {
	c.read(e.Name)
	from := 0
	if e.Match == name.Subtree { // nothing else at the name itself covers it
		from = 1
	}
	for i := from; i < c.key.Labels()-1; i++ {
		for at := c.newest(c.hashes[i]); at != 0; at = c.entries[at].older {
			old := &c.entries[at]
			other := c.rules[old.rule]
			if other.order != r.order {
				break
			}
			if other.Except {
				return
			}
			if covers(old.match, e.Match, i) && other.lasts(r) {
				if r.covered.add(e) {
					r.covered.other = old.at(other)
				}
				return
			}
		}
	}
	if e.Match != name.Below && c.isWWW() && c.newest(c.hashes[1]) == 0 && !name.IsPublicSuffix(c.key.Suffix(1)) {
		r.withoutWWW.add(e)
	}
}

// isWWW reports whether a name with www. was read that has a domain behind it.
func (c *comparison) isWWW() bool {
	return c.key.Labels() > 2 && string(c.key.Wire()[:4]) == "\x03www"
}

// covers reports whether a name matched by wide hits all that a name labels
// below it, matched by narrow, would.
func covers(wide, narrow name.Match, labels int) bool {
	if labels == 0 {
		return wide == name.Subtree && narrow != name.Subtree
	}
	return wide != name.Exact
}

// lasts reports whether the rule holds whenever other does.
func (r *writtenRule) lasts(other *writtenRule) bool {
	return (r.From.IsZero() || !other.From.IsZero() && !other.From.Before(r.From)) &&
		(r.Until.IsZero() || !other.Until.IsZero() && !other.Until.After(r.Until))
}

// report adds a note for each kind of thing found.
func (r *writtenRule) report(problems *problem.List) {
	for _, found := range []struct {
		tally
		text, remedy string
	}{
		{r.twice, "stands " + r.twice.other + " too", "remove one of them if that is not meant"},
		{r.covered, "is covered by " + r.covered.other + ", which hits all that it would", "remove it"},
		{r.withoutWWW, "leaves the name without www. free", "add that one if the order means the site"},
	} {
		if found.count == 0 {
			continue
		}
		note := problem.Problem{
			Severity: problem.Note, File: r.File, Line: found.first.Line, Place: r.Place, Text: found.text, Remedy: found.remedy,
		}
		if told(r.order) {
			note.Value = name.Name(found.first.Name).String()
		}
		if found.count > 1 {
			note.Text += fmt.Sprintf(" (as %d more names of this rule)", found.count-1)
		}
		problems.Add(note)
	}
}
