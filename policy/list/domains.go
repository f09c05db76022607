package list

import (
	"bytes"

	"bailiff/policy/problem"
)

// domains reads one line of the format Domains: a name and everything below
// it, or *.name for what is below it alone. A # at the start or after a blank
// begins a comment; blanks around the name and empty lines mean nothing.
func (c *collector) domains(line []byte) {
	text := bytes.TrimSpace(cutComment(line))
	if len(text) == 0 {
		return
	}
	bare, match := listed(text)
	err := c.plain.Names.appendText(bare, match, c.line)
	if err == nil {
		c.entries++
		return
	}
	if bytes.ContainsAny(text, " \t") {
		err = problem.Fault{
			Text:   "is more than one word",
			Remedy: "write one name a line; a list of addresses with names has the format hosts",
		}
	}
	c.wrong(text, err)
}

// cutComment returns line up to a # that starts a comment. A # glued to a
// name starts none: it is the fragment of a URL.
func cutComment(line []byte) []byte {
	for i, octet := range line {
		if octet == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
