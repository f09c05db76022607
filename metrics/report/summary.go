package report

import (
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"bailiff/policy/order"
)

// Summary is the report on all orders that the journal knows. Of a hidden order
// it tells the id, as metrics and journal do, and what can be counted.
type Summary struct {
	Frame
	Orders       []SummaryOrder `json:"orders"`        // by id
	Sums         DeadlineSums   `json:"deadline_sums"` // the orders' own deadlines
	Enforced     uint64         `json:"enforced"`
	Observed     uint64         `json:"observed"`
	MatchesUntil time.Time      `json:"matches_until"`
}

// SummaryOrder is one order of a summary.
type SummaryOrder struct {
	ID       string    `json:"order"`
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	Says     Says      `json:"says"`
	Deadline Deadline  `json:"deadline"` // its own; done when it first was in force
	Held     Held      `json:"held"`     // as it was last read, in force or not
	Notices  int       `json:"notices"`
	Enforced uint64    `json:"enforced"`
	Observed uint64    `json:"observed"`
}

// NewSummary reports on all orders. It reads the journal alone, not the archive.
// Errors are those of NewOrder.
func NewSummary(q Query) (*Summary, error) {
	r, err := readRecord(q.State, q.To, "")
	if err != nil {
		return nil, err
	}
	frame, err := r.frame(q)
	if err != nil {
		return nil, err
	}
	s := &Summary{Frame: frame, Orders: []SummaryOrder{}, MatchesUntil: second(r.counted(new(life)))}
	for _, id := range slices.Sorted(maps.Keys(r.lives)) {
		o, ok := r.lives[id].summary(r, frame)
		if !ok {
			continue
		}
		s.Orders = append(s.Orders, o)
		s.Enforced += o.Enforced
		s.Observed += o.Observed
		s.Sums.add(o.Deadline)
	}
	return s, nil
}

// summary sums an order up; ok is false if it went before the time.
func (l *life) summary(r *record, f Frame) (s SummaryOrder, ok bool) {
	if len(l.versions) == 0 { // the guard refused it
		return s, false
	}
	last := l.versions[len(l.versions)-1]
	if last.lifted && last.at.Before(f.From) {
		return s, false
	}
	s = SummaryOrder{ID: l.id, Says: l.says(), Notices: l.notices}
	if l.publicity == order.Hidden || l.facts["publicity"] == "" {
		s.Says = s.Says.hidden()
	}
	s.State, s.Since = l.state()
	if !last.lifted {
		s.Held = Held{last.detail.Rules, last.detail.Exceptions}
	}
	s.Deadline = ownDeadline(s.Says)
	if s.Says.Mode == order.Enforce.String() {
		s.Deadline.Done = l.inForce()
	}
	s.Deadline = s.Deadline.settled(r.first, r.last)
	m := l.matches(f, time.Time{})
	s.Enforced, s.Observed = m.Enforced, m.Observed
	return s, true
}

// Count is the number of orders that stand there.
func (s *Summary) Count(state string) (n int) {
	for i := range s.Orders {
		if s.Orders[i].State == state {
			n++
		}
	}
	return n
}

// WriteCSV writes the orders, one a line.
func (s *Summary) WriteCSV(w io.Writer) error {
	return writeCSV(w, []string{"order", "state", "since", "authority", "jurisdiction", "received", "in_force", "delay_seconds", "allowed_seconds", "result", "names", "notices", "enforced", "observed"},
		len(s.Orders), func(i int) []string {
			o := &s.Orders[i]
			return []string{
				o.ID, o.State, stamp(o.Since), o.Says.Authority, o.Says.Jurisdiction, stamp(o.Says.Received), stamp(o.Deadline.Done),
				strconv.FormatFloat(o.Deadline.DelaySeconds, 'f', -1, 64), strconv.FormatFloat(o.Deadline.AllowedSeconds, 'f', -1, 64), o.Deadline.Result,
				strconv.Itoa(o.Held.Total()), strconv.Itoa(o.Notices), digits(o.Enforced), digits(o.Observed),
			}
		})
}

// WritePage writes the summary as an HTML page, beside files that belong to it.
func (s *Summary) WritePage(w io.Writer, l *Language, beside []Beside) error {
	return writePage(w, "summary", l, struct {
		*Summary
		page
	}{s, newPage(s.Frame, beside)})
}
