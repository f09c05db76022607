package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/name"
)

// audited is a keeper with a journal, as serve has them.
type audited struct {
	*keeper
	state string
}

// startAudited starts one over a folder of orders.
func startAudited(t *testing.T, orders, state string) *audited {
	t.Helper()
	cfg := &config{orders: []string{orders}, state: state}
	law, log := policy.NewStore(), slog.New(slog.NewTextHandler(io.Discard, nil))
	audit, err := openAudit(cfg, law, log)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(cfg, law, log)
	k.audit = audit
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	return &audited{k, state}
}

// entries closes the journal and returns what it holds, but for heads and the
// numbers of matches.
func (a *audited) entries(t *testing.T) (entries []journal.Entry) {
	t.Helper()
	a.audit.close()
	for e, err := range journal.Read(a.state) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Event != journal.Head && e.Event != journal.Matches {
			entries = append(entries, e)
		}
	}
	return entries
}

// story is the events with the orders and rules they are about, after the
// start and what comes with it.
func story(entries []journal.Entry) string {
	var words []string
	for _, e := range entries {
		if !slices.Contains([]journal.Event{journal.Start, journal.Stop, journal.Config, journal.FilesLoaded}, e.Event) {
			words = append(words, strings.TrimRight(fmt.Sprintf("%s %s %s", e.Event, e.Order, e.Rule), " "))
		}
	}
	return strings.Join(words, ", ")
}

func TestAudit_tellsTheLifeOfAnOrder(t *testing.T) {
	const plain = "id: a\nauthority: Test\nblock: [a.example, b.example]\n"
	const listed = "id: a\nauthority: Test\nrules: [{list: list.txt, format: domains}]\n"
	const loaded = "loaded a, in-force a"
	for _, tt := range []struct {
		name, before, after, list, want string
		detail                          string // in the last entry
	}{
		{name: "nothing changes", before: plain, after: plain, want: loaded + ", reload"},
		{name: "a name comes, one goes", before: plain, after: strings.Replace(plain, "a.example", "c.example", 1),
			want: loaded + ", reload, changed a, changed a block", detail: `"added":["c.example"],"removed":["a.example"]`},
		{name: "a rule comes", before: plain, after: plain + "rules: [{name: d.example, match: exact}]\n",
			want: loaded + ", reload, changed a, changed a rule 1", detail: `"change":"added","before":0,"after":1,"added":["d.example (exact)"]`},
		{name: "a rule goes", before: plain + "rules: [{address: 192.0.2.1}]\n", after: plain,
			want: loaded + ", reload, changed a, changed a rule 1", detail: `"change":"removed","before":1,"after":0,"removed":["192.0.2.1/32 (address)"]`},
		{name: "a name of a rule has an end", before: plain + "rules: [{name: d.example}]\n", after: plain + "rules: [{name: d.example, until: 2035-01-01T00:00:00Z}]\n",
			want: loaded + ", reload, changed a, changed a rule 1", detail: `"added":["d.example until 2035-01-01T00:00:00Z"],"removed":["d.example"]`},
		{name: "a date changes", before: plain, after: plain + "valid: {until: 2035-01-01T00:00:00Z}\n",
			want: loaded + ", reload, changed a", detail: `"after":{"valid.until":"2035-01-01T00:00:00Z"}`},
		{name: "a list grows", before: listed, after: listed, list: "l.example\nm.example\n",
			want: loaded + ", reload, changed a, changed a rule 1", detail: `"names":2},"before":1,"after":2}`},
		{name: "the order ends", before: plain, after: plain + "valid: {until: 2020-01-01T00:00:00Z}\n",
			want: loaded + ", reload, changed a, lapsed a"},
		{name: "another order comes instead", before: plain, after: strings.Replace(plain, "id: a", "id: b", 1),
			want: loaded + ", reload, loaded b, lifted a, in-force b"},
		{name: "the load is rejected", before: plain, after: "id: a\n", want: loaded + ", reload",
			detail: `orders.yaml:1: has no authority; add the key authority`},
		{name: "the guard refuses", before: plain, after: "id: c\nauthority: Test\nblock: [co.uk]\n",
			want: loaded + ", reload, refused c block", detail: `"guard":"public-suffix"`},
		{name: "an override is used", before: plain, want: loaded + ", reload, changed a, changed a block, override a, ",
			after:  "id: a\nauthority: Test\nblock: [co.uk]\noverrides: [{guard: public-suffix, name: co.uk, approved_by: A. Person, reason: the court means it}]\n",
			detail: `"guard":"public-suffix","approved_by":"A. Person","reason":"the court means it"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			file := filepath.Join(folder, "orders.yaml")
			write(t, file, tt.before)
			write(t, filepath.Join(folder, "list.txt"), "l.example\n")
			a := startAudited(t, folder, filepath.Join(t.TempDir(), "state"))
			write(t, file, tt.after)
			if tt.list != "" {
				write(t, filepath.Join(folder, "list.txt"), tt.list)
			}
			a.reload()
			entries := a.entries(t)
			if got := story(entries); got != strings.TrimSuffix(tt.want, ", ") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if last := entries[len(entries)-2]; !strings.Contains(string(last.Detail), tt.detail) {
				t.Errorf("got detail %s, want in it %s", last.Detail, tt.detail)
			}
		})
	}
}

func TestAudit_aNameOfAHiddenOrderIsNowhereInTheJournal(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	file := filepath.Join(folder, "orders.yaml")
	hidden := func(n string) string {
		return "id: a\npublicity: hidden\ntitle: " + n + " must go\nauthority: Test\n" +
			"block: [" + n + ".example, co.uk]\noverrides: [{guard: public-suffix, name: co.uk, approved_by: A, reason: as is " + n + ".example}]\n"
	}
	write(t, file, hidden("first"))
	a := startAudited(t, folder, state)
	write(t, file, hidden("second"))
	a.reload()
	write(t, file, "id: a\npublicity: hidden\nauthority: Test\nblock: [second..example]\n")
	a.reload()
	if got, want := story(a.entries(t)), "loaded a, override a, in-force a, reload, changed a, changed a block, override a, reload"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text, err := os.ReadFile(filepath.Join(state, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"first.example", "second.example", "must go"} {
		if strings.Contains(string(text), n) {
			t.Errorf("%s is in the journal:\n%s", n, text)
		}
	}
}

func TestAudit_theFirstAnswerSurvivesARestart(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	write(t, filepath.Join(folder, "orders.yaml"), "id: a\nauthority: Test\nreceived: 2026-11-01T00:00:00Z\nblock: [a.example]\n")
	first := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	a := startAudited(t, folder, state)
	giveAnswer(t, a.law, "a.example", first)
	got := a.entries(t)
	if last := got[len(got)-2]; last.Event != journal.FirstAnswer || !last.Time.Equal(first) || !strings.Contains(string(last.Detail), `"delay_seconds":86400`) {
		t.Errorf("got %+v", last)
	}
	a = startAudited(t, folder, state)
	giveAnswer(t, a.law, "a.example", first.Add(time.Hour))
	if got := a.law.Load().Orders()[0].Tally.FirstAnswer(); !got.Equal(first) {
		t.Errorf("after a restart: got %v, want %v", got, first)
	}
	if got, want := story(a.entries(t)), "loaded a, in-force a, first-answer a"; got != want {
		t.Errorf("after a restart: got %s, want %s", got, want)
	}
}

// giveAnswer counts an answer to the name.
func giveAnswer(t *testing.T, law *policy.Store, text string, at time.Time) {
	t.Helper()
	var qname name.Buffer
	qname.Set([]byte(name.MustParse(text)))
	matches, _ := law.Load().Match(&qname, netip.MustParseAddr("192.0.2.1"), nil)
	if len(matches) == 0 {
		t.Fatalf("%s is not under order", text)
	}
	matches[0].Count(at.UnixNano())
}

func TestAudit_statesFollowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
		start := time.Now()
		at := func(d time.Duration) string { return start.Add(d).Format(time.RFC3339Nano) }
		write(t, filepath.Join(folder, "orders.yaml"), fmt.Sprintf("id: a\nauthority: Test\nvalid: {from: %s, until: %s}\nblock: [a.example]\n",
			at(time.Minute), at(time.Hour)))
		a := startAudited(t, folder, state)
		ctx, cancel := context.WithCancel(t.Context())
		go a.followClock(ctx)
		time.Sleep(2 * time.Hour)
		cancel()
		synctest.Wait()
		entries := a.entries(t)
		if got, want := story(entries), "loaded a, pending a, boundary, in-force a, boundary, lapsed a"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for _, e := range entries {
			if e.Event == journal.InForce && !e.Time.Equal(start.Add(time.Minute)) {
				t.Errorf("in force at %v, want %v", e.Time, start.Add(time.Minute))
			}
		}
		past, err := journal.LoadAt(state, start.Add(30*time.Minute))
		if err != nil || past.Generation != 2 || len(past.Files) != 1 {
			t.Errorf("got %+v, %v; want generation 2 and one file", past, err)
		}
	})
}

func TestAudit_aRestartTellsOnlyWhatChanged(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	for _, id := range []string{"a", "b", "c"} {
		write(t, filepath.Join(folder, id+".yaml"), "id: "+id+"\nauthority: Test\nblock: ["+id+".example]\n")
	}
	startAudited(t, folder, state).audit.close()
	write(t, filepath.Join(folder, "b.yaml"), "id: b\nauthority: Test\nblock: [d.example]\n")
	if err := os.Remove(filepath.Join(folder, "c.yaml")); err != nil {
		t.Fatal(err)
	}
	got := story(startAudited(t, folder, state).entries(t))
	if want := "loaded a, loaded b, loaded c, in-force a, in-force b, in-force c, changed b, changed b block, lifted c"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAudit_aFileThatChangedBeforeItWasArchivedIsAGap(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	file := filepath.Join(folder, "orders.yaml")
	write(t, file, "id: a\nauthority: Test\nblock: [a.example]\n")
	a := startAudited(t, folder, state)
	a.audit.archive.add([]journal.File{{Path: file, SHA256: strings.Repeat("0", 64)}}, nil)
	entries := a.entries(t)
	if gap := entries[len(entries)-2]; gap.Event != journal.Gap || !strings.Contains(string(gap.Detail), "has changed since it was loaded") {
		t.Errorf("got %+v, want a gap", gap)
	}
}

func TestOpenAudit_withoutStateThereIsNoJournal(t *testing.T) {
	a, err := openAudit(new(config), policy.NewStore(), nil)
	if a != nil || err != nil {
		t.Errorf("got %v, %v", a, err)
	}
	a.advanced(time.Now()) // nothing happens
	a.close()
}

func TestAudit_aRestartComparesManyOrdersInTheTimeOfTheirLoad(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	const orders = 2000
	start := func(revision int) (*audited, time.Duration) {
		var text strings.Builder
		for i := range orders {
			fmt.Fprintf(&text, "---\nid: o%d\nrevision: %d\nauthority: Test\nblock: [n%d.example, m%d-%d.example]\n", i, revision, i, i, revision)
		}
		write(t, filepath.Join(folder, "orders.yaml"), text.String())
		began := time.Now()
		a := startAudited(t, folder, state)
		return a, time.Since(began)
	}
	a, first := start(1)
	a.audit.close()
	a, second := start(2)
	if limit := max(10*first, 10*time.Second); second > limit {
		t.Errorf("the second start took %v, the first %v", second, first)
	}
	compared := 0
	for _, e := range a.entries(t) {
		if e.Rule == "block" && strings.Contains(string(e.Detail), `"removed":["m`) {
			compared++
		}
	}
	if compared != orders {
		t.Errorf("got %d orders compared with what they said before, want %d", compared, orders)
	}
}
