package main

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"bailiff/policy/order"
)

// fingerprints tell by id whether an order says the same as in another load.
type fingerprints struct {
	seed maphash.Seed
	sums map[string]uint64
}

// changes are the ids of the orders that differ between two loads, sorted.
type changes struct{ added, removed, changed []string }

// of hashes the orders, names included; it must see them before they
// are compiled. Where an order stands in its file does not count. What f knows
// of kept orders holds.
func (f fingerprints) of(set *order.Set) fingerprints {
	next := fingerprints{f.seed, make(map[string]uint64, len(set.Orders)+len(set.Kept))}
	for _, o := range set.Kept {
		next.sums[o.ID] = f.sums[o.ID]
	}
	for _, o := range set.Orders {
		next.sums[o.ID] = f.sum(o)
	}
	return next
}

func (f fingerprints) sum(o *order.Order) uint64 {
	var h maphash.Hash
	h.SetSeed(f.seed)
	said := *o
	said.Source, said.Rules, said.Overrides = order.Source{}, nil, slices.Clone(o.Overrides)
	for i := range said.Overrides {
		said.Overrides[i].Line = 0
	}
	fmt.Fprint(&h, said)
	for _, r := range o.Rules {
		names := r.Names
		r.File, r.Line, r.Names = "", 0, order.Rule{}.Names
		fmt.Fprint(&h, r)
		for e := range names.All() {
			_ = h.WriteByte(byte(e.Match))
			_, _ = h.Write(e.Name)
		}
	}
	return h.Sum64()
}

// changesTo compares with a later load.
func (f fingerprints) changesTo(next fingerprints) (c changes) {
	for _, id := range slices.Sorted(maps.Keys(next.sums)) {
		switch sum, known := f.sums[id]; {
		case !known:
			c.added = append(c.added, id)
		case sum != next.sums[id]:
			c.changed = append(c.changed, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.sums)) {
		if _, stays := next.sums[id]; !stays {
			c.removed = append(c.removed, id)
		}
	}
	return c
}

// shortened is a list of ids short enough for a line of the log.
func shortened(ids []string) []string {
	const most = 20
	if len(ids) <= most {
		return ids
	}
	return append(slices.Clone(ids[:most]), fmt.Sprintf("and %d more", len(ids)-most))
}
