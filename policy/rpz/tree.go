package rpz

import (
	"net/netip"
	"strings"

	"bailiff/policy"
	"bailiff/policy/name"
)

// tree writes the records of the rules on names, or of those on name servers.
//
// Daemons differ in how far a wildcard reaches: as in the DNS it ends at any
// name that exists below it, or it goes on to the longest match. A zone is the
// same for both if each name in it, be it there for those below it only, says
// for itself and for what is below it what would otherwise come from above.
type tree struct {
	*writer
	law     *policy.Snapshot
	trigger string          // at the end of owner names; empty for rules on QNAME
	lifted  map[string]bool // ids of the orders with rules that passing a name lifts
	written []branch        // the last name written and those above it

	key       name.Buffer
	wire      []byte
	matches   []policy.Match
	excepting []*policy.Order
}

// branch is a name that the zone holds, and what it says of those below.
type branch struct {
	path
	below outcome
}

// write writes the names, which are sorted.
func (t *tree) write(names []path) {
	t.written = []branch{{}}
	for _, n := range names {
		for !n.within(t.above().path) {
			t.written = t.written[:len(t.written)-1]
		}
		above := t.above()
		exact, below := t.decide(n, above.below)
		if exact == above.below && below == above.below {
			continue
		}
		if above.below != silent {
			for between := range n.between(above.path) {
				t.add(between, above.below, above.below)
			}
		}
		t.add(n, exact, below)
	}
}

// above is the closest name written above the one at hand.
func (t *tree) above() branch { return t.written[len(t.written)-1] }

// decide is what becomes of a name and of those below it, given what the zone
// says about both so far.
func (t *tree) decide(n path, above outcome) (exact, below outcome) {
	exact, below = t.ask("", n, above), above
	if len(t.wire)+len(asterisk) <= name.MaxWire {
		below = t.ask(asterisk, n, above)
	}
	return exact, below
}

// asterisk is a label that no rule has: what becomes of it becomes of all names
// that no rule is closer to.
const asterisk = "\x01*"

// ask asks the law about a name with a label before it.
func (t *tree) ask(label string, n path, above outcome) outcome {
	t.wire = n.appendWire(append(t.wire[:0], label...))
	t.key.Set(t.wire)
	var answers int
	t.matches, answers = t.law.Match(&t.key, netip.Addr{}, t.matches[:0])
	switch {
	case answers >= 0:
		m := &t.matches[answers]
		return t.outcome(answer{m.Order, m.TTLSeconds(t.options.At)})
	case above != silent || t.lifts() > 0:
		return freed
	}
	return silent
}

// lifts is the number of orders that an exception for the name at hand lifts
// further rules of.
func (t *tree) lifts() (count int) {
	if len(t.lifted) == 0 {
		return 0
	}
	t.excepting = t.law.Excepting(&t.key, t.excepting[:0])
	for _, o := range t.excepting {
		if t.lifted[o.ID] {
			count++
		}
	}
	return count
}

// add writes a name and what is below it.
func (t *tree) add(n path, exact, below outcome) {
	t.written = append(t.written, branch{n, below})
	if t.trigger == "" && strings.HasPrefix(n.tld(), "rpz-") {
		t.report.leave(NoOwner, 1, "")
		return
	}
	t.say("", n, exact)
	t.say("*.", n, below)
}

// say writes an outcome for a name, or with an asterisk for what is below it.
func (t *tree) say(prefix string, n path, o outcome) {
	switch o {
	case silent:
		return
	case freed:
		t.noteLifted(strings.Replace(prefix, "*.", asterisk, 1), n)
	}
	t.owner = append(n.appendText(append(t.owner[:0], prefix...)), t.trigger...)
	t.record(t.owner, o)
}

// noteLifted notes a name that the zone frees of more than the orders do.
func (t *tree) noteLifted(label string, n path) {
	t.wire = n.appendWire(append(t.wire[:0], label...))
	if len(t.wire) > name.MaxWire { // no owner name either
		return
	}
	t.key.Set(t.wire)
	if t.lifts() < len(t.lifted) {
		t.report.leave(LiftedTooFar, 1, "")
	}
}
