package resolver

import (
	"slices"

	"bailiff/policy/name"
	"bailiff/resolver/sketch"
)

// Sketch is the names resolved of late, nil unless Config.Watch asks for them.
func (r *Resolver) Sketch() *sketch.Sketch { return r.sketch }

// watch notes where a name leads that was asked upstream. Of what was asked
// only addresses tell of a service; what the cache answers passes unseen.
func (r *Resolver) watch(q *Query, t *truth) {
	if r.sketch == nil || t.negative || q.qtype != typeA && q.qtype != typeAAAA {
		return
	}
	seen := sketch.Sight{Name: name.Name(q.name.Wire()), At: t.stored, Addresses: slices.Collect(r.addresses(t))}
	for l := range t.links() {
		if l.kind == linkChain {
			seen.Target = name.Name(l.name)
		}
	}
	if s := t.servers.Load(); s != nil {
		seen.ServerAddresses = s.addresses
		for _, n := range s.names {
			seen.Servers = append(seen.Servers, name.Name(n))
		}
	}
	r.sketch.Note(seen)
}
