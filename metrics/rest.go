package metrics

import (
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
)

// maxOrders is how many orders have series of their own: 14 each and more,
// 140,000 a scrape, made in a third of a second. As many notices have theirs.
const maxOrders = 10_000

// otherOrders is the label of the orders, or notices, beyond that.
const otherOrders = "other"

// divide takes the first orders for themselves. If some are left, an order
// whose id is their label is among them.
func divide(orders []*policy.Order, limit int) (own, rest []*policy.Order) {
	if len(orders) <= limit {
		return orders, nil
	}
	for i, o := range orders {
		if i < limit && o.ID != otherOrders {
			own = append(own, o)
			continue
		}
		rest = append(rest, o)
	}
	return own, rest
}

// collectRest makes the series that the rest of the orders share: whatever has
// a sum. Dates have none.
func collectRest(s sink, rest []*policy.Order, now time.Time) {
	var states [policy.Lapsed + 1]int
	var rules [order.Triggers]int
	var overdue, due int
	counts := map[matches]uint64{}
	for _, o := range rest {
		states[o.State(now)]++
		if missed(o, now) {
			overdue++
		}
		if reviewDue(o, now) {
			due++
		}
		for t, n := range o.RulesByTrigger() {
			rules[t] += n
		}
		eachMatches(o, func(m matches, n uint64) { counts[m] += n })
	}
	for state, n := range states {
		s.gauge(infoDesc, float64(n), otherOrders, "", "", "", "", policy.State(state).String())
	}
	s.gauge(missedDesc, float64(overdue), otherOrders)
	s.gauge(reviewDueDesc, float64(due), otherOrders)
	for t, n := range rules {
		s.gauge(rulesDesc, float64(n), otherOrders, order.Trigger(t).String())
	}
	for m, n := range counts {
		s.counter(matchesDesc, n, otherOrders, m.trigger.String(), m.action.String(), m.outcome.String())
	}
}
