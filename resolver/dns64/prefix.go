package dns64

import (
	"net/netip"

	"bailiff/policy/problem"
)

// reservedOctet is the place in an address that carries nothing: bits 64 to 71
// (RFC 6052 section 2.2).
const reservedOctet = 8

// Check reports why a prefix cannot stand before IPv4 addresses, nil if it can
// (RFC 6052 section 2.2). The error is a problem.Fault.
func Check(prefix netip.Prefix) error {
	if !prefix.Addr().Is6() || prefix.Addr().Is4In6() {
		return problem.Fault{Text: "is no IPv6 prefix", Remedy: "write the one that the NAT64 translates, such as 64:ff9b::/96"}
	}
	if prefix != prefix.Masked() {
		return problem.Fault{Text: "has bits set beyond its length", Remedy: "write " + prefix.Masked().String()}
	}
	switch prefix.Bits() {
	case 32, 40, 48, 56, 64, 96:
	default:
		return problem.Fault{Text: "has a length that no NAT64 translates", Remedy: "write one of 32, 40, 48, 56, 64 or 96 bits"}
	}
	if prefix.Addr().As16()[reservedOctet] != 0 {
		return problem.Fault{Text: "has bits 64 to 71 set", Remedy: "choose a prefix in which they are zero"}
	}
	return nil
}

// octets are the places of the four octets of an IPv4 address behind a prefix.
func octets(prefix netip.Prefix) (places [4]int) {
	at := prefix.Bits() / 8
	for i := range places {
		if at == reservedOctet {
			at++
		}
		places[i] = at
		at++
	}
	return places
}

// Embed is the IPv6 address that stands for an IPv4 address. The prefix passes
// Check. RFC 6052 section 3.1 wants no private address behind 64:ff9b::/96; it is
// the NAT64 that knows what it translates, and refuses the rest.
func Embed(prefix netip.Prefix, v4 netip.Addr) netip.Addr {
	six, four := prefix.Addr().As16(), v4.As4()
	for i, at := range octets(prefix) {
		six[at] = four[i]
	}
	return netip.AddrFrom16(six)
}

// Embedded is the IPv4 address that an address carries behind the prefix. It is
// not ok if the address is outside the prefix, as any is of the zero Prefix.
func Embedded(prefix netip.Prefix, a netip.Addr) (v4 netip.Addr, ok bool) {
	if !prefix.Contains(a) {
		return v4, false
	}
	six := a.As16()
	var four [4]byte
	for i, at := range octets(prefix) {
		four[i] = six[at]
	}
	return netip.AddrFrom4(four), true
}
