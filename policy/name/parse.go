package name

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"bailiff/policy/problem"
)

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
// (\046, \.), blanks, URLs, ports, addresses and wildcards are refused: they
// are no plain names. Every error is a problem.Fault.
func Parse(text string) (Name, error) {
	if err := plain(text); err != nil {
		return "", err
	}
	if text == "." {
		return Root, nil
	}
	ascii := text
	if !isASCII(text) || strings.Contains(text, "--") { // an A-label starts with xn--
		var err error
		if ascii, err = profile.ToASCII(text); err != nil {
			return "", problem.Fault{
				Text:   fmt.Sprintf("is no valid internationalised name (%s)", strings.TrimPrefix(err.Error(), "idna: ")),
				Remedy: "correct the spelling",
			}
		}
	}
	wire, err := pack(make([]byte, 0, len(ascii)+2), ascii)
	return Name(wire), err
}

// MustParse is Parse for constants of the program; it panics on an error.
func MustParse(text string) Name {
	n, err := Parse(text)
	if err != nil {
		panic(fmt.Sprintf("name: %q %v", text, err))
	}
	return n
}

// Append is Parse for millions of names: it appends the canonical wire format
// of text to dst and allocates nothing else for a plain ASCII name. After an
// error the octets behind len(dst) are undefined.
func Append(dst, text []byte) ([]byte, error) {
	if !bytes.Contains(text, []byte("--")) {
		if wire, err := pack(dst, text); err == nil {
			return wire, nil
		}
	}
	n, err := Parse(string(text))
	return append(dst, n...), err
}

// plain refuses, with its own words, what people paste by mistake.
func plain(text string) error {
	switch {
	case text == "":
		return problem.Fault{Text: "is empty", Remedy: "write a domain name"}
	case len(text) > utf8.UTFMax*MaxWire: // U-labels take up to four octets a character
		return problem.Fault{Text: "is too long for a name (255 octets)", Remedy: "write one domain name"}
	case !utf8.ValidString(text):
		return problem.Fault{Text: "is not UTF-8 text", Remedy: "convert it to UTF-8"}
	case strings.Contains(text, "://"):
		return problem.Fault{Text: "is a URL, not a name", Remedy: "write the name alone if the order covers all of it"}
	case isAddress(text):
		return problem.Fault{Text: "is an address, not a name", Remedy: "write it in a rule of its own: {address: …}"}
	case strings.ContainsAny(text, "/?#"):
		return problem.Fault{Text: "has a path, not only a name", Remedy: "write the name alone if the order covers all of it"}
	case strings.Contains(text, `\`):
		return problem.Fault{Text: "has an escape, which no plain name has", Remedy: "write the name without it"}
	case strings.Contains(text, "*"):
		return problem.Fault{Text: "has an asterisk, which no plain name has", Remedy: "write the name that the asterisk stands below"}
	case strings.Contains(text, "@"):
		return problem.Fault{Text: "is a mail address, not a name", Remedy: "write the name alone"}
	case strings.ContainsAny(text, ":[]"):
		return problem.Fault{Text: "has a port, not only a name", Remedy: "write the name alone if the order covers all of it"}
	case strings.HasPrefix(text, ".") && text != ".":
		return problem.Fault{Text: "begins with a dot", Remedy: "write the name without it"}
	}
	return nil
}

// isAddress reports whether text is an IP address or prefix, perhaps in
// brackets.
func isAddress(text string) bool {
	address, _, _ := strings.Cut(strings.Trim(text, "[]"), "/")
	_, err := netip.ParseAddr(address)
	return err == nil
}

// pack appends dotted ASCII text in canonical wire format to dst. It takes
// letters, digits, hyphens and underscores: all that names under order have,
// and all that UTS 46 must not smuggle in (U+FF0F maps to a slash).
func pack[T string | []byte](dst []byte, text T) ([]byte, error) {
	if len(text) > 0 && text[len(text)-1] == '.' {
		text = text[:len(text)-1]
	}
	start, label, digits := len(dst), len(dst), true
	dst = append(dst, 0)
	for i := range len(text) {
		c := lower(text[i])
		switch {
		case 'a' <= c && c <= 'z', c == '-', c == '_':
			digits = false
		case '0' <= c && c <= '9':
		case c == '.':
			if err := endLabel(dst, label); err != nil {
				return nil, err
			}
			label, digits, c = len(dst), true, 0
		default:
			return nil, strayOctet(c)
		}
		dst = append(dst, c)
	}
	if err := endLabel(dst, label); err != nil {
		return nil, err
	}
	dst = append(dst, 0)
	switch {
	case len(dst)-start > MaxWire:
		return nil, problem.Fault{
			Text:   fmt.Sprintf("takes %d octets, over the limit of 255 (RFC 1035)", len(dst)-start),
			Remedy: "write one domain name",
		}
	case digits:
		return nil, problem.Fault{Text: "ends in a number, which no top-level domain is", Remedy: "correct the name"}
	}
	return dst, nil
}

// strayOctet words the refusal of an octet that is no part of a name.
func strayOctet(c byte) error {
	return problem.Fault{
		Text:   fmt.Sprintf("has %q, which no name has", c),
		Remedy: "write one name in letters, digits, hyphens and dots",
	}
}

// endLabel writes the length octet of the label whose octets are dst[at+1:].
func endLabel(dst []byte, at int) error {
	size := len(dst) - at - 1
	switch {
	case size == 0:
		return problem.Fault{Text: "has an empty label (two dots in a row)", Remedy: "remove one dot"}
	case size > MaxLabel:
		return problem.Fault{
			Text:   fmt.Sprintf("has a label of %d octets, over the limit of 63 (RFC 1035)", size),
			Remedy: "correct the name",
		}
	}
	dst[at] = byte(size)
	return nil
}

// lower folds one ASCII capital.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// isASCII reports whether s needs no IDNA mapping.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
