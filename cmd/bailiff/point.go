package main

import (
	"fmt"
	"net/netip"

	"bailiff/policy/name"
)

// pointKind is a way in which a name leads somewhere.
type pointKind uint8

// The kinds of points.
const (
	pointAddress       pointKind = iota // an address in the answer
	pointTarget                         // an alias's target
	pointServer                         // a name server of the zone
	pointServerAddress                  // its address
)

// String is the word of reports.
func (k pointKind) String() string {
	switch k {
	case pointAddress:
		return "address"
	case pointTarget:
		return "cname"
	case pointServer:
		return "nameserver"
	case pointServerAddress:
		return "nameserver-address"
	}
	return fmt.Sprintf("pointKind(%d)", uint8(k))
}

// point is what a name leads to: an address or a name, by its kind.
type point struct {
	kind    pointKind
	address netip.Addr
	name    name.Name
}

// String is the address or the name.
func (p point) String() string {
	if p.address.IsValid() {
		return p.address.String()
	}
	return p.name.String()
}

// parsePoint reads an address or a name. Addresses that are no server's on the
// Internet, such as those of a sinkhole, tell nothing; ok is false for them.
func parsePoint(text string, ifAddress, ifName pointKind) (p point, ok bool) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return point{kind: ifAddress, address: a}, a.IsGlobalUnicast() && !a.IsPrivate()
	}
	n, err := name.Parse(text)
	return point{kind: ifName, name: n}, err == nil && n.Labels() > 1
}

// anyone is no client in particular: orders for some clients only are passed
// over.
var anyone = netip.IPv4Unspecified()
