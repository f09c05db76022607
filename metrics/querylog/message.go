package querylog

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// Points are what a response leads to, as text: each kind at most maxPoints of
// them, in their order.
type Points struct {
	Addresses []string // of A and AAAA records
	CNAMEs    []string // targets
	Servers   []string // name servers, of NS records in answer and authority section
}

const maxPoints = 16

// pointsOf reads a response as far as it can be read. It may be hostile, or
// nil.
func pointsOf(message []byte) (p Points) {
	var parser dnsmessage.Parser
	if _, err := parser.Start(message); err != nil || parser.SkipAllQuestions() != nil {
		return p
	}
	for p.answer(&parser) {
	}
	for p.authority(&parser) {
	}
	return p
}

// answer takes the next record of the answer section; it reports false if
// there is none that can be read.
func (p *Points) answer(parser *dnsmessage.Parser) bool {
	h, err := parser.AnswerHeader()
	if err != nil {
		return false
	}
	switch h.Type {
	case dnsmessage.TypeA:
		r, err := parser.AResource()
		return err == nil && note(&p.Addresses, netip.AddrFrom4(r.A).String())
	case dnsmessage.TypeAAAA:
		r, err := parser.AAAAResource()
		return err == nil && note(&p.Addresses, netip.AddrFrom16(r.AAAA).String())
	case dnsmessage.TypeCNAME:
		r, err := parser.CNAMEResource()
		return err == nil && note(&p.CNAMEs, undotted(r.CNAME))
	case dnsmessage.TypeNS:
		r, err := parser.NSResource()
		return err == nil && note(&p.Servers, undotted(r.NS))
	}
	return parser.SkipAnswer() == nil
}

// authority does the same in the authority section.
func (p *Points) authority(parser *dnsmessage.Parser) bool {
	h, err := parser.AuthorityHeader()
	if err != nil {
		return false
	}
	if h.Type == dnsmessage.TypeNS {
		r, err := parser.NSResource()
		return err == nil && note(&p.Servers, undotted(r.NS))
	}
	return parser.SkipAuthority() == nil
}

// note adds a text while there is room, and returns true.
func note(list *[]string, text string) bool {
	if len(*list) < maxPoints {
		*list = append(*list, text)
	}
	return true
}

// undotted is a name without its final dot, but for the root's.
func undotted(n dnsmessage.Name) string {
	if n.Length > 1 {
		n.Length--
	}
	return n.String()
}

// The parts of a message that anonymous looks at.
const (
	headerSize  = 12
	fixedRecord = 10 // octets of a record between owner and RDATA
	typeOPT     = 41
	optionEDE   = 15
)

// anonymous takes out of a message, in place, what may tell on its client: of
// the additional section only OPT stays, and of its options (client subnet,
// cookie, the like) only extended errors. It returns nil for what is not
// well-formed.
func anonymous(m []byte) []byte {
	if len(m) < headerSize {
		return nil
	}
	count := func(section int) int { return int(binary.BigEndian.Uint16(m[section:])) }
	at := headerSize
	for range count(4) {
		if at = afterName(m, at) + 4; at > len(m) {
			return nil
		}
	}
	for range count(6) + count(8) {
		if _, at = record(m, at); at < 0 {
			return nil
		}
	}
	kept, opts := m[:at], 0
	for range count(10) {
		rdata, end := record(m, at)
		if end < 0 {
			return nil
		}
		if binary.BigEndian.Uint16(m[rdata-fixedRecord:]) == typeOPT {
			kept = appendOPT(kept, m[at:rdata], m[rdata:end])
			opts++
		}
		at = end
	}
	binary.BigEndian.PutUint16(m[10:], uint16(opts))
	return kept
}

// appendOPT appends an OPT record with its extended errors alone. It never
// writes beyond what it has read.
func appendOPT(dst, fixed, options []byte) []byte {
	dst = append(dst, fixed...)
	start := len(dst)
	for len(options) >= 4 {
		size := min(4+int(binary.BigEndian.Uint16(options[2:])), len(options))
		if binary.BigEndian.Uint16(options) == optionEDE {
			dst = append(dst, options[:size]...)
		}
		options = options[size:]
	}
	binary.BigEndian.PutUint16(dst[start-2:], uint16(len(dst)-start))
	return dst
}

// record finds the RDATA of the record at an offset; end is -1 if it is not
// whole.
func record(m []byte, at int) (rdata, end int) {
	rdata = afterName(m, at) + fixedRecord
	if rdata > len(m) {
		return 0, -1
	}
	if end = rdata + int(binary.BigEndian.Uint16(m[rdata-2:])); end > len(m) {
		return 0, -1
	}
	return rdata, end
}

// afterName is the offset after a name, compressed or not; beyond the message
// if it does not end in it.
func afterName(m []byte, at int) int {
	for at < len(m) {
		switch size := int(m[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		default:
			at += size + 1
		}
	}
	return len(m) + 1
}
