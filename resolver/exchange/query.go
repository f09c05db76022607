package exchange

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/miekg/dns"
)

const (
	headerOctets = 12   // RFC 1035 section 4.1.1
	optOctets    = 11   // an OPT without options (RFC 6891 section 6.1.2)
	lengthOctets = 2    // before each message over TCP (RFC 1035 section 4.2.2)
	maxPayload   = 1232 // octets offered over UDP: no fragments (RFC 9715 section 3)
)

// Bits of the third and fourth octet of a header, and of the OPT's flags.
const (
	bitQR      = 0x80
	maskOpcode = 0x78
	bitTC      = 0x02
	bitRD      = 0x01
	bitAD      = 0x20
	bitCD      = 0x10
	maskRcode  = 0x0f
	bitDO      = 0x80
)

// Query is a question packed for one exchange: its ID and spelling are used
// once. It is immutable.
type Query struct {
	packet   []byte // the octets of length for TCP, then the message
	question []byte // the question section within packet, as spelt
	form     Form
}

// Pack makes the query with an ID and, where the form says so, a spelling from
// crypto/rand (RFC 5452 section 9.2).
func Pack(q Question, form Form) Query {
	var random [2 + 32]byte // the ID, then one bit for each octet of a name
	rand.Read(random[:])    // never fails: the runtime ends the process instead

	packet := make([]byte, lengthOctets+headerOctets, lengthOctets+headerOctets+len(q.Name)+4+optOctets)
	header := packet[lengthOctets:]
	copy(header, random[:2])
	header[2] = flag(!form.Iterative, bitRD)
	header[3] = flag(q.AD, bitAD) | flag(q.CD, bitCD)
	header[5] = 1 // QDCOUNT
	header[11] = flag(form.EDNS, 1)

	packet = append(packet, q.Name...)
	if form.MixedCase {
		spell(packet[lengthOctets+headerOctets:], random[2:])
	}
	packet = binary.BigEndian.AppendUint16(packet, q.Type)
	packet = binary.BigEndian.AppendUint16(packet, dns.ClassINET)
	question := packet[lengthOctets+headerOctets:]
	if form.EDNS {
		packet = append(packet, 0, 0, byte(dns.TypeOPT), maxPayload>>8, maxPayload&0xff, 0, 0, flag(q.DO, bitDO), 0, 0, 0)
	}
	binary.BigEndian.PutUint16(packet, uint16(len(packet)-lengthOctets))
	return Query{packet: packet, question: question, form: form}
}

// flag is bit where it is wanted.
func flag(wanted bool, bit byte) byte {
	if wanted {
		return bit
	}
	return 0
}

// spell capitalises the letters of a lower-case wire name at random. Length
// octets are below 'a' and stay.
func spell(name, random []byte) {
	for i, c := range name {
		if 'a' <= c && c <= 'z' && random[i/8%len(random)]>>(i%8)&1 == 1 {
			name[i] = c - 'a' + 'A'
		}
	}
}

// Message is the query without the octets of length: what UDP carries. It is
// only read.
func (q Query) Message() []byte {
	return q.packet[lengthOctets:]
}

// Fit says what a packet is to a query.
type Fit uint8

// What a packet may be.
const (
	Unrelated Fit = iota // forged, stale or broken: as if it had not come
	Misspelt             // the response but for the spelling of QNAME
	Fits                 // the response
)

// String names the fit for tests and messages.
func (f Fit) String() string {
	switch f {
	case Unrelated:
		return "unrelated"
	case Misspelt:
		return "misspelt"
	case Fits:
		return "fits"
	}
	return fmt.Sprintf("fit(%d)", uint8(f))
}

// Fit looks at a packet's ID, QR, opcode and question section (RFC 5452
// section 9.1); what follows is not looked at. The packet may hold anything.
func (q Query) Fit(packet []byte) Fit {
	if len(packet) < headerOctets ||
		!bytes.Equal(packet[:2], q.Message()[:2]) ||
		packet[2]&(bitQR|maskOpcode) != bitQR {
		return Unrelated
	}
	switch binary.BigEndian.Uint16(packet[4:]) { // QDCOUNT
	case 0:
		if isBareError(packet) {
			return Fits
		}
	case 1:
		return q.fitQuestion(packet[headerOctets:])
	}
	return Unrelated
}

// isBareError reports whether a response without a question says only that the
// server would not look at it. It can do no worse than move us to the next
// server.
func isBareError(packet []byte) bool {
	switch int(packet[3] & maskRcode) {
	case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return true
	}
	return false
}

// fitQuestion compares the question section. QNAME comes first in the message,
// so a server cannot have compressed it.
func (q Query) fitQuestion(rest []byte) Fit {
	if len(rest) < len(q.question) {
		return Unrelated
	}
	got, end := rest[:len(q.question)], len(q.question)-4
	switch {
	case bytes.Equal(got, q.question):
		return Fits
	case !bytes.Equal(got[end:], q.question[end:]) || !equalFold(got[:end], q.question[:end]):
		return Unrelated
	case q.form.MixedCase:
		return Misspelt
	}
	return Fits
}

// equalFold compares wire names of equal length as RFC 4343 does: ASCII only.
func equalFold(a, b []byte) bool {
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// lower is an octet of a name in lower case.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
