package report

import "time"

// The chart's measures, in units of its viewBox.
const (
	chartWidth  = 720
	chartHeight = 230
	chartLeft   = 64 // of the plot: room for numbers
	chartRight  = 712
	chartTop    = 12
	chartBottom = 190
)

// chart is the geometry of a bar chart: the template only writes it down.
type chart struct {
	Unit   unit
	Bars   []bar
	Lines  []line // of the scale, the lowest first
	Labels []label
	Both   bool // there are observed matches too
}

// bar is one unit: observed stands on top of enforced.
type bar struct {
	Day
	X, Width          float64
	EnforcedY, Height float64
	ObservedY         float64
	ObservedHeight    float64
}

// line is one of the scale's.
type line struct {
	Y     float64
	Value uint64
}

// label stands below a bar.
type label struct {
	X    float64
	Text string
}

// newChart draws the matches from first on, to the last day that was counted.
func newChart(m Matches, first time.Time) chart {
	last := m.Until.Add(-1) // midnight: the day before
	if n := len(m.Days); n > 0 {
		if day, err := time.Parse(time.DateOnly, m.Days[n-1].Day); err == nil && day.After(last) {
			last = day
		}
	}
	u, days := series(m.Days, first, last)
	c := chart{Unit: u}
	var highest uint64
	for _, d := range days {
		highest = max(highest, d.Enforced+d.Observed)
		c.Both = c.Both || d.Observed > 0
	}
	step := scaleStep(highest)
	steps := max(1, (highest+step-1)/step)
	height := func(n uint64) float64 { return float64(n) / float64(steps*step) * (chartBottom - chartTop) }
	for i := range steps + 1 {
		c.Lines = append(c.Lines, line{chartBottom - height(i*step), i * step})
	}
	pitch := float64(chartRight-chartLeft) / float64(max(len(days), 12)) // a few bars are no broader than a month's
	every := (len(days) + 7) / 8
	for i, d := range days {
		b := bar{Day: d, X: chartLeft + (float64(i)+0.14)*pitch, Width: pitch * 0.72, Height: height(d.Enforced), ObservedHeight: height(d.Observed)}
		b.EnforcedY = chartBottom - b.Height
		b.ObservedY = b.EnforcedY - b.ObservedHeight
		c.Bars = append(c.Bars, b)
		if i%every == 0 {
			c.Labels = append(c.Labels, label{b.X + b.Width/2, d.Day})
		}
	}
	return c
}

// scaleStep is 1, 2 or 5 times a power of ten, such that five of them reach
// highest: at the latest 5e18, as a uint64 goes to 18e18.
func scaleStep(highest uint64) uint64 {
	for power := uint64(1); ; power *= 10 {
		for _, step := range []uint64{power, 2 * power, 5 * power} {
			if highest/step < 5 {
				return step
			}
		}
	}
}
