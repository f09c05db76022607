package list

import (
	"net/netip"

	"bailiff/policy/problem"
)

// addAddress adds the address or prefix that text spells.
func (c *collector) addAddress(g *Group, text string) {
	p, err := parsePrefix(text)
	if err != nil {
		c.wrong([]byte(text), err)
		return
	}
	g.Addresses = append(g.Addresses, Prefix{Prefix: p, Line: c.line})
	c.entries++
}

// parsePrefix reads a prefix; an address alone is the prefix of that address.
// Every error is a problem.Fault.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		text = netip.PrefixFrom(a, a.BitLen()).String()
	}
	p, err := netip.ParsePrefix(text) // takes no zone
	switch {
	case err != nil:
		return p, problem.Fault{Text: "is no address", Remedy: "write one such as 192.0.2.1 or 2001:db8::/32"}
	case p.Addr().Is4In6():
		return p, problem.Fault{Text: "is an IPv4 address in IPv6 form", Remedy: "write it in IPv4 form"}
	case p != p.Masked():
		return p, problem.Fault{Text: "has bits set beyond the prefix length", Remedy: "write " + p.Masked().String()}
	}
	return p, nil
}
