package resolver

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"bailiff/resolver/dns64"
)

// Prefixes that carry an IPv4 address in an IPv6 one, beside Config.NAT64.
var (
	wellKnown = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 section 2.1
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056 section 2
)

// SvcParamKeys that hold addresses (RFC 9460 section 14.3.2).
const (
	keyIPv4Hint = 4
	keyIPv6Hint = 6
)

const (
	typeSVCB  = 64
	typeHTTPS = 65
)

// addresses yields every address that the answer section gives a client: those
// of A and AAAA records and of SVCB and HTTPS hints, and the IPv4 address that
// an IPv6 address carries.
func (r *Resolver) addresses(t *truth) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		message := t.message()
		at := skipName(message, headerSize) + 4
		for range binary.BigEndian.Uint16(message[answerCount:]) {
			rr := recordAt(message, at)
			switch rr.rrtype(message) {
			case typeA, typeAAAA:
				if !yieldAddress(rr.rdata(message), r.nat64, yield) {
					return
				}
			case typeSVCB, typeHTTPS:
				if !yieldHints(rr.rdata(message), r.nat64, yield) {
					return
				}
			}
			at = rr.end
		}
	}
}

// yieldAddress yields one address, and what it carries.
func yieldAddress(octets []byte, nat64 netip.Prefix, yield func(netip.Addr) bool) bool {
	a, ok := netip.AddrFromSlice(octets)
	if !ok {
		return true
	}
	carried := a
	switch b := a.As16(); {
	case a.Is4In6():
		a, carried = a.Unmap(), a.Unmap()
	case a.Is4():
	case nat64.Contains(a):
		carried, _ = dns64.Embedded(nat64, a)
	case wellKnown.Contains(a):
		carried = netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		carried = netip.AddrFrom4([4]byte(b[2:6]))
	}
	return yield(a) && (carried == a || yield(carried))
}

// yieldHints yields the address hints of an SVCB or HTTPS record's RDATA: a
// priority, an uncompressed name, then keys with values (RFC 9460 section
// 2.2).
func yieldHints(rdata []byte, nat64 netip.Prefix, yield func(netip.Addr) bool) bool {
	at := skipName(rdata, 2)
	for at >= 0 && at+4 <= len(rdata) {
		key, size := binary.BigEndian.Uint16(rdata[at:]), int(binary.BigEndian.Uint16(rdata[at+2:]))
		at += 4
		if at+size > len(rdata) {
			return true
		}
		width := 0
		switch key {
		case keyIPv4Hint:
			width = 4
		case keyIPv6Hint:
			width = 16
		}
		for value := rdata[at : at+size]; width > 0 && len(value) >= width; value = value[width:] {
			if !yieldAddress(value[:width], nat64, yield) {
				return false
			}
		}
		at += size
	}
	return true
}
