// Package name holds domain names in the one form policy works on: canonical
// wire format (RFC 4034 section 6.2: lower-case, uncompressed, length-prefixed
// labels, a final zero octet).
//
// Parse takes what people write (any case, a final dot or none, U-labels or
// A-labels) and says what is wrong with it. It never resolves and never
// guesses: text that is not exactly one domain name is an error.
package name

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
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

// profile is UTS 46 non-transitional processing with the IDNA2008 checks that
// registries apply. STD3 rules stay off: an underscore label is a fine name
// to put under order.
var profile = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.BidiRule(),
	idna.CheckHyphens(false),
	idna.CheckJoiners(true),
)

// Parse reads one domain name in presentation form. A final dot is optional;
// capitals, U-labels and A-labels are mapped to their canonical form. Escapes
// (\046, \.), blanks, URLs, ports, addresses' brackets and wildcards are
// refused: they are no plain names.
func Parse(text string) (Name, error) {
	if err := plain(text); err != nil {
		return "", err
	}
	if text == "." {
		return Root, nil
	}
	ascii := text
	if !isASCII(text) || strings.Contains(strings.ToLower(text), "xn--") {
		var err error
		if ascii, err = profile.ToASCII(text); err != nil {
			return "", fmt.Errorf("is no valid internationalised name (%s)", strings.TrimPrefix(err.Error(), "idna: "))
		}
	}
	return pack(strings.TrimSuffix(ascii, "."))
}

// MustParse is Parse for constants of the program; it panics on an error.
func MustParse(text string) Name {
	n, err := Parse(text)
	if err != nil {
		panic(fmt.Sprintf("name: %q %v", text, err))
	}
	return n
}

// plain refuses, with its own words, what people paste by mistake.
func plain(text string) error {
	switch {
	case text == "":
		return errors.New("is empty")
	case len(text) > 4*MaxWire: // U-labels take up to four octets a character
		return errors.New("is too long for a name (255 octets)")
	case !utf8.ValidString(text):
		return errors.New("is not UTF-8 text")
	case strings.Contains(text, "://"):
		return errors.New("is a URL, not a name")
	case strings.ContainsAny(text, "/?#"):
		return errors.New("has a path, not only a name")
	case strings.Contains(text, `\`):
		return errors.New("has an escape, which no plain name has")
	case strings.Contains(text, "*"):
		return errors.New("has an asterisk, which no plain name has")
	case strings.Contains(text, "@"):
		return errors.New("is a mail address, not a name")
	case strings.ContainsAny(text, ":[]"):
		return errors.New("has a port or is an address, not a name")
	case strings.ContainsAny(text, " \t\r\n\u00a0,;|\"'<>(){}^$&=+!%~`"):
		return errors.New("has a character that no name has")
	case strings.HasPrefix(text, ".") && text != ".":
		return errors.New("begins with a dot")
	}
	return nil
}

// pack turns dotted ASCII text into canonical wire format.
func pack(text string) (Name, error) {
	wire := make([]byte, 0, len(text)+2)
	for label := range strings.SplitSeq(text, ".") {
		switch {
		case label == "":
			return "", errors.New("has an empty label (two dots in a row)")
		case len(label) > MaxLabel:
			return "", fmt.Errorf("has a label of %d octets; 63 is the limit (RFC 1035)", len(label))
		}
		wire = append(wire, byte(len(label)))
		for i := range len(label) {
			c := label[i]
			if c <= ' ' || c >= 0x7f {
				return "", errors.New("has a character that no name has")
			}
			wire = append(wire, lower(c))
		}
	}
	wire = append(wire, 0)
	if len(wire) > MaxWire {
		return "", fmt.Errorf("takes %d octets; 255 is the limit (RFC 1035)", len(wire))
	}
	return Name(wire), nil
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// String is the presentation form without the final dot ("." for the root);
// octets that are not printable, and dots and backslashes inside a label, are
// escaped as RFC 4343 section 2.1 asks.
func (n Name) String() string {
	if n == Root || n == "" {
		return "."
	}
	var b strings.Builder
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
