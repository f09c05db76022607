package main

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
	"bailiff/resolver/recurse"
	"bailiff/resolver/zonefile"
)

// maxHints bounds the servers of a file of root hints; the root has 13.
const maxHints = 64

// builtInHints are the root's name servers in 2025. They are asked who the
// servers are before anything else (RFC 8109): an address that has gone does no
// harm while another answers.
func builtInHints() []recurse.Hint {
	addresses := [...][2]string{
		{"198.41.0.4", "2001:503:ba3e::2:30"},
		{"170.247.170.2", "2801:1b8:10::b"},
		{"192.33.4.12", "2001:500:2::c"},
		{"199.7.91.13", "2001:500:2d::d"},
		{"192.203.230.10", "2001:500:a8::e"},
		{"192.5.5.241", "2001:500:2f::f"},
		{"192.112.36.4", "2001:500:12::d0d"},
		{"198.97.190.53", "2001:500:1::53"},
		{"192.36.148.17", "2001:7fe::53"},
		{"192.58.128.30", "2001:503:c27::2:30"},
		{"193.0.14.129", "2001:7fd::1"},
		{"199.7.83.42", "2001:500:9f::42"},
		{"202.12.27.33", "2001:dc3::35"},
	}
	hints := make([]recurse.Hint, len(addresses))
	for i, a := range addresses {
		hints[i] = recurse.Hint{
			Name:      fmt.Sprintf("%c.root-servers.net.", 'a'+i),
			Addresses: []netip.Addr{netip.MustParseAddr(a[0]), netip.MustParseAddr(a[1])},
		}
	}
	return hints
}

// readHints reads the root's name servers from a zone file: the root's NS
// records, and the addresses of what they name. Other records say nothing here.
func readHints(file string, problems *problem.List) []recurse.Hint {
	var unread problem.List
	var servers []zonefile.Record
	addresses := map[string][]netip.Addr{} // by name in lower case
	for _, r := range zonefile.Read(file, ".", &unread) {
		owner := r.RR.Header().Name
		var octets []byte
		switch rr := r.RR.(type) {
		case *dns.NS:
			if owner == "." {
				servers = append(servers, r)
			}
		case *dns.A:
			octets = rr.A
		case *dns.AAAA:
			octets = rr.AAAA
		}
		if a, ok := netip.AddrFromSlice(octets); ok {
			addresses[owner] = append(addresses[owner], a.Unmap())
		}
	}
	whole := problem.Problem{File: file, Remedy: "take the file that IANA publishes (named.root)"}
	problems.Merge(&unread)
	switch {
	case unread.Refused():
		return nil
	case len(servers) == 0:
		whole.Text = "names no server of the root (no NS record of .)"
	case len(servers) > maxHints:
		whole.Text = fmt.Sprintf("names more than %d servers of the root", maxHints)
	default:
		return withAddresses(servers, addresses, file, problems)
	}
	problems.Add(whole)
	return nil
}

// withAddresses are the servers that NS records name, each of which must have
// an address.
func withAddresses(servers []zonefile.Record, addresses map[string][]netip.Addr, file string, problems *problem.List) (hints []recurse.Hint) {
	for _, s := range servers {
		name := dns.CanonicalName(s.RR.(*dns.NS).Ns)
		if len(addresses[name]) == 0 {
			problems.Add(problem.Problem{File: file, Line: s.Line, Value: name, Text: "has no address here", Remedy: "add its A or AAAA record, or remove its NS record"})
		}
		hints = append(hints, recurse.Hint{Name: name, Addresses: addresses[name]})
	}
	return hints
}
