package main

import (
	"maps"
	"slices"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/order"
)

// matchesDetail is the detail of a matches entry: the queries that fell under
// the order since the entry before, or since the server began. A day's sum is
// right across restarts; what a server counted that was killed is lost.
type matchesDetail struct {
	Day      string `json:"day"` // in UTC, 2006-01-02
	Enforced uint64 `json:"enforced"`
	Observed uint64 `json:"observed"`
}

// matchCounts are the matches of orders as far as the journal has them. The
// zero value is before the first load.
type matchCounts struct {
	day    string // of what is counted now
	orders map[string]*matchCount
}

// matchCount is what the journal has of one order.
type matchCount struct {
	tally    *policy.Tally
	revision uint64
	told     [2]uint64 // by policy.Outcome
}

// followMatches begins to count for the orders of the law, and writes what is
// left to tell of those that went. The caller holds a.mu.
func (a *audit) followMatches(t telling) {
	loaded := map[string]*matchCount{}
	for _, o := range t.law.Orders() {
		c := a.matches.orders[o.ID]
		if c == nil || c.tally != o.Tally {
			c = &matchCount{tally: o.Tally}
		}
		c.revision = o.Revision
		loaded[o.ID] = c
	}
	for _, id := range slices.Sorted(maps.Keys(a.matches.orders)) {
		if c := a.matches.orders[id]; loaded[id] != c {
			a.tellMatchesOf(t, id, c)
		}
	}
	a.matches.orders = loaded
	if a.matches.day == "" {
		a.matches.day = dayOf(t.now)
	}
}

// tellMatchesDaily writes the matches of a day that has ended.
func (a *audit) tellMatchesDaily(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.matches.day != "" && a.matches.day != dayOf(now) {
		a.tellMatches(telling{law: a.law.Load(), now: now})
	}
}

// tellMatches writes what is not told yet of any order. The caller holds a.mu.
func (a *audit) tellMatches(t telling) {
	for _, id := range slices.Sorted(maps.Keys(a.matches.orders)) {
		a.tellMatchesOf(t, id, a.matches.orders[id])
	}
	a.matches.day = dayOf(t.now)
}

// tellMatchesOf writes what is not told yet of an order, if there is any.
func (a *audit) tellMatchesOf(t telling, id string, c *matchCount) {
	now := matchTotals(c.tally)
	d := matchesDetail{a.matches.day, now[policy.Enforced] - c.told[policy.Enforced], now[policy.Observed] - c.told[policy.Observed]}
	c.told = now
	if d.Enforced+d.Observed > 0 {
		a.tell(t, journal.Entry{Event: journal.Matches, Order: id, Revision: c.revision, Detail: journal.Detail(d)})
	}
}

// matchTotals adds up the matches of all triggers and actions.
func matchTotals(tally *policy.Tally) (totals [2]uint64) {
	for _, outcome := range []policy.Outcome{policy.Enforced, policy.Observed} {
		for trigger := range order.Trigger(order.Triggers) {
			for action := range order.Action(order.Actions) {
				totals[outcome] += tally.Matches(trigger, action, outcome)
			}
		}
	}
	return totals
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }
