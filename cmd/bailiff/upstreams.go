package main

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

const (
	resolvConf          = "/etc/resolv.conf"
	maxResolvConfOctets = 1 << 20 // 1 MiB, as the config file
)

// settleResolution finds what resolving takes beside the config file, and
// refuses servers that lead back here. resolvConf is the file of the system: its
// upstreams count if none are configured.
func (c *config) settleResolution(resolvConf string, problems *problem.List) {
	switch {
	case c.resolution == byRecursion && len(c.upstreams) > 0:
		p := c.upstreams[0].source
		p.Text, p.Remedy = "is not asked where resolution is recurse", "take upstreams out, or name it under recursion.zones as forward for the zone that it knows"
		problems.Add(p)
	case c.resolution == byForwarding && len(c.upstreams) == 0:
		c.upstreams = systemUpstreams(resolvConf, problems)
	}
	local := localAddresses()
	c.refuseCircles(c.upstreams, local, "name another resolver under upstreams or with --upstream", problems)
	for _, z := range c.recursion.zones {
		c.refuseCircles(z.servers, local, "name another server of "+z.name, problems)
	}
	if c.resolution == byRecursion {
		c.hints = builtInHints()
		if file := c.recursion.rootHints; file != "" {
			c.hints = readHints(file, problems)
		}
	}
	if c.validate {
		c.anchors = c.readAnchors(problems)
	}
	c.local = c.localZones(problems)
}

// refuseCircles refuses servers that are this one.
func (c *config) refuseCircles(servers []upstreamServer, local []netip.Addr, remedy string, problems *problem.List) {
	for _, u := range servers {
		for _, l := range c.listen {
			if !leadsTo(u.address, l, local) {
				continue
			}
			p := u.source
			p.Text, p.Remedy = "is this server's own address (listen "+l.String()+"): queries would go in a circle", remedy
			problems.Add(p)
		}
	}
}

// systemUpstreams reads the name servers of resolv.conf(5). As the C library
// does, it passes over what it cannot read.
func systemUpstreams(file string, problems *problem.List) (servers []upstreamServer) {
	const remedy = "name resolvers under upstreams in the config file or with --upstream"
	data, err := infile.Read(file, maxResolvConfOctets)
	if err != nil {
		problems.Add(problem.Problem{File: file, Text: "is needed to find an upstream: " + problem.Problem{}.Because(err).Text, Remedy: remedy})
		return nil
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" || len(servers) == maxUpstreams {
			continue
		}
		a, err := parseUpstream(fields[1])
		if err != nil || !isAddress(fields[1]) || slices.ContainsFunc(servers, func(s upstreamServer) bool { return s.address == a }) {
			continue
		}
		servers = append(servers, upstreamServer{a, problem.Problem{File: file, Line: number, Place: "nameserver", Value: fields[1]}})
	}
	if len(servers) == 0 {
		problems.Add(problem.Problem{File: file, Text: "names no upstream (no nameserver line with an address)", Remedy: remedy})
	}
	return servers
}

// localAddresses are the addresses of this machine's interfaces; none if the
// system does not tell.
func localAddresses() (addresses []netip.Addr) {
	known, _ := net.InterfaceAddrs()
	for _, k := range known {
		if p, err := netip.ParsePrefix(k.String()); err == nil {
			addresses = append(addresses, p.Addr().Unmap())
		}
	}
	return addresses
}

// leadsTo reports whether a query to an address arrives at one listened on.
// [::] takes IPv6 only, as the listeners do.
func leadsTo(upstream, listen netip.AddrPort, local []netip.Addr) bool {
	to, at := upstream.Addr().WithZone(""), listen.Addr().WithZone("")
	switch {
	case upstream.Port() != listen.Port() || to.Is4() != at.Is4():
		return false
	case at.IsUnspecified():
		return to.IsLoopback() || slices.Contains(local, to)
	}
	return to == at
}
