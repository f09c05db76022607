// Package report turns what a server's state folder holds into documents for
// people who were not there: what one order blocked, from when to when, and how
// soon (Order); how all orders fared (Summary); what became of each item of a
// ticket (Receipt). Each is a page that needs nothing but itself, JSON and CSV.
//
// It reads the journal, its archive and the last probe, and nothing else: no
// server, no network, no order file that could have changed since. It decides
// nothing; what it may tell of a hidden order is decided in redact.go. It
// imports metrics/journal and policy. Start reading at NewOrder.
package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"bailiff/policy/problem"
)

// Query says what to report on.
type Query struct {
	State    string    // folder of the journal
	ID       string    // of the order; Summary wants none
	From, To time.Time // from ≤ t < to; zero: from the first entry, to the last
	Made     time.Time // when the document is made
	Version  string    // of the program that makes it
}

// Frame is what every document has.
type Frame struct {
	Made         time.Time      `json:"made"`
	Version      string         `json:"version"` // of bailiff
	From         time.Time      `json:"from"`    // of the time that is reported on
	To           time.Time      `json:"to"`
	JournalFrom  time.Time      `json:"journal_from"` // the first entry there is
	Interruption []Interruption `json:"interruptions"`
	Proof        Proof          `json:"proof"`
}

// Order is the report on one order. Times are UTC, whole seconds.
type Order struct {
	Frame
	ID          string       `json:"order"`
	State       string       `json:"state"` // pending in-force lapsed lifted; empty: not known
	Since       time.Time    `json:"since"` // of the state
	Says        Says         `json:"says"`
	Deadlines   []Deadline   `json:"deadlines"` // the order's own first, then each notice's
	Sums        DeadlineSums `json:"deadline_sums"`
	Held        Held         `json:"held"`  // at the end of the time
	Spans       []Span       `json:"spans"` // that touch the time, the earliest first
	Cut         bool         `json:"cut"`   // there are more spans than are listed
	FirstAnswer time.Time    `json:"first_answer,omitzero"`
	Matches     Matches      `json:"matches"`
	Probe       *Probe       `json:"probe"` // nil: none was kept
	Overrides   []Override   `json:"overrides"`
	Versions    []Version    `json:"versions"`
}

// Held is how much is under an order.
type Held struct {
	Rules      map[string]int `json:"rules"` // by trigger
	Exceptions int            `json:"exceptions"`
}

// Version is one reading of an order that said something else than the one
// before.
type Version struct {
	At         time.Time `json:"at"`
	Generation uint64    `json:"generation"`
	Entry      uint64    `json:"entry"` // of the journal
	Revision   uint64    `json:"revision"`
	Lifted     bool      `json:"lifted"` // the order was taken away
	File       string    `json:"file,omitempty"`
	SHA256     string    `json:"sha256,omitempty"`
	Held       Held      `json:"held"`
	Changes    []Change  `json:"changes,omitempty"` // beside the rules
	Unknown    bool      `json:"unknown"`           // what it held cannot be restored from the archive
}

// Change is one thing that the order says, beside its rules, in other words.
type Change struct {
	Key    string `json:"key"` // a key of translations: says.<key>
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Override is a person's word by which the order passed the guard.
type Override struct {
	At         time.Time `json:"at"` // in use from then on
	Guard      string    `json:"guard"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	Approved   time.Time `json:"approved,omitzero"`
	Reason     string    `json:"reason,omitempty"`
	Lifts      string    `json:"lifts,omitempty"`
}

// idPattern is what an order's id looks like: files are named by it.
var idPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// NewOrder reports on the order q.ID. The error is a problem.Problem: the
// journal cannot be read or knows no such order. A journal that was tampered
// with is no error: Proof says so.
func NewOrder(q Query) (*Order, error) {
	r, life, err := readLife(q)
	if err != nil {
		return nil, err
	}
	told, err := replay(q.State, r, life)
	if err != nil {
		return nil, err
	}
	frame, err := r.frame(q)
	if err != nil {
		return nil, err
	}
	o := &Order{Frame: frame, ID: q.ID, Says: told.says, FirstAnswer: second(life.firsts[""])}
	o.State, o.Since = life.state()
	o.Deadlines = told.deadlines(life.firsts)
	o.Spans, o.Cut = told.tracker.between(o.From, o.To), told.tracker.cut
	if o.Held = held(o.Spans); o.Cut {
		o.Held = Held{} // not known
	}
	o.Matches = life.matches(o.Frame, r.counted(life))
	o.Versions = []Version{}
	for _, v := range life.versions {
		o.Versions = append(o.Versions, v.public())
	}
	o.Overrides = append([]Override{}, life.overrides...)
	o.Probe = readProbe(q.State, q.ID)
	o.redact(told.publicity(life))
	o.Sums = sums(o.Deadlines)
	return o, nil
}

// readLife reads the journal for one order.
func readLife(q Query) (*record, *life, error) {
	if !idPattern.MatchString(q.ID) {
		return nil, nil, problem.Problem{Value: q.ID, Text: "is no id of an order", Remedy: "write it as the order file does"}
	}
	r, err := readRecord(q.State, q.To, q.ID)
	if err != nil {
		return nil, nil, err
	}
	if l := r.lives[q.ID]; l != nil {
		return r, l, nil
	}
	return nil, nil, problem.Problem{
		File: q.State, Value: q.ID, Text: "is an order that the journal does not know in that time",
		Remedy: "bailiff report --all tells which orders it knows",
	}
}

// held counts what is in force at the end.
func held(spans []Span) Held {
	h := Held{Rules: map[string]int{}}
	for i := range spans {
		switch s := &spans[i]; {
		case !s.Until.IsZero():
		case s.Kind == kindException:
			h.Exceptions += s.Count
		default:
			h.Rules[s.Kind] += s.Count
		}
	}
	return h
}

// Total is the number of names, labels, networks and servers under order.
func (h Held) Total() (n int) {
	for _, count := range h.Rules {
		n += count
	}
	return n
}

// second is a time as documents tell it; zero stays zero.
func second(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// frame is what the document on this record begins with.
func (r *record) frame(q Query) (Frame, error) {
	proof, err := prove(q.State)
	if err != nil {
		return Frame{}, err
	}
	f := Frame{
		Made: second(q.Made), Version: q.Version, JournalFrom: second(r.first), Proof: proof,
		From: second(r.first), To: second(r.last), Interruption: []Interruption{},
	}
	if !q.From.IsZero() {
		f.From = second(q.From)
	}
	if f.From.After(f.To) {
		return Frame{}, problem.Problem{
			File: q.State, Value: f.From.Format(time.RFC3339), Text: fmt.Sprintf("is after the end, %s", f.To.Format(time.RFC3339)),
			Remedy: "give an earlier --from; the journal ends with its last entry",
		}
	}
	for _, i := range r.interruptions {
		if i.To.IsZero() || !i.To.Before(f.From) {
			f.Interruption = append(f.Interruption, i)
		}
	}
	slices.SortStableFunc(f.Interruption, func(a, b Interruption) int { return cmp.Compare(a.From.Unix(), b.From.Unix()) })
	return f, nil
}
