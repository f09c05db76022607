package dnssec

import (
	"strings"

	"github.com/miekg/dns"
)

// path is a domain name written so that the order of strings is the canonical
// order of names (RFC 4034 section 6.1), and a name's ancestors are its
// prefixes: the labels from the root's side, in lower case, each ended by a
// zero octet. Inside a label the octets 0 and 1 are written as 1 1 and 1 2. The
// root is "".
type path string

// Octets of a path that are not a label's.
const (
	endOfLabel = 0
	escape     = 1
)

const wildcardLabel path = "*\x00"

// Bounds of RFC 1035 section 2.3.4.
const (
	maxName   = 255 // octets in wire format
	maxLabels = 127
)

// pathOf reads a name in presentation format; ok is false if it is none.
func pathOf(name string) (p path, ok bool) {
	var room [maxName]byte
	wire, ok := pack(name, room[:])
	if !ok {
		return "", false
	}
	return pathOfWire(wire), true
}

// pack writes a name in wire format; ok is false if it is none, as the name in a
// record without RDATA.
func pack(name string, room []byte) (wire []byte, ok bool) {
	n, err := dns.PackDomainName(name, room, 0, nil, false)
	return room[:n], err == nil && n > 0
}

// pathOfWire reads a valid uncompressed name in wire format.
func pathOfWire(wire []byte) path {
	var starts [maxLabels]uint8
	labels := 0
	for at := 0; wire[at] != 0; at += int(wire[at]) + 1 {
		starts[labels] = uint8(at)
		labels++
	}
	var room [2 * maxName]byte
	out := room[:0]
	for labels--; labels >= 0; labels-- {
		at := int(starts[labels])
		for _, c := range wire[at+1 : at+1+int(wire[at])] {
			if c <= escape {
				out = append(out, escape, c+1)
				continue
			}
			out = append(out, lower(c))
		}
		out = append(out, endOfLabel)
	}
	return path(out)
}

// appendWire appends the name in canonical wire format.
func (p path) appendWire(dst []byte) []byte {
	for p != "" {
		up := p.parent()
		at := len(dst)
		dst = append(dst, 0)
		label := p[len(up) : len(p)-1]
		for i := 0; i < len(label); i++ {
			c := label[i]
			if c == escape {
				i++
				c = label[i] - 1
			}
			dst = append(dst, c)
		}
		dst[at] = byte(len(dst) - at - 1)
		p = up
	}
	return append(dst, 0)
}

// parent is the name without its first label. The root has none.
func (p path) parent() path {
	return p[:strings.LastIndexByte(string(p[:len(p)-1]), endOfLabel)+1]
}

// within reports whether p is the other name or below it.
func (p path) within(other path) bool { return strings.HasPrefix(string(p), string(other)) }

// below reports whether p is a proper subdomain of the other name.
func (p path) below(other path) bool { return len(p) > len(other) && p.within(other) }

// towards is the name one label below p on the way to a name below p: the next
// closer name of RFC 5155 section 1.3, where p is the closest encloser.
func (p path) towards(name path) path {
	return name[:len(p)+strings.IndexByte(string(name[len(p):]), endOfLabel)+1]
}

// common is the closest ancestor that two names share.
func common(a, b path) path {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndexByte(string(a[:n]), endOfLabel)+1]
}

// lower maps the capitals of ASCII.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// lowerAll does so for octets in place. The length octets of a name in wire
// format are no capitals: the name may be given whole.
func lowerAll(octets []byte) {
	for i, c := range octets {
		octets[i] = lower(c)
	}
}
