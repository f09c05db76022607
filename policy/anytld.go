package policy

import "bailiff/policy/name"

// labelSet returns the set of the any-tld rules for the i-th label of n, if
// the label is registered below a public suffix and makes none itself: a rule on
// the label co is not about everybody below co.uk.
func (l *layer) labelSet(n *name.Buffer, i int) (set uint32, ok bool) {
	from := n.Suffix(i)
	if set, ok = l.anyTLD[string(from[:1+from[0]])]; !ok {
		return 0, false
	}
	return set, name.IsRegistrable(from)
}
