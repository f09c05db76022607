package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
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

// sampleRun has two rounds: in block bailiff is first, in miss the first peer is
// ahead, the second overlaps with bailiff, the third is behind.
func sampleRun() *bench {
	b := &bench{settings: settings{Rules: 20_000, Rounds: 2, Seconds: 1}}
	for _, s := range []struct {
		measure string
		peer    peer
		values  [2]float64
	}{
		{"block", bailiffPeer, [2]float64{2, 2}},
		{"block", peers[0], [2]float64{4, 6}},
		{"miss", bailiffPeer, [2]float64{18, 22}},
		{"miss", peers[0], [2]float64{9, 11}},
		{"miss", peers[1], [2]float64{15, 19}},
		{"miss", peers[2], [2]float64{50, 50}},
		{"hit", peers[0], [2]float64{1, 1}}, // without bailiff: nothing to compare
	} {
		for _, v := range s.values {
			b.add(s.measure, s.peer, sample{value: v, beside: 90})
		}
	}
	return b
}

func TestRows_areSortedAndRelativeToBailiff(t *testing.T) {
	var got []string
	for _, r := range sampleRun().rows("miss") {
		got = append(got, r.folder+" "+figure(r.Median)+" "+figure(r.Min)+" "+figure(r.Max)+" "+figure(r.Ratio))
	}
	want := "unbound-local 10.0 9.00 11.0 0.50, unbound-rpz 17.0 15.0 19.0 0.85, bailiff 20.0 18.0 22.0 1.00, bind 50.0 50.0 50.0 2.50"
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

func TestWriteReport_whatIsSlowerComesFirst(t *testing.T) {
	b := sampleRun()
	b.out = t.TempDir()
	b.Notes = []string{"dnsdist is not installed"}
	if err := writeReport(b, environment{Programs: []program{{peer: bailiffPeer, Version: "v0"}, {peer: generator, Version: "2"}}}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(b.out, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	place := -1
	for _, part := range []string{
		"\n## What is slower than a peer\n\n- **miss** (a free name never asked before): bailiff needs 20.0 µs. That is\n" +
			"  2.00 times as much as Unbound local-zone (10.0 µs),\n" +
			"  1.18 times as much as Unbound RPZ (17.0 µs; the ranges overlap).\n",
		"\nIn **block** no peer needs less than bailiff.\n",
		"](benchmarks.svg)",
		"| Unbound local-zone | 5.00 | 4.00–6.00 | 2.50 | 90.0 |\n",
		"\n- dnsdist is not installed\n",
		"| bailiff | v0 | one order with a list | [folder](../deploy/bench/peers/bailiff) |\n| dnsperf | 2 | the generator |  |\n",
	} {
		at := strings.Index(text, part)
		if at <= place {
			t.Errorf("got %q at %d, want it after %d in\n%s", part, at, place, text)
		}
		place = at
	}
}

func TestWriteReport_withoutFiguresOfBailiffNothingIsWritten(t *testing.T) {
	b := &bench{settings: settings{out: t.TempDir()}}
	b.add("hit", peers[0], sample{value: 1})
	if err := writeReport(b, environment{}); err == nil {
		t.Error("got no error")
	}
	if left, _ := os.ReadDir(b.out); len(left) != 0 {
		t.Errorf("got %v", left)
	}
}

func TestBars_theGreatestMaximumIsAsLongAsMayBe(t *testing.T) {
	all := bars(sampleRun().rows("miss"))
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
	tables := sampleRun().tables()
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
	for in, want := range map[float64]string{0.123: "0.12", 3.14159: "3.14", 31.4159: "31.4", 314.159: "314", 3141.59: "3142"} {
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
