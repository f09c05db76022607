package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/template"
)

//go:embed benchmarks.md.tmpl
var reportText string

// report is what the document's template takes.
type report struct {
	settings
	environment
	Outstanding, Clients int
	Tables               []table
	Slower               []defeat // the one with the fastest peer first
	Ahead                []string // measures in which no peer needs less
	Notes                []string
}

// table is one measure of all servers that have figures for it.
type table struct {
	measure
	Rows []row
}

// defeat is a measure in which peers need less than bailiff.
type defeat struct {
	measure
	Own   row
	Peers []row // the one that needs least first
}

// Times is how many times as much bailiff needs.
func (d defeat) Times(p row) float64 { return d.Own.Median / p.Median }

// Overlap: some round of bailiff was as good as some round of the peer.
func (d defeat) Overlap(p row) bool { return d.Own.Min <= p.Max }

// writeReport writes the document and the plot.
func writeReport(b *bench, e environment) error {
	r := report{
		settings: b.settings, environment: e, Outstanding: outstanding, Clients: clients,
		Tables: b.tables(), Notes: b.Notes,
	}
	if len(r.Tables) == 0 {
		return fmt.Errorf("bailiff has no figures; nothing is written")
	}
	r.Slower, r.Ahead = compare(r.Tables)
	page, err := template.New("").Funcs(formats).Parse(reportText)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := page.Execute(&text, r); err != nil {
		return err
	}
	plot, err := chart(r.Tables, b.Rules)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"benchmarks.md": text.Bytes(), "benchmarks.svg": plot} {
		if err := os.WriteFile(filepath.Join(b.out, name), content, 0o644); err != nil { //nolint:gosec // documents are for everybody
			return err
		}
	}
	return nil
}

// tables are the measures for which bailiff has figures.
func (b *bench) tables() (all []table) {
	for _, m := range measures() {
		if rows := b.rows(m.Name); len(rows) > 0 {
			all = append(all, table{measure: m, Rows: rows})
		}
	}
	return all
}

// compare finds the measures in which bailiff is slower than a peer, and those in
// which it is not.
func compare(tables []table) (slower []defeat, ahead []string) {
	for _, t := range tables {
		own := slices.IndexFunc(t.Rows, func(r row) bool { return r.folder == bailiffPeer.folder })
		if own == 0 {
			ahead = append(ahead, t.Name)
			continue
		}
		slower = append(slower, defeat{measure: t.measure, Own: t.Rows[own], Peers: t.Rows[:own]})
	}
	slices.SortStableFunc(slower, func(a, b defeat) int { return cmp.Compare(b.Times(b.Peers[0]), a.Times(a.Peers[0])) })
	return slower, ahead
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
	return fmt.Sprintf("%.0f", v)
}

// thousands writes 1000000 as 1,000,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
