package main

import (
	"cmp"
	"slices"
)

// measure is one thing that is measured of every server; less is better.
type measure struct {
	Name   string
	Title  string // as a heading after the name
	Plot   string // the same, short
	Unit   string
	Beside string // what a sample's second figure is
}

// measures returns them in the order of the document. Each workload with
// queries is one; loading is two.
func measures() []measure {
	var all []measure
	for _, w := range queryLoads {
		all = append(all, measure{Name: w.name, Title: w.Title, Plot: w.Plot, Unit: "µs", Beside: "share of its core, %"})
	}
	return append(all,
		measure{
			Name: loading, Title: "CPU time from the start until the rules are carried out", Plot: "a start with all rules",
			Unit: "s", Beside: "elapsed, s",
		},
		measure{
			Name: "memory", Title: "resident, over the same server with one rule", Plot: "resident, for the rules",
			Unit: "MiB", Beside: "in all, MiB",
		})
}

// sample is a figure of one round, in the measure's unit, and the one that
// stands beside it.
type sample struct{ value, beside float64 }

// results are the figures of a run.
type results struct {
	Notes   []string
	samples map[string]map[string][]sample // measure → peer's folder → one a round
}

func (r *results) add(measure string, p peer, s sample) {
	if r.samples == nil {
		r.samples = map[string]map[string][]sample{}
	}
	if r.samples[measure] == nil {
		r.samples[measure] = map[string][]sample{}
	}
	r.samples[measure][p.folder] = append(r.samples[measure][p.folder], s)
}

// row is one server in one measure, over all rounds.
type row struct {
	peer
	Median, Min, Max float64
	Beside           float64 // median
	Ratio            float64 // to bailiff's median; below 1 the peer needs less
}

// rows are the servers that have figures, the least first; none if bailiff has
// none.
func (r *results) rows(measure string) []row {
	own := median(values(r.samples[measure][bailiffPeer.folder]))
	if own == 0 {
		return nil
	}
	var rows []row
	for _, p := range append([]peer{bailiffPeer}, peers...) {
		samples := r.samples[measure][p.folder]
		if len(samples) == 0 {
			continue
		}
		all := values(samples)
		rows = append(rows, row{
			peer: p, Median: median(all), Min: slices.Min(all), Max: slices.Max(all),
			Beside: median(besides(samples)), Ratio: median(all) / own,
		})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Median, b.Median) })
	return rows
}

func values(samples []sample) (all []float64) {
	for _, s := range samples {
		all = append(all, s.value)
	}
	return all
}

func besides(samples []sample) (all []float64) {
	for _, s := range samples {
		all = append(all, s.beside)
	}
	return all
}

// median is the middle one, or the mean of the two in the middle; 0 of none.
func median(numbers []float64) float64 {
	if len(numbers) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(numbers))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
