package likeness

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

//go:generate sh -c "go run ./internal/confusables <confusables.txt >confusables.go"

// confusable is a character and its prototype: what stands for all that look
// like it.
type confusable struct {
	from rune
	to   string
}

// prototypeOf is what the character looks like, itself if it is like no other.
func prototypeOf(r rune) string {
	i, found := slices.BinarySearchFunc(confusables[:], r, func(c confusable, r rune) int { return cmp.Compare(c.from, r) })
	if !found {
		return string(r)
	}
	return confusables[i].to
}

// skeletonOf is the skeleton of UTS 39 section 4: two labels look alike if
// theirs are equal. Labels are compared in logical order: characters that are
// written from the right are not reordered.
func skeletonOf(label string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(label) {
		if !isJoiner(r) {
			b.WriteString(prototypeOf(r))
		}
	}
	return norm.NFD.String(b.String())
}

// isJoiner reports one of the two characters of labels that nobody sees
// (Default_Ignorable_Code_Point).
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

// unicodeOf is a label as a U-label, or as it is if it is no A-label.
func unicodeOf(label string) string {
	if strings.HasPrefix(label, "xn--") {
		if u, err := idna.Punycode.ToUnicode(label); err == nil {
			return u
		}
	}
	return label
}

// plainOf is a label in ASCII as far as possible: what looks like ASCII, itself
// or its capital, becomes that, and marks go.
func plainOf(label string) string {
	var b strings.Builder
	for _, r := range norm.NFD.String(label) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r) && !isJoiner(r):
			b.WriteString(plainLetters(r))
		}
	}
	return b.String()
}

// plainLetters are the letters or digits of ASCII that a character looks like;
// itself if there are none.
func plainLetters(r rune) string {
	for _, c := range []rune{r, unicode.ToUpper(r)} { // names are written in any case
		letters := strings.ToLower(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, prototypeOf(c)))
		if !strings.ContainsFunc(letters, notPlain) {
			return letters
		}
	}
	return string(r)
}

func notPlain(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// caselessOf folds what looks alike in plain letters. Names are written in any
// case: i stands for I too, which looks like l, and o for O, which looks like 0.
func caselessOf(plain string) string { return foldASCII.Replace(plain) }

var foldASCII = strings.NewReplacer("0", "o", "1", "l", "i", "l", "m", "rn", "w", "vv")
