package scenarios

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/recurse"
	"bailiff/resolver/rpl"
)

// setup is a scenario's configuration as bailiff has it.
type setup struct {
	recurse     recurse.Config
	stale       time.Duration
	prefetch    bool
	anchors     []dns.RR
	start       time.Time // zero: whenever
	unsupported []string  // settings we do not have, or not so
}

// newSetup reads the clauses. The defaults are those of the dialect's program.
func newSetup(s *rpl.Scenario) *setup {
	c := &setup{recurse: recurse.Config{
		IPv4: true, IPv6: true, Minimise: true, CacheBytes: 16 << 20,
	}}
	for _, clause := range s.Clauses {
		switch clause.Name {
		case "", "server":
			for _, set := range clause.Settings {
				c.server(set)
			}
		case "stub-zone", "forward-zone":
			c.zone(clause)
		default:
			c.refuse(clause.Line, clause.Name+":")
		}
	}
	return c
}

// addZones adds what the scenario's own zones stand for: the root's servers are
// the hints, unless the scenario has others, and keys may be trust anchors.
// Without any the hints are a server that some scenarios play though they do not
// say so.
func (c *setup) addZones(a *authority) {
	if root := a.zone("."); root != nil && len(c.recurse.Hints) == 0 {
		for _, address := range root.addresses {
			c.hint("ns.root.invalid.", address.String())
		}
	}
	if len(c.recurse.Hints) == 0 {
		c.hint("a.root-servers.net.", "198.41.0.4")
	}
	if c.anchors = append(c.anchors, a.anchors...); len(c.anchors) > 0 {
		c.recurse.Anchors = func() []dns.RR { return c.anchors }
	}
}

// refuse notes what bailiff does not have, or not so.
func (c *setup) refuse(line int, what string) {
	c.unsupported = append(c.unsupported, fmt.Sprintf("%d: %s", line, what))
}

// meaningless are the settings that change nothing of what we promise, or that
// ask for what we always do.
var meaningless = words(`
	target-fetch-policy minimal-responses trust-anchor-signaling fake-sha1 fake-dsa ede ede-serve-expired rrset-roundrobin
	log-time-ascii log-servfail log-queries verbosity msg-cache-slabs prefetch-key harden-referral-path stub-name
	harden-below-nxdomain=yes harden-dnssec-stripped=yes harden-algo-downgrade=no
	serve-expired-reply-ttl=30 access-control=127.0.0.1_allow access-control=127.0.0.1/32_allow
	access-control=127.0.0.1_allow_snoop access-control=127.0.0.1/32_allow_snoop harden-glue
	num-queries-per-thread outbound-msg-retry msg-cache-size rrset-cache-size
	module-config=validator_iterator module-config=iterator stub-prime stub-first=no forward-first=no
`)

// words makes a set. An underscore stands for the first blank of a value.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(text) {
		set[strings.Replace(word, "_", " ", 1)] = true
	}
	return set
}

// server applies one setting of the server clause, or one of Deckard's.
func (c *setup) server(set rpl.Setting) {
	r := &c.recurse
	switch set.Key {
	case "qname-minimisation", "query-minimization":
		r.Minimise = isOn(set.Value)
	case "use-caps-for-id":
		r.MixedCase = isOn(set.Value)
	case "aggressive-nsec":
		r.AggressiveNSEC = isOn(set.Value)
	case "do-not-query-localhost":
		r.AskLoopback = !isOn(set.Value)
	case "do-ip4":
		r.IPv4 = isOn(set.Value)
	case "do-ip6":
		r.IPv6 = isOn(set.Value)
	case "domain-insecure":
		r.Insecure = append(r.Insecure, set.Value)
	case "prefetch":
		c.prefetch = isOn(set.Value)
	case "serve-expired":
		c.stale = 24 * time.Hour
	case "trust-anchor":
		c.anchor(set)
	case "val-override-date", "val-override-timestamp":
		c.date(set)
	case "stub-addr":
		c.hint("k.root-servers.net.", set.Value)
	case "forward-addr":
		c.zone(rpl.Clause{Name: "forward-zone", Settings: []rpl.Setting{{Key: "name", Value: "."}, set}})
	default:
		if !meaningless[set.Key] && !meaningless[set.Key+"="+set.Value] {
			c.refuse(set.Line, set.Key+": "+set.Value)
		}
	}
}

// isOn reads a switch: everything but these words is off.
func isOn(value string) bool { return value == "yes" || value == "on" || value == "true" }

// anchor adds a trust anchor: a DS or DNSKEY record.
func (c *setup) anchor(set rpl.Setting) {
	rr, err := dns.NewRR(set.Value)
	if err != nil || rr == nil {
		c.refuse(set.Line, "trust-anchor: "+set.Value)
		return
	}
	rr.Header().Name = dns.CanonicalName(rr.Header().Name)
	c.anchors = append(c.anchors, rr)
}

// date sets the clock: YYYYMMDDhhmmss, or seconds since 1970.
func (c *setup) date(set rpl.Setting) {
	if at, err := time.Parse("20060102150405", set.Value); err == nil {
		c.start = at
		return
	}
	seconds, err := strconv.ParseUint(set.Value, 10, 32)
	if err != nil {
		c.refuse(set.Line, set.Key+": "+set.Value)
		return
	}
	c.start = time.Unix(int64(seconds), 0)
}

// hint adds an address of a root server.
func (c *setup) hint(name, address string) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		c.refuse(0, "stub-addr: "+address)
		return
	}
	c.recurse.Hints = append(c.recurse.Hints, recurse.Hint{Name: name, Addresses: []netip.Addr{a}})
}

// zone applies a stub or forward clause. The root's stub is the root hints.
func (c *setup) zone(clause rpl.Clause) {
	z := recurse.Zone{Forward: clause.Name == "forward-zone"}
	for _, set := range clause.Settings {
		switch set.Key {
		case "name":
			z.Name = dns.CanonicalName(set.Value)
		case "stub-addr", "forward-addr":
			a, err := parseServer(set.Value)
			if err != nil {
				c.refuse(set.Line, set.Key+": "+set.Value)
			}
			z.Servers = append(z.Servers, a)
		default:
			if !meaningless[set.Key] && !meaningless[set.Key+"="+set.Value] {
				c.refuse(set.Line, set.Key+": "+set.Value)
			}
		}
	}
	if z.Name != "." || z.Forward {
		c.recurse.Zones = append(c.recurse.Zones, z)
		return
	}
	for i, a := range z.Servers {
		c.hint(fmt.Sprintf("hint%d.invalid.", i), a.Addr().String())
	}
}

// parseServer reads an address, with a port behind an @ where it is not 53.
func parseServer(text string) (netip.AddrPort, error) {
	address, port, has := strings.Cut(text, "@")
	if !has {
		port = "53"
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	p, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a, uint16(p)), err
}
