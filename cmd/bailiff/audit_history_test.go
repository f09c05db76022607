package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

// past is a state folder after two servers, and what its journal says.
func past(t *testing.T) (state string, all history) {
	t.Helper()
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	write(t, filepath.Join(folder, "a.yaml"), "id: a\nauthority: Test\nblock: [a.example]\n")
	write(t, filepath.Join(folder, "b.yaml"), "id: b\nauthority: Test\nvalid: {until: 2020-01-01T00:00:00Z}\nblock: [b.example]\n")
	a := startAudited(t, folder, state)
	giveAnswer(t, a.law, "a.example", time.Now())
	a.audit.close()
	write(t, filepath.Join(folder, "a.yaml"), "id: a\nrevision: 7\nauthority: Test\nblock: [a.example]\n")
	startAudited(t, folder, state).audit.close()
	if err := os.Rename(filepath.Join(state, historyFile), filepath.Join(state, "kept")); err != nil {
		t.Fatal(err)
	}
	all = readHistory(state, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err := os.Rename(filepath.Join(state, "kept"), filepath.Join(state, historyFile)); err != nil {
		t.Fatal(err)
	}
	return state, all
}

func TestReadHistory_theFileSavesReadingTheJournal(t *testing.T) {
	state, all := past(t)
	kept := readHistory(state, nil)
	if kept.entries != 0 || all.entries == 0 {
		t.Errorf("got %d entries read with the file, %d without; want none, some", kept.entries, all.entries)
	}
	if !reflect.DeepEqual(kept.Orders, all.Orders) || !reflect.DeepEqual(kept.Config.Keys, all.Config.Keys) {
		t.Errorf("got %+v, %+v\nwant %+v, %+v", kept.Orders, kept.Config, all.Orders, all.Config)
	}
	if a := all.Orders["a"]; a == nil || a.Revision != 7 || a.Firsts[""].IsZero() {
		t.Errorf("got order a %+v; want revision 7 and a first answer", a)
	}
}

func TestReadHistory_aFileThatDoesNotFitIsPassedOver(t *testing.T) {
	for _, tt := range []struct{ name, from, to string }{
		{"of another journal", `"Hash":"`, `"Hash":"0`},
		{"behind the end", `"Seq":`, `"Seq":9`},
		{"no JSON", `{"Up"`, `"Up"`},
		{"an order without content", `"Orders":{`, `"Orders":{"z":null,`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state, all := past(t)
			path := filepath.Join(state, historyFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, string(bytes.Replace(text, []byte(tt.from), []byte(tt.to), 1)))
			if got := readHistory(state, nil); !reflect.DeepEqual(got, all) {
				t.Errorf("got %+v, want %+v", got, all)
			}
		})
	}
}

func TestAudit_theHistoryIsKeptWhileTheServerRuns(t *testing.T) {
	folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	write(t, filepath.Join(folder, "a.yaml"), "id: a\nauthority: Test\nblock: [a.example]\n")
	a := startAudited(t, folder, state)
	defer a.audit.close()
	a.audit.mu.Lock()
	a.audit.keepAt = 1
	a.audit.mu.Unlock()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if h, err := readKeptHistory(state); err == nil && h.Orders["a"] != nil {
			return
		} else if time.Now().After(end) {
			t.Fatalf("got no history: %v", err)
		}
	}
}
