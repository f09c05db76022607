package main

import (
	"fmt"
	"net/netip"
	"strings"

	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// listenList reads the addresses to serve on.
func listenList(v strictyaml.Value) []netip.AddrPort {
	items := v.Items()
	if len(items) > maxListen {
		v.Refuse(fmt.Sprintf("holds more than %d addresses", maxListen), "listen on 0.0.0.0 or [::] instead")
		return nil
	}
	first := map[netip.AddrPort]int{} // address → its line
	var list []netip.AddrPort
	for _, item := range items {
		a := strictyaml.Parsed(parseListen)(item)
		if line, twice := first[a]; twice && a.Port() != 0 {
			item.Refuse(fmt.Sprintf("stands twice (first on line %d)", line), "remove one of them")
		}
		first[a] = item.Line()
		list = append(list, a)
	}
	return list
}

// parseListen reads an address to listen on. Port 0 takes a free port. Every
// error is a problem.Fault.
func parseListen(text string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(text)
	port, isPort := strings.CutPrefix(text, ":")
	switch {
	case err == nil && a.Addr().Is4In6():
		return a, problem.Fault{Text: "is an IPv4 address in IPv6 form", Remedy: "write " + netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()}
	case err == nil:
		return a, nil
	case isPort:
		return a, problem.Fault{Text: "has no address", Remedy: fmt.Sprintf("write 0.0.0.0:%s for IPv4, [::]:%[1]s for IPv6, or one address", port)}
	case isAddress(text):
		return a, problem.Fault{Text: "has no port", Remedy: "write " + withPort(text, 53)}
	}
	return a, problem.Fault{Text: "is no address with a port", Remedy: "write one such as 127.0.0.1:53 or [::1]:53"}
}

// upstreamReader is the reader for the resolvers to forward to.
func upstreamReader(file string) func(strictyaml.Value) []upstreamServer {
	return func(v strictyaml.Value) []upstreamServer {
		items := v.Items()
		if len(items) > maxUpstreams {
			v.Refuse(fmt.Sprintf("holds more than %d servers", maxUpstreams), "keep the nearest")
			return nil
		}
		first := map[netip.AddrPort]int{} // address → its line
		var list []upstreamServer
		for _, item := range items {
			a := strictyaml.Parsed(parseUpstream)(item)
			if !a.IsValid() {
				continue
			}
			if line, twice := first[a]; twice {
				item.Refuse(fmt.Sprintf("stands twice (first on line %d)", line), "remove one of them")
			}
			first[a] = item.Line()
			list = append(list, upstreamServer{a, problem.Problem{File: file, Line: item.Line(), Place: item.Place(), Value: a.String()}})
		}
		return list
	}
}

// parseUpstream reads an upstream's address; without a port it is 53. Every
// error is a problem.Fault.
func parseUpstream(text string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(text)
	if isAddress(text) {
		a, err = netip.ParseAddrPort(withPort(text, 53))
	}
	scheme, _, hasScheme := strings.Cut(text, "://")
	switch {
	case hasScheme:
		return netip.AddrPort{}, problem.Fault{Text: scheme + ":// upstreams are not supported yet", Remedy: "write the address of a server that takes plain DNS"}
	case err != nil:
		return netip.AddrPort{}, problem.Fault{Text: "is no address (names of servers are not supported yet)", Remedy: "write one such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353"}
	case a.Addr().Is4In6():
		return netip.AddrPort{}, problem.Fault{Text: "is an IPv4 address in IPv6 form", Remedy: "write " + netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()}
	case a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Port() == 0:
		return netip.AddrPort{}, problem.Fault{Text: "is nobody's address", Remedy: "write the address of one server"}
	}
	return a, nil
}

// isAddress reports whether text is an address without a port.
func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// withPort is an address, given as text, with a port.
func withPort(address string, port uint16) string {
	return netip.AddrPortFrom(netip.MustParseAddr(address), port).String()
}
