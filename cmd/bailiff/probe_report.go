package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"bailiff/cmd/bailiff/probing"
	"bailiff/policy/outfile"
)

// maxFailuresShown is how many failures people are shown; the JSON has more.
const maxFailuresShown = 50

// write writes the result wherever it was asked for.
func (p *probeCommand) write(out io.Writer, r *probing.Result) error {
	encode := func(w io.Writer) error { return printJSON(w, r) }
	if p.state != "" {
		if err := outfile.Replace(filepath.Join(p.state, probeFile), filePrivate, encode); err != nil {
			return err
		}
	}
	switch p.json {
	case "-":
		return encode(out)
	case "":
	default:
		if err := outfile.Replace(p.json, filePrivate, encode); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, probeText(r))
	return err
}

// probeText is the result for people.
func probeText(r *probing.Result) string {
	var b strings.Builder
	for _, f := range r.Failures[:min(len(r.Failures), maxFailuresShown)] {
		fmt.Fprintf(&b, "%s %s %s: got %s; want %s", f.Name, f.Type, f.Transport, f.Got, f.Want)
		if f.Order != "" {
			fmt.Fprintf(&b, "; order %s, %s", f.Order, f.Rule)
		}
		b.WriteString("\n")
	}
	if n := len(r.Failures) - maxFailuresShown + r.LeftOut; n > 0 {
		fmt.Fprintf(&b, "and %d more\n", n)
	}
	fmt.Fprintf(&b, "rules: %d proved, %d failed, %d not probed%s\n", r.Rules.Proved, r.Rules.Failed, sum(r.Rules.NotProbed), reasons(r.Rules.NotProbed))
	if r.Rules.Overruled > 0 {
		fmt.Fprintf(&b, "of the proved %d are answered by another order, or freed by an exception\n", r.Rules.Overruled)
	}
	if n := r.Free.Passed + r.Free.Failed; n > 0 {
		fmt.Fprintf(&b, "free names: %d passed, %d failed\n", r.Free.Passed, r.Free.Failed)
	}
	fmt.Fprintf(&b, "%d queries to %s in %.1f s, %d over TCP, %d lost and asked again\n", r.Queries, r.Server, r.Seconds, r.OverTCP, r.Lost)
	if r.Ended != "" {
		fmt.Fprintf(&b, "ended before everything was asked: %s\n", r.Ended)
	}
	return b.String()
}

func sum(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// reasons lists why rules were not probed, in brackets.
func reasons(counts map[string]int) string {
	var words []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[reason], reason))
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}
