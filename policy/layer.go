package policy

import (
	"cmp"
	"errors"
	"slices"

	"github.com/gaissmai/bart"

	"bailiff/policy/name"
)

// layer is the rules of some orders, compiled together. It is immutable, and
// programs share it: a reload compiles what changed into a layer of its own and
// leaves the others as they are. An order's rules all stand in one layer.
type layer struct {
	id       string // of this one, as it was compiled
	orders   []*Order
	bindings []binding
	sets     [][]uint32 // binding numbers of each set; set 0 is empty

	// What is looked up, each leading to the number of a set.
	table           *table              // nil: no rules on names
	anyTLD          map[string]uint32   // by label, its length octet before it
	addresses       *bart.Table[uint32] // nil: no address rules
	servers         *table              // nil: no rules on name servers
	serverAddresses *bart.Table[uint32]
}

// binding is what ties a name to a rule: one for each rule and way of matching.
type binding struct {
	order, rule uint32 // index in layer.orders, and in Order.Rules
	match       name.Match
	except      bool
	valid       validity
}

// placed is a layer in a program.
type placed struct {
	*layer
	ranks      []uint32 // of each of its orders: index in Program.orders, gone if it is not there any more
	live, dead int      // how many names and prefixes are of orders that are there, and of others
}

// gone is the rank of an order that a later load changed or lifted.
const gone = 1<<32 - 1

// maxLayers bounds what a query looks into.
const maxLayers = 4

var errUnsound = errors.New("a name is not found by its own rule: a fault of this program")

// settleLayers places layers in a program of orders of these ranks, the largest
// first. What nothing of is left is dropped; a layer is merged with those
// smaller than itself when these hold as much as it does, when most of it is
// dead, or when there would be too many: however often a load changes little,
// what is compiled again stays in proportion.
func settleLayers(layers []*layer, ranks map[*Order]uint32) ([]placed, error) {
	var all []placed
	for _, l := range layers {
		if p := l.place(ranks); p.live > 0 {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(b.live, a.live) })
	from, smaller := len(all), 0 // those from there on are merged
	for i, p := range slices.Backward(all) {
		if p.dead > p.live || i >= maxLayers-1 && len(all) > maxLayers || smaller >= p.live {
			from = i
		}
		smaller += p.live
	}
	if from == len(all) {
		return all, nil
	}
	merged, err := mergeLayers(all[from:])
	if err != nil {
		return nil, err
	}
	return append(all[:from], merged.place(ranks)), nil
}

// place ranks the orders of a layer in a program.
func (l *layer) place(ranks map[*Order]uint32) placed {
	p := placed{layer: l, ranks: make([]uint32, len(l.orders))}
	for i, o := range l.orders {
		if rank, ok := ranks[o]; ok {
			p.ranks[i] = rank
			p.live += o.size()
		} else {
			p.ranks[i] = gone
			p.dead += o.size()
		}
	}
	return p
}

// sound reports whether a query would find each name of the layer.
func (l *layer) sound() bool { return l.table.selfCheck() && l.servers.selfCheck() }

// size is the number of names, labels and prefixes, exceptions included.
func (o *Order) size() (n int) {
	for i := range o.Rules {
		n += o.Rules[i].Names
	}
	return n
}

// mergeLayers compiles the orders of several layers that live on into one.
func mergeLayers(layers []placed) (*layer, error) {
	c := newCompiler(0)
	for _, p := range layers {
		if err := c.takeOver(p); err != nil {
			return nil, err
		}
	}
	l := c.layer()
	if !l.sound() {
		return nil, errUnsound
	}
	return l, nil
}

// takeOver adds what lives on of a layer.
func (c *compiler) takeOver(p placed) (err error) {
	orders := make([]uint32, len(p.orders)) // its index → the new one
	for i, o := range p.orders {
		if p.ranks[i] != gone {
			orders[i] = uint32(len(c.orders))
			c.orders = append(c.orders, o)
		}
	}
	numbers := make([]uint32, len(p.bindings)) // its number → the new one, 0 for none
	for i, b := range p.bindings {
		if i > 0 && p.ranks[b.order] != gone {
			b.order = orders[b.order]
			numbers[i] = c.bind(b)
		}
	}
	each := func(set uint32, take func(number uint32)) {
		for _, n := range p.sets[set] {
			if numbers[n] != 0 {
				take(numbers[n])
			}
		}
	}
	names := func(from *table, into *builder) {
		from.all(func(wire []byte, set uint32) {
			each(set, func(number uint32) {
				if e := into.add(wire, number); e != nil {
					err = e
				}
			})
		})
	}
	prefixes := func(from *bart.Table[uint32], into **bart.Table[uint32]) {
		if from == nil {
			return
		}
		for prefix, set := range from.All() {
			each(set, func(number uint32) { c.prefix(into, prefix, number) })
		}
	}
	names(p.table, c.names)
	names(p.servers, c.servers)
	prefixes(p.addresses, &c.prefixes)
	prefixes(p.serverAddresses, &c.serverPrefixes)
	for label, set := range p.anyTLD {
		each(set, func(number uint32) { c.label(label, number) })
	}
	return err
}
