package likeness

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// confusables are letters that look like one of ASCII. The pairs are a choice
// from the data of UTS 39 (Unicode Security Mechanisms, confusables.txt): the
// small letters of Latin, Cyrillic and Greek that IDNA2008 lets into a label,
// with those whose capitals look the same. It knows no other scripts, and no
// likeness of sequences but skeletonOf's. It is never written to.
var confusables = map[rune]rune{
	// Cyrillic
	'а': 'a', 'в': 'b', 'ь': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'є': 'e', 'г': 'r', 'һ': 'h', 'н': 'h', 'і': 'i', 'ј': 'j',
	'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o', 'р': 'p', 'ԛ': 'q', 'ѕ': 's', 'т': 't', 'у': 'y', 'ү': 'y', 'ѵ': 'v', 'ԝ': 'w', 'х': 'x',
	// Greek
	'α': 'a', 'β': 'b', 'ε': 'e', 'γ': 'y', 'η': 'n', 'ι': 'i', 'κ': 'k', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'σ': 'o', 'τ': 't', 'υ': 'u',
	'χ': 'x', 'ω': 'w', 'ζ': 'z', 'ϲ': 'c', 'ϳ': 'j',
	// Latin
	'ı': 'i', 'ɩ': 'i', 'ɑ': 'a', 'ɡ': 'g', 'ɢ': 'g', 'ƅ': 'b', 'đ': 'd', 'ħ': 'h', 'ł': 'l', 'ø': 'o', 'ŧ': 't', 'ʋ': 'v', 'ʏ': 'y',
	'ɴ': 'n', 'ʀ': 'r', 'ᴄ': 'c', 'ᴏ': 'o', 'ᴠ': 'v', 'ᴡ': 'w', 'ᴢ': 'z',
}

// plainOf is a label as a U-label in ASCII as far as possible: letters that
// look like an ASCII letter become that, and marks go.
func plainOf(label string) string {
	if strings.HasPrefix(label, "xn--") {
		if u, err := idna.Punycode.ToUnicode(label); err == nil {
			label = u
		}
	}
	return strings.Map(func(r rune) rune {
		switch ascii, found := confusables[r]; {
		case found:
			return ascii
		case unicode.Is(unicode.Mn, r):
			return -1
		}
		return r
	}, norm.NFD.String(label))
}

// skeletonOf folds what looks alike within ASCII, as UTS 39 section 4 does.
// Names are written in any case: i stands for I too, which looks like l.
func skeletonOf(plain string) string { return foldASCII.Replace(plain) }

var foldASCII = strings.NewReplacer("0", "o", "1", "l", "i", "l", "m", "rn", "w", "vv")
