package main

import (
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
)

// firstAnswer is the first answer under an order, or under a notice of it, that
// the audit waits for.
type firstAnswer struct {
	order  *policy.Order
	notice string // empty: the order's own
}

// firstDetail is the detail of a first-answer entry.
type firstDetail struct {
	Notice       string  `json:"notice,omitempty"`
	DelaySeconds float64 `json:"delay_seconds,omitempty"` // from the order's receipt, or the notice's time
}

// at is when the answer was given; zero if it was not yet.
func (f firstAnswer) at() time.Time {
	if f.notice == "" {
		return f.order.Tally.FirstAnswer()
	}
	at, _ := f.order.FirstAnswerUnder(f.notice)
	return at
}

// since is when the order or notice came.
func (f firstAnswer) since() time.Time {
	for _, n := range f.order.Notices {
		if n.ID == f.notice {
			return n.At
		}
	}
	return f.order.Received
}

// awaitFirstAnswers makes a list of what is waited for. What the journal says
// of an earlier process is restored: the delay of an order is not that since
// the last restart.
func (a *audit) awaitFirstAnswers(law *policy.Snapshot) {
	a.waiting = a.waiting[:0]
	for _, o := range law.Orders() {
		a.await(o, "")
		for _, n := range o.Notices {
			if _, ok := o.FirstAnswerUnder(n.ID); ok {
				a.await(o, n.ID)
			}
		}
	}
}

func (a *audit) await(o *policy.Order, notice string) {
	known := a.orders[o.ID]
	if known == nil {
		return
	}
	if at, told := known.Firsts[notice]; told {
		o.RestoreFirstAnswer(notice, at)
		return
	}
	a.waiting = append(a.waiting, firstAnswer{o, notice})
}

// tellFirstAnswers writes those that have been given.
func (a *audit) tellFirstAnswers() {
	a.mu.Lock()
	defer a.mu.Unlock()
	still := a.waiting[:0]
	for _, f := range a.waiting {
		at := f.at()
		if at.IsZero() {
			still = append(still, f)
			continue
		}
		detail := firstDetail{Notice: f.notice}
		if since := f.since(); !since.IsZero() {
			detail.DelaySeconds = max(0, at.Sub(since).Seconds())
		}
		a.orders[f.order.ID].Firsts[f.notice] = at
		a.journal.Append(journal.Entry{
			Time: at, Event: journal.FirstAnswer, Order: f.order.ID, Revision: f.order.Revision, Detail: journal.Detail(detail),
		})
	}
	a.waiting = still
}

// watch looks for first answers once a second, until the caller calls stop,
// which looks a last time; and writes the matches of each day and the history.
func (a *audit) watch() (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		seconds := time.NewTicker(time.Second)
		defer seconds.Stop()
		for {
			select {
			case <-seconds.C:
				a.tellFirstAnswers()
				a.tellMatchesDaily(wallClock())
				a.keepHistory()
			case <-ended:
				a.tellFirstAnswers()
				return
			}
		}
	}()
	return func() {
		close(ended)
		<-done
	}
}
