package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"slices"
	"text/template"
)

//go:embed benchmarks.svg.tmpl
var chartText string

// The plot has a panel for each measure, two side by side. Lengths are in pixels
// of the plot.
const (
	panelColumns = 2
	panelWidth   = 400
	panelGap     = 22
	headHeight   = 82  // above the panels
	titleHeight  = 34  // of a panel
	barLeft      = 184 // the servers' names stand left of the bars
	barWidth     = 130 // of the longest; the figures stand right of the bars
	barHeight    = 15
	barStep      = 22
)

// drawing is what the plot's template takes.
type drawing struct {
	Rules         int
	Width, Height int
	Panels        []panel
}

// panel is one measure; X and Y are its upper left corner.
type panel struct {
	measure
	X, Y int
	Bars []bar
}

// bar is one server. Its whisker runs from the lowest to the highest round.
type bar struct {
	cell
	Title              string
	Own                bool // bailiff's
	X, Y, Height       int
	Width, Least, Most float64
}

// TextX is where the server's name ends, left of the bar.
func (b bar) TextX() int { return b.X - 8 }

// TextY is the baseline of the texts beside the bar.
func (b bar) TextY() int { return b.Y + b.Height - 3 }

// MiddleY is the height of the whisker.
func (b bar) MiddleY() float64 { return float64(b.Y) + float64(b.Height)/2 }

// FigureX is where the figure begins, right of bar and whisker.
func (b bar) FigureX() float64 { return b.Most + 8 }

// Text is the figure.
func (b bar) Text() string { return b.Figure(b.Median) }

// chart draws the tables of servers of a run with so many rules, as SVG.
func chart(tables []table, rules int) ([]byte, error) {
	page, err := template.New("").Funcs(formats).Parse(chartText)
	if err != nil {
		return nil, err
	}
	var svg bytes.Buffer
	err = page.Execute(&svg, layOut(tables, rules))
	return svg.Bytes(), err
}

// layOut places panels and bars.
func layOut(tables []table, rules int) drawing {
	d := drawing{Rules: rules, Width: panelWidth * panelColumns, Height: headHeight}
	for beside := range slices.Chunk(plotted(tables), panelColumns) {
		most := 0
		for column, p := range beside {
			p.X, p.Y = column*panelWidth, d.Height
			d.Panels = append(d.Panels, p)
			most = max(most, len(p.Bars))
		}
		d.Height += titleHeight + most*barStep + panelGap
	}
	return d
}

// plotted are the panels: the measures that have one.
func plotted(tables []table) (all []panel) {
	for _, t := range tables {
		for i, m := range t.Measures {
			if m.Plot != "" {
				all = append(all, panel{measure: m, Bars: bars(t.Rows, i)})
			}
		}
	}
	return all
}

// bars draws the rows' i-th cells, the least first, so that the greatest maximum is as
// long as may be.
func bars(rows []row, i int) (all []bar) {
	rows = slices.SortedStableFunc(slices.Values(rows), func(a, b row) int { return cmp.Compare(a.Cells[i].Median, b.Cells[i].Median) })
	greatest := 0.0
	for _, r := range rows {
		greatest = max(greatest, r.Cells[i].Max)
	}
	scale := barWidth / max(greatest, 1e-9)
	for place, r := range rows {
		c := r.Cells[i]
		all = append(all, bar{
			cell: c, Title: r.Title, Own: r.folder == bailiffPeer.folder, Y: titleHeight + place*barStep,
			X: barLeft, Height: barHeight, Width: c.Median * scale, Least: barLeft + c.Min*scale, Most: barLeft + c.Max*scale,
		})
	}
	return all
}
