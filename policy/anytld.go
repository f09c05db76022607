package policy

import "bailiff/policy/name"

// labelSet returns the set of the any-tld rules for the i-th label of n, if
// what follows the label is a public suffix.
func (l *layer) labelSet(n *name.Buffer, i int) (set uint32, ok bool) {
	rest := n.Suffix(i + 1)
	if set, ok = l.anyTLD[string(n.Suffix(i)[:len(n.Suffix(i))-len(rest)])]; !ok {
		return 0, false
	}
	return set, name.IsPublicSuffix(rest)
}
