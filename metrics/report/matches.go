package report

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Matches are the queries that fell under an order.
type Matches struct {
	Enforced uint64    `json:"enforced"`
	Observed uint64    `json:"observed"` // counted, and answered with the truth
	Until    time.Time `json:"until"`    // what came later is not written down yet
	Days     []Day     `json:"days"`     // those with a match
}

// matches are those of the days that touch the frame's time.
func (l *life) matches(f Frame, until time.Time) Matches {
	m := Matches{Until: second(until), Days: []Day{}}
	first, last := f.From.Format(time.DateOnly), f.To.Format(time.DateOnly)
	for _, d := range slices.SortedFunc(maps.Values(l.days), func(a, b *Day) int { return cmp.Compare(a.Day, b.Day) }) {
		if d.Day < first || d.Day > last {
			continue
		}
		m.Days = append(m.Days, *d)
		m.Enforced += d.Enforced
		m.Observed += d.Observed
	}
	return m
}

// unit is what one bar of a chart stands for.
type unit uint8

// The units, the shortest first.
const (
	unitDay unit = iota
	unitMonth
	unitYear
)

// String is the word that translations are looked up by.
func (u unit) String() string { return [...]string{"day", "month", "year"}[u] }

// layout is how the unit is written; what it leaves out is added up.
func (u unit) layout() string { return [...]string{time.DateOnly, "2006-01", "2006"}[u] }

// next is the beginning of the following unit.
func (u unit) next(t time.Time) time.Time {
	switch u {
	case unitDay:
		return t.AddDate(0, 0, 1)
	case unitMonth:
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year()+1, 1, 1, 0, 0, 0, 0, time.UTC)
}

// maxBars bounds a chart: beyond it the bars stand for a longer unit, and of
// years the last ones are shown.
const maxBars = 120

// series adds the days up into the units from the first to the last day, those
// without a match included.
func series(days []Day, first, last time.Time) (u unit, bars []Day) {
	for u = unitDay; ; u++ {
		if bars = u.split(first, last); len(bars) <= maxBars || u == unitYear {
			break
		}
	}
	bars = bars[max(0, len(bars)-maxBars):]
	at := map[string]int{}
	for i, b := range bars {
		at[b.Day] = i
	}
	for _, d := range days {
		if i, ok := at[d.Day[:min(len(d.Day), len(u.layout()))]]; ok {
			bars[i].Enforced += d.Enforced
			bars[i].Observed += d.Observed
		}
	}
	return u, bars
}

// split are the units from first to last: of days and months no more than it
// takes to see that they are too many.
func (u unit) split(first, last time.Time) (bars []Day) {
	for t := first.Truncate(24 * time.Hour); !t.After(last) && (len(bars) <= maxBars || u == unitYear); t = u.next(t) {
		bars = append(bars, Day{Day: t.Format(u.layout())})
	}
	return bars
}
