package report

import (
	"time"

	"bailiff/policy/order"
)

// Deadline is what had to be done within some time, and when it was.
type Deadline struct {
	Notice         string    `json:"notice,omitempty"` // empty: the order itself
	Kind           string    `json:"kind"`             // order, addition, removal, or what the notice says
	By             string    `json:"by,omitempty"`
	Document       string    `json:"document,omitempty"`
	SHA256         string    `json:"sha256,omitempty"` // of the document
	From           time.Time `json:"from,omitzero"`    // it counts from then: receipt, or where that is later the beginning; zero: the order does not say
	Done           time.Time `json:"done,omitzero"`    // zero: it has not been
	DelaySeconds   float64   `json:"delay_seconds"`
	AllowedSeconds float64   `json:"allowed_seconds,omitempty"` // 0: no deadline
	Result         string    `json:"result"`                    // met late open none unrecorded
	FirstAnswer    time.Time `json:"first_answer,omitzero"`     // the first query that was answered so
}

// Results of a deadline.
const (
	resultMet  = "met"
	resultLate = "late"
	resultOpen = "open" // not done, and there is time left
	resultNone = "none" // no deadline, or no time from which it counts

	resultUnrecorded = "unrecorded" // the time had run out before the record begins, which has it done from then on
)

// DeadlineSums counts deadlines by their result.
type DeadlineSums struct {
	Met  int `json:"met"`
	Late int `json:"late"`
	Open int `json:"open"`
	None int `json:"none"`

	Unrecorded int `json:"unrecorded"`
}

func sums(deadlines []Deadline) (s DeadlineSums) {
	for i := range deadlines {
		s.add(deadlines[i])
	}
	return s
}

func (s *DeadlineSums) add(d Deadline) {
	switch d.Result {
	case resultMet:
		s.Met++
	case resultLate:
		s.Late++
	case resultOpen:
		s.Open++
	case resultUnrecorded:
		s.Unrecorded++
	default:
		s.None++
	}
}

// Total is the number of deadlines, those that are none included.
func (s DeadlineSums) Total() int { return s.Met + s.Late + s.Open + s.None + s.Unrecorded }

// removal is the kind of a notice that takes names out of an order.
const removal = "removal"

// deadlines are the order's own and those of its notices, in the order in which
// they came. An addition is done when its names are under order, anything else
// when it was loaded and its time had come.
func (t *told) deadlines(firsts map[string]time.Time) []Deadline {
	since := t.tracker.since()
	own := ownDeadline(t.says)
	own.Done, own.FirstAnswer = since[""], second(firsts[""])
	all := []Deadline{own.settled(t.tracker.record.first, t.tracker.record.last)}
	for _, n := range t.notices {
		d := Deadline{
			Notice: n.ID, Kind: n.Kind, By: n.By, Document: n.Document, SHA256: n.SHA256, From: second(n.At), FirstAnswer: second(firsts[n.ID]),
			Done: since[n.ID], AllowedSeconds: allowed(n.Kind, n.under),
		}
		if d.Done.IsZero() && (n.Kind == removal || !n.hasRules) && !t.tracker.record.last.Before(n.At) {
			d.Done = n.loaded
			if n.At.After(n.loaded) {
				d.Done = n.At
			}
		}
		all = append(all, d.settled(t.tracker.record.first, t.tracker.record.last))
	}
	return all
}

// ownDeadline is the deadline of an order by itself, not settled yet.
func ownDeadline(s Says) Deadline {
	d := Deadline{Kind: "order", From: s.Received, AllowedSeconds: s.BlockSeconds}
	if !d.From.IsZero() && s.ValidFrom.After(d.From) {
		d.From = s.ValidFrom
	}
	return d
}

// allowed is the time for a notice, in seconds.
func allowed(kind string, d order.Deadline) float64 {
	if kind == removal {
		return d.Unblock.Seconds()
	}
	return d.Block.Seconds()
}

// settled says what became of the deadline until end, by a record that begins
// with the load at begin.
func (d Deadline) settled(begin, end time.Time) Deadline {
	d.Done = second(d.Done)
	until := d.Done
	if until.IsZero() {
		until = second(end)
	}
	if !d.From.IsZero() {
		d.DelaySeconds = max(0, until.Sub(d.From).Seconds())
	}
	switch {
	case d.From.IsZero() || d.AllowedSeconds == 0:
		d.Result = resultNone
	case d.DelaySeconds > d.AllowedSeconds && d.ranOutBefore(begin):
		d.Result = resultUnrecorded
	case d.DelaySeconds > d.AllowedSeconds:
		d.Result = resultLate
	case d.Done.IsZero():
		d.Result = resultOpen
	default:
		d.Result = resultMet
	}
	return d
}

// ranOutBefore reports whether the time had run out when the record begins, and
// nothing in it says that the deadline was not met before.
func (d Deadline) ranOutBefore(begin time.Time) bool {
	end := d.From.Add(time.Duration(d.AllowedSeconds * float64(time.Second)))
	return end.Before(begin) && !d.Done.After(begin)
}
