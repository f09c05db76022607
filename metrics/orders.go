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
		"Always 1; the labels describe the order. state: pending, in-force, lapsed.",
		"order", "revision", "jurisdiction", "category", "authority", "state")
	rulesDesc = desc("order_rules",
		"Names under the order, those of its lists included and its exceptions not.",
		"order", "trigger")
	untilDesc = desc("order_valid_until_timestamp_seconds",
		"When the order ends, in Unix time; 0: it has no end.", "order")
	delayDesc = desc("order_enforcement_delay_seconds",
		"From the order's receipt to the first answer given under it by this process; where received is not given, from valid.from. "+
			"0: no answer yet, or neither date is given.", "order")
	noticeDelayDesc = desc("notice_enforcement_delay_seconds",
		"From the notice's time to the first answer given by this process under a rule that it added. 0: no answer yet, or its time is not given.",
		"order", "notice")
	deadlineDesc = desc("order_deadline_timestamp_seconds",
		"When the order's deadline to block ends, in Unix time; 0: it has none.", "order")
	missedDesc = desc("order_deadline_missed",
		"1 if the order is in force, its deadline to block has passed and this process has given no answer under it.", "order")
	reviewDesc = desc("order_review_timestamp_seconds",
		"When the order's day of review begins in UTC, in Unix time; 0: it has none.", "order")
	reviewDueDesc = desc("order_review_due",
		"1 from the order's day of review on.", "order")
)

// collectOrders makes the series of every loaded order, at zero where nothing
// happened yet.
func collectOrders(s sink, orders []*policy.Order, now time.Time) {
	for _, o := range orders {
		s.gauge(infoDesc, 1, o.ID, strconv.FormatUint(o.Revision, 10), o.Jurisdiction, o.Category, o.Authority.Name, o.State(now).String())
		s.gauge(untilDesc, seconds(o.Valid.Until), o.ID)
		s.gauge(delayDesc, enforcementDelay(o).Seconds(), o.ID)
		collectDates(s, o, now)
		collectNotices(s, o)
		rules := o.RulesByTrigger()
		for t, n := range rules {
			if n > 0 {
				s.gauge(rulesDesc, float64(n), o.ID, order.Trigger(t).String())
			}
		}
		collectMatches(s, o, rules)
	}
}

// collectMatches makes a series for each trigger that the order has now, and
// for what it counted under an action or mode that it had before a reload.
func collectMatches(s sink, o *policy.Order, rules [order.Triggers]int) {
	current := policy.Enforced
	if o.Mode == order.Observe {
		current = policy.Observed
	}
	for t := range order.Trigger(order.Triggers) {
		for a := range order.Action(order.Actions) {
			for _, outcome := range []policy.Outcome{policy.Enforced, policy.Observed} {
				n := o.Tally.Matches(t, a, outcome)
				if n > 0 || rules[t] > 0 && a == o.Answer.Action && outcome == current {
					s.counter(matchesDesc, n, o.ID, t.String(), a.String(), outcome.String())
				}
			}
		}
	}
}

// collectDates makes the series of the order's deadline and day of review.
func collectDates(s sink, o *policy.Order, now time.Time) {
	deadline, review := deadline(o), review(o)
	missed := o.State(now) == policy.InForce && hasPassed(deadline, now) && o.Tally.FirstAnswer().IsZero()
	s.gauge(deadlineDesc, seconds(deadline), o.ID)
	s.gauge(missedDesc, oneIf(missed), o.ID)
	s.gauge(reviewDesc, seconds(review), o.ID)
	s.gauge(reviewDueDesc, oneIf(hasPassed(review, now)), o.ID)
}

// deadline is when the order must be in force at the latest; zero if it does
// not say.
func deadline(o *policy.Order) time.Time {
	if o.Received.IsZero() || o.Deadline.Block == 0 {
		return time.Time{}
	}
	return o.Received.Add(o.Deadline.Block)
}

// review is the first instant of the day of review; zero if there is none.
func review(o *policy.Order) time.Time {
	day, err := time.Parse(time.DateOnly, o.Valid.Review)
	if err != nil { // it is not given: a wrong one was refused
		return time.Time{}
	}
	return day
}

func hasPassed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// collectNotices makes a series for each notice that rules of the order point
// at.
func collectNotices(s sink, o *policy.Order) {
	for _, n := range o.Notices {
		first, hasRules := o.FirstAnswerUnder(n.ID)
		if !hasRules {
			continue
		}
		delay := time.Duration(0)
		if !first.IsZero() && !n.At.IsZero() {
			delay = max(0, first.Sub(n.At))
		}
		s.gauge(noticeDelayDesc, delay.Seconds(), o.ID, n.ID)
	}
}

// enforcementDelay is how long the first answer under the order took.
func enforcementDelay(o *policy.Order) time.Duration {
	since := o.Received
	if since.IsZero() {
		since = o.Valid.From
	}
	first := o.Tally.FirstAnswer()
	if first.IsZero() || since.IsZero() {
		return 0
	}
	return max(0, first.Sub(since))
}
