package exchange

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/miekg/dns"
)

// errCut is a response that ends before its last record does.
var errCut = errors.New("malformed response: fewer records than the header counts")

// Parse unpacks a packet that Fits or is Misspelt; of a truncated one the header
// alone. It refuses what the library lets through: records that are missing or
// cut, and those that lack RDATA. It puts QNAME into lower case, in place; the
// message keeps nothing of the packet. It never panics: the library is fed by
// strangers.
func Parse(packet []byte) (m *dns.Msg, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("malformed response: panic: %v", p)
		}
	}()
	switch {
	case packet[2]&bitTC != 0:
		packet = packet[:headerOctets]
	case !isWhole(packet):
		return nil, errCut
	}
	foldQuestion(packet)
	m = new(dns.Msg)
	if err := m.Unpack(packet); err != nil {
		return nil, fmt.Errorf("malformed response: %v", err)
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if lacksRDATA(rr) {
				return nil, fmt.Errorf("malformed response: %s record without all of its RDATA", dns.Type(rr.Header().Rrtype))
			}
		}
	}
	return m, nil
}

// isWhole reports whether the packet holds the questions and records that its
// header counts.
func isWhole(packet []byte) bool {
	at := headerOctets
	for section := range 4 {
		for range binary.BigEndian.Uint16(packet[4+2*section:]) {
			if at = skipName(packet, at); section == 0 {
				at += 4 // QTYPE and QCLASS
			} else if at += 10; at <= len(packet) { // TYPE to RDLENGTH
				at += int(binary.BigEndian.Uint16(packet[at-2:]))
			}
			if at > len(packet) {
				return false
			}
		}
	}
	return true
}

// skipName is the offset after the name at an offset, beyond the packet if that
// ends within the name. Whether it is a name is not looked at.
func skipName(packet []byte, at int) int {
	for at < len(packet) {
		switch size := int(packet[at]); {
		case size == 0:
			return at + 1
		case size >= 0xc0: // a pointer
			return at + 2
		default:
			at += 1 + size
		}
	}
	return at + 1
}

// foldQuestion puts the question's name into lower case, in place: the spelling
// was ours, and what the server compressed against it must not carry it on.
func foldQuestion(packet []byte) {
	for at := headerOctets; at < len(packet) && packet[at] != 0 && packet[at] < 64; {
		end := min(at+1+int(packet[at]), len(packet))
		for at++; at < end; at++ {
			packet[at] = lower(packet[at])
		}
	}
}
