package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiff/policy/problem"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// openTest opens a journal whose files hold at most limit octets.
func openTest(t *testing.T, folder string, limit int64) *Writer {
	t.Helper()
	w, err := open(folder, quiet(), newLive(folder, limit))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// written makes a closed journal of n entries, a head behind them.
func written(t *testing.T, n int, limit int64) (folder string) {
	t.Helper()
	folder = t.TempDir()
	w := openTest(t, folder, limit)
	for i := range n {
		w.Append(Entry{Event: Loaded, Order: fmt.Sprintf("order-%d", i+1), Detail: Detail(map[string]int{"n": i + 1})})
	}
	closeTest(t, w)
	return folder
}

func closeTest(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// verified verifies with the folder's own key.
func verified(t *testing.T, folder string, kept ...KeptHead) (Report, []problem.Problem) {
	t.Helper()
	key, err := ReadPublicKey(filepath.Join(folder, PublicKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	report := Verify(folder, key, kept, &problems)
	return report, problems.Sorted()
}

func wantWhole(t *testing.T, folder string) Report {
	t.Helper()
	report, problems := verified(t, folder)
	for _, p := range problems {
		t.Errorf("got problem %v, want none", p)
	}
	return report
}

func read(t *testing.T, folder string) (entries []Entry) {
	t.Helper()
	for e, err := range Read(folder) {
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

func events(entries []Entry) string {
	words := []string{}
	for _, e := range entries {
		words = append(words, string(e.Event))
	}
	return strings.Join(words, " ")
}

func TestWriter_chainsOverRestartsAndFiles(t *testing.T) {
	folder := written(t, 20, 1000)
	w := openTest(t, folder, 1000)
	w.Append(Entry{Event: Stop})
	closeTest(t, w)
	report := wantWhole(t, folder)
	if report.Entries != 23 || report.Heads != 2 || report.After != 0 {
		t.Errorf("got %+v, want 23 entries, 2 heads, none behind them", report)
	}
	names, err := rotated(folder)
	if err != nil || len(names) < 4 {
		t.Errorf("got files %v, %v; want at least 4", names, err)
	}
	if !slices.IsSorted(append(names, liveFile)) {
		t.Errorf("names do not sort in the order of the chain: %v", names)
	}
	for i, e := range read(t, folder) {
		if e.Seq != uint64(i+1) {
			t.Errorf("got seq %d in place %d", e.Seq, i+1)
		}
	}
}

func TestOpen_aTornLineAtAnyOctetIsCutOffAndRecorded(t *testing.T) {
	whole := written(t, 3, rotateOctets)
	text, err := os.ReadFile(filepath.Join(whole, liveFile))
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	for cut := last; cut < len(text); cut++ {
		folder := t.TempDir()
		if err := os.CopyFS(folder, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(folder, liveFile), int64(cut)); err != nil {
			t.Fatal(err)
		}
		w := openTest(t, folder, rotateOctets)
		w.Append(Entry{Event: Start})
		closeTest(t, w)
		want := "loaded loaded loaded gap start head"
		if cut == last {
			want = "loaded loaded loaded start head"
		}
		entries := read(t, folder)
		if got := events(entries); got != want {
			t.Fatalf("cut at %d of %d: got %s, want %s", cut-last, len(text)-last, got, want)
		}
		if torn := fmt.Sprintf(`"torn_octets":%d`, cut-last); cut > last && !strings.Contains(string(entries[3].Detail), torn) {
			t.Errorf("got gap %s, want %s", entries[3].Detail, torn)
		}
		wantWhole(t, folder)
	}
}

func TestVerify_findsEveryChangedOctetAndNamesTheEntry(t *testing.T) {
	folder := written(t, 4, 900)
	for _, file := range append(must(rotated(folder)), liveFile) {
		path := filepath.Join(folder, file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range text {
			changed := bytes.Clone(text)
			changed[i] ^= 1
			if err := os.WriteFile(path, changed, modePrivate); err != nil {
				t.Fatal(err)
			}
			_, problems := verified(t, folder)
			line := 1 + bytes.Count(text[:i], []byte("\n"))
			named := slices.ContainsFunc(problems, func(p problem.Problem) bool {
				return p.File == path && p.Severity == problem.Refusal && (p.Line == line || p.Line == line+1)
			})
			if !named {
				t.Fatalf("%s:%d: octet %d changed: got %v", file, line, i, problems)
			}
		}
		if err := os.WriteFile(path, text, modePrivate); err != nil {
			t.Fatal(err)
		}
	}
}

func must(names []string, err error) []string {
	if err != nil {
		panic(err)
	}
	return names
}

func TestVerify_namesWhatWasTakenOutMovedOrPutIn(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(lines [][]byte) [][]byte
		want []string // texts in the problems, in order
	}{
		{"the first is gone", func(l [][]byte) [][]byte { return l[1:] }, []string{"1: entry 1: missing"}},
		{"one is gone", func(l [][]byte) [][]byte { return slices.Delete(l, 2, 3) }, []string{"3: entry 3: missing"}},
		{"three are gone", func(l [][]byte) [][]byte { return slices.Delete(l, 2, 5) }, []string{"3: entries 3 to 5: missing"}},
		{"two changed places", func(l [][]byte) [][]byte {
			l[2], l[3] = l[3], l[2]
			return l
		}, []string{"3: entry 3: missing", "4: entry 3: stands after entry 4"}},
		{"one stands twice", func(l [][]byte) [][]byte { return slices.Insert(l, 3, l[2]) }, []string{"4: entry 3: stands after entry 3"}},
		{"one is put in", func(l [][]byte) [][]byte {
			forged := `{"seq":4,"time":"2026-11-01T00:00:00Z","event":"lifted","prev":"` + hashOf(l[2]) + `"}`
			return slices.Insert(l, 3, []byte(forged))
		}, []string{"4: entry 4: was changed", "5: entry 4: stands after entry 4"}},
		{"a line is no entry", func(l [][]byte) [][]byte {
			l[2] = []byte("{}")
			return l
		}, []string{"3: is no entry", "3: entry 3: was changed"}},
		{"the end is cut off", func(l [][]byte) [][]byte { return l[:4] }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := written(t, 6, rotateOctets)
			path := filepath.Join(folder, liveFile)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := c.edit(bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")))
			if err := os.WriteFile(path, append(bytes.Join(lines, []byte("\n")), '\n'), modePrivate); err != nil {
				t.Fatal(err)
			}
			_, problems := verified(t, folder)
			if len(problems) != len(c.want) {
				t.Fatalf("got %v, want %v", problems, c.want)
			}
			for i, p := range problems {
				if got := strings.TrimPrefix(p.Error(), path+":"); !strings.HasPrefix(got, c.want[i]) {
					t.Errorf("got %s, want %s", got, c.want[i])
				}
			}
		})
	}
}

func TestVerify_aHeadThatSomebodyKeptFindsACutEnd(t *testing.T) {
	folder := written(t, 6, rotateOctets)
	kept := wantWhole(t, folder).Signed
	if _, problems := verified(t, folder, kept); len(problems) > 0 {
		t.Errorf("got %v, want none", problems)
	}
	path := filepath.Join(folder, liveFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(lines[:4], nil), modePrivate); err != nil {
		t.Fatal(err)
	}
	if _, problems := verified(t, folder, kept); len(problems) != 1 || !strings.Contains(problems[0].Text, "ends at entry 4") {
		t.Errorf("got %v, want one problem: the journal ends at entry 4", problems)
	}
	parsed, err := ParseKeptHead(kept.String())
	if err != nil || parsed != kept {
		t.Errorf("got %v, %v; want %v", parsed, err, kept)
	}
}

func TestVerify_aHeadOfAnotherKeyIsRefused(t *testing.T) {
	folder, other := written(t, 2, rotateOctets), written(t, 1, rotateOctets)
	key, err := ReadPublicKey(filepath.Join(other, PublicKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	report := Verify(folder, key, nil, &problems)
	if got := problems.Sorted(); len(got) != 1 || !strings.Contains(got[0].Text, "signed with key") || report.Heads != 0 {
		t.Errorf("got %v, %+v", got, report)
	}
}

func TestOpen_twoServersCannotShareAFolder(t *testing.T) {
	folder := t.TempDir()
	w := openTest(t, folder, rotateOctets)
	defer closeTest(t, w)
	_, err := Open(folder, quiet())
	if err == nil || !strings.Contains(err.Error(), "another server that is running; stop that one") {
		t.Errorf("got %v", err)
	}
}

func TestOpen_goesOnBehindDamage(t *testing.T) {
	folder := written(t, 3, rotateOctets)
	f, err := os.OpenFile(filepath.Join(folder, liveFile), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("\x00\x00\x00\n"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	w := openTest(t, folder, rotateOctets)
	w.Append(Entry{Event: Start})
	closeTest(t, w)
	_, problems := verified(t, folder)
	if len(problems) != 1 || problems[0].Line != 5 || !strings.Contains(problems[0].Text, "is no entry") {
		t.Errorf("got %v, want line 5 alone", problems)
	}
}

func TestVerify_countsAClockThatWasSetBack(t *testing.T) {
	folder := t.TempDir()
	w := openTest(t, folder, rotateOctets)
	now := time.Now()
	w.Append(Entry{Time: now, Event: Start})
	w.Append(Entry{Time: now.Add(-time.Hour), Event: Loaded})
	closeTest(t, w)
	if report := wantWhole(t, folder); report.Backwards != 1 {
		t.Errorf("got %d entries before their time, want 1", report.Backwards)
	}
}

func TestReadAfter_isWhatReadYieldsBehindTheEntry(t *testing.T) {
	for _, limit := range []int64{1 << 20, 1000, 1} {
		folder := written(t, 20, limit)
		all := read(t, folder)
		for i := range len(all) - 1 {
			var got []Entry
			for e, err := range ReadAfter(folder, KeptHead{all[i].Seq, all[i+1].Prev}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e)
			}
			if len(got) != len(all)-i-1 || got[0].Prev != all[i+1].Prev {
				t.Fatalf("files of %d octets: got %d entries behind entry %d of %d", limit, len(got), i+1, len(all))
			}
		}
	}
}

func TestReadAfter_anEntryThatIsNotThereYieldsTheErrorAlone(t *testing.T) {
	folder := written(t, 20, 1000)
	first := hashOf([]byte("another"))
	for _, mark := range []KeptHead{{1, first}, {20, first}, {9999, first}, {}} {
		n := 0
		for _, err := range ReadAfter(folder, mark) {
			if n++; !errors.Is(err, ErrNoEntry) {
				t.Errorf("%v: got error %v", mark, err)
			}
		}
		if n != 1 {
			t.Errorf("%v: got %d values, want 1", mark, n)
		}
	}
}

func TestWriter_theEndIsToldOnceEverythingIsOnTheDisk(t *testing.T) {
	folder := t.TempDir()
	w := openTest(t, folder, 1<<20)
	w.Append(Entry{Event: Loaded, Order: "a"})
	closeTest(t, w)
	report := wantWhole(t, folder)
	if end, ok := w.End(); !ok || end.Seq != report.Entries {
		t.Errorf("got %v, %v; want entry %d", end, ok, report.Entries)
	}
	w.Append(Entry{Event: Loaded, Order: "b"})
	if end, ok := w.End(); ok {
		t.Errorf("got %v while an entry waits", end)
	}
}

func TestOpen_removesWhatAKilledServerHadNotFinished(t *testing.T) {
	folder := written(t, 1, 1<<20)
	for _, sub := range []string{folder, filepath.Join(folder, "archive")} {
		if err := os.MkdirAll(sub, modeFolder); err != nil {
			t.Fatal(err)
		}
		draft := filepath.Join(sub, ".new-123")
		if err := os.WriteFile(draft, nil, modePrivate); err != nil {
			t.Fatal(err)
		}
		closeTest(t, openTest(t, folder, 1<<20))
		if _, err := os.Stat(draft); err == nil {
			t.Errorf("%s is still there", draft)
		}
	}
}
