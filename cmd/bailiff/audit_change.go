package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Bounds of what one load writes.
const (
	maxRefusals    = 100  // entries of what the guard refuses
	maxRuleEntries = 1000 // entries of changed rules, of one order
	maxProblems    = 20   // texts in a reload entry
	maxListsTold   = 1000 // in one entry
	maxToldOctets  = 100_000
)

// startDetail is the detail of a start entry.
type startDetail struct {
	Version  string        `json:"version"`
	Revision string        `json:"revision"` // the program's commit
	Config   string        `json:"config"`   // digest
	Key      string        `json:"key"`      // that signs heads
	Load     *journal.Load `json:"load"`
}

// reloadEntry is the detail of a reload entry.
type reloadEntry struct {
	Result      string        `json:"result"` // ok, rejected
	TookSeconds float64       `json:"took_seconds"`
	Refusals    int           `json:"refusals"`
	Notes       int           `json:"notes"`
	Problems    []string      `json:"problems,omitempty"` // refusals, the first of them
	Load        *journal.Load `json:"load,omitempty"`     // if the result is ok
}

// reloadDetail is what a load that began at started comes to.
func reloadDetail(problems *problem.List, started time.Time, load journal.Load) reloadEntry {
	d := reloadEntry{Result: "ok", TookSeconds: time.Since(started).Seconds(), Refusals: problems.Dropped(), Load: &load}
	for _, p := range problems.Sorted() {
		if p.Severity == problem.Note {
			d.Notes++
			continue
		}
		if d.Refusals++; len(d.Problems) < maxProblems {
			d.Problems = append(d.Problems, p.Error())
		}
	}
	return d
}

// refusedDetail is the detail of a refused entry.
type refusedDetail struct {
	Guard   string `json:"guard"` // never: no override lifts it
	Problem string `json:"problem"`
}

// overrideDetail is the detail of an override entry.
type overrideDetail struct {
	Guard      string    `json:"guard"`
	ApprovedBy string    `json:"approved_by"`
	Reason     string    `json:"reason"`
	At         time.Time `json:"at,omitzero"` // as the order file says
	Note       string    `json:"note"`        // what it lifts
}

// orderDetail is the detail of a loaded entry, and of a changed one that is
// about the order as a whole.
type orderDetail struct {
	Digest     string            `json:"digest"` // keyed, of all that the order says
	File       string            `json:"file"`
	Line       int               `json:"line"`
	SHA256     string            `json:"sha256"`            // of the file
	Archived   recordPlace       `json:"archived,omitzero"` // of the order's record
	Says       map[string]string `json:"says,omitempty"`    // by key of the order file; of a changed one only where before and after are not known
	Before     map[string]string `json:"before,omitempty"`  // changed: of the keys that differ
	After      map[string]string `json:"after,omitempty"`
	Rules      map[string]int    `json:"rules"`      // names by trigger
	Exceptions int               `json:"exceptions"` // names
	Notices    int               `json:"notices,omitempty"`
	Lists      []listDetail      `json:"lists,omitempty"`

	RulesChanged *int `json:"rules_changed,omitempty"` // changed: an entry for each follows, up to a bound; absent: the archive lacks the version before
}

// listDetail is a list of an order.
type listDetail struct {
	Rule   string `json:"rule"`
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Names  int    `json:"names"`
}

// ruleDetail is the detail of a changed entry that is about a rule.
type ruleDetail struct {
	Change string      `json:"change"` // added, removed, changed
	Notice string      `json:"notice,omitempty"`
	List   *listDetail `json:"list,omitempty"` // as it is now
	Before int         `json:"before"`         // names
	After  int         `json:"after"`

	// What was added and removed, as far as it fits; of a hidden order digests.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// tellOrder writes what is new about an order. The record is nil if the order
// was not read again. Its state is told by tellStates.
func (a *audit) tellOrder(t telling, o *policy.Order, record *orderRecord, place recordPlace) {
	known := a.orders[o.ID]
	if record == nil {
		if known != nil {
			return
		}
		record = new(orderRecord) // a journal that is younger than what was compiled
	}
	next := &auditOrder{Digest: record.Digest, Revision: o.Revision, record: record, Archived: place, Firsts: map[string]time.Time{}}
	a.orders[o.ID] = next
	if known != nil {
		next.State, next.Firsts = known.State, known.Firsts
		if known.Digest == next.Digest {
			next.Archived = known.Archived
			return
		}
	}
	t.fresh[o.ID] = true
	detail := a.describe(o, next)
	if known == nil {
		detail.Says = a.told(facts(o.Order), o.Publicity == order.Hidden)
		a.tell(t, journal.Entry{Event: journal.Loaded, Order: o.ID, Revision: o.Revision, Detail: journal.Detail(detail)})
		return
	}
	var changes []ruleChange
	if was := known.record; was != nil && was.Digest != "" {
		secret := record.Hidden || was.Hidden
		changes = a.ruleChanges(was.Rules, record.Rules, secret)
		detail.RulesChanged = new(len(changes))
		detail.Before, detail.After = a.differing(was.Facts, record.Facts, secret)
	} else {
		detail.Says = a.told(facts(o.Order), o.Publicity == order.Hidden)
	}
	a.tell(t, journal.Entry{Event: journal.Changed, Order: o.ID, Revision: o.Revision, Detail: journal.Detail(detail)})
	for _, c := range changes[:min(len(changes), maxRuleEntries)] {
		a.tell(t, journal.Entry{Event: journal.Changed, Order: o.ID, Revision: o.Revision, Rule: c.place, Detail: journal.Detail(c.ruleDetail)})
	}
}

// describe is what loaded and changed entries have in common.
func (a *audit) describe(o *policy.Order, known *auditOrder) orderDetail {
	d := orderDetail{Digest: known.Digest, Archived: known.Archived, File: o.Source.File, Line: o.Source.Line, SHA256: o.Source.SHA256, Rules: map[string]int{}, Notices: len(o.Notices)}
	for t, n := range o.RulesByTrigger() {
		if n > 0 {
			d.Rules[order.Trigger(t).String()] = n
		}
	}
	for i := range o.Rules {
		if o.Rules[i].Except {
			d.Exceptions += o.Rules[i].Names
		}
	}
	for i := range known.record.Rules {
		if l := a.listOf(&known.record.Rules[i]); l != nil && len(d.Lists) < maxListsTold {
			d.Lists = append(d.Lists, *l)
		}
	}
	return d
}

// listOf is the list of a rule, nil if it has none.
func (a *audit) listOf(rule *ruleRecord) *listDetail {
	if rule.List == "" {
		return nil
	}
	return &listDetail{Rule: rule.Place, File: rule.List, SHA256: a.files.sums[rule.List], Names: rule.Names}
}

// told are the facts of an order that may be told; the others as digests.
func (a *audit) told(said []fact, secret bool) map[string]string {
	told := map[string]string{}
	for _, f := range said {
		if f.Value != "" {
			told[f.Key] = a.words(f.Value, f.Free && secret)
		}
	}
	return told
}

// differing are the facts that differ between two versions.
func (a *audit) differing(was, now []fact, secret bool) (before, after map[string]string) {
	before, after = a.told(was, secret), a.told(now, secret)
	for _, key := range slices.Collect(maps.Keys(before)) {
		if before[key] == after[key] {
			delete(before, key)
			delete(after, key)
		}
	}
	return before, after
}

// words are a text, cut to what an entry may hold, or a digest that stands for
// it.
func (a *audit) words(text string, secret bool) string {
	switch {
	case secret:
		return "digest " + a.journal.Digest(text)
	case len(text) > maxToldOctets:
		return strings.ToValidUTF8(text[:maxToldOctets], "") + "…"
	}
	return text
}

// ruleChange is a rule that differs between two loads.
type ruleChange struct {
	place string
	ruleDetail
}

// ruleChanges compares the rules of two versions of an order.
func (a *audit) ruleChanges(old, now []ruleRecord, secret bool) (changes []ruleChange) {
	type key struct{ place, notice string }
	before := map[key]*ruleRecord{}
	for i := range old {
		before[key{old[i].Place, old[i].Notice}] = &old[i]
	}
	for i := range now {
		rule := &now[i]
		k := key{rule.Place, rule.Notice}
		was, change := before[k], "changed"
		delete(before, k)
		switch {
		case was == nil:
			was, change = &ruleRecord{}, "added"
		case was.Sum == rule.Sum && was.List == rule.List:
			continue
		}
		c := a.compare(change, was, rule, secret)
		c.List = a.listOf(rule)
		changes = append(changes, c)
	}
	for i := range old {
		if was := before[key{old[i].Place, old[i].Notice}]; was != nil {
			changes = append(changes, a.compare("removed", was, &ruleRecord{Place: was.Place, Notice: was.Notice}, secret))
		}
	}
	return changes
}

// compare tells what of a rule differs.
func (a *audit) compare(change string, was, now *ruleRecord, secret bool) ruleChange {
	c := ruleChange{now.Place, ruleDetail{Change: change, Notice: now.Notice, Before: was.Names, After: now.Names}}
	if len(was.Elements) == was.Names && len(now.Elements) == now.Names {
		c.Added = a.missingIn(was.Elements, now.Elements, secret)
		c.Removed = a.missingIn(now.Elements, was.Elements, secret)
	}
	return c
}

// missingIn are those of elements that others lack, as far as they fit.
func (a *audit) missingIn(others, elements []string, secret bool) (found []string) {
	has := make(map[string]bool, len(others))
	for _, e := range others {
		has[e] = true
	}
	octets := 0
	for _, e := range elements {
		if has[e] {
			continue
		}
		if octets += len(e); octets > maxToldOctets {
			return append(found, "…")
		}
		found = append(found, a.words(e, secret))
	}
	return found
}
