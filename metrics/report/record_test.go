package report

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bailiff/metrics/journal"
)

// entryOf is an entry with a detail.
func entryOf(at time.Time, detail string) journal.Entry {
	return journal.Entry{Time: at, Detail: json.RawMessage(detail)}
}

// journalOf writes a journal of these entries, an hour apart.
func journalOf(t *testing.T, entries ...journal.Entry) (state string) {
	t.Helper()
	state = t.TempDir()
	w, err := journal.Open(state, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		e.Time = hour(float64(i))
		w.Append(e)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return state
}

func TestRecord_tellsWhenTheServerDidNotRun(t *testing.T) {
	start, stop, head := journal.Entry{Event: journal.Start}, journal.Entry{Event: journal.Stop}, journal.Entry{Event: journal.Head}
	gap := journal.Entry{Event: journal.Gap, Detail: json.RawMessage(`{"cause":"a line was cut off: of a.yaml","torn_octets":7}`)}
	for _, tt := range []struct {
		name    string
		entries []journal.Entry
		want    string
	}{
		{"it ran throughout", []journal.Entry{start, head}, ""},
		{"it was stopped", []journal.Entry{start, stop, head, start, head}, "stopped 1-3"},
		{"it is stopped", []journal.Entry{start, stop, head}, "stopped 1-"},
		{"it was killed", []journal.Entry{start, head, start, head}, "unrecorded 1-2"},
		{"it was killed while it wrote", []journal.Entry{start, head, gap, start, head}, "unrecorded 1-3, gap 2-2 a line was cut off"},
		{"a gap after a stop", []journal.Entry{start, stop, gap, start, head}, "stopped 1-3, gap 2-2 a line was cut off"},
	} {
		r, err := readRecord(journalOf(t, tt.entries...), hour(90), "")
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.frame(Query{State: journalOf(t, start)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range f.Interruption {
			until := ""
			if !i.To.IsZero() {
				until = fmt.Sprint(i.To.Sub(hour(0)).Hours())
			}
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s %v-%s %s", i.Kind, i.From.Sub(hour(0)).Hours(), until, i.Cause)))
		}
		if strings.Join(got, ", ") != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNewOrder_whatCannotBeReportedIsAnError(t *testing.T) {
	state := journalOf(t, journal.Entry{Event: journal.Start})
	empty := t.TempDir()
	for _, tt := range []struct {
		name string
		in   Query
		want string
	}{
		{"no journal", Query{State: empty, ID: "a"}, "holds no journal"},
		{"no id", Query{State: state, ID: "../a"}, "is no id of an order"},
		{"an unknown order", Query{State: state, ID: "a"}, "the journal does not know in that time; bailiff report --all tells which"},
		{"before the journal", Query{State: state, ID: "a", To: hour(-1)}, "holds no entry of that time"},
	} {
		if _, err := NewOrder(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := NewSummary(Query{State: state, From: time.Now().Add(time.Hour)}); err == nil || !strings.Contains(err.Error(), "is after the end") {
		t.Errorf("after the end: got %v", err)
	}
}

func TestNewOrder_hostileDetailsAreNoFault(t *testing.T) {
	for _, detail := range []string{`{}`, `null`, `[]`, `7`, `{"digest":"x","file":"../../etc/passwd","sha256":"00","lists":[{"file":"/x","sha256":"../../x"}]}`,
		`{"digest":"x","rules":{"name":-5},"says":{"deadline":"{Block:999999999h}"}}`} {
		var entries []journal.Entry
		entries = append(entries, journal.Entry{Event: journal.Start, Detail: json.RawMessage(`{"load":{"folder":"/","paths":["../..",""],"all_files":true}}`)})
		for _, event := range journal.Events() {
			entries = append(entries, journal.Entry{Event: event, Order: "a", Detail: json.RawMessage(detail)})
		}
		state := journalOf(t, entries...)
		o, err := NewOrder(Query{State: state, ID: "a"})
		if err != nil || o.Says.Publicity != "hidden" && !strings.Contains(detail, "says") {
			t.Errorf("%s: got %+v, %v; want a report that takes the order for hidden", detail, o, err)
		}
		if _, err := NewSummary(Query{State: state}); err != nil {
			t.Errorf("%s: summary: got %v", detail, err)
		}
		if _, err := NewReceipt(Query{State: state, ID: "a"}, ""); err == nil {
			t.Errorf("%s: a receipt without a ticket is no error", detail)
		}
	}
}

func TestReadProbe_takesWhatIsThere(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     *Probe
	}{
		{"none", "", nil},
		{"no JSON", "x", nil},
		{"not a probe", `{"a": 1}`, nil},
		{"all", `{"started":"2026-01-01T00:00:00Z","seconds":4.5,"queries":9,"rules":{"proved":5,"failed":2,"not_probed":{"address":3,"nameserver":1}},"failures":[{"order":"a"},{"order":"b","name":"x"}],"new":{}}`,
			&Probe{Started: hour(0), Seconds: 4.5, Queries: 9, Proved: 5, Failed: 2, NotProbed: 4, Own: 1}},
		{"odd numbers", `{"started":"2026-01-01T00:00:00Z","rules":{"proved":"many","failed":-1,"not_probed":4}}`, &Probe{Started: hour(0), NotProbed: 4}},
	} {
		state := t.TempDir()
		if tt.in != "" {
			if err := os.WriteFile(filepath.Join(state, probeFile), []byte(tt.in), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got := readProbe(state, "a")
		if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
