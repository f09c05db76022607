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

// settleUpstreams takes the upstreams from resolv.conf, the file of the system,
// if none are configured, and refuses those that lead back here.
func (c *config) settleUpstreams(resolvConf string, problems *problem.List) {
	if len(c.upstreams) == 0 {
		c.upstreams = systemUpstreams(resolvConf, problems)
	}
	local := localAddresses()
	for _, u := range c.upstreams {
		for _, l := range c.listen {
			if !leadsTo(u.address, l, local) {
				continue
			}
			p := u.source
			p.Text, p.Remedy = "is this server's own address (listen "+l.String()+"): queries would go in a circle", "name another resolver under upstreams or with --upstream"
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
