package list

import (
	"bytes"
	"net/netip"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// hosts reads one line of the format Hosts: an address, which is not used, and
// the names that have it. A hosts file names single hosts and nothing below
// them, so every match is exact. A # anywhere begins a comment. The lines for
// the machine itself that every published hosts file starts with are passed
// over (see isLocal).
func (c *collector) hosts(line []byte) {
	text, _, _ := bytes.Cut(line, []byte("#"))
	words := 0
	for word := range bytes.FieldsSeq(text) {
		words++
		if words == 1 {
			if !isAddress(word) {
				c.wrong(word, problem.Fault{
					Text:   "is no address",
					Remedy: "begin the line with one, or use the format domains",
				})
				return
			}
			continue
		}
		if isLocal(word) {
			continue
		}
		c.add(c.plain, word, name.Exact)
	}
	if words == 1 {
		c.wrong(bytes.TrimSpace(text), problem.Fault{
			Text:   "is an address without a name",
			Remedy: "write the name after it, or remove the line",
		})
	}
}

// isAddress reports whether word is an IP address. Those that lists use to
// lead nowhere are recognised without an allocation.
func isAddress(word []byte) bool {
	switch string(word) {
	case "0.0.0.0", "127.0.0.1", "::", "::1":
		return true
	}
	_, err := netip.ParseAddr(string(word))
	return err == nil
}

// isLocal reports whether word is what hosts files call the machine itself and
// its network: no name of the DNS, and not what a list is about.
func isLocal(word []byte) bool {
	switch string(word) {
	case "localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0",
		"ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix",
		"ip6-allnodes", "ip6-allrouters", "ip6-allhosts":
		return true
	}
	return false
}
