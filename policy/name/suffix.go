package name

import "golang.org/x/net/publicsuffix"

// IsPublicSuffix reports whether a canonical wire name is a public suffix,
// ICANN's or a private one. A top-level domain that the list does not know
// counts as one.
func IsPublicSuffix(wire []byte) bool { return suffixAt(wire) == 0 }

// IsRegistrable reports whether a canonical wire name stands directly below a
// public suffix and is none itself: co.uk, below uk, is not registrable.
func IsRegistrable(wire []byte) bool { return suffixAt(wire) == int(wire[0])+1 }

// IsForOthers reports whether what stands directly below a canonical wire name
// is registered by others: it is a public suffix, or all below it are, as below
// kawasaki.jp.
func IsForOthers(wire []byte) bool {
	var room [2 + MaxWire]byte
	return suffixAt(append(append(room[:0], "\x01-"...), wire...)) <= 2 // no suffix begins with this label
}

// suffixAt is where in a canonical wire name its public suffix starts.
func suffixAt(wire []byte) int {
	var room [2 + MaxWire]byte
	dotted := room[:0]
	for i := 0; wire[i] != 0; i += int(wire[i]) + 1 {
		if i > 0 {
			dotted = append(dotted, '.')
		}
		dotted = append(dotted, wire[i+1:i+1+int(wire[i])]...)
	}
	suffix, _ := publicsuffix.PublicSuffix(string(dotted))
	return len(dotted) - len(suffix)
}
