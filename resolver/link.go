package resolver

import (
	"encoding/binary"
	"iter"

	"bailiff/policy/name"
)

// link is a name beside QNAME in a truth, subject to name rules.
type link struct {
	name  []byte // canonical wire format; borrowed from the truth
	kind  linkKind
	end   int // offset in the message up to which records stand if an order holds the name
	count int // how many answer records those are
}

// linkKind says what an order on a link's name does to the response.
type linkKind uint8

const (
	linkChain     linkKind = iota // target of a CNAME, or of a DNAME that was asked for: the order answers for it
	linkOwner                     // of a DNAME, above the name it stands for: the record is withheld
	linkService                   // SVCB or HTTPS target: these records are withheld
	linkAuthority                 // owner in the authority section: the section is withheld
)

// A packed link is its kind in one octet, end and count in two each, then the
// name.
const (
	linkEnd   = 1
	linkCount = 3
	linkName  = 5
)

// links yields the names beside QNAME, in the order of the records.
func (t *truth) links() iter.Seq[link] {
	return func(yield func(link) bool) {
		for rest := t.octets[t.linked:]; len(rest) > 0; {
			l := link{
				kind:  linkKind(rest[0]),
				end:   int(binary.BigEndian.Uint16(rest[linkEnd:])),
				count: int(binary.BigEndian.Uint16(rest[linkCount:])),
			}
			size := skipName(rest, linkName)
			l.name, rest = rest[linkName:size:size], rest[size:]
			if !yield(l) {
				return
			}
		}
	}
}

// hasLinks reports whether there are any.
func (t *truth) hasLinks() bool { return int(t.linked) < len(t.octets) }

// appendLinks packs the links of a message whose records start at an offset.
func appendLinks(packed, message []byte, at int) []byte {
	answers := int(binary.BigEndian.Uint16(message[answerCount:]))
	last := len(packed)     // where the last link starts
	service, before := 0, 0 // the first record of a service, and how many there are before it
	for i := range answers {
		r, start := recordAt(message, at), len(packed)
		rdata := r.fixed + fixedRecord
		switch r.rrtype(message) {
		case typeCNAME:
			packed = appendLink(packed, linkChain, r.end, i+1, message, rdata)
		case typeDNAME:
			packed = appendLink(packed, linkOwner, r.owner, i, message, r.owner)
			if !hasCNAME(message, r.end, answers-i-1) { // it is the answer itself: no CNAME follows from it
				start = len(packed)
				packed = appendLink(packed, linkChain, r.end, i+1, message, rdata)
			}
		case typeSVCB, typeHTTPS:
			if service == 0 {
				service, before = r.owner, i
			}
			packed = appendLink(packed, linkService, service, before, message, rdata+2)
		case typeRRSIG:
			extendLink(packed[last:], r.end, i+1)
		}
		if len(packed) > start {
			last = start
		}
		at = r.end
	}
	for authority := at; at < len(message); at = recordAt(message, at).end {
		packed = appendLink(packed, linkAuthority, authority, answers, message, at)
	}
	return packed
}

// hasCNAME reports whether there is a CNAME among count records from at on.
func hasCNAME(message []byte, at, count int) bool {
	for range count {
		r := recordAt(message, at)
		if r.rrtype(message) == typeCNAME {
			return true
		}
		at = r.end
	}
	return false
}

// appendLink packs the link to the name at an offset, unless that is the root,
// which no order holds.
func appendLink(packed []byte, kind linkKind, end, count int, message []byte, at int) []byte {
	start := len(packed)
	packed = append(packed, byte(kind))
	packed = binary.BigEndian.AppendUint16(packed, uint16(end))
	packed = binary.BigEndian.AppendUint16(packed, uint16(count))
	packed = appendName(packed, message, at)
	if packed[start+linkName] == 0 {
		return packed[:start]
	}
	return packed
}

// extendLink takes the signature that follows a chain's record into that
// record's part of the answer. l is the last link, packed, if there is any.
func extendLink(l []byte, end, count int) {
	if len(l) > 0 && linkKind(l[0]) == linkChain && int(binary.BigEndian.Uint16(l[linkCount:])) == count-1 {
		binary.BigEndian.PutUint16(l[linkEnd:], uint16(end))
		binary.BigEndian.PutUint16(l[linkCount:], uint16(count))
	}
}

// appendName appends the name at an offset of a truth's message, in canonical
// wire format. Compression pointers lead backwards there.
func appendName(dst, message []byte, at int) []byte {
	for message[at] != 0 {
		size := int(message[at])
		if size > name.MaxLabel {
			at = int(binary.BigEndian.Uint16(message[at:]) & 0x3fff)
			continue
		}
		for _, c := range message[at : at+1+size] { // a size never looks like a capital
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		at += 1 + size
	}
	return append(dst, 0)
}
