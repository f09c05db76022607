// Package problem is how bad input is reported: every problem of a file, with
// its place and its remedy, never only the first.
//
// It decides nothing and reads nothing. Parsers collect into a List; commands
// print it. It imports the standard library only.
package problem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxReported bounds what one load reports: a binary file taken for a list
// would otherwise fill the disk with its own lines.
const maxReported = 1000

// Severity says what a problem means for the load.
type Severity uint8

// A Refusal stops the load; a Note is printed and changes nothing.
const (
	Refusal Severity = iota
	Note
)

// String is the word machine-readable reports use.
func (s Severity) String() string {
	switch s {
	case Refusal:
		return "refusal"
	case Note:
		return "note"
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// Problem is one thing wrong at one place. It prints as
// "file:line: place: value: text; remedy", the parts that are empty left out.
type Problem struct {
	Severity Severity
	File     string // as the operator named it
	Line     int    // 1-based; 0 when the file as a whole is meant
	Place    string // where inside the document, such as "rule 4"
	Value    string // the offending text, shortened by the parser if long
	Text     string // what is wrong, lower case
	Remedy   string // what to do about it
	Guard    string // the guard against blocking too much that refuses; empty: none
	Order    string // with Guard: the id of the order that is refused
}

// Fault is the part of a problem that does not depend on its place: what a
// reader of one value or one file returns as its error.
type Fault struct {
	Text   string // what is wrong, lower case
	Remedy string // what to do about it
}

// Error joins text and remedy.
func (f Fault) Error() string { return f.Text + "; " + f.Remedy }

// Because is p with the text and, if err is a Fault, the remedy of err.
func (p Problem) Because(err error) Problem {
	p.Text = err.Error()
	if f, ok := errors.AsType[Fault](err); ok {
		p.Text, p.Remedy = f.Text, f.Remedy
	}
	return p
}

// Error prints the problem on one line.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Severity == Note {
		b.WriteString("note: ")
	}
	for _, part := range []string{p.Place, Quote(p.Value)} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	b.WriteString(p.Text)
	if p.Remedy != "" {
		b.WriteString("; " + p.Remedy)
	}
	return b.String()
}

// Quote makes hostile text fit for one line of a log: control characters and
// invalid UTF-8 are escaped, long text is cut after 80 characters. The empty
// text stays empty.
func Quote(s string) string {
	const maxShown = 80
	shown := 0
	for at := range s {
		if shown == maxShown {
			return quoteAll(s[:at]) + "…"
		}
		shown++
	}
	return quoteAll(s)
}

// quoteAll leaves a plain word alone and quotes everything else.
func quoteAll(s string) string {
	quoted := strconv.Quote(s)
	if s == "" || quoted == `"`+s+`"` && !strings.ContainsAny(s, " :;") {
		return s
	}
	return quoted
}

// List collects problems. The zero value is ready; it is not safe for
// concurrent use.
type List struct {
	problems []Problem
	dropped  int
}

// Add records one problem. Beyond a bound only the number is kept.
func (l *List) Add(p Problem) {
	if len(l.problems) >= maxReported && p.Severity == Note {
		l.dropped++
		return
	}
	if len(l.problems) >= 2*maxReported {
		l.dropped++
		return
	}
	l.problems = append(l.problems, p)
}

// Merge adds the problems of another list.
func (l *List) Merge(other *List) {
	for _, p := range other.problems {
		l.Add(p)
	}
	l.dropped += other.dropped
}

// Redact takes the offending texts out: they may be names of a hidden order,
// and file and line find them.
func (l *List) Redact() {
	for i := range l.problems {
		l.problems[i].Value = ""
	}
}

// Refused reports whether at least one problem stops the load.
func (l *List) Refused() bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return p.Severity == Refusal })
}

// Dropped is the number of problems beyond the bound.
func (l *List) Dropped() int { return l.dropped }

// Sorted returns the problems by file and line, those of one line in the order
// in which they were found. The caller owns the slice.
func (l *List) Sorted() []Problem {
	out := slices.Clone(l.problems)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return out
}
