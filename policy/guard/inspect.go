package guard

import (
	"fmt"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Never is the Problem.Guard of what no override lifts; the others are the words
// of order.Guard.
const Never = "never"

// finding is what is wrong with one name, label or prefix, or with the order.
type finding struct {
	guard  order.Guard // 0: nothing lifts it
	text   string      // with what would be hit
	untold string      // the same for a hidden order, without a name; "" if text has none
	remedy string
}

// inspection is one order's way through the guard.
type inspection struct {
	*Guard
	order     *order.Order
	problems  *problem.List
	overrides map[order.Subject]int // → index in order.Overrides
	lifted    []string              // by that index: what it lifts, "" if nothing
	key       name.Buffer
}

func newInspection(g *Guard, o *order.Order, problems *problem.List) *inspection {
	i := &inspection{Guard: g, order: o, problems: problems, lifted: make([]string, len(o.Overrides))}
	if len(o.Overrides) > 0 {
		i.overrides = make(map[order.Subject]int, len(o.Overrides))
	}
	for at, override := range o.Overrides {
		i.overrides[override.Subject] = at
	}
	return i
}

// rule inspects one rule. An exception hits nobody and passes.
func (i *inspection) rule(r *order.Rule, labels map[string]*mark) {
	if r.Except {
		return
	}
	for e := range r.Names.All() {
		if r.Trigger == order.TriggerAnyTLD {
			i.refuseName(r, e, i.tree.labelFindings(labels[string(e.Name)], i.popularFile))
			continue
		}
		i.key.Set(e.Name)
		i.refuseName(r, e, i.tree.findings(&i.key, e.Match, i.popularFile))
	}
	for _, p := range r.Prefixes {
		for _, f := range i.prefixFindings(p.Prefix) {
			i.refuse(f, order.Subject{Guard: f.guard, Prefix: p.Prefix}, problem.Problem{
				File: r.File, Line: p.Line, Place: r.Place, Value: p.String(),
			})
		}
	}
}

func (i *inspection) refuseName(r *order.Rule, e list.Entry, findings []finding) {
	for _, f := range findings {
		n := name.Name(e.Name)
		i.refuse(f, order.Subject{Guard: f.guard, Name: n}, problem.Problem{
			File: r.File, Line: e.Line, Place: r.Place, Value: n.String(),
		})
	}
}

// refuse adds the finding as a problem at p, unless an override is about it.
func (i *inspection) refuse(f finding, about order.Subject, p problem.Problem) {
	p.Text, p.Remedy = f.text, f.remedy
	if i.hidden() {
		p.Value = ""
		if f.untold != "" {
			p.Text = f.untold
		}
	}
	if at, ok := i.overrides[about]; ok && f.guard != 0 {
		if i.lifted[at] == "" {
			i.lifted[at] = p.Text
		}
		return
	}
	p.Guard, p.Order = Never, i.order.ID
	if f.guard != 0 {
		p.Guard = f.guard.String()
		p.Remedy += fmt.Sprintf(", or add an override (guard: %s) with approved_by and reason", f.guard)
	}
	i.problems.Add(p)
}

func (i *inspection) hidden() bool { return !told(i.order) }

// reportOverrides notes each override: what it lifts, or that it is not needed.
// Growth can be judged of an order that is in force only.
func (i *inspection) reportOverrides(inForce bool) (uses []Use) {
	for at, o := range i.order.Overrides {
		note := problem.Problem{
			Severity: problem.Note, File: i.order.Source.File, Line: o.Line, Place: o.Place,
			Text: fmt.Sprintf("guard %s finds nothing to lift", o.Guard), Remedy: "remove it",
		}
		switch {
		case i.hidden():
		case o.Name != "":
			note.Value = o.Name.String()
		case o.Prefix.IsValid():
			note.Value = o.Prefix.String()
		}
		if i.lifted[at] != "" {
			note.Text, note.Remedy = fmt.Sprintf("%s, which is overridden: approved by %s", i.lifted[at], problem.Quote(o.ApprovedBy)), ""
			if !i.hidden() { // the reason may name what is hit
				note.Text += ", reason: " + problem.Quote(o.Reason)
			}
			uses = append(uses, Use{i.order.ID, note})
		} else if !i.knows(o.Guard) || o.Guard == order.GuardGrowth && !inForce {
			continue
		}
		i.problems.Add(note)
	}
	return uses
}

// knows reports whether the guard has anything to compare with: a check of
// orders without the config file must not call an override useless.
func (g *Guard) knows(guard order.Guard) bool {
	switch guard {
	case order.GuardProtected:
		return len(g.tree.protected) > 0 || g.prefixes.Size() > 0
	case order.GuardPopular:
		return len(g.tree.popular) > 0
	}
	return true
}
