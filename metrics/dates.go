package metrics

import (
	"time"

	"bailiff/policy"
)

// The metrics of each order's dates, in Unix time. They are never written to.
var (
	receivedDesc = desc("order_received_timestamp_seconds",
		"When the order was received; 0: it does not say.", "order")
	fromDesc = desc("order_valid_from_timestamp_seconds",
		"When the order begins; 0: it does not say.", "order")
	untilDesc = desc("order_valid_until_timestamp_seconds",
		"When the order ends, in Unix time; 0: it has no end.", "order")
	firstDesc = desc("order_first_answer_timestamp_seconds",
		"When the order first changed an answer of this process; 0: it has not.", "order")
	delayDesc = desc("order_enforcement_delay_seconds",
		"From the order's receipt to the first answer given under it by this process; where received is not given, from valid.from. "+
			"0: no answer yet, or neither date is given.", "order")
	deadlineDesc = desc("order_deadline_timestamp_seconds",
		"When the order's deadline to block ends, in Unix time; 0: it has none.", "order")
	missedDesc = desc("order_deadline_missed",
		"1 if the order is in force, its deadline to block has passed and this process has given no answer under it.", "order")
	reviewDesc = desc("order_review_timestamp_seconds",
		"When the order's day of review begins in UTC, in Unix time; 0: it has none.", "order")
	reviewDueDesc = desc("order_review_due",
		"1 from the order's day of review on, unless it has lapsed.", "order")
)

// collectDates makes the series of the order's dates.
func collectDates(s sink, o *policy.Order, now time.Time) {
	s.gauge(receivedDesc, seconds(o.Received), o.ID)
	s.gauge(fromDesc, seconds(o.Valid.From), o.ID)
	s.gauge(untilDesc, seconds(o.Valid.Until), o.ID)
	s.gauge(firstDesc, seconds(o.Tally.FirstAnswer()), o.ID)
	s.gauge(delayDesc, enforcementDelay(o).Seconds(), o.ID)
	s.gauge(deadlineDesc, seconds(deadline(o)), o.ID)
	s.gauge(missedDesc, oneIf(missed(o, now)), o.ID)
	s.gauge(reviewDesc, seconds(review(o)), o.ID)
	s.gauge(reviewDueDesc, oneIf(reviewDue(o, now)), o.ID)
}

// deadline is when the order must be in force at the latest; zero if it does
// not say.
func deadline(o *policy.Order) time.Time {
	if o.Received.IsZero() || o.Deadline.Block == 0 {
		return time.Time{}
	}
	return o.Received.Add(o.Deadline.Block)
}

// missed reports that the deadline went by, and still nobody had an answer.
func missed(o *policy.Order, now time.Time) bool {
	return o.State(now) == policy.InForce && hasPassed(deadline(o), now) && o.Tally.FirstAnswer().IsZero()
}

// review is the first instant of the day of review; zero if there is none.
func review(o *policy.Order) time.Time {
	day, err := time.Parse(time.DateOnly, o.Valid.Review)
	if err != nil { // it is not given: a wrong one was refused
		return time.Time{}
	}
	return day
}

// reviewDue reports that an order is to be looked at; one that has lapsed is
// not.
func reviewDue(o *policy.Order, now time.Time) bool {
	return o.State(now) != policy.Lapsed && hasPassed(review(o), now)
}

func hasPassed(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

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
