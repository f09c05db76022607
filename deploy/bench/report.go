package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"text/template"
)

//go:embed benchmarks.md.tmpl
var reportText string

// report is what the document's template takes.
type report struct {
	part                 // the one run last: its machine and settings
	Parts                []part
	Programs             []program
	Outstanding, Clients int
	LatencyRate          int
	Tables               []table
	Slower               []defeat // the one with the fastest peer first
	Ahead                []string // measures in which no peer needs less
	Targets              []target
	Notes                []string
}

// program is one that took part.
type program struct {
	peer
	Version string
}

// defeat is a measure in which peers need less than bailiff.
type defeat struct {
	Title string // of the table
	Own   cell
	Peers []rival // the one that needs least first
}

// rival is a peer's figure beside bailiff's.
type rival struct {
	cell
	Title string
	Times float64 // how many times as much bailiff needs; 0 if the peer needs nothing
	// Overlap: some round of bailiff was as good as some round of the peer.
	Overlap bool
}

// writeReport writes the document and the plot from what is kept.
func writeReport(s settings) error {
	parts, err := readParts(s.kept)
	if err != nil {
		return err
	}
	r := newReport(parts)
	if len(r.Tables) == 0 {
		return fmt.Errorf("bailiff has no figures; nothing is written")
	}
	page, err := template.New("").Funcs(formats).Parse(reportText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := page.Execute(&text, r); err != nil {
		return err
	}
	plot, err := chart(r.Tables, r.Rules)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"benchmarks.md": text.Bytes(), "benchmarks.svg": plot} {
		if err := os.WriteFile(filepath.Join(s.out, name), content, 0o644); err != nil { //nolint:gosec // documents are for everybody
			return err
		}
	}
	return nil
}

// newReport puts the parts together.
func newReport(parts []part) report {
	r := report{Parts: parts, Outstanding: outstanding, Clients: clients, LatencyRate: latencyRate}
	all := map[string]samples{}
	for _, p := range parts {
		all[p.Workload] = p.Samples
		if p.Environment.Date >= r.Environment.Date {
			r.part = p
		}
		for _, note := range p.Notes {
			if !slices.Contains(r.Notes, note) {
				r.Notes = append(r.Notes, note)
			}
		}
	}
	for _, g := range groups() {
		if t := g.table(all[g.workload]); len(t.Rows) > 0 {
			r.Tables = append(r.Tables, t)
		}
	}
	r.Programs = programs(parts)
	r.Slower, r.Ahead = compare(r.Tables)
	r.Targets = targets(r.Tables)
	return r
}

// programs are those that took part in any run, with the version that ran last.
func programs(parts []part) (all []program) {
	for _, p := range slices.Concat([]peer{bailiffPeer}, peers, []peer{upstream, generator}) {
		version, date := "", ""
		for _, run := range parts {
			if v := run.Environment.Versions[p.Title]; v != "" && run.Environment.Date >= date {
				version, date = v, run.Environment.Date
			}
		}
		if version != "" {
			all = append(all, program{peer: p, Version: version})
		}
	}
	return all
}

// compare finds the measures in which bailiff needs more than a peer, and those in
// which it does not.
func compare(tables []table) (slower []defeat, ahead []string) {
	for _, t := range tables {
		for i, m := range t.Measures {
			if !t.Servers || !m.compared || len(t.Rows) < 2 {
				continue
			}
			if d := t.defeatIn(i); len(d.Peers) > 0 {
				slower = append(slower, d)
			} else {
				ahead = append(ahead, m.Name)
			}
		}
	}
	slices.SortStableFunc(slower, func(a, b defeat) int { return cmp.Compare(b.worst(), a.worst()) })
	return slower, ahead
}

// worst is how many times as much bailiff needs as the best peer.
func (d defeat) worst() float64 {
	if best := d.Peers[0]; best.Median > 0 {
		return best.Times
	}
	return math.Inf(1)
}

// defeatIn lists the peers that need less than bailiff in the table's i-th measure.
func (t table) defeatIn(i int) defeat {
	own := t.Rows[t.own()].Cells[i]
	d := defeat{Title: t.Title, Own: own}
	for _, r := range t.Rows {
		c := r.Cells[i]
		if own.Figure(c.Median) == own.Figure(own.Median) || c.Median > own.Median {
			continue // no more than the figures tell
		}
		rival := rival{cell: c, Title: r.Title, Overlap: own.Min <= c.Max}
		if c.Median > 0 {
			rival.Times = own.Median / c.Median
		}
		d.Peers = append(d.Peers, rival)
	}
	slices.SortStableFunc(d.Peers, func(a, b rival) int { return cmp.Compare(a.Median, b.Median) })
	return d
}

// formats are what the templates call.
var formats = template.FuncMap{"figure": figure, "thousands": thousands}

// figure writes a number with three digits that count.
func figure(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return thousands(int(v + 0.5))
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
