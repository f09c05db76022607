package list

import (
	"bytes"
	"net/netip"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// dnsmasq reads one line of the format Dnsmasq, as dnsmasq's configuration has
// it: address=/name/…, local=/name/ and server=/name/ are the name and
// everything below it, with several names between slashes. An address is not
// used: the order says what is answered. server=/name/# is an exception: such
// names go to the usual servers.
func (c *collector) dnsmasq(line []byte) {
	text := bytes.TrimSpace(cutComment(line))
	if len(text) == 0 {
		return
	}
	key, value, _ := bytes.Cut(text, []byte("=/"))
	end := bytes.LastIndexByte(value, '/')
	if end <= 0 || bytes.IndexByte(value[:end], '#') >= 0 { // address=/#/ is every name
		c.wrong(text, errNotDnsmasq)
		return
	}
	names, target := value[:end], string(value[end+1:])
	g := c.plain
	switch _, err := netip.ParseAddr(target); {
	case string(key) == "server" && target == "#":
		g = c.exceptions()
	case (string(key) == "server" || string(key) == "local") && target == "":
	case string(key) == "address" && (target == "" || target == "#" || err == nil):
	default:
		c.wrong(text, errNotDnsmasq)
		return
	}
	for domain := range bytes.SplitSeq(names, []byte("/")) {
		c.add(g, domain, name.Subtree)
	}
}

// errNotDnsmasq refuses dnsmasq's other settings: those that forward a name to
// a server of its own among them.
var errNotDnsmasq = problem.Fault{
	Text:   "is no address=/name/…, local=/name/ or server=/name/ that blocks",
	Remedy: "write local=/name/ if the order covers the name, or remove the line",
}
