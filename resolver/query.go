package resolver

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/resolver/upstream"
)

// Transport is how a query came.
type Transport uint8

// The transports.
const (
	UDP Transport = iota
	TCP
)

// Transports is the number of transports.
const Transports = int(TCP) + 1

// String is the label value of the metrics.
func (t Transport) String() string {
	switch t {
	case UDP:
		return "udp"
	case TCP:
		return "tcp"
	}
	return fmt.Sprintf("Transport(%d)", uint8(t))
}

// Replier sends the reply to a query that had to wait. It is called once for
// each such query, from any goroutine; reply is nil if nothing is to be sent.
// Both are the Replier's only during the call.
type Replier interface {
	Reply(q *Query, reply []byte)
}

// Route is how a datagram came, opaque to the resolver: what the transport
// needs to send a late reply the same way back.
type Route struct {
	Peer       [28]byte // sockaddr_in6 is the longest
	PeerLen    uint32
	Control    [64]byte // one packet-info message
	ControlLen uint32
}

// Query is one query on its way. A worker owns it and uses it again for the
// next one; a query that has to wait is copied. The transport sets the first
// group, parse the second.
type Query struct {
	Packet    []byte // as received; the transport's
	Client    netip.Addr
	Transport Transport
	Received  time.Time
	Worker    int    // who counts it, see Observer
	Out       []byte // room for the reply, used from its start
	Route     Route
	Late      Replier
	Line      *upstream.Line // the worker's own way upstream; nil: none

	now         time.Time   // of the answer: Received, or later if q had to wait
	name        name.Buffer // QNAME, canonical
	questionEnd int         // offset after the question; 0 if there is none to repeat
	verdict     int         // of parse: rcodeNoError, or what to answer at once
	qtype       uint16
	edns        bool
	payload     int // the client's UDP payload size in octets
	do, cd, ad  bool
	rd          bool
	structured  bool // the client asks for structured errors
	differs     byte // see variant
	waits       bool
	rcode       int // of the reply, the extended bits included

	matches []policy.Match
	ruling  *policy.Match // the match that answers; nil: none does
	subject []byte        // what that is about, see Subject
	hidden  bool          // see Hidden; set where there is a query log
	linked  name.Buffer   // a name of the response, while orders are applied to it
}

// Header flags, as they stand in the third and fourth octet (RFC 1035 section
// 4.1.1, RFC 4035 section 3).
const (
	headerSize = 12

	flagQR = 0x80
	flagAA = 0x04
	flagTC = 0x02
	flagRD = 0x01
	flagRA = 0x80
	flagAD = 0x20
	flagCD = 0x10

	opcodeMask = 0x78
)

// RCODEs of replies made here.
const (
	rcodeNoError  = 0
	rcodeFormErr  = 1
	rcodeServFail = 2
	rcodeNXDomain = 3
	rcodeNotImp   = 4
	rcodeRefused  = 5
	rcodeBadVers  = 16 // RFC 6891 section 9

	rcodeSilence = -1 // no reply at all
)

// RR types that the query path tells apart.
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typePTR   = 12
	typeAAAA  = 28
	typeDNAME = 39
	typeOPT   = 41
	typeRRSIG = 46
	typeIXFR  = 251
	typeANY   = 255

	typeRESINFO = 261 // RFC 9606

	classIN = 1
)

const (
	minUDPPayload = 512  // RFC 6891 section 6.2.3
	maxUDPPayload = 1232 // fits every path unfragmented: DNS flag day 2020, RFC 9715
	maxTCPPayload = 65535
)

// parse reads the wire facts; structuredOption is the EDNS option that asks for
// structured errors, 0 if none does. It returns rcodeNoError, the RCODE to
// answer at once, or rcodeSilence. RFC 8906 says what each oddity deserves.
func (q *Query) parse(structuredOption uint16) int {
	p := q.Packet
	q.questionEnd, q.qtype, q.edns, q.payload = 0, 0, false, minUDPPayload
	q.do, q.cd, q.ad, q.rd = false, false, false, false
	q.structured, q.waits = false, false
	q.matches, q.now = q.matches[:0], q.Received
	q.ruling, q.subject, q.hidden = nil, nil, false
	if len(p) < headerSize || p[2]&flagQR != 0 {
		return rcodeSilence // an answer to a response would be a loop (CVE-2024-2169)
	}
	if p[2]&opcodeMask != 0 {
		return rcodeNotImp
	}
	q.rd, q.cd, q.ad = p[2]&flagRD != 0, p[3]&flagCD != 0, p[3]&flagAD != 0
	if binary.BigEndian.Uint16(p[4:]) != 1 {
		return rcodeFormErr // RFC 9619: one question
	}
	end := q.name.Read(p, headerSize)
	if end < 0 || end+4 > len(p) {
		return rcodeFormErr
	}
	q.qtype = binary.BigEndian.Uint16(p[end:])
	class := binary.BigEndian.Uint16(p[end+2:])
	q.questionEnd = end + 4
	if code := q.parseAdditional(p, structuredOption); code != rcodeNoError {
		return code
	}
	if class != classIN || metaType(q.qtype) {
		return rcodeRefused
	}
	return rcodeNoError
}

// metaType reports the types that ask for something else than an RRset
// (RFC 6895 section 3.1): transfers, TSIG, OPT and the like. ANY is served.
func metaType(t uint16) bool {
	return t >= 128 && t <= 255 && t != typeANY || t == typeOPT || t == 0
}

// maxAdditional bounds the additional records of a query: OPT and a signature
// over the message (RFC 8945, RFC 2931) are all there is.
const maxAdditional = 3

// parseAdditional reads what follows the question: nothing, or an OPT record.
func (q *Query) parseAdditional(p []byte, structuredOption uint16) int {
	authority, additional := binary.BigEndian.Uint16(p[8:]), int(binary.BigEndian.Uint16(p[10:]))
	if q.qtype == typeIXFR && authority > 0 {
		return rcodeRefused // its authority section holds a SOA (RFC 1995 section 3)
	}
	if binary.BigEndian.Uint16(p[6:]) != 0 || authority != 0 || additional > maxAdditional {
		return rcodeFormErr
	}
	at, version := q.questionEnd, byte(0)
	for range additional {
		owner := at
		if at = skipName(p, at); at < 0 || at+10 > len(p) {
			return rcodeFormErr
		}
		end := at + 10 + int(binary.BigEndian.Uint16(p[at+8:]))
		if end > len(p) {
			return rcodeFormErr
		}
		if binary.BigEndian.Uint16(p[at:]) == typeOPT {
			if q.edns || p[owner] != 0 || !q.readOptions(p[at+10:end], structuredOption) {
				return rcodeFormErr // RFC 6891 section 6.1.1
			}
			q.edns = true
			q.payload = max(minUDPPayload, int(binary.BigEndian.Uint16(p[at+2:])))
			version, q.do = p[at+5], p[at+6]&0x80 != 0
		}
		at = end
	}
	switch {
	case at != len(p):
		return rcodeFormErr
	case version != 0:
		return rcodeBadVers
	}
	return rcodeNoError
}

// skipName returns the offset after an owner name, compressed or not, -1 if it
// ends outside the packet.
func skipName(p []byte, at int) int {
	for at < len(p) {
		switch size := int(p[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0:
			return at + 2
		case size > name.MaxLabel:
			return -1
		default:
			at += size + 1
		}
	}
	return -1
}

// readOptions reports whether the EDNS options fill the RDATA exactly. The
// option that asks for structured errors counts without data only.
func (q *Query) readOptions(rdata []byte, structuredOption uint16) bool {
	for len(rdata) >= 4 {
		code, size := binary.BigEndian.Uint16(rdata), 4+int(binary.BigEndian.Uint16(rdata[2:]))
		if size > len(rdata) {
			return false
		}
		if code == structuredOption && code != 0 && size == 4 {
			q.structured = true
		}
		rdata = rdata[size:]
	}
	return len(rdata) == 0
}

// Waits reports whether Respond left the query waiting for an answer that its
// Late replier will get.
func (q *Query) Waits() bool { return q.waits }

// limit is the size in octets that the reply may have.
func (q *Query) limit() int {
	if q.Transport == UDP {
		return min(q.payload, maxUDPPayload)
	}
	return maxTCPPayload
}

// detach copies the query into d, a new one or one that waits no more, so that
// it may wait while its worker goes on.
func (q *Query) detach(d *Query) *Query {
	packet, matches := d.Packet[:0], d.matches[:0]
	*d = *q
	d.Packet, d.matches = append(packet, q.Packet...), matches
	d.Out, d.Line = nil, nil
	return d
}
