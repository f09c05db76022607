package main

import (
	"cmp"
	"slices"
)

// measure is one quantity; less is better.
type measure struct {
	Name     string // of its samples, and where bailiff is compared
	Heading  string // of its column
	Unit     string // empty: a number of things
	Plot     string // heading of its panel; empty: it has none
	compared bool   // bailiff with its peers
}

// Figure writes a value of the measure.
func (m measure) Figure(v float64) string {
	if m.Unit == "" {
		return thousands(int(v + 0.5))
	}
	return figure(v)
}

// Column is the measure's heading, with its unit.
func (m measure) Column() string {
	if m.Unit == "" {
		return m.Heading
	}
	return m.Heading + ", " + m.Unit
}

// samples are the figures of one workload: measure → row → one a round. A row is a
// peer's folder, or what else the group says.
type samples map[string]map[string][]float64

func (s samples) add(measure, row string, value float64) {
	if s[measure] == nil {
		s[measure] = map[string][]float64{}
	}
	s[measure][row] = append(s[measure][row], value)
}

// cell is one measure of one row, over all rounds.
type cell struct {
	measure
	Median, Min, Max float64
}

// String is the cell's text: the median, and the lowest and the highest round where
// they differ.
func (c cell) String() string {
	low, high := c.Figure(c.Min), c.Figure(c.Max)
	if low == high {
		return c.Figure(c.Median)
	}
	return c.Figure(c.Median) + " (" + low + "–" + high + ")"
}

// row is a server, or what else is measured, in all measures of its group.
type row struct {
	folder string // the row's name in samples
	Title  string
	Cells  []cell
	Ratio  float64 // of the first cell to bailiff's; 0 if that is 0
}

// table is a group with figures. That of servers has the least first, by the first
// measure.
type table struct {
	group
	Rows []row
}

// table gathers the group's rows; none for a group of servers in which bailiff has no
// figures.
func (g group) table(s samples) table {
	t := table{group: g}
	for _, r := range g.rows {
		for _, m := range g.Measures {
			if all := s[m.Name][r.folder]; len(all) > 0 {
				r.Cells = append(r.Cells, cell{measure: m, Median: median(all), Min: slices.Min(all), Max: slices.Max(all)})
			}
		}
		if len(r.Cells) == len(g.Measures) {
			t.Rows = append(t.Rows, r)
		}
	}
	if !g.Servers {
		return t
	}
	own := t.own()
	if own < 0 {
		return table{group: g}
	}
	for i, first := 0, t.Rows[own].Cells[0].Median; i < len(t.Rows) && first > 0; i++ {
		t.Rows[i].Ratio = t.Rows[i].Cells[0].Median / first
	}
	slices.SortStableFunc(t.Rows, func(a, b row) int { return cmp.Compare(a.Cells[0].Median, b.Cells[0].Median) })
	return t
}

// own is the place of bailiff's row; -1 if there is none.
func (t table) own() int {
	return slices.IndexFunc(t.Rows, func(r row) bool { return r.folder == bailiffPeer.folder })
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
