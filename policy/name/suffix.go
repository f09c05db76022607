package name

import "golang.org/x/net/publicsuffix"

// IsPublicSuffix reports whether a canonical wire name is a public suffix,
// ICANN's or a private one. A top-level domain that the list does not know
// counts as one.
func IsPublicSuffix(wire []byte) bool {
	var room [MaxWire]byte
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
