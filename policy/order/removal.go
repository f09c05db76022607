package order

import (
	"net/netip"
	"slices"
	"time"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// target is one thing a removal names. It is taken out where the order has it
// with the same trigger and way of matching.
type target struct {
	trigger Trigger
	except  bool
	match   name.Match
	name    name.Name    // empty beside a prefix
	prefix  netip.Prefix // masked
}

// end is when a notice takes a target out.
type end struct {
	at      time.Time
	used    bool            // it found its target
	missing problem.Problem // what to report if it did not
}

// removals are the ends that the notices of one order set. A target may be
// removed, added again and removed again.
type removals struct {
	byTarget map[target][]*end
	all      []*end
}

// add notes what a removal names.
func (s *removals) add(n *noticeFile, publicity Publicity) {
	put := func(r *Rule, t target, value string, line int) {
		if publicity == Hidden {
			value = ""
		}
		e := &end{at: n.At, missing: problem.Problem{
			File: r.File, Line: line, Place: r.Place, Value: value,
			Text:   "is no rule of " + n.order + " at that time",
			Remedy: "write it as the order does, match included, or take it out of the notice",
		}}
		s.byTarget[t] = append(s.byTarget[t], e)
		s.all = append(s.all, e)
	}
	for i := range n.rules {
		r := &n.rules[i]
		for e := range r.Names.All() {
			t := target{trigger: r.Trigger, except: r.Except, match: e.Match, name: name.Name(e.Name)}
			put(r, t, t.name.String(), e.Line)
		}
		for _, p := range r.Prefixes {
			put(r, target{trigger: r.Trigger, except: r.Except, prefix: p.Prefix}, p.String(), p.Line)
		}
	}
}

// refuseUnused reports the targets that the order did not have.
func (s *removals) refuseUnused(problems *problem.List) {
	for _, e := range s.all {
		if !e.used {
			problems.Add(e.missing)
		}
	}
}

// endOf is the first end of a target that stands from since until until (the
// zero time: with no end), ok if there is one.
func (s *removals) endOf(t target, since, until time.Time) (at time.Time, ok bool) {
	for _, e := range s.byTarget[t] {
		if !e.at.After(since) || !until.IsZero() && !e.at.Before(until) {
			continue
		}
		if !ok || e.at.Before(at) {
			at, ok = e.at, true
		}
	}
	for _, e := range s.byTarget[t] {
		e.used = e.used || ok && e.at.Equal(at)
	}
	return at, ok
}

// remove lets what the notices remove end: it moves to rules of its own, which
// last until then.
func (o *Order) remove(ends *removals) {
	addedAt := map[string]time.Time{} // by notice id
	for _, n := range o.Notices {
		addedAt[n.ID] = n.At
	}
	for i := range o.Rules { // the parts that are appended need no look
		kept, parts := o.Rules[i].split(ends, addedAt[o.Rules[i].Notice])
		o.Rules[i] = kept
		o.Rules = append(o.Rules, parts...)
	}
	o.Rules = slices.DeleteFunc(o.Rules, func(r Rule) bool { return r.Len() == 0 })
}

// names reports whether a removal names anything of the rule.
func (s *removals) names(r *Rule) bool {
	for e := range r.Names.All() { // a look-up by converted octets does not copy them
		if _, ok := s.byTarget[target{trigger: r.Trigger, except: r.Except, match: e.Match, name: name.Name(e.Name)}]; ok {
			return true
		}
	}
	return slices.ContainsFunc(r.Prefixes, func(p list.Prefix) bool {
		_, ok := s.byTarget[target{trigger: r.Trigger, except: r.Except, prefix: p.Prefix}]
		return ok
	})
}

// split returns the rule without what ends, and what ends as a rule for each
// end, the earliest first. The rule has been there since that time.
func (r Rule) split(ends *removals, since time.Time) (kept Rule, parts []Rule) {
	if !ends.names(&r) {
		return r, nil
	}
	empty := r
	empty.Names, empty.Prefixes = kept.Names, nil
	kept = empty
	into := func(t target) *Rule {
		at, ok := ends.endOf(t, since, r.Until)
		if !ok {
			return &kept
		}
		i, found := slices.BinarySearchFunc(parts, at, func(p Rule, at time.Time) int { return p.Until.Compare(at) })
		if !found {
			part := empty
			part.Until = at
			parts = slices.Insert(parts, i, part)
		}
		return &parts[i]
	}
	for e := range r.Names.All() {
		n := name.Name(e.Name)
		into(target{trigger: r.Trigger, except: r.Except, match: e.Match, name: n}).Names.Append(n, e.Match, e.Line)
	}
	for _, p := range r.Prefixes {
		part := into(target{trigger: r.Trigger, except: r.Except, prefix: p.Prefix})
		part.Prefixes = append(part.Prefixes, p)
	}
	return kept, parts
}
