package list

import (
	"bytes"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// adblock reads one line of the format Adblock: ||name^ is the name and
// everything below it, @@||name^ an exception. The options that mean "for
// every kind of request" may follow; a rule for some requests only is more
// than a DNS answer can say.
func (c *collector) adblock(line []byte) {
	text := bytes.TrimSpace(line)
	if isAdblockComment(text) {
		return
	}
	g, rule := c.plain, text
	if exception, is := bytes.CutPrefix(text, []byte("@@")); is {
		g, rule = c.exceptions(), exception
	}
	bare, isRule := bytes.CutPrefix(rule, []byte("||"))
	domain, options, ends := bytes.Cut(bare, []byte("^"))
	switch {
	case !isRule || !ends || !coversEveryRequest(options):
		c.wrong(text, errNotForDNS)
	default:
		c.add(g, domain, name.Subtree)
	}
}

// isAdblockComment reports whether text is no rule: ! or # and a blank begin a
// comment, [ a header. Without the blank, # begins a rule for browsers.
func isAdblockComment(text []byte) bool {
	return len(text) == 0 || text[0] == '!' || text[0] == '[' && text[len(text)-1] == ']' ||
		text[0] == '#' && (len(text) == 1 || text[1] == ' ')
}

// errNotForDNS refuses what browsers can block and a resolver cannot.
var errNotForDNS = problem.Fault{
	Text:   "is no rule of the form ||name^, the only one that a DNS answer can carry out",
	Remedy: "write ||name^ if the order covers all of it, or remove the line",
}

// coversEveryRequest reports whether the options after ^ leave a rule for
// every request to the name.
func coversEveryRequest(options []byte) bool {
	if len(options) == 0 {
		return true
	}
	words, is := bytes.CutPrefix(options, []byte("$"))
	if !is {
		return false
	}
	for word := range bytes.SplitSeq(words, []byte(",")) {
		switch string(word) {
		case "important", "all", "document", "doc":
		default:
			return false
		}
	}
	return true
}
