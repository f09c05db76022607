// Package list reads the files of names that rules point at, in the formats
// that authorities and list makers publish.
//
// It says which names a list holds and what is wrong with each line that is
// no name; it never guesses what a line could have meant, and whether a name
// may be under order at all is decided by the guard, not here. Beside the
// standard library it imports policy/name, policy/infile and policy/problem.
// Start reading at Read; each format has a file of its own.
package list

import (
	"fmt"
	"io"

	"bailiff/policy/problem"
)

// What one list may hold.
const (
	maxBytes = 1 << 29    // 512 MiB: room for maxNames names of 25 octets a line
	maxNames = 20_000_000 // 300 times the names of the largest national order known
	maxLine  = 4096       // octets, line end included: a name takes 1020 as U-labels, the rest is comment
)

// Format is how a list file is written.
type Format uint8

// The formats, one file of this package each.
const (
	Domains Format = iota // one name a line
	Hosts                 // address and names a line, as in /etc/hosts
)

// Formats is the number of formats.
const Formats = int(Hosts) + 1

// String is the word order files use.
func (f Format) String() string {
	switch f {
	case Domains:
		return "domains"
	case Hosts:
		return "hosts"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat reads the word order files use. Every error is a problem.Fault.
func ParseFormat(text string) (Format, error) {
	switch text {
	case "domains":
		return Domains, nil
	case "hosts":
		return Hosts, nil
	case "adblock", "dnsmasq", "unbound", "rpz", "csv", "xml", "piracy-shield":
		return 0, problem.Fault{Text: "is not supported yet", Remedy: "convert the list to domains or hosts"}
	}
	return 0, problem.Fault{Text: "is no list format", Remedy: "write domains or hosts"}
}

// Read reads one list from r; file is its name in problems. It returns the
// names with their line numbers and adds every problem to problems: with a
// refusal among them the names are incomplete and must not be used. A list
// without a name is refused too: a truncated download must never lift blocks.
// Nothing of r is read after octets that no text has or beyond the bounds.
func Read(r io.Reader, file string, format Format, problems *problem.List) Names {
	c := collector{lines: newLines(r, maxBytes), file: file, problems: problems}
	c.collect(format)
	return c.names
}

// collector gathers the names and problems of one list.
type collector struct {
	lines    lines
	file     string
	problems *problem.List
	names    Names
	refused  bool
}

// collect reads to the end, or to what makes the rest worthless.
func (c *collector) collect(format Format) {
	for {
		line, err := c.lines.next()
		switch {
		case err == io.EOF:
			c.refuseEmpty()
			return
		case err == errLongLine:
			c.refuse(nil, err)
		case err != nil:
			c.refuse(nil, err)
			return
		case format == Hosts:
			c.hosts(line)
		default:
			c.domains(line)
		}
		if c.names.Len() > maxNames {
			c.refuse(nil, errManyNames)
			return
		}
	}
}

// refuse adds a problem with value, on the line read last.
func (c *collector) refuse(value []byte, err error) {
	c.refused = true
	p := problem.Problem{File: c.file, Line: c.lines.number, Value: string(value)}
	c.problems.Add(p.Because(err))
}

// refuseEmpty refuses a list that says nothing, not even something wrong.
func (c *collector) refuseEmpty() {
	if c.refused || c.names.Len() > 0 {
		return
	}
	p := problem.Problem{File: c.file}
	c.problems.Add(p.Because(errNoName))
}

// Faults of a list as a whole.
var (
	errManyNames = problem.Fault{
		Text:   fmt.Sprintf("holds more than %d names", maxNames),
		Remedy: "split it into smaller lists",
	}
	errNoName = problem.Fault{
		Text:   "holds no name",
		Remedy: "fetch the list again, or remove the rule if that is meant",
	}
)
