package main

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"bailiff/policy"
)

// The screen of bailiff status, that of a plain terminal.
const (
	screenLines   = 24
	screenColumns = 80
	maxWrongShown = 6
	maxUpShown    = 5 // upstreams, those that are down first
)

// screen is the state on one screen, the most important first.
func (s *status) screen() string {
	lines := s.verdict()
	row := func(title, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("%-12s ", title)+fmt.Sprintf(format, args...))
	}
	row("running", "since %s (%s), version %s", moment(s.Since), age(s.Now.Sub(s.Since)), s.Version)
	states := s.Orders.Orders
	row("orders", "%d in force, %d pending, %d lapsed; generation %d", states[policy.InForce.String()],
		states[policy.Pending.String()], states[policy.Lapsed.String()], s.Generation)
	row("rules", "%d names and addresses, %d exceptions", s.Orders.Names-s.Orders.Exceptions, s.Orders.Exceptions)
	row("last reload", "%s", s.Reload.text(s.Now))
	if !s.NextBoundary.IsZero() {
		row("next change", "%s (in %s)", moment(s.NextBoundary), age(s.NextBoundary.Sub(s.Now)))
	}
	q := s.Queries
	row("queries", "%.1f a second, %.1f %% answered by orders, %.1f %% SERVFAIL", q.PerSecond, 100*q.OrderShare, 100*q.FailShare)
	row("", "%d since the start, %d answered by orders", q.Total, q.ByOrder)
	row("cache", "%.1f %% hits; %d entries, %d of %d MiB", 100*s.Cache.HitShare, s.Cache.Entries, s.Cache.Octets>>20, s.Cache.Limit>>20)
	if len(s.Upstreams) == 0 {
		row("resolution", "%s", s.Resolution)
	}
	for i, text := range s.upstreamTexts() {
		row([]string{"upstreams", ""}[min(i, 1)], "%s", text)
	}
	row("journal", "%s", s.Journal.text(s.Now))
	row("listening", "%s", addressTexts(s.Listen))
	row("metrics", "%s", s.Metrics)
	for i, line := range lines {
		lines[i] = cut(line)
	}
	return strings.Join(lines[:min(len(lines), screenLines)], "\n") + "\n"
}

// verdict says what is wrong, the worst first.
func (s *status) verdict() (lines []string) {
	if len(s.Wrong) == 0 {
		return []string{"bailiff is well", ""}
	}
	lines = []string{"bailiff needs somebody to look at it:"}
	for _, text := range s.Wrong[:min(len(s.Wrong), maxWrongShown)] {
		lines = append(lines, "  ! "+text)
	}
	return append(lines, "")
}

func (r reloadStatus) text(now time.Time) string {
	result := "ok"
	if !r.OK {
		result = "REJECTED"
	}
	return fmt.Sprintf("%s, %s (%s ago); %d problems, %d notes", result, moment(r.At), age(now.Sub(r.At)), r.Problems, r.Notes)
}

func (j *journalStatus) text(now time.Time) string {
	switch {
	case j == nil:
		return "none is kept: state is not set"
	case j.Failing:
		return fmt.Sprintf("CANNOT BE WRITTEN; %d entries lost", j.Lost)
	case j.LastWrite.IsZero():
		return "nothing written yet"
	}
	return fmt.Sprintf("last written %s ago, %d entries since the start, %d lost", age(now.Sub(j.LastWrite)), j.Entries, j.Lost)
}

// upstreamTexts are lines about upstreams, those that are down first.
func (s *status) upstreamTexts() (texts []string) {
	for _, up := range []bool{false, true} {
		for _, u := range s.Upstreams {
			switch {
			case u.Up != up:
			case !up:
				texts = append(texts, u.Server.String()+" DOWN")
			case u.RTTSeconds == 0:
				texts = append(texts, u.Server.String()+" not asked yet")
			default:
				texts = append(texts, fmt.Sprintf("%s answers in %.1f ms", u.Server, 1000*u.RTTSeconds))
			}
		}
	}
	if len(texts) > maxUpShown {
		texts = append(texts[:maxUpShown-1], fmt.Sprintf("and %d more", len(texts)-maxUpShown+1))
	}
	return texts
}

func addressTexts(addresses []netip.AddrPort) string {
	return strings.ReplaceAll(joined(addresses), ",", " ")
}

// moment is a time as people read it.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 -07:00") }

// age is a time span in its two largest units.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// cut cuts a line to the width of the screen.
func cut(line string) string {
	line = strings.TrimRight(line, " ")
	if utf8.RuneCountInString(line) <= screenColumns {
		return line
	}
	return string([]rune(line)[:screenColumns-1]) + "…"
}
