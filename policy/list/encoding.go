package list

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how a file's octets stand for characters.
type Encoding uint8

// The encodings that registers are published in.
const (
	UTF8 Encoding = iota
	ISO88592
	Windows1250
	Windows1251
)

// String is the word order files use.
func (e Encoding) String() string {
	switch e {
	case UTF8:
		return "utf-8"
	case ISO88592:
		return "iso-8859-2"
	case Windows1250:
		return "windows-1250"
	case Windows1251:
		return "windows-1251"
	}
	return fmt.Sprintf("Encoding(%d)", uint8(e))
}

// Encodings returns every encoding.
func Encodings() []Encoding { return []Encoding{UTF8, ISO88592, Windows1250, Windows1251} }

// decode returns r in UTF-8, without a byte order mark. Text in UTF-16 is known
// by that mark. Octets that stand for no character become U+FFFD, which no name
// has; what is UTF-8 already stays as it is.
func (e Encoding) decode(r io.Reader) io.Reader {
	switch e {
	case ISO88592:
		return charmap.ISO8859_2.NewDecoder().Reader(r)
	case Windows1250:
		return charmap.Windows1250.NewDecoder().Reader(r)
	case Windows1251:
		return charmap.Windows1251.NewDecoder().Reader(r)
	}
	return transform.NewReader(r, unicode.BOMOverride(transform.Nop))
}

// decodeLabelled is decode for the name of an encoding that an XML file gives.
func decodeLabelled(label string, r io.Reader) (io.Reader, error) {
	for _, e := range Encodings() {
		if strings.EqualFold(label, e.String()) {
			return e.decode(r), nil
		}
	}
	return nil, fmt.Errorf("unknown encoding")
}
