package report

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// hour is so many hours after the first version.
func hour(n float64) time.Time {
	return at("2026-01-01 00:00:00").Add(time.Duration(n * float64(time.Hour)))
}

// names are a rule with these names.
func names(texts ...string) order.Rule {
	r := order.Rule{Trigger: order.TriggerName, File: "a.yaml"}
	for i, text := range texts {
		r.Names.Append(name.MustParse(text), name.Subtree, i+1)
	}
	return r
}

// step is what a load at an hour reads; nil: the order is not there.
type step struct {
	hour  float64
	order *order.Order
}

// told are the spans of the steps up to hour 100, as one text.
func toldSpans(steps []step, r *record) string {
	for i, s := range steps {
		r.turns = append(r.turns, turn{hour(s.hour), uint64(i + 1), uint64(i + 1)})
	}
	slices.SortStableFunc(r.turns, func(a, b turn) int { return a.at.Compare(b.at) })
	r.last = hour(100)
	t := newTracker(r)
	for i, s := range steps {
		v := &version{at: hour(s.hour), generation: uint64(i + 1), seq: uint64(i + 1), lifted: s.order == nil}
		if v.lifted {
			t.lift(v)
		} else {
			t.hold(v, s.order, nil)
		}
	}
	var texts []string
	for _, s := range t.between(hour(0), hour(100)) {
		until := ""
		if !s.Until.IsZero() {
			until = fmt.Sprint(s.Until.Sub(hour(0)).Hours())
		}
		text := fmt.Sprintf("%s %v-%s", strings.TrimSuffix(s.What, ".example"), s.From.Sub(hour(0)).Hours(), until)
		if s.Effect == "observed" {
			text += " observed"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}

func TestTracker_spansAreWhatTheServerHadInForce(t *testing.T) {
	with := func(rules ...order.Rule) *order.Order { return &order.Order{Rules: rules} }
	dated := func(r order.Rule, from, until float64) order.Rule {
		if from > 0 {
			r.From = hour(from)
		}
		if until > 0 {
			r.Until = hour(until)
		}
		return r
	}
	noticed := func(r order.Rule, id string) order.Rule { r.Notice = id; return r }
	valid := func(o *order.Order, from, until float64) *order.Order {
		r := dated(order.Rule{}, from, until)
		o.Valid = order.Valid{From: r.From, Until: r.Until}
		return o
	}
	observed := func(o *order.Order) *order.Order { o.Mode = order.Observe; return o }
	a, ab, b := names("a.example"), names("a.example", "b.example"), names("b.example")
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"one load", []step{{0, with(ab)}}, "a 0-, b 0-"},
		{"a name comes and goes", []step{{0, with(a)}, {2, with(ab)}, {5, with(a)}}, "a 0-, b 2-5"},
		{"a name comes back", []step{{0, with(a)}, {2, with(b)}, {5, with(a)}}, "a 0-2, b 2-5, a 5-"},
		{"a reading without a change", []step{{0, with(a)}, {2, with(a)}}, "a 0-"},
		{"the order is lifted and comes back", []step{{0, with(a)}, {2, nil}, {5, with(a)}}, "a 0-2, a 5-"},
		{"a rule has dates", []step{{0, with(dated(a, 3, 7))}}, "a 3-7"},
		{"the order has dates", []step{{0, valid(with(ab), 3, 7)}}, "a 3-7, b 3-7"},
		{"the later beginning and the earlier end count", []step{{0, valid(with(dated(a, 5, 6)), 3, 7)}}, "a 5-6"},
		{"it ended before it was read", []step{{4, valid(with(a), 0, 2)}}, ""},
		{"it begins after the end", []step{{0, valid(with(a), 200, 0)}}, ""},
		{"it ends after the end", []step{{0, valid(with(a), 0, 200)}}, "a 0-"},
		{"the end is put off while it lasts", []step{{0, valid(with(a), 0, 7)}, {5, valid(with(a), 0, 9)}}, "a 0-9"},
		{"the end is put off too late", []step{{0, valid(with(a), 0, 7)}, {8, valid(with(a), 0, 9)}}, "a 0-7, a 8-9"},
		{"the end comes earlier", []step{{0, valid(with(a), 0, 7)}, {5, valid(with(a), 0, 6)}}, "a 0-6"},
		{"the end lies back when it is read: it was blocked until then", []step{{0, with(a)}, {5, valid(with(a), 0, 3)}}, "a 0-5"},
		{"the beginning is put off", []step{{0, valid(with(a), 5, 0)}, {2, valid(with(a), 9, 0)}}, "a 9-"},
		{"the beginning is given up", []step{{0, valid(with(a), 5, 0)}, {2, with(b)}}, "b 2-"},
		{"a name that stands twice ends with the later", []step{{0, with(a, dated(a, 0, 3))}}, "a 0-"},
		{"two notices add the same name", []step{{0, with(noticed(a, "n-1"))}, {2, with(noticed(a, "n-1"), noticed(a, "n-2"))}}, "a 0-, a 2-"},
		{"an order that only counts", []step{{0, observed(with(a))}, {2, with(a)}}, "a 0-2 observed, a 2-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// At each hour something else began or ended: the clock's turns.
			r := &record{}
			for h := range 101 {
				r.turns = append(r.turns, turn{hour(float64(h)), 0, 0})
			}
			if got := toldSpans(tt.steps, r); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTracker_whatBeganWhileTheServerWasDownBeginsWithIt(t *testing.T) {
	r := &record{
		turns:         []turn{{hour(6), 1, 9}},
		interruptions: []Interruption{{Kind: interruptStopped, From: hour(2), To: hour(6)}},
	}
	o := &order.Order{Rules: []order.Rule{names("a.example"), names("b.example")}}
	o.Rules[0].From, o.Rules[1].Until = hour(3), hour(3)
	if got, want := toldSpans([]step{{0, o}}, r), "b 0-3, a 6-"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTracker_everyKindOfRuleIsToldInItsWords(t *testing.T) {
	label := order.Rule{Trigger: order.TriggerAnyTLD}
	label.Names.Append("\x04iptv\x00", name.Subtree, 1)
	address := order.Rule{Trigger: order.TriggerAddress, Prefixes: []list.Prefix{{Prefix: netip.MustParsePrefix("192.0.2.0/24")}}}
	except := names("free.example")
	except.Except = true
	tracker := newTracker(&record{turns: []turn{{hour(0), 1, 1}}, last: hour(1)})
	tracker.hold(&version{at: hour(0)}, &order.Order{Rules: []order.Rule{label, address, except}}, nil)
	var got []string
	for _, s := range tracker.between(hour(0), hour(1)) {
		got = append(got, s.What+" "+languages(t)["en"].kind(s))
	}
	want := "192.0.2.0/24 addresses in answers|free.example exception: it and all below it stay free|iptv under any suffix"
	if strings.Join(got, "|") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if h := held(tracker.between(hour(0), hour(1))); h.Total() != 2 || h.Exceptions != 1 {
		t.Errorf("got %+v, want 2 and 1 exception", h)
	}
}

func TestTracker_aHundredThousandNamesInTwoVersionsAreCheap(t *testing.T) {
	var texts [2]order.Rule
	for v := range texts {
		texts[v] = order.Rule{Trigger: order.TriggerName}
		for i := range 100_000 {
			texts[v].Names.Append(name.MustParse(fmt.Sprintf("n%d.example", i+v*1000)), name.Subtree, i)
		}
	}
	r := &record{turns: []turn{{hour(0), 1, 1}, {hour(1), 2, 2}}, last: hour(2)}
	tracker, start := newTracker(r), time.Now()
	for v := range texts {
		tracker.hold(&version{at: hour(float64(v))}, &order.Order{Rules: []order.Rule{texts[v]}}, nil)
	}
	spans := tracker.between(hour(0), hour(2))
	took := time.Since(start)
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if len(spans) != 101_000 || took > 20*time.Second || after.HeapAlloc > 1<<30 {
		t.Errorf("got %d spans in %v with %d octets, want 101000 in 20 s and 1 GiB", len(spans), took, after.HeapAlloc)
	}
}

func TestDeadline_isSettled(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Deadline
		want string
	}{
		{"in time", Deadline{From: hour(0), Done: hour(2), AllowedSeconds: 7200}, "met 7200"},
		{"a second late", Deadline{From: hour(0), Done: hour(2).Add(time.Second), AllowedSeconds: 7200}, "late 7201"},
		{"done before it came", Deadline{From: hour(3), Done: hour(2), AllowedSeconds: 7200}, "met 0"},
		{"not done, and time left", Deadline{From: hour(9), AllowedSeconds: 7200}, "open 3600"},
		{"not done, and no time left", Deadline{From: hour(7), AllowedSeconds: 7200}, "late 10800"},
		{"no deadline", Deadline{From: hour(0), Done: hour(2)}, "none 7200"},
		{"run out before the record, which begins with it", Deadline{From: hour(-9), Done: hour(-1), AllowedSeconds: 7200}, "unrecorded 28800"},
		{"run out before the record, and done later", Deadline{From: hour(-9), Done: hour(0), AllowedSeconds: 7200}, "late 32400"},
		{"run out before the record, and not in it", Deadline{From: hour(-9), AllowedSeconds: 7200}, "unrecorded 68400"},
		{"no receipt", Deadline{Done: hour(2), AllowedSeconds: 7200}, "none 0"},
	} {
		d := tt.in.settled(hour(-1), hour(10))
		if got := fmt.Sprintf("%s %v", d.Result, d.DelaySeconds); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestOwnDeadline_countsFromWhatIsLater(t *testing.T) {
	for _, tt := range []struct{ received, from, want time.Time }{
		{hour(1), hour(5), hour(5)}, {hour(5), hour(1), hour(5)}, {hour(5), time.Time{}, hour(5)}, {time.Time{}, hour(5), time.Time{}},
	} {
		if got := ownDeadline(Says{Received: tt.received, ValidFrom: tt.from}).From; !got.Equal(tt.want) {
			t.Errorf("received %v, in force from %v: got %v, want %v", tt.received, tt.from, got, tt.want)
		}
	}
}
