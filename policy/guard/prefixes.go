package guard

import (
	"fmt"
	"net/netip"

	"bailiff/policy/order"
)

// The shortest prefixes of address rules: with an override, and at all.
const (
	minBitsIPv4, leastBitsIPv4 = 24, 8
	minBitsIPv6, leastBitsIPv6 = 48, 16
)

// special are the networks that no public service is in.
func special() []specialNetwork {
	return []specialNetwork{
		{netip.MustParsePrefix("0.0.0.0/8"), "nobody's"}, {netip.MustParsePrefix("::/128"), "nobody's"},
		{netip.MustParsePrefix("127.0.0.0/8"), "loopback"}, {netip.MustParsePrefix("::1/128"), "loopback"},
		{netip.MustParsePrefix("10.0.0.0/8"), "private"}, {netip.MustParsePrefix("172.16.0.0/12"), "private"},
		{netip.MustParsePrefix("192.168.0.0/16"), "private"}, {netip.MustParsePrefix("fc00::/7"), "private"},
		{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's own (RFC 6598)"},
		{netip.MustParsePrefix("169.254.0.0/16"), "link-local"}, {netip.MustParsePrefix("fe80::/10"), "link-local"},
		{netip.MustParsePrefix("224.0.0.0/4"), "multicast"}, {netip.MustParsePrefix("ff00::/8"), "multicast"},
		{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
		{netip.MustParsePrefix("64:ff9b::/96"), "IPv4 in IPv6 form"}, {netip.MustParsePrefix("2002::/16"), "IPv4 in IPv6 form"},
	}
}

type specialNetwork struct {
	prefix netip.Prefix
	what   string
}

// prefixFindings are the reasons not to put the addresses of p under order.
func (g *Guard) prefixFindings(p netip.Prefix) (found []finding) {
	least, limit := leastBitsIPv6, minBitsIPv6
	if p.Addr().Is4() {
		least, limit = leastBitsIPv4, minBitsIPv4
	}
	switch {
	case p.Bits() < least:
		return []finding{{text: fmt.Sprintf("is wider than /%d, which is never under order", least), remedy: "name the addresses that the order means"}}
	case p.Bits() < limit:
		found = append(found, finding{
			guard: order.GuardPrefix, text: fmt.Sprintf("is wider than /%d: the services of others would be hit", limit), remedy: "narrow it",
		})
	}
	for _, s := range special() {
		if s.prefix.Overlaps(p) {
			found = append(found, finding{
				guard: order.GuardPrefix, text: fmt.Sprintf("holds addresses of %s, which are %s", s.prefix, s.what),
				untold: "holds addresses that no public service has", remedy: "take it out",
			})
		}
	}
	for _, a := range g.own {
		if p.Contains(a) {
			found = append(found, finding{
				guard: order.GuardPrefix, text: "holds this server's own address " + a.String(),
				untold: "holds this server's own address", remedy: "take it out",
			})
		}
	}
	if protected, where, ok := g.protectedPrefix(p); ok {
		found = append(found, finding{
			guard: order.GuardProtected, text: fmt.Sprintf("would hit addresses of %s, which %s protects", protected, where),
			untold: "would hit protected addresses", remedy: "take it out",
		})
	}
	return found
}

// protectedPrefix is a protected prefix that p shares addresses with.
func (g *Guard) protectedPrefix(p netip.Prefix) (protected netip.Prefix, where string, ok bool) {
	if protected, where, ok = g.prefixes.LookupPrefixLPM(p); ok {
		return protected, where, true
	}
	for protected, where = range g.prefixes.Subnets(p) {
		return protected, where, true
	}
	return netip.Prefix{}, "", false
}
