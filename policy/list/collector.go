package list

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// collector gathers the entries and problems of one list.
type collector struct {
	file     string
	options  Options
	problems *problem.List

	line    int // of the entry at hand, 1-based
	plain   *Group
	groups  []*Group // plain first
	byDates map[dates]*Group
	entries int
	skipped int  // entries that were wrong and passed over
	refused bool // something was
}

// dates are what entries of one group share.
type dates struct{ from, until int64 } // Unix nanoseconds; 0: none

func newCollector(file string, options Options, problems *problem.List) *collector {
	plain := new(Group)
	return &collector{
		file: file, options: options, problems: problems,
		plain: plain, groups: []*Group{plain}, byDates: map[dates]*Group{{}: plain},
	}
}

// eachLine hands every line to read, to the end or to what makes the rest
// worthless.
func (c *collector) eachLine(r io.Reader, read func(line []byte)) {
	for in := newLines(r, MaxOctets); ; {
		line, err := in.next()
		c.line = in.number
		switch {
		case err == io.EOF:
			return
		case err == errLongLine: // not only wrong: it may be the header
			c.refuse(nil, err)
		case err != nil:
			c.refuse(nil, err)
			return
		default:
			read(line)
		}
		if c.isFull() {
			return
		}
	}
}

// isFull reports whether the list holds more than the bounds.
func (c *collector) isFull() bool {
	return c.entries > maxEntries || len(c.groups) > maxGroups
}

// group returns the group of the entries in force from ≤ t < until, each zero
// if there is none.
func (c *collector) group(from, until time.Time) *Group {
	key := dates{unixNano(from), unixNano(until)}
	g := c.byDates[key]
	if g == nil {
		g = &Group{From: from, Until: until}
		c.byDates[key] = g
		c.groups = append(c.groups, g)
	}
	return g
}

func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// exceptions returns the group of the list's exceptions.
func (c *collector) exceptions() *Group {
	for _, g := range c.groups {
		if g.Except {
			return g
		}
	}
	g := &Group{Except: true}
	c.groups = append(c.groups, g)
	return g
}

// add adds the name that text spells.
func (c *collector) add(g *Group, text []byte, m name.Match) {
	c.addTo(&g.Names, text, m)
}

// addTo is add for any of a group's names.
func (c *collector) addTo(names *Names, text []byte, m name.Match) {
	if err := names.appendText(text, m, c.line); err != nil {
		c.wrong(text, err)
		return
	}
	c.entries++
}

// addListed adds a name and everything below it, or for *.name what is below
// it alone: how lists of plain names are meant.
func (c *collector) addListed(g *Group, text []byte) {
	bare, match := listed(text)
	c.add(g, bare, match)
}

// listed takes the leading asterisk off a name of a list.
func listed(text []byte) (bare []byte, match name.Match) {
	if bare, wild := bytes.CutPrefix(text, []byte("*.")); wild {
		return bare, name.Below
	}
	return text, name.Subtree
}

// wrong reports an entry that is none, and refuses the list or passes over the
// entry, as the order says.
func (c *collector) wrong(value []byte, err error) {
	if c.options.OnError == Refuse {
		c.refuse(value, err)
		return
	}
	c.skipped++
	c.report(value, err, problem.Note)
}

// refuse refuses the list, whatever the order says about errors.
func (c *collector) refuse(value []byte, err error) {
	c.refused = true
	c.report(value, err, problem.Refusal)
}

// report adds a problem with value on the line of the entry at hand.
func (c *collector) report(value []byte, err error, severity problem.Severity) {
	value = value[:min(len(value), maxLine)]
	p := problem.Problem{Severity: severity, File: c.file, Line: c.line, Value: string(value)}
	c.problems.Add(p.Because(err))
}

// checkWhole refuses a list that holds more than the bounds, one with more
// wrong in it than may be passed over, and one that says nothing, not even
// something wrong.
func (c *collector) checkWhole() {
	whole := problem.Problem{File: c.file}
	allowed := c.options.MaxErrors
	if allowed == 0 {
		allowed = (c.entries + c.skipped) / 100
	}
	switch {
	case c.entries > maxEntries:
		c.refuse(nil, errManyNames)
	case len(c.groups) > maxGroups:
		c.refuse(nil, errManyDates)
	case c.skipped > allowed:
		c.problems.Add(whole.Because(problem.Fault{
			Text:   fmt.Sprintf("has more wrong entries (%d) than may be skipped (%d)", c.skipped, allowed),
			Remedy: "fetch the list again, correct it, or raise max_errors",
		}))
	case c.entries == 0 && !c.refused:
		c.problems.Add(whole.Because(errNoName))
	}
}

// filled returns the groups that hold something.
func (c *collector) filled() []Group {
	var filled []Group
	for _, g := range c.groups {
		if g.Len() > 0 {
			filled = append(filled, *g)
		}
	}
	return filled
}

// Faults of a list as a whole.
var (
	errManyNames = problem.Fault{
		Text:   fmt.Sprintf("holds more than %d names", maxEntries),
		Remedy: "split it into smaller lists",
	}
	errManyDates = problem.Fault{
		Text:   fmt.Sprintf("holds more than %d different pairs of dates", maxGroups),
		Remedy: "split it into smaller lists",
	}
	errNoName = problem.Fault{
		Text:   "holds no name",
		Remedy: "fetch the list again, or remove the rule if that is meant",
	}
)
