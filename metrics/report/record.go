package report

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/order"
)

// record is what one reading of the journal told.
type record struct {
	first, last   time.Time // of the entries; last is the end that was asked for if entries follow it
	alive         time.Time // the last entry of a server that had begun
	turns         []turn    // by time
	interruptions []Interruption
	down          *Interruption // where the server has stopped and not begun again; else nil
	rejected      time.Time     // the last reload, if it was; else zero
	stopped       time.Time     // the last stop
	lives         map[string]*life
}

// turn is the beginning of a generation.
type turn struct {
	at         time.Time
	generation uint64
	entry      uint64
}

// Interruption is a time for which the journal says less.
type Interruption struct {
	Kind  string    `json:"kind"` // stopped, unrecorded, gap
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`     // zero: to the end
	Cause string    `json:"cause,omitempty"` // of a gap
	Lost  uint64    `json:"lost,omitempty"`  // entries
}

// The kinds of interruption.
const (
	interruptStopped    = "stopped"    // the server did not run
	interruptUnrecorded = "unrecorded" // it ended without a word: whether it ran is not known
	interruptGap        = "gap"        // entries are lost or late
)

// readRecord reads the entries before to (zero: all). Of the orders it keeps
// that with the id only; all of them if id is empty. Lines that are no entries
// are left out: prove counts them.
func readRecord(state string, to time.Time, id string) (*record, error) {
	r := &record{lives: map[string]*life{}}
	var damage error
	for e, err := range journal.Read(state) {
		if err != nil {
			damage = err
			continue
		}
		if !to.IsZero() && !e.Time.Before(to) {
			if !r.first.IsZero() {
				r.last = to
			}
			continue
		}
		r.add(e)
		if e.Order != "" && (id == "" || e.Order == id) {
			r.life(e.Order).add(e)
		}
	}
	switch {
	case r.first.IsZero() && damage != nil:
		return nil, damage
	case r.first.IsZero():
		return nil, errNothing(state)
	}
	if r.down != nil {
		r.interruptions = append(r.interruptions, *r.down)
	}
	slices.SortStableFunc(r.turns, func(a, b turn) int { return a.at.Compare(b.at) })
	return r, nil
}

func (r *record) life(id string) *life {
	l := r.lives[id]
	if l == nil {
		l = &life{id: id, facts: map[string]string{}, firsts: map[string]time.Time{}, overrode: map[Override]bool{}, days: map[string]*Day{}}
		r.lives[id] = l
	}
	return l
}

// add takes an entry.
func (r *record) add(e journal.Entry) {
	if r.first.IsZero() {
		r.first = e.Time
	}
	switch e.Event {
	case journal.Start:
		r.begin(e)
	case journal.Stop:
		r.stopped = e.Time
		r.down = &Interruption{Kind: interruptStopped, From: second(e.Time)}
	case journal.Reload:
		r.reload(e)
	case journal.Boundary:
		r.turns = append(r.turns, turn{e.Time, e.Generation, e.Seq})
	case journal.Gap:
		r.gap(e)
	}
	r.last = e.Time
	if e.Event != journal.Gap { // which the next server writes before it begins
		r.alive = e.Time
	}
}

// begin notes when a server began, and how the one before had ended.
func (r *record) begin(e journal.Entry) {
	r.turns, r.rejected = append(r.turns, turn{e.Time, e.Generation, e.Seq}), time.Time{}
	switch {
	case r.down != nil:
		r.down.To = second(e.Time)
		r.interruptions, r.down = append(r.interruptions, *r.down), nil
	case !r.alive.IsZero():
		r.interruptions = append(r.interruptions, Interruption{Kind: interruptUnrecorded, From: second(r.alive), To: second(e.Time)})
	}
}

func (r *record) gap(e journal.Entry) {
	var d journal.Missing
	if json.Unmarshal(e.Detail, &d) != nil {
		return
	}
	cause, _, _ := strings.Cut(d.Cause, ": ") // what follows may be the path of a hidden order
	i := Interruption{Kind: interruptGap, From: second(d.From), To: second(d.To), Cause: cause, Lost: d.Lost}
	if d.From.IsZero() {
		i.From, i.To = second(e.Time), second(e.Time)
	}
	r.interruptions = append(r.interruptions, i)
}

func (r *record) reload(e journal.Entry) {
	var d struct{ Result string }
	switch {
	case json.Unmarshal(e.Detail, &d) != nil:
	case d.Result == "ok":
		r.rejected = time.Time{}
		r.turns = append(r.turns, turn{e.Time, e.Generation, e.Seq})
	default:
		r.rejected = e.Time
	}
}

// takesEffect is when the server first acted on an instant by the clock: the
// first generation from then on. ok is false if there is none. As long as the
// server is up it is a second later.
func (r *record) takesEffect(t time.Time) (first turn, ok bool) {
	i, _ := slices.BinarySearchFunc(r.turns, t, func(turn turn, t time.Time) int { return turn.at.Compare(t) })
	if i == len(r.turns) {
		return turn{}, false
	}
	return r.turns[i], true
}

// ends is when the server no longer acted on what ended at t: while it did not
// run that is t itself.
func (r *record) ends(t time.Time) time.Time {
	for _, i := range r.interruptions {
		if i.Kind != interruptGap && !t.Before(i.From) && (i.To.IsZero() || t.Before(i.To)) {
			return t
		}
	}
	if turn, ok := r.takesEffect(t); ok {
		return turn.at
	}
	return t
}

// counted is until when the matches of an order are in the journal: they are
// written at the end of each UTC day, when the server stops and when the order
// goes.
func (r *record) counted(l *life) time.Time {
	if n := len(l.versions); n > 0 && l.versions[n-1].lifted {
		return r.last
	}
	midnight := r.last.UTC().Truncate(24 * time.Hour)
	if r.stopped.After(midnight) {
		return r.stopped
	}
	return midnight
}

// secrecy is the more secret of a publicity and the one that text says.
func secrecy(p order.Publicity, text string) order.Publicity {
	for _, q := range []order.Publicity{order.Summary, order.Hidden} {
		if text == q.String() {
			p = max(p, q)
		}
	}
	return p
}
