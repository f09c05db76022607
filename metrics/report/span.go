package report

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// maxSpans bounds what is listed of one order: 250 MiB.
const maxSpans = 1_000_000

// kindException is the kind of a span during which a name was free.
const kindException = "exception"

// Span is a time during which something was under order without a break.
type Span struct {
	What       string    `json:"what,omitempty"`  // name, label or network; empty: not told, or many
	Kind       string    `json:"kind"`            // the trigger of metrics, or exception
	Match      string    `json:"match,omitempty"` // of names: subtree, exact or below
	Effect     string    `json:"effect"`          // enforced, or observed: counted, and answered with the truth
	From       time.Time `json:"from"`
	Until      time.Time `json:"until,omitzero"` // zero: in force at the end
	Generation uint64    `json:"generation"`     // that began it
	Entry      uint64    `json:"entry"`          // of the journal that tells of that generation
	File       string    `json:"file,omitempty"`
	SHA256     string    `json:"sha256,omitempty"` // of the file that says so, as it was at the beginning
	Notice     string    `json:"notice,omitempty"` // that added it
	Count      int       `json:"count"`            // how many the row stands for; 0: the span came to nothing
}

// tracker follows what is under an order from version to version.
type tracker struct {
	record  *record
	spans   []Span
	seen    []uint32       // of each span: the version that held it last
	open    map[string]int // what the version at hand holds → its span
	version uint32
	cut     bool // there are more spans than are kept
	key     []byte
}

func newTracker(r *record) *tracker { return &tracker{record: r, open: map[string]int{}} }

// hold goes on to a version that holds o; digests are the SHA-256 of its files.
func (t *tracker) hold(v *version, o *order.Order, digests map[string]string) {
	t.version++
	for i := range o.Rules {
		r := &o.Rules[i]
		span := Span{Kind: r.Trigger.String(), Effect: effect(o.Mode), Notice: r.Notice, File: r.File, SHA256: digests[r.File], Count: 1}
		if r.Except {
			span.Kind = kindException
		}
		w := t.window(v, o, r)
		for e := range r.Names.All() {
			span.Match = e.Match.String()
			if r.Trigger == order.TriggerAnyTLD {
				span.Match = ""
			}
			t.see(w, span, e.Name, e.Match)
		}
		span.Match = ""
		for _, p := range r.Prefixes {
			t.seePrefix(w, span, p.Prefix)
		}
	}
	t.end(v)
}

func effect(m order.Mode) string {
	if m == order.Observe {
		return "observed"
	}
	return "enforced"
}

// lift goes on to a version that is none: the order was taken away.
func (t *tracker) lift(v *version) {
	t.version++
	t.end(v)
}

// window is when a rule of a version applies, as the server acted on it.
type window struct {
	version time.Time // since when the version holds
	from    turn      // that begins it; never: there is none
	until   time.Time // zero: no end
	never   bool
	dates   int64 // the rule's own beginning: two of one name are two spans
}

func (t *tracker) window(v *version, o *order.Order, r *order.Rule) window {
	w := window{version: v.at, from: turn{v.at, v.generation, v.seq}, dates: r.From.Unix()}
	for _, from := range []time.Time{o.Valid.From, r.From} {
		if !from.After(w.from.at) {
			continue
		}
		turn, ok := t.record.takesEffect(from)
		w.from, w.never = turn, w.never || !ok
	}
	for _, until := range []time.Time{o.Valid.Until, r.Until} {
		if until.IsZero() || !w.until.IsZero() && !until.Before(w.until) {
			continue
		}
		w.until = until
	}
	if w.until.After(v.at) {
		w.until = t.record.ends(w.until)
	} else if !w.until.IsZero() { // it ended before it was read
		w.until = v.at
	}
	w.never = w.never || !w.until.IsZero() && !w.until.After(w.from.at)
	return w
}

func (t *tracker) seePrefix(w window, span Span, p netip.Prefix) {
	text := p.String()
	span.What = text
	t.see(w, span, []byte(text), 0)
}

// see takes note that the version holds something. Its name is spelt out only
// where a span begins.
func (t *tracker) see(w window, span Span, what []byte, m name.Match) {
	t.key = append(t.key[:0], span.Kind...)
	t.key = append(t.key, 0, byte(m), span.Effect[0])
	t.key = append(append(t.key, span.Notice...), 0)
	t.key = append(strconv.AppendInt(t.key, w.dates, 36), 0)
	t.key = append(t.key, what...)
	i, held := t.open[string(t.key)]
	switch {
	case !held:
		t.begin(w, span, what)
	case t.seen[i] == t.version && t.spans[i].Count > 0: // it stands twice
		t.spans[i].Until = longer(t.spans[i].Until, w.until)
	case t.spans[i].runsAt(w.version):
		t.spans[i].Until, t.seen[i] = w.until, t.version
	case t.spans[i].From.After(w.version): // it had not begun: what is said now counts
		t.spans[i].Count = 0
		t.begin(w, span, what)
	case !w.never: // it had ended
		t.begin(w, span, what)
	default:
		t.seen[i] = t.version
	}
}

// runsAt reports whether something is under order at t.
func (s *Span) runsAt(t time.Time) bool {
	return s.Count > 0 && !s.From.After(t) && (s.Until.IsZero() || s.Until.After(t))
}

// longer is the later of two ends; zero is none.
func longer(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

// begin begins a span, which comes to nothing if it never applies.
func (t *tracker) begin(w window, span Span, what []byte) {
	if len(t.spans) == maxSpans {
		t.cut = true
		return
	}
	span.From, span.Until, span.Generation, span.Entry = w.from.at, w.until, w.from.generation, w.from.entry
	if w.never {
		span.From, span.Count = w.version, 0
	}
	if span.What == "" {
		span.What = name.Name(what).String()
	}
	t.open[string(t.key)] = len(t.spans)
	t.spans, t.seen = append(t.spans, span), append(t.seen, t.version)
}

// end ends what the version does not hold any more.
func (t *tracker) end(v *version) {
	for key, i := range t.open {
		if t.seen[i] == t.version {
			continue
		}
		switch s := &t.spans[i]; {
		case !s.From.Before(v.at):
			s.Count = 0
		case s.Until.IsZero() || s.Until.After(v.at):
			s.Until = v.at
		}
		delete(t.open, key)
	}
}

// since is when the first span began that changes answers, by the notice that
// added it; under "" of all of them.
func (t *tracker) since() map[string]time.Time {
	first := map[string]time.Time{}
	for i := range t.spans {
		s := &t.spans[i]
		if s.Count == 0 || s.Effect != "enforced" || s.Kind == kindException || !s.From.Before(t.record.last) {
			continue
		}
		for _, notice := range []string{"", s.Notice} {
			if known, ok := first[notice]; !ok || s.From.Before(known) {
				first[notice] = s.From
			}
		}
	}
	return first
}

// between are the spans that touch a time, in whole seconds: by beginning, then
// by name.
func (t *tracker) between(from, to time.Time) []Span {
	spans := []Span{}
	for _, s := range t.spans {
		s.From, s.Until = second(s.From), second(s.Until)
		if s.Count == 0 || s.From.After(to) || !s.Until.IsZero() && s.Until.Before(from) {
			continue
		}
		if s.Until.After(to) {
			s.Until = time.Time{}
		}
		spans = append(spans, s)
	}
	sortSpans(spans)
	return spans
}

func sortSpans(spans []Span) {
	slices.SortFunc(spans, func(a, b Span) int {
		return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.What, b.What), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Match, b.Match), cmp.Compare(a.Notice, b.Notice), a.Until.Compare(b.Until))
	})
}
