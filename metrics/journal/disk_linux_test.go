package journal

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a busy machine.
const patience = 20 * time.Second

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got no %s", what)
		}
	}
}

func TestWriter_aFullDiskIsCountedAndTheGapIsRecorded(t *testing.T) {
	folder := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small disk")
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	defer func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }()
	w := openTest(t, folder, rotateOctets)
	w.Append(Entry{Event: Start})
	await(t, "first entry", func() bool { return w.Stats().Written == 1 })

	filler := filepath.Join(folder, "filler")
	fill(t, filler)
	for i := range 100 {
		w.Append(Entry{Event: Loaded, Order: fmt.Sprintf("order-%d", i), Detail: Detail(strings.Repeat("x", 100))})
	}
	await(t, "failure", func() bool { s := w.Stats(); return s.Failing && s.Failures > 0 })
	if s := w.Stats(); s.Lost != 0 {
		t.Errorf("got %d lost entries, want them to wait", s.Lost)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	await(t, "recovery", func() bool { return !w.Stats().Failing })
	closeTest(t, w)
	wantWhole(t, folder)
	entries := read(t, folder)
	gap := 0
	for i, e := range entries {
		if e.Event == Gap {
			gap = i
		}
	}
	if gap == 0 || !strings.Contains(string(entries[gap].Detail), "no space left") || !strings.Contains(string(entries[gap].Detail), `"late":`) {
		t.Errorf("got %s, want a gap entry that tells the cause", events(entries))
	}
	if last := entries[len(entries)-2]; last.Order != "order-99" || len(entries) < 103 {
		t.Errorf("got %d entries, the last before the head of %s; want all 100 orders", len(entries), last.Order)
	}
}

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

func TestWriter_aWriteThatStopsHalfwayLeavesAWholeChain(t *testing.T) {
	folder := t.TempDir()
	l := newLive(folder, rotateOctets)
	calls := 0
	l.write = func(f *os.File, line []byte) (int, error) {
		if calls++; calls == 2 {
			n, _ := f.Write(line[:len(line)/2])
			return n, syscall.ENOSPC
		}
		return f.Write(line)
	}
	w, err := open(folder, quiet(), l)
	if err != nil {
		t.Fatal(err)
	}
	w.Append(Entry{Event: Start})
	w.Append(Entry{Event: Loaded, Order: "late"})
	await(t, "entries", func() bool { return w.Stats().Written == 3 })
	closeTest(t, w)
	wantWhole(t, folder)
	if got := events(read(t, folder)); got != "start gap loaded head" {
		t.Errorf("got %s", got)
	}
}

func TestAppend_neverWaitsAndCountsWhatThereIsNoRoomFor(t *testing.T) {
	folder := t.TempDir()
	l := newLive(folder, rotateOctets)
	stuck := make(chan struct{})
	l.write = func(f *os.File, line []byte) (int, error) {
		<-stuck
		return f.Write(line)
	}
	w, err := open(folder, quiet(), l)
	if err != nil {
		t.Fatal(err)
	}
	w.room = 1 << 20
	detail := Detail(strings.Repeat("x", 1<<14))
	const n = 2 * 1 << 20 / (1 << 14)
	for range n {
		w.Append(Entry{Event: Changed, Detail: detail})
	}
	lost := w.Stats().Lost
	if lost < n/3 {
		t.Errorf("got %d of %d lost, want about half", lost, n)
	}
	close(stuck)
	await(t, "entries", func() bool { return w.Stats().Written >= n-lost })
	w.Append(Entry{Event: Stop})
	closeTest(t, w)
	wantWhole(t, folder)
	told := uint64(0)
	for e := range Read(folder) {
		var m Missing
		if e.Event == Gap && json.Unmarshal(e.Detail, &m) == nil {
			told += m.Lost
		}
	}
	if told != lost {
		t.Errorf("gap entries tell of %d lost entries, want %d", told, lost)
	}
}

func TestWriter_aFileThatWasMovedAwayIsNoticed(t *testing.T) {
	folder := t.TempDir()
	w := openTest(t, folder, rotateOctets)
	w.Append(Entry{Event: Start})
	await(t, "first entry", func() bool { return w.Stats().Written == 1 })
	if err := os.Remove(filepath.Join(folder, liveFile)); err != nil {
		t.Fatal(err)
	}
	w.Append(Entry{Event: Loaded})
	closeTest(t, w)
	if got := events(read(t, folder)); got != "gap loaded head" {
		t.Errorf("got %s", got)
	}
	if _, problems := verified(t, folder); len(problems) != 1 || !strings.Contains(problems[0].Error(), "entry 1: missing") {
		t.Errorf("got %v, want entry 1 missing", problems)
	}
}

func TestVerify_takesMemoryForOneLine(t *testing.T) {
	folder := t.TempDir()
	w := openTest(t, folder, rotateOctets)
	const n = 100_000 // 25 MiB
	for range n {
		w.Append(Entry{Event: Loaded, Order: "order"})
	}
	await(t, "entries", func() bool { return w.Stats().Written == n })
	closeTest(t, w)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if report := wantWhole(t, folder); report.Entries != n+1 {
		t.Errorf("got %d entries, want %d", report.Entries, n+1)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 8<<20 {
		t.Errorf("the heap grew by %d octets, want at most 8 MiB", grown)
	}
}

func TestWriter_aFolderThatIsRemovedIsMadeAgainAndLocked(t *testing.T) {
	for _, gone := range []string{"", "journal.lock"} {
		folder := filepath.Join(t.TempDir(), "state")
		w := openTest(t, folder, rotateOctets)
		w.Append(Entry{Event: Start})
		await(t, "first entry", func() bool { return w.Stats().Written == 1 })
		key, err := ReadPublicKey(filepath.Join(folder, PublicKeyFile))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(folder, gone)); err != nil {
			t.Fatal(err)
		}
		w.Append(Entry{Event: Stop})
		await(t, "entries after it was removed", func() bool { return w.Stats().Written == 3 })
		if other, err := Open(folder, quiet()); err == nil || !strings.Contains(err.Error(), "another server") {
			t.Errorf("%q removed: got %v, %v from a second server, want it refused", gone, other, err)
		}
		closeTest(t, w)
		if now, err := ReadPublicKey(filepath.Join(folder, PublicKeyFile)); err != nil || !now.Equal(key) {
			t.Errorf("%q removed: got another key (%v)", gone, err)
		}
		if got, want := events(read(t, folder)), "gap stop head"; !strings.HasSuffix(got, want) {
			t.Errorf("%q removed: got %s, want %s at the end", gone, got, want)
		}
	}
}
