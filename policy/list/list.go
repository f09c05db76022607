// Package list reads the files of names that rules point at, in the formats
// that authorities and list makers publish.
//
// It says which names and addresses a list holds, from when until when, and
// what is wrong with each line that is no entry; it never guesses what a line
// could have meant, and whether a name may be under order at all is decided by
// the guard, not here. Beside the standard library it imports policy/name,
// policy/infile, policy/problem and golang.org/x/text. Start reading at Read;
// each format has a file of its own.
package list

import (
	"fmt"
	"io"

	"bailiff/policy/problem"
)

// What one list may hold, MaxOctets the file and the others each entry or the whole.
const (
	MaxOctets  = 1 << 29    // 512 MiB: room for maxEntries names of 25 octets a line
	maxEntries = 20_000_000 // 300 times the names of the largest national order known
	maxGroups  = 100_000    // each becomes a rule; the largest register grew by 10,000 dates in ten years
	maxLine    = 4096       // octets, line end included: a name takes 1020 as U-labels, the rest is comment
)

// Options say how a list is written and what becomes of lines that are wrong.
type Options struct {
	Format Format
	SHA256 string // of the file, in hexadecimal of any case; empty: not checked

	OnError   OnError
	MaxErrors int // how many entries Skip may pass over; 0: one of a hundred

	// Action is the order's, in the word of order files: the records of an RPZ
	// that ask for another are wrong there.
	Action string
	Table  Table // for the format CSV
}

// OnError says what becomes of an entry that is wrong.
type OnError uint8

// Refuse refuses the list; Skip leaves the entry out and notes it.
const (
	Refuse OnError = iota
	Skip
)

// String is the word order files use.
func (e OnError) String() string {
	switch e {
	case Refuse:
		return "refuse"
	case Skip:
		return "skip"
	}
	return fmt.Sprintf("OnError(%d)", uint8(e))
}

// Read reads one list from r; file is its name in problems. It returns the
// entries with their line numbers, those of equal dates in one group, and adds
// every problem to problems: with a refusal among them the groups are
// incomplete and must not be used. A list without an entry is refused too: a
// truncated download must never lift blocks. Nothing of r is read after octets
// that no text has or beyond the bounds.
func Read(r io.Reader, file string, options Options, problems *problem.List) []Group {
	c := newCollector(file, options, problems)
	c.read(r)
	c.checkWhole()
	return c.filled()
}
