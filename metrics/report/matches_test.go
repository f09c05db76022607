package report

import (
	"fmt"
	"testing"
	"time"
)

func TestSeries_isByDayThenByMonthThenByYear(t *testing.T) {
	for _, tt := range []struct {
		from, to, unit string
		bars           int
		first, last    string
	}{
		{"2026-01-31 05:00:00", "2026-02-02 23:59:59", "day", 3, "2026-01-31", "2026-02-02"},
		{"2026-01-01 00:00:00", "2026-04-30 00:00:00", "day", 120, "2026-01-01", "2026-04-30"},
		{"2026-01-31 00:00:00", "2026-06-01 00:00:00", "month", 6, "2026-01", "2026-06"},
		{"2010-01-31 00:00:00", "2026-06-01 00:00:00", "year", 17, "2010", "2026"},
		{"0001-01-01 00:00:00", "9999-12-31 00:00:00", "year", 120, "9880", "9999"},
		{"2026-01-02 00:00:00", "2026-01-01 00:00:00", "day", 0, "", ""},
	} {
		u, bars := series(nil, at(tt.from), at(tt.to))
		if u.String() != tt.unit || len(bars) != tt.bars || len(bars) > 0 && (bars[0].Day != tt.first || bars[len(bars)-1].Day != tt.last) {
			t.Errorf("%s to %s: got %d by %v: %v", tt.from, tt.to, len(bars), u, bars)
		}
	}
}

func TestSeries_addsUpEveryDay(t *testing.T) {
	m := sampleMatches(500, 9)
	for _, days := range []int{60, 500} {
		var got, want uint64
		_, bars := series(m.Days[:days], at("2026-09-14 00:00:00"), at("2028-09-14 00:00:00"))
		for _, b := range bars {
			got += b.Enforced + b.Observed
		}
		for _, d := range m.Days[:days] {
			want += d.Enforced + d.Observed
		}
		if got != want {
			t.Errorf("%d days: got %d matches, want %d", days, got, want)
		}
	}
	if _, bars := series([]Day{{Day: ""}, {Day: "x"}}, at("2026-09-14 00:00:00"), at("2026-09-15 00:00:00")); len(bars) != 2 {
		t.Errorf("got %v", bars)
	}
}

func TestChart_staysInItsFrame(t *testing.T) {
	for _, most := range []uint64{0, 1, 3, 4999, 1 << 40, 1 << 60} {
		m := sampleMatches(70, 1)
		m.Days[5].Enforced, m.Days[6].Observed = most, most
		c := newChart(m, at("2026-09-14 00:00:00"))
		for _, b := range c.Bars {
			if b.X < chartLeft || b.X+b.Width > chartRight || b.ObservedY < chartTop-1 || b.EnforcedY+b.Height > chartBottom+1 {
				t.Errorf("%d: got bar %+v", most, b)
			}
		}
		if n := len(c.Lines); n < 2 || n > 7 {
			t.Errorf("%d: got %d lines", most, n)
		}
		if len(c.Bars) != 70 || len(c.Labels) > 9 || !c.Both {
			t.Errorf("%d: got %d bars, %d labels", most, len(c.Bars), len(c.Labels))
		}
	}
}

func TestScaleStep_isRound(t *testing.T) {
	for in, want := range map[uint64]uint64{0: 1, 4: 1, 5: 2, 9: 2, 10: 5, 24: 5, 25: 10, 80: 20, 700: 200, 1 << 63: 2e18} {
		if got := scaleStep(in); got != want {
			t.Errorf("%d: got %d, want %d", in, got, want)
		}
	}
}

func TestLifeMatches_aMadeUpDayIsThatOfTheEntry(t *testing.T) {
	written := at("2026-03-02 00:00:01")
	for _, tt := range []struct{ day, want string }{
		{"2026-03-01", "2026-03-01"}, {"2026-03-02", "2026-03-02"}, {"2026-03-03", "2026-03-02"}, {"1970-01-01", "2026-03-02"}, {"x", "2026-03-02"},
	} {
		l := &life{days: map[string]*Day{}}
		for range 2 {
			l.match(entryOf(written, fmt.Sprintf(`{"day":%q,"enforced":3,"observed":1}`, tt.day)))
		}
		got := l.matches(Frame{From: written.Add(-time.Hour * 72), To: written}, written)
		if len(got.Days) != 1 || got.Days[0] != (Day{tt.want, 6, 2}) || got.Enforced != 6 || got.Observed != 2 {
			t.Errorf("%s: got %+v, want two entries on %s", tt.day, got, tt.want)
		}
	}
}
