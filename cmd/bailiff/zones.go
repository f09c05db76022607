package main

import (
	"fmt"
	"path/filepath"

	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
	"bailiff/resolver/local"
)

// zoneConfig is a zone whose servers are configured. With local it has none:
// it is served here.
type zoneConfig struct {
	name    string           // fully qualified
	forward bool             // the servers are resolvers; else they serve the zone
	servers []upstreamServer // to ask for the zone and what is below it
	local   string           // zone file; empty: none
}

// readZones reads the zones with servers of their own.
func (r *configReader) readZones(v strictyaml.Value) []zoneConfig {
	items := v.Items()
	if len(items) > maxZones {
		v.Refuse(fmt.Sprintf("holds more than %d zones", maxZones), "keep those that matter")
		return nil
	}
	first := map[string]int{} // name → its line
	zones := make([]zoneConfig, len(items))
	for i, item := range items {
		zone := r.readZone(item)
		zones[i] = zone
		if line, twice := first[zone.name]; twice && zone.name != "" {
			item.RefuseBecause(problem.Fault{Text: fmt.Sprintf("%s stands twice (first on line %d)", zone.name, line), Remedy: "keep one of them, with all its servers"})
		}
		first[zone.name] = item.Line()
	}
	return zones
}

func (r *configReader) readZone(v strictyaml.Value) (z zoneConfig) {
	var stub, forward, local strictyaml.Value
	v.Mapping(
		strictyaml.Key("name", &z.name, strictyaml.Parsed(parseName)).Required(),
		strictyaml.Key("stub", &stub, strictyaml.Itself),
		strictyaml.Key("forward", &forward, strictyaml.Itself),
		strictyaml.Key("local", &local, strictyaml.Itself),
	)
	given := 0
	for _, way := range []strictyaml.Value{stub, forward, local} {
		if way.Given() {
			given++
		}
	}
	servers := usedTo(toAskServers, r, upstreamReader(r.file))
	switch {
	case !v.IsMapping(): // refused
	case given != 1:
		v.Refuse("needs one of stub, forward and local", "write stub: [ADDR] for servers of the zone, forward: [ADDR] for resolvers that know it, local: FILE for a zone file")
	case local.Given():
		z.local = pathFrom(filepath.Dir(r.file))(local)
	case forward.Given():
		z.forward, z.servers = true, servers(forward)
	default:
		z.servers = servers(stub)
	}
	if r.resolution == byForwarding && z.name == "." && z.local == "" {
		v.Refuse("is the root, which upstreams serve", "name the servers under upstreams")
	}
	return z
}

// localZones reads the zones that are served here. Those with servers of their
// own are named too: they come before the zones built in.
func (c *config) localZones(problems *problem.List) *local.Zones {
	var served []*local.Zone
	var elsewhere []string
	for _, z := range c.recursion.zones {
		if z.local == "" {
			elsewhere = append(elsewhere, z.name)
			continue
		}
		served = append(served, local.Read(z.local, z.name, problems))
	}
	return local.New(served, elsewhere)
}
