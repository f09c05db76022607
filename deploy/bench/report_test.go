package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestMedian_isTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []float64
		want float64
	}{
		{"none", nil, 0},
		{"one", []float64{7}, 7},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{8, 1, 4, 2}, 3},
	} {
		if got := median(tt.in); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// sampleParts have two rounds: in block bailiff is first, in miss the first peer is
// ahead, the second overlaps with bailiff, the third is behind.
func sampleParts() []part {
	block, hit, miss := samples{}, samples{}, samples{}
	for _, s := range []struct {
		to      samples
		measure string
		peer    peer
		values  [2]float64
	}{
		{block, "block", bailiffPeer, [2]float64{2, 2}},
		{block, "block", peers[0], [2]float64{4, 6}},
		{miss, "miss", bailiffPeer, [2]float64{18, 22}},
		{miss, "miss", peers[0], [2]float64{9, 11}},
		{miss, "miss", peers[1], [2]float64{15, 19}},
		{miss, "miss", peers[2], [2]float64{50, 50}},
		{hit, "hit", peers[0], [2]float64{1, 1}}, // without bailiff: nothing to compare
	} {
		for _, v := range s.values {
			s.to.add(s.measure, s.peer.folder, v)
			s.to.add(s.measure+" share", s.peer.folder, 90)
		}
	}
	first := environment{Date: "2026-11-22", Versions: map[string]string{"bailiff": "v0"}}
	last := environment{Date: "2026-11-23", Versions: map[string]string{"bailiff": "v1", "dnsperf": "2"}}
	return []part{
		{Workload: "block", Rules: 20_000, Rounds: 2, Seconds: 1, Environment: first, Samples: block},
		{Workload: "hit", Rules: 20_000, Environment: last, Samples: hit},
		{Workload: "miss", Rules: 20_000, Rounds: 2, Environment: last, Samples: miss, Notes: []string{"dnsdist is not installed", "dnsdist is not installed"}},
	}
}

// keepParts writes parts as a run does.
func keepParts(t *testing.T, parts []part) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for _, p := range parts {
		b := &bench{
			settings:    settings{Rules: p.Rules, Rounds: p.Rounds, Seconds: p.Seconds, kept: folder},
			environment: p.Environment, samples: map[string]samples{p.Workload: p.Samples}, notes: map[string][]string{"": p.Notes},
		}
		if err := b.keep(p.Workload, "latency"); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestKeep_aRunReplacesItsOwnPartsOnly(t *testing.T) {
	parts := sampleParts()
	folder := keepParts(t, append(parts, part{Workload: "hit", Rules: 5, Samples: parts[1].Samples}))
	got, err := readParts(folder)
	if err != nil {
		t.Fatal(err)
	}
	var rules []int
	for _, p := range got {
		rules = append(rules, p.Rules)
	}
	if !slices.Equal(rules, []int{20_000, 5, 20_000}) {
		t.Errorf("got parts with %v rules", rules)
	}
	if !reflect.DeepEqual(got[2], parts[2]) {
		t.Errorf("got %+v, want what was kept: %+v", got[2], parts[2])
	}
}

func TestTable_isSortedAndRelativeToBailiff(t *testing.T) {
	var got []string
	for _, r := range newReport(sampleParts()).Tables[1].Rows {
		got = append(got, r.folder+" "+r.Cells[0].String()+" "+figure(r.Ratio))
	}
	want := "unbound-local 10.0 (9.00–11.0) 0.50, unbound-rpz 17.0 (15.0–19.0) 0.85, bailiff 20.0 (18.0–22.0) 1.00, bind 50.0 2.50"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestWriteReport_whatIsSlowerComesFirst(t *testing.T) {
	s := settings{out: t.TempDir(), kept: keepParts(t, sampleParts())}
	if err := writeReport(s); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(s.out, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	place := -1
	for _, part := range []string{
		"\n## What is slower than a peer\n\n- **miss** (a free name never asked before): bailiff needs 20.0 µs. That is\n" +
			"  2.00 times as much as Unbound local-zone (10.0 µs),\n" +
			"  1.18 times as much as Unbound RPZ (17.0 µs; the ranges overlap).\n",
		"\nNo peer needs less than bailiff in 1 of the measures: **block**.\n",
		"](benchmarks.svg)",
		"| server | CPU time an answer, µs | share of its core, % | ratio |\n|---|---:|---:|---:|\n| bailiff | 2.00 | 90.0 | 1.00 |\n" +
			"| Unbound local-zone | 5.00 (4.00–6.00) | 90.0 | 2.50 |\n",
		"\n- dnsdist is not installed\n\n",
		"| bailiff | v1 | one order with a list | SIGHUP | [folder](../deploy/bench/peers/bailiff) |\n| dnsperf | 2 | the generator |  |  |\n",
		"| block | 2026-11-22 | v0 | 20,000 | 2 | 1 |\n",
	} {
		at := strings.Index(text, part)
		if at <= place {
			t.Errorf("got %q at %d, want it after %d in\n%s", part, at, place, text)
		}
		place = at
	}
}

func TestWriteReport_withoutFiguresOfBailiffNothingIsWritten(t *testing.T) {
	s := settings{out: t.TempDir(), kept: keepParts(t, sampleParts()[1:2])}
	if err := writeReport(s); err == nil {
		t.Error("got no error")
	}
	if left, _ := os.ReadDir(s.out); len(left) != 0 {
		t.Errorf("got %v", left)
	}
}

// reloaded is a table of one reload at the highest rate, from bailiff's figures and
// those of a peer.
func reloaded(c change, own, other map[string]float64) table {
	all := samples{}
	for _, m := range []string{": in force", ": CPU time", ": lost", ": gap", ": p99.9", ": quiet"} {
		all.add(c.at(10_000)+m, bailiffPeer.folder, own[m])
		all.add(c.at(10_000)+m, peers[0].folder, other[m])
	}
	for _, g := range groups() {
		if g.Name == c.at(10_000) {
			return g.table(all)
		}
	}
	return table{}
}

func TestTargets_eachIsMetOrMissed(t *testing.T) {
	good := map[string]float64{": in force": 0.1, ": p99.9": 0.5, ": quiet": 0.2, ": lost": 0}
	bad := map[string]float64{": in force": 2, ": p99.9": 0.7, ": quiet": 0.2, ": lost": 3}
	var got []string
	for _, target := range targets([]table{reloaded(changes[0], good, bad), reloaded(changes[1], bad, good)}) {
		got = append(got, fmt.Sprint(target))
	}
	want := []string{
		"{reload of 100 names at 10,000/s: p99.9 under 3 × quiet (0.20 ms) 0.50 ms true}",
		"{reload of 100 names at 10,000/s: lost 0 in every round 0 true}",
		"{reload of 100 names at 10,000/s: in force at most 1.5 s 0.10 s true}",
		"{reload of all names at 10,000/s: p99.9 under 3 × quiet (0.20 ms) 0.70 ms false}",
		"{reload of all names at 10,000/s: lost 0 in every round 3 false}",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCompare_aPeerThatLosesNothingIsAhead(t *testing.T) {
	slower, _ := compare([]table{reloaded(changes[0], map[string]float64{": lost": 3}, nil)})
	if len(slower) != 1 || slower[0].Own.Name != changes[0].at(10_000)+": lost" || slower[0].Peers[0].Times != 0 {
		t.Errorf("got %+v", slower)
	}
}

func TestBars_theGreatestMaximumIsAsLongAsMayBe(t *testing.T) {
	all := bars(newReport(sampleParts()).Tables[1].Rows, 0)
	if got := all[3].Most; got != barLeft+barWidth {
		t.Errorf("got the longest bar to %v, want %d", got, barLeft+barWidth)
	}
	if got, want := all[0].Width, barWidth*10.0/50; got != want {
		t.Errorf("got %v, want %v: lengths must start at zero", got, want)
	}
	if own := all[2]; !own.Own || all[0].Own {
		t.Error("bailiff's bar is not marked as its own")
	}
}

func TestChart_isXMLAndHoldsEveryPanelInside(t *testing.T) {
	tables := newReport(sampleParts()).Tables
	tables = append(tables, tables...)[:3]
	d := layOut(tables, 20_000)
	for _, p := range d.Panels {
		last := p.Bars[len(p.Bars)-1]
		if p.X+panelWidth > d.Width || p.Y+last.Y+last.Height > d.Height {
			t.Errorf("%s: got a panel at %d,%d outside %d×%d", p.Name, p.X, p.Y, d.Width, d.Height)
		}
	}
	if a, c := d.Panels[0], d.Panels[2]; c.Y <= a.Y+a.Bars[len(a.Bars)-1].Y {
		t.Errorf("got the third panel at %d, over the first", c.Y)
	}
	svg, err := chart(tables, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	in := xml.NewDecoder(strings.NewReader(string(svg)))
	for err == nil {
		_, err = in.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("got %v in\n%s", err, svg)
	}
}

func TestFigure_hasThreeDigits(t *testing.T) {
	for in, want := range map[float64]string{0.123: "0.12", 3.14159: "3.14", 31.4159: "31.4", 314.159: "314", 3141.59: "3,142"} {
		if got := figure(in); got != want {
			t.Errorf("%v: got %s, want %s", in, got, want)
		}
	}
}

func TestThousands_areSeparated(t *testing.T) {
	for in, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1_000_000: "1,000,000", 20_005: "20,005"} {
		if got := thousands(in); got != want {
			t.Errorf("%d: got %s, want %s", in, got, want)
		}
	}
}
