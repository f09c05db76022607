package rpz

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// owner is the prefix as a trigger (section 4.1.1 of the draft): its length,
// then the octets of an IPv4 address or the words of an IPv6 address
// backwards, zz for the longest run of zero words.
func owner(p netip.Prefix) string {
	text, separator := p.Addr().String(), "."
	if p.Addr().Is6() {
		text, separator = strings.Trim(strings.Replace(text, "::", ":zz:", 1), ":"), ":"
	}
	words := strings.Split(text, separator)
	slices.Reverse(words)
	return fmt.Sprintf("%d.%s", p.Bits(), strings.Join(words, "."))
}

// nat64 is the prefix of the addresses that carry one of p behind a NAT64 (RFC
// 6052 section 2.1). p is of IPv4.
func nat64(p netip.Prefix) netip.Prefix {
	octets := [16]byte{0, 0x64, 0xff, 0x9b}
	four := p.Addr().As4()
	copy(octets[12:], four[:])
	return netip.PrefixFrom(netip.AddrFrom16(octets), 96+p.Bits())
}

// sixToFour is the same for 6to4 (RFC 3056 section 2).
func sixToFour(p netip.Prefix) netip.Prefix {
	octets := [16]byte{0x20, 0x02}
	four := p.Addr().As4()
	copy(octets[2:], four[:])
	return netip.PrefixFrom(netip.AddrFrom16(octets), 16+p.Bits())
}
