package metrics

import (
	"strconv"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
)

// The metrics of each order. They are never written to.
var (
	matchesDesc = desc("order_matches_total",
		"Queries that fell under the order. outcome: enforced, or observed (counted only).",
		"order", "trigger", "action", "outcome")
	infoDesc = desc("order_info",
		"1 for each order; the labels describe it. state: pending, in-force, lapsed. order other: how many it stands for.",
		"order", "revision", "jurisdiction", "category", "authority", "state")
	rulesDesc = desc("order_rules",
		"Names under the order, those of its lists included and its exceptions not.",
		"order", "trigger")
	lastMatchDesc = desc("order_last_match_timestamp_seconds",
		"When a query last fell under the order, in Unix time; 0: none has since the start of this process.", "order")
	unmatchedDesc = desc("order_unmatched_seconds",
		"How long the order has been in force without a match that this process saw; 0: it is not in force.", "order")
	noticeDelayDesc = desc("notice_enforcement_delay_seconds",
		"From the notice's time to the first answer given by this process under a rule that it added. 0: no answer yet, or its time is not given.",
		"order", "notice")
)

// collectOrders makes the series of every loaded order, at zero where nothing
// happened yet. Orders beyond the limit share theirs.
func collectOrders(s sink, orders []*policy.Order, limit int, now time.Time) {
	own, rest := divide(orders, limit)
	for _, o := range own {
		s.gauge(infoDesc, 1, o.ID, strconv.FormatUint(o.Revision, 10), o.Jurisdiction, o.Category, authority(o), o.State(now).String())
		s.gauge(lastMatchDesc, seconds(o.Tally.LastMatch()), o.ID)
		s.gauge(unmatchedDesc, unmatched(o, now).Seconds(), o.ID)
		collectDates(s, o, now)
		for t, n := range o.RulesByTrigger() {
			if n > 0 {
				s.gauge(rulesDesc, float64(n), o.ID, order.Trigger(t).String())
			}
		}
		eachMatches(o, func(m matches, n uint64) {
			s.counter(matchesDesc, n, o.ID, m.trigger.String(), m.action.String(), m.outcome.String())
		})
	}
	collectNotices(s, own, limit)
	if len(rest) > 0 {
		collectRest(s, rest, now)
	}
}

// authority is who ordered it: of a hidden order the kind alone, as in answers.
func authority(o *policy.Order) string {
	if o.Publicity == order.Hidden {
		return o.Authority.Kind.String()
	}
	return o.Authority.Name
}

// matches is what matches of an order are counted by.
type matches struct {
	trigger order.Trigger
	action  order.Action
	outcome policy.Outcome
}

// eachMatches calls yield for each trigger that the order has now, and for
// what it counted under an action or mode that it had before a reload.
func eachMatches(o *policy.Order, yield func(m matches, n uint64)) {
	current, rules := policy.Enforced, o.RulesByTrigger()
	if o.Mode == order.Observe {
		current = policy.Observed
	}
	for t := range order.Trigger(order.Triggers) {
		for a := range order.Action(order.Actions) {
			for _, outcome := range []policy.Outcome{policy.Enforced, policy.Observed} {
				n := o.Tally.Matches(t, a, outcome)
				if n > 0 || rules[t] > 0 && a == o.Answer.Action && outcome == current {
					yield(matches{t, a, outcome}, n)
				}
			}
		}
	}
}

// unmatched counts from the last match; where there is none, from the instant
// at which there could have been one.
func unmatched(o *policy.Order, now time.Time) time.Duration {
	if o.State(now) != policy.InForce {
		return 0
	}
	since := o.Tally.Since()
	for _, t := range []time.Time{o.Valid.From, o.Tally.LastMatch()} {
		if t.After(since) {
			since = t
		}
	}
	return max(0, now.Sub(since))
}

// collectNotices makes a series for each notice that rules of these orders
// point at. Beyond the limit they share one, of the longest delay.
func collectNotices(s sink, orders []*policy.Order, limit int) {
	count, longest := 0, time.Duration(0)
	for _, o := range orders {
		for _, n := range o.Notices {
			first, hasRules := o.FirstAnswerUnder(n.ID)
			if !hasRules {
				continue
			}
			delay := time.Duration(0)
			if !first.IsZero() && !n.At.IsZero() {
				delay = max(0, first.Sub(n.At))
			}
			if count++; count > limit {
				longest = max(longest, delay)
				continue
			}
			s.gauge(noticeDelayDesc, delay.Seconds(), o.ID, n.ID)
		}
	}
	if count > limit {
		s.gauge(noticeDelayDesc, longest.Seconds(), otherOrders, otherOrders)
	}
}
