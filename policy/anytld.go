package policy

import (
	"golang.org/x/net/publicsuffix"

	"bailiff/policy/name"
)

// labelSet returns the set of the any-tld rules for the i-th label of n, if
// what follows the label is a public suffix, ICANN's or a private one. A
// top-level domain that the list does not know counts as one.
func (l *layer) labelSet(n *name.Buffer, i int) (set uint32, ok bool) {
	rest := n.Suffix(i + 1)
	if set, ok = l.anyTLD[string(n.Suffix(i)[:len(n.Suffix(i))-len(rest)])]; !ok {
		return 0, false
	}
	return set, isPublicSuffix(rest)
}

// isPublicSuffix reports whether a canonical wire name is a public suffix.
func isPublicSuffix(wire []byte) bool {
	var room [name.MaxWire]byte
	dotted := room[:0]
	for i := 0; wire[i] != 0; i += int(wire[i]) + 1 {
		if i > 0 {
			dotted = append(dotted, '.')
		}
		dotted = append(dotted, wire[i+1:i+1+int(wire[i])]...)
	}
	suffix, _ := publicsuffix.PublicSuffix(string(dotted))
	return len(suffix) == len(dotted)
}
