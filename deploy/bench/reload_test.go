package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestWatch_isInForceOnceAllNamesAreAndStay(t *testing.T) {
	w := newWatch([]string{"a.example", "b.example"})
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	for i, step := range []struct {
		query int
		rcode uint8
		since time.Time
	}{
		{0, dns.RcodeNameError, time.Time{}},
		{1, dns.RcodeSuccess, time.Time{}},
		{1, dns.RcodeNameError, at(2)},
		{0, dns.RcodeNameError, at(2)},
		{0, dns.RcodeServerFailure, time.Time{}},
		{0, dns.RcodeNameError, at(5)},
	} {
		w.answered(step.query, step.rcode, at(i))
		if got := w.allSince(); !got.Equal(step.since) {
			t.Errorf("step %d: got %v, want %v", i, got, step.since)
		}
	}
	select {
	case <-w.inForce:
	default:
		t.Error("nobody was told")
	}
}

func TestPrepare_laysFilesDownAndPlacesThemAtOnce(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	p := peer{rules: []string{"one", "two"}}
	for version := range 2 {
		for _, file := range p.rules {
			if err := os.WriteFile(filepath.Join(from, file), fmt.Append(nil, file, version), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := contents(t, to)
		place, err := p.prepare(from, to)
		if err != nil {
			t.Fatal(err)
		}
		if version > 0 && contents(t, to)["one"] != before["one"] {
			t.Error("got the new version before it was placed")
		}
		if err := place(); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"one": fmt.Sprint("one", version), "two": fmt.Sprint("two", version)}
		if got := contents(t, to); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// contents are the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}

func TestVersions_haveNoNameInCommon(t *testing.T) {
	b := &bench{settings: settings{Rules: 1000}}
	var all []int
	for _, c := range changes {
		for version := range 2 {
			first, n := b.versionOf(c.folder, version)
			for i := range n {
				all = append(all, first+i)
			}
		}
	}
	slices.Sort(all)
	if got := slices.Compact(slices.Clone(all)); len(got) != len(all) {
		t.Errorf("got %d names, %d of them twice", len(all), len(all)-len(got))
	}
}

func TestCost_isWithoutWhatTheQueriesCostBefore(t *testing.T) {
	began := time.Unix(100, 0)
	c := course{told: began.Add(2 * time.Second), inForce: began.Add(2500 * time.Millisecond), end: began.Add(3500 * time.Millisecond), cpu: 40 * time.Millisecond}
	o := outcome{answers: []answer{
		{due: time.Second, took: 10 * time.Millisecond},
		{due: 2100 * time.Millisecond, took: 20 * time.Millisecond},
		{due: 2200 * time.Millisecond, took: patience},
		{due: 2400 * time.Millisecond, took: 20 * time.Millisecond},
		{due: 3600 * time.Millisecond, took: patience},
	}}
	want := map[string]float64{": in force": 0.5, ": CPU time": 0.04, ": lost": 1, ": gap": 300, ": p99.9": 1000, ": quiet": 10}
	if got := c.cost(o, began); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTold_everyPeerHasWhatAReloadNeeds(t *testing.T) {
	for _, p := range append([]peer{bailiffPeer}, peers...) {
		if len(p.rules) == 0 || p.Told == "" {
			t.Errorf("%s: got no files, or no word on how it is told", p.folder)
		}
		for _, c := range changes {
			u := update{site: site{Dir: "/dir", Rules: "/rules", Control: 5312}, PID: 42, Old: "/old", New: "/new"}
			if _, err := fill(c.told(p), u); err != nil {
				t.Errorf("%s, %s: %v", p.folder, c.name, err)
			}
		}
	}
}
