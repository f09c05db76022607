// Package name holds domain names in the one form policy works on: canonical
// wire format (RFC 4034 section 6.2: lower-case, uncompressed, length-prefixed
// labels, a final zero octet).
//
// Parse takes what people write (any case, a final dot or none, U-labels or
// A-labels) and says what is wrong with it. It never resolves and never
// guesses: text that is not exactly one domain name is an error. Beside the
// standard library it imports golang.org/x/net/idna and policy/problem.
package name

import (
	"fmt"
	"strings"
)

// RFC 1035 section 2.3.4.
const (
	MaxWire   = 255 // octets of a name with its length octets and the root's zero
	MaxLabel  = 63  // octets of one label
	MaxLabels = 127 // labels that fit MaxWire, the root not counted
)

// Name is a domain name in canonical wire format, the final zero octet
// included. The zero value "" is no name.
type Name string

// Root is the name of the root zone.
const Root Name = "\x00"

// Match says which names a rule's name stands for.
type Match uint8

// The three ways of matching, widest first.
const (
	Subtree Match = iota // the name and everything below it
	Below                // everything below it, not the name itself
	Exact                // the name alone
)

// String is the word order files use.
func (m Match) String() string {
	switch m {
	case Subtree:
		return "subtree"
	case Below:
		return "below"
	case Exact:
		return "exact"
	}
	return fmt.Sprintf("Match(%d)", uint8(m))
}

// String is the presentation form without the final dot ("." for the root);
// octets that are not printable, and dots and backslashes inside a label, are
// escaped as RFC 4343 section 2.1 asks.
func (n Name) String() string {
	if n == Root || n == "" {
		return "."
	}
	var b strings.Builder
	b.Grow(len(n))
	for i := 0; i < len(n) && n[i] != 0; i += int(n[i]) + 1 {
		if i > 0 {
			b.WriteByte('.')
		}
		for _, c := range []byte(n[i+1 : i+1+int(n[i])]) {
			switch {
			case c == '.' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c <= ' ' || c >= 0x7f:
				fmt.Fprintf(&b, "\\%03d", c)
			default:
				b.WriteByte(c)
			}
		}
	}
	return b.String()
}

// Labels counts the labels, the root's not included.
func (n Name) Labels() int {
	count := 0
	for i := 0; i < len(n) && n[i] != 0; i += int(n[i]) + 1 {
		count++
	}
	return count
}

// Parent is the name without its first label; the root's parent is the root.
func (n Name) Parent() Name {
	if len(n) <= 1 {
		return Root
	}
	return n[int(n[0])+1:]
}

// IsBelow reports whether n is a proper subdomain of ancestor.
func (n Name) IsBelow(ancestor Name) bool {
	for n != Root && n != "" {
		if n = n.Parent(); n == ancestor {
			return true
		}
	}
	return false
}
