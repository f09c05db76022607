package upstream

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"

	"github.com/miekg/dns"
)

const (
	headerOctets  = 12  // RFC 1035 section 4.1.1
	optOctets     = 11  // an OPT without options (RFC 6891 section 6.1.2)
	maxNameOctets = 255 // RFC 1035 section 2.3.4
)

// Bits of the third and fourth octet of a header.
const (
	bitTC     = 0x02
	maskRcode = 0x0f
)

// Bounds of a plain response: what is longer is read in the general way.
const (
	maxPlainRecords = 32  // of a section: those of an answer are compared with each other
	maxPlainNames   = 512 // octets of QNAME and the targets of its CNAMEs
)

// plain is the short way from a response to an answer, for the usual one: there
// is nothing to move or to respell, and its first octets are the message. The
// answer section is a chain of CNAMEs and an RRset of addresses or of one name,
// or the authority section is the SOA of a negative response. Behind what is kept
// stand an OPT that says nothing and what servers of zones add: NS records beside
// an answer, and addresses. Of what plain takes repack would make the same
// records; for anything else plain reports false, and has changed the spelling of
// QNAME at most.
func plain(q Question, packet []byte) (Answer, bool) {
	r := plainReader{packet: packet, at: headerOctets + len(q.Name) + 4}
	if len(packet) < r.at || packet[2]&bitTC != 0 || r.count(qdCount) != 1 || q.Type == dns.TypeANY {
		return Answer{}, false
	}
	copy(packet[headerOctets:], q.Name)
	if !r.answer(q) || !r.authority() || !r.additional() {
		return Answer{}, false
	}
	r.levelTTLs()
	if r.set > 0 {
		clear(packet[nsCount : nsCount+2])
	}
	clear(packet[arCount : arCount+2])
	return Answer{Message: packet[:r.end]}, true
}

// Where the header counts the records of a section.
const (
	qdCount = 4
	anCount = 6
	nsCount = 8
	arCount = 10
)

// plainReader reads a response from its first record to the last. Its methods
// report false for what is not plain.
type plainReader struct {
	packet []byte
	at     int // where the next record starts
	end    int // of the sections that are kept

	ttls    [maxPlainRecords + 1]uint16 // where the TTLs of the records stand
	records int
	set     int // how many of the answer's records are the RRset that was asked for

	names [maxPlainNames]byte // a zero octet, QNAME and the targets, in lower case
	last  int                 // where the last of these starts
	used  int                 // octets of names
}

func (r *plainReader) count(section int) int {
	return int(binary.BigEndian.Uint16(r.packet[section:]))
}

// plainRecord is a record of class IN: offsets in the packet.
type plainRecord struct {
	rrtype     uint16
	rdata, end int
}

// isAddress reports a well-formed A or AAAA record.
func (rec plainRecord) isAddress() bool {
	switch size := rec.end - rec.rdata; rec.rrtype {
	case dns.TypeA:
		return size == net.IPv4len
	case dns.TypeAAAA:
		return size == net.IPv6len
	}
	return false
}

// record reads the next record, all but its RDATA. owner is borrowed from
// space.
func (r *plainReader) record(space []byte) (rec plainRecord, owner []byte, ok bool) {
	owner, at := r.name(space, r.at)
	if at < 0 || at+10 > len(r.packet) {
		return rec, nil, false
	}
	rec.rrtype = binary.BigEndian.Uint16(r.packet[at:])
	rec.rdata = at + 10
	rec.end = rec.rdata + int(binary.BigEndian.Uint16(r.packet[at+8:]))
	if binary.BigEndian.Uint16(r.packet[at+2:]) != dns.ClassINET || rec.end > len(r.packet) {
		return rec, nil, false
	}
	r.ttls[r.records] = uint16(at + 4)
	r.records++
	r.at = rec.end
	return rec, owner, true
}

// answer reads the answer section.
func (r *plainReader) answer(q Question) bool {
	r.last, r.used = 1, 1+copy(r.names[1:], q.Name)
	count := r.count(anCount)
	if count > maxPlainRecords {
		return false
	}
	for range count {
		var space [maxNameOctets]byte
		rec, owner, ok := r.record(space[:0])
		switch {
		case !ok || !bytes.Equal(owner, r.lastName()):
			return false
		case rec.rrtype == q.Type:
			ok = r.data(rec)
		case rec.rrtype == dns.TypeCNAME && r.set == 0:
			ok = r.records <= MaxLinks && r.link(rec)
		default:
			return false
		}
		if !ok {
			return false
		}
	}
	r.end = r.at
	return true
}

// lastName is the name that the chain has reached.
func (r *plainReader) lastName() []byte { return r.names[r.last:r.used] }

// link follows a CNAME to a name where the chain has not been yet.
func (r *plainReader) link(rec plainRecord) bool {
	var space [maxNameOctets]byte
	target, end := r.name(space[:0], rec.rdata)
	if end != rec.end || r.used+len(target) > len(r.names) {
		return false
	}
	r.last = r.used
	for _, c := range target {
		r.names[r.used] = lower(c)
		r.used++
	}
	// With the zero octet before it, a name is found where one starts only.
	return !bytes.Contains(r.names[:r.last], r.names[r.last-1:r.used])
}

// data takes a record of the RRset that was asked for, if it is well-formed and
// not there already.
func (r *plainReader) data(rec plainRecord) bool {
	r.set++
	switch rec.rrtype {
	case dns.TypeA, dns.TypeAAAA:
		return rec.isAddress() && r.isNew(rec)
	case dns.TypeCNAME, dns.TypePTR: // of several, names would have to be compared
		return r.set == 1 && r.isName(rec)
	}
	return false
}

// isName reports whether the RDATA is one name.
func (r *plainReader) isName(rec plainRecord) bool {
	var space [maxNameOctets]byte
	_, end := r.name(space[:0], rec.rdata)
	return end == rec.end
}

// isNew compares the RDATA of the last record with those before it in the
// RRset, all of one size.
func (r *plainReader) isNew(rec plainRecord) bool {
	rdata := r.packet[rec.rdata:rec.end]
	for _, ttl := range r.ttls[r.records-r.set : r.records-1] {
		if bytes.Equal(r.packet[ttl+6:][:len(rdata)], rdata) {
			return false
		}
	}
	return true
}

// authority reads the authority section.
func (r *plainReader) authority() bool {
	rcode, count := int(r.packet[3]&maskRcode), r.count(nsCount)
	switch {
	case r.set > 0:
		return rcode == dns.RcodeSuccess && count <= maxPlainRecords && r.nameServers(count)
	case rcode != dns.RcodeSuccess && rcode != dns.RcodeNameError, count > 1:
		return false
	case count == 0:
		return true
	}
	var space [maxNameOctets]byte
	rec, owner, ok := r.record(space[:0])
	if !ok || rec.rrtype != dns.TypeSOA || !isAbove(owner, r.lastName()) {
		return false
	}
	_, at := r.name(space[:0], rec.rdata)
	if at < 0 {
		return false
	}
	_, at = r.name(space[:0], at)
	r.end = rec.end
	return at+soaNumbers == rec.end
}

// soaNumbers is the size of what follows the names in a SOA (RFC 1035 section
// 3.3.13).
const soaNumbers = 20

// isAbove reports whether name, in lower case, is apex or below it.
func isAbove(apex, name []byte) bool {
	for !bytes.Equal(apex, name) {
		if name[0] == 0 {
			return false
		}
		name = name[1+name[0]:]
	}
	return true
}

// nameServers passes over the NS records beside an answer.
func (r *plainReader) nameServers(count int) bool {
	for range count {
		rec, ok := r.pass()
		if !ok || rec.rrtype != dns.TypeNS || !r.isName(rec) {
			return false
		}
	}
	return true
}

// additional passes over the additional section: addresses, and one OPT at most
// that says nothing. It must be the end of the packet.
func (r *plainReader) additional() bool {
	count, hadOPT := r.count(arCount), false
	if count > maxPlainRecords {
		return false
	}
	for range count {
		if r.bareOPT() {
			if hadOPT {
				return false
			}
			hadOPT = true
			r.at += optOctets
			continue
		}
		rec, ok := r.pass()
		if !ok || !rec.isAddress() {
			return false
		}
	}
	return r.at == len(r.packet)
}

// pass reads the next record as one that is not kept.
func (r *plainReader) pass() (rec plainRecord, ok bool) {
	var space [maxNameOctets]byte
	if rec, _, ok = r.record(space[:0]); ok {
		r.records--
	}
	return rec, ok
}

// bareOPT reports whether the next record is an OPT without options, and without
// a part of an RCODE.
func (r *plainReader) bareOPT() bool {
	rest := r.packet[r.at:]
	return len(rest) >= optOctets && rest[0] == 0 &&
		binary.BigEndian.Uint16(rest[1:]) == dns.TypeOPT &&
		rest[5] == 0 && // of the RCODE
		binary.BigEndian.Uint16(rest[9:]) == 0 // options
}

// name appends the name at an offset to space, as it is spelt, and returns the
// offset after it, -1 if it is none or leads through octets that replies change.
// A pointer leads backwards, to labels that end before those before the pointer
// start: no name goes on for ever, or over itself.
func (r *plainReader) name(space []byte, at int) (name []byte, end int) {
	start, limit := at, len(r.packet) // of the labels that stand together
	for end = -1; at < limit; {
		size := int(r.packet[at])
		switch {
		case size == 0:
			if end < 0 {
				end = at + 1
			}
			if r.holdTTL(start, at) {
				return nil, -1
			}
			return append(space, 0), end
		case size < 64:
			next := at + 1 + size
			if next >= limit || len(space)+1+size >= maxNameOctets {
				return nil, -1
			}
			space = append(space, r.packet[at:next]...)
			at = next
		case size >= 0xc0 && at+1 < limit:
			if end < 0 {
				end = at + 2
			}
			to := int(binary.BigEndian.Uint16(r.packet[at:]) & 0x3fff)
			if to < headerOctets || r.holdTTL(start, at+1) {
				return nil, -1
			}
			start, limit, at = to, start, to
		default:
			return nil, -1
		}
	}
	return nil, -1
}

// holdTTL reports whether a TTL stands among the octets from first to last.
func (r *plainReader) holdTTL(first, last int) bool {
	for _, ttl := range r.ttls[:r.records] {
		if int(ttl) <= last && first < int(ttl)+4 {
			return true
		}
	}
	return false
}

// lower is an octet of a name in lower case (RFC 4343 section 3).
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// levelTTLs gives all records the TTLs that levelled would.
func (r *plainReader) levelTTLs() {
	links, set := r.ttls[:r.records-r.set], r.ttls[r.records-r.set:r.records]
	smallest := uint32(math.MaxInt32)
	for _, at := range set {
		smallest = min(smallest, effectiveTTL(binary.BigEndian.Uint32(r.packet[at:])))
	}
	for _, at := range set {
		binary.BigEndian.PutUint32(r.packet[at:], smallest)
	}
	for _, at := range links { // and the SOA: RRsets of one record
		binary.BigEndian.PutUint32(r.packet[at:], effectiveTTL(binary.BigEndian.Uint32(r.packet[at:])))
	}
}
