package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func at(hour int) time.Time { return day.Add(time.Duration(hour) * time.Hour) }

// load is an entry that puts orders in force, with so many changes of files to
// follow.
func load(event Event, hour int, generation uint64, all bool, changes int) Entry {
	return Entry{Time: at(hour), Event: event, Generation: generation, Detail: Detail(map[string]Load{
		"load": {Folder: "/srv", Paths: []string{"orders"}, AllFiles: all, FileChanges: changes},
	})}
}

func filesEntry(hour int, f Files) Entry {
	return Entry{Time: at(hour), Event: FilesLoaded, Detail: Detail(f)}
}

// appended makes a closed journal of entries.
func appended(t *testing.T, entries ...Entry) (folder string) {
	t.Helper()
	folder = t.TempDir()
	w := openTest(t, folder, rotateOctets)
	for _, e := range entries {
		w.Append(e)
	}
	closeTest(t, w)
	return folder
}

func TestLoadAt_findsTheLoadInForce(t *testing.T) {
	a1, a2, b := File{"a.yaml", hashOf([]byte("1"))}, File{"a.yaml", hashOf([]byte("2"))}, File{"b.yaml", hashOf([]byte("b"))}
	folder := appended(t,
		load(Start, 1, 1, true, 2), filesEntry(1, Files{Read: []File{a1}}), filesEntry(1, Files{Read: []File{b}}),
		Entry{Time: at(2), Event: Boundary, Generation: 2},
		load(Reload, 3, 3, false, 2), filesEntry(3, Files{Read: []File{a2}, Gone: []string{"b.yaml"}}),
		Entry{Time: at(4), Event: Reload, Generation: 3, Detail: Detail(map[string]string{"result": "rejected"})},
		load(Reload, 5, 4, false, 0),
		Entry{Time: at(6), Event: Stop, Generation: 4},
		load(Start, 8, 1, true, 1), filesEntry(8, Files{Read: []File{b}}),
		load(Start, 10, 1, true, 0),
		Entry{Time: at(11), Event: Stop, Generation: 1},
	)
	for _, tt := range []struct {
		hour       int
		seq        uint64
		generation uint64
		files      string
		unsure     bool
		problem    string
	}{
		{hour: 0, problem: "is before the first load in the journal, which begins at 2026-11-01T01:00:00Z"},
		{hour: 1, seq: 1, generation: 1, files: "a.yaml b.yaml"},
		{hour: 2, seq: 1, generation: 2, files: "a.yaml b.yaml"},
		{hour: 3, seq: 5, generation: 3, files: "a.yaml"},
		{hour: 4, seq: 5, generation: 3, files: "a.yaml"},
		{hour: 5, seq: 8, generation: 4, files: "a.yaml"},
		{hour: 7, problem: "the server did not run: it stopped at 2026-11-01T06:00:00Z"},
		{hour: 9, seq: 10, generation: 1, files: "b.yaml", unsure: true},
		{hour: 10, seq: 12, generation: 1, files: ""},
	} {
		got, err := LoadAt(folder, at(tt.hour).Add(time.Minute))
		if tt.problem != "" || err != nil {
			if tt.problem == "" || err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("hour %d: got %v, want %s", tt.hour, err, tt.problem)
			}
			continue
		}
		var paths []string
		for _, f := range got.Files {
			paths = append(paths, f.Path)
		}
		if got.Seq != tt.seq || got.Generation != tt.generation || strings.Join(paths, " ") != tt.files || got.Unsure != tt.unsure {
			t.Errorf("hour %d: got entry %d, generation %d, files %v, unsure %t; want %+v", tt.hour, got.Seq, got.Generation, paths, got.Unsure, tt)
		}
	}
}

func TestLoadAt_theLaterLoadCountsWhereAClockWasSetBack(t *testing.T) {
	folder := appended(t, load(Start, 5, 1, true, 0), load(Reload, 2, 2, false, 0))
	if got, err := LoadAt(folder, at(6)); err != nil || got.Seq != 2 {
		t.Errorf("got %+v, %v; want entry 2", got, err)
	}
}

func TestLoadAt_aLoadThatIsNotRecordedInFullIsRefused(t *testing.T) {
	f := Files{Read: []File{{"a.yaml", noHash}}}
	for _, tt := range []struct {
		name    string
		entries []Entry
		cut     int // line that is taken out, 0: none
		refused bool
	}{
		{"whole", []Entry{load(Start, 1, 1, true, 1), filesEntry(1, f)}, 0, false},
		{"killed before the files", []Entry{load(Start, 1, 1, true, 1)}, 0, true},
		{"an entry before it is gone", []Entry{load(Start, 1, 1, true, 1), filesEntry(1, f), load(Reload, 2, 2, false, 0)}, 2, true},
		{"a gap before a whole load", []Entry{load(Start, 1, 1, true, 1), filesEntry(1, f), load(Start, 2, 1, true, 1), filesEntry(2, f)}, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := appended(t, tt.entries...)
			if tt.cut > 0 {
				path := filepath.Join(folder, liveFile)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				lines := strings.SplitAfter(string(text), "\n")
				lines[tt.cut-1] = ""
				if err := os.WriteFile(path, []byte(strings.Join(lines, "")), modePrivate); err != nil {
					t.Fatal(err)
				}
			}
			_, err := LoadAt(folder, at(3))
			if refused := err != nil && strings.Contains(err.Error(), "is a load whose files are not all recorded"); refused != tt.refused {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRestore_bringsFilesBackAndStaysBelowItsFolder(t *testing.T) {
	source, folder := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"orders/a.yaml": "one", "escape": "two"} {
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), modeFolder); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), modePrivate); err != nil {
			t.Fatal(err)
		}
	}
	w := openTest(t, folder, rotateOctets)
	for _, f := range []File{{filepath.Join(source, "orders", "a.yaml"), hashOf([]byte("one"))}, {filepath.Join(source, "escape"), hashOf([]byte("two"))}} {
		if err := w.Keep(f, nil); err != nil {
			t.Fatal(err)
		}
	}
	closeTest(t, w)
	l := &LoadedAt{state: folder, Load: Load{Folder: "/srv", Paths: []string{"orders", "empty", "../../up"}}, Files: []File{
		{"orders/a.yaml", hashOf([]byte("one"))}, {"../../../escape", hashOf([]byte("two"))},
	}}
	to := t.TempDir()
	paths, were, err := l.Restore(to)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"srv/orders", "srv/empty", "up"} {
		if paths[i] != filepath.Join(to, want) {
			t.Errorf("got path %s, want %s", paths[i], want)
		}
	}
	for path, want := range map[string]string{"srv/orders/a.yaml": "one", "escape": "two"} {
		text, err := os.ReadFile(filepath.Join(to, path))
		if err != nil || string(text) != want || were[filepath.Join(to, path)] == "" {
			t.Errorf("%s: got %q, %v", path, text, err)
		}
	}
}

func TestKeep_refusesAFileThatIsAnother(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "a")
	if err := os.WriteFile(path, []byte("new"), modePrivate); err != nil {
		t.Fatal(err)
	}
	w := openTest(t, folder, rotateOctets)
	defer closeTest(t, w)
	if err := w.Keep(File{path, hashOf([]byte("old"))}, nil); err == nil || !strings.Contains(err.Error(), "has changed since it was loaded") {
		t.Errorf("got %v", err)
	}
	if err := w.Keep(File{path, hashOf([]byte("old"))}, []byte("old")); err != nil {
		t.Errorf("with what was read: got %v", err)
	}
	if err := w.Keep(File{path, "../../x"}, nil); err == nil || !strings.Contains(err.Error(), "is no SHA-256") {
		t.Errorf("got %v", err)
	}
}
