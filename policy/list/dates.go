package list

import (
	"fmt"
	"strings"
	"time"

	"bailiff/policy/problem"
)

// Dates is how the days of a table are written, and in which zone they begin.
type Dates struct {
	Layout string // for time.Parse
	Zone   *time.Location
}

// ParseLayout reads a layout such as dd.mm.yyyy or yyyy-mm-dd: d and m for
// numbers of one or two digits, dd and mm for two. It returns the layout that
// package time understands; such a one is read as it is. Every error is a
// problem.Fault.
func ParseLayout(text string) (string, error) {
	layout := strings.NewReplacer("yyyy", "2006", "mm", "01", "dd", "02", "m", "1", "d", "2").Replace(text)
	bare := strings.NewReplacer("2006", "", "01", "", "02", "", "1", "", "2", "").Replace(layout)
	day := time.Date(2345, time.December, 31, 0, 0, 0, 0, time.UTC)
	again, err := time.Parse(layout, day.Format(layout))
	if err != nil || !again.Equal(day) || len(layout)-len(bare) > len("20060102") || strings.Trim(bare, ".-/ ") != "" {
		return "", problem.Fault{
			Text:   "is no layout of a date",
			Remedy: "write one such as dd.mm.yyyy or yyyy-mm-dd",
		}
	}
	return layout, nil
}

// ParseZone reads the name of a time zone, such as Europe/Prague. Every error
// is a problem.Fault.
func ParseZone(text string) (*time.Location, error) {
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" { // Local: the same order would differ from machine to machine
		return nil, problem.Fault{
			Text:   "is no time zone known here",
			Remedy: "write one such as Europe/Prague or UTC",
		}
	}
	return zone, nil
}

// parse reads a day and returns its first instant; no text is no day.
func (d Dates) parse(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(d.Layout, text, d.Zone)
	if err != nil || !isPlausible(day) {
		return time.Time{}, problem.Fault{
			Text:   fmt.Sprintf("is no date written as %s", time.Date(2023, time.January, 4, 0, 0, 0, 0, time.UTC).Format(d.Layout)),
			Remedy: "correct the date or dates",
		}
	}
	return day, nil
}

// isPlausible reports whether t is an instant that orders may name: its
// nanoseconds since 1970 fit 64 bits.
func isPlausible(t time.Time) bool { return t.Year() >= 1900 && t.Year() < 2200 }

// checkSpan refuses a span that is over before it begins. Every error is a
// problem.Fault.
func checkSpan(from, until time.Time) error {
	if from.IsZero() || until.IsZero() || until.After(from) {
		return nil
	}
	return problem.Fault{
		Text:   "was removed no later than it was added",
		Remedy: "remove the entry, or correct its dates",
	}
}
