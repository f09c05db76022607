package guard

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// How many names of a list of popular names count.
const (
	DefaultTop = 100_000   // it holds the names of the known incidents
	MaxTop     = 1_000_000 // what the publishers of such lists offer
)

// Ranked is one name of a list of popular names.
type Ranked struct {
	Name name.Name
	Rank int // from 1, the most popular
}

// ReadPopular reads a list of popular names, up to MaxTop, the most popular
// first: one name a line, or rank,name as Tranco and Umbrella publish them.
// Top-level domains, which such lists hold too, are passed over. A stray line
// that is no name is noted; a file with more of them is refused.
func ReadPopular(file string, problems *problem.List) []Ranked {
	names, _ := readTop(Popular{file, MaxTop}, io.Discard, problems)
	return names
}

// readTop is ReadPopular for the top of a list, which it writes to copied as it
// is; last is the rank at which it ends.
func readTop(from Popular, copied io.Writer, problems *problem.List) (names []Ranked, last int) {
	whole := problem.Problem{File: from.File}
	data, err := infile.Read(from.File, maxPopularOctets)
	if err != nil {
		problems.Add(whole.Because(err))
		return nil, 0
	}
	_, _ = copied.Write(data)
	bad, first := 0, problem.Problem{} // first is the first bad line
	for number, line := range lines(data) {
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		r, err := parseRanked(string(line), last+1)
		if err == nil && r.Rank > from.Top {
			break
		}
		last = r.Rank
		switch {
		case err == nil && r.Name.Labels() > 1:
			names = append(names, r)
		case err != nil:
			if bad++; bad == 1 {
				first = problem.Problem{File: from.File, Line: number, Value: string(line)}.Because(err)
			}
		}
	}
	switch {
	case bad > 1+last/100:
		first.Text += fmt.Sprintf(", and %d lines more are wrong: this is no list of popular names", bad-1)
		problems.Add(first)
	case len(names) == 0:
		problems.Add(whole.Because(problem.Fault{Text: "holds no name", Remedy: "fetch it again, or take it out"}))
	case bad > 0:
		first.Severity = problem.Note
		problems.Add(first)
	}
	return names, last
}

// parseRanked reads one line; a name without a rank has the next one, and no
// rank may be less than that.
func parseRanked(line string, next int) (Ranked, error) {
	rank, text, ranked := strings.Cut(line, ",")
	if !ranked {
		n, err := name.Parse(line)
		return Ranked{n, next}, err
	}
	number, err := strconv.Atoi(rank)
	if err != nil || number < next {
		return Ranked{Rank: next}, problem.Fault{Text: "has no rank beyond the one before", Remedy: "write rank,name with the most popular first"}
	}
	n, err := name.Parse(text)
	return Ranked{n, number}, err
}
