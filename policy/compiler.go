package policy

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/gaissmai/bart"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// compiler collects the rules of some orders for a layer.
type compiler struct {
	orders   []*Order
	bindings []binding // from 1
	sets     [][]uint32
	interned map[string]uint32 // a set's binding numbers, as octets → its number
	single   []uint32          // binding number → number of the set that holds it alone

	names          *builder
	servers        *builder
	anyTLD         map[string]uint32
	prefixes       *bart.Table[uint32]
	serverPrefixes *bart.Table[uint32]

	contradictions []contradiction
}

// contradiction is a name that is both under order and excepted, in the same
// way and by the same order.
type contradiction struct {
	name          string
	number, other uint32 // of the bindings
}

// newCompiler returns a compiler for so many names, more or less.
func newCompiler(expected int) *compiler {
	return &compiler{
		bindings: make([]binding, 1), single: make([]uint32, 1),
		sets: [][]uint32{nil}, interned: map[string]uint32{},
		names: newBuilder(expected), servers: newBuilder(0), anyTLD: map[string]uint32{},
	}
}

// add takes the rules of an order in. A problem that is there is about memory.
func (c *compiler) add(o *Order) *problem.Problem {
	for i := range o.Order.Rules {
		r := &o.Order.Rules[i]
		b := binding{order: uint32(len(c.orders)), rule: uint32(i), except: r.Except, valid: validityOf(o.Valid, r.From, r.Until)}
		var p *problem.Problem
		switch r.Trigger {
		case order.TriggerAnyTLD:
			c.labels(r, c.bind(b))
		case order.TriggerAddress:
			c.addresses(&c.prefixes, r, c.bind(b))
		case order.TriggerNameserverAddress:
			c.addresses(&c.serverPrefixes, r, c.bind(b))
		case order.TriggerNameserver:
			p = c.addNames(c.servers, r, b)
		case order.TriggerName:
			p = c.addNames(c.names, r, b)
		}
		if p != nil {
			return p
		}
	}
	c.orders = append(c.orders, o)
	return nil
}

// addNames puts the names of a rule into a trie.
func (c *compiler) addNames(into *builder, r *order.Rule, b binding) *problem.Problem {
	numbers := [3]uint32{} // by way of matching
	for e := range r.Names.All() {
		if numbers[e.Match] == 0 {
			b.match = e.Match
			numbers[e.Match] = c.bind(b)
		}
		if err := into.add(e.Name, numbers[e.Match]); err != nil {
			return &problem.Problem{File: r.File, Line: e.Line, Text: err.Error(), Remedy: "split the load over several servers"}
		}
	}
	return nil
}

// labels notes the labels of an any-tld rule.
func (c *compiler) labels(r *order.Rule, number uint32) {
	for e := range r.Names.All() {
		c.label(string(e.Name[:len(e.Name)-1]), number)
	}
}

// label notes one label, its length octet before it.
func (c *compiler) label(key string, number uint32) {
	c.anyTLD[key] = c.with(c.anyTLD[key], number)
}

// addresses notes the prefixes of an address rule.
func (c *compiler) addresses(into **bart.Table[uint32], r *order.Rule, number uint32) {
	for _, p := range r.Prefixes {
		c.prefix(into, p.Prefix, number)
	}
}

func (c *compiler) prefix(into **bart.Table[uint32], prefix netip.Prefix, number uint32) {
	if *into == nil {
		*into = new(bart.Table[uint32])
	}
	set, _ := (*into).Get(prefix)
	(*into).Insert(prefix, c.with(set, number))
}

// bind numbers a binding, from 1.
func (c *compiler) bind(b binding) uint32 {
	c.bindings = append(c.bindings, b)
	c.single = append(c.single, 0)
	return uint32(len(c.bindings) - 1)
}

// setsIn says for the names in b the number of the set of their bindings.
func (c *compiler) setsIn(b *builder) func(at uint32, numbers []uint32) uint32 {
	return func(at uint32, numbers []uint32) uint32 {
		set := c.alone(numbers[0])
		for i, n := range numbers[1:] {
			c.checkContradiction(numbers[:i+1], n, b.wire(at))
			set = c.with(set, n)
		}
		return set
	}
}

// checkContradiction notes a name that is both under order and excepted.
func (c *compiler) checkContradiction(set []uint32, number uint32, wire []byte) {
	b := c.bindings[number]
	for _, n := range set {
		if o := c.bindings[n]; o.order == b.order && o.match == b.match && o.except != b.except {
			c.contradictions = append(c.contradictions, contradiction{string(wire), number, n})
		}
	}
}

// with is the number of the set with one binding more.
func (c *compiler) with(set, number uint32) uint32 {
	if slices.Contains(c.sets[set], number) {
		return set
	}
	if set == 0 {
		return c.alone(number)
	}
	return c.intern(append(slices.Clone(c.sets[set]), number))
}

// alone is the number of the set that holds one binding only.
func (c *compiler) alone(number uint32) uint32 {
	if c.single[number] == 0 {
		c.single[number] = c.intern([]uint32{number})
	}
	return c.single[number]
}

// intern returns the number of the set of these bindings.
func (c *compiler) intern(numbers []uint32) uint32 {
	key := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		key = binary.LittleEndian.AppendUint32(key, n)
	}
	if n, ok := c.interned[string(key)]; ok {
		return n
	}
	c.sets = append(c.sets, numbers)
	n := uint32(len(c.sets) - 1)
	c.interned[string(key)] = n
	return n
}

// layer freezes what was taken in. The compiler is spent, but for its
// contradictions.
func (c *compiler) layer() *layer {
	l := &layer{
		id: newLayerID(), orders: c.orders, table: c.names.table(c.setsIn(c.names)), servers: c.servers.table(c.setsIn(c.servers)),
		anyTLD: c.anyTLD, addresses: c.prefixes, serverAddresses: c.serverPrefixes,
	}
	l.bindings, l.sets = c.bindings, c.sets // the tables' sets included
	return l
}

// report adds the contradictions to problems.
func (c *compiler) report(problems *problem.List) {
	for _, found := range c.contradictions {
		b, other := c.bindings[found.number], c.bindings[found.other]
		o := c.orders[b.order].Order
		r := &o.Rules[b.rule]
		problems.Add(problem.Problem{
			File: r.File, Line: lineOf(r, found.name, b.match), Place: r.Place, Value: shown(o, []byte(found.name)),
			Text:   "is both under order and excepted (" + o.Rules[other.rule].Place + ")",
			Remedy: "keep one of the two",
		})
	}
}

// lineOf is where a rule has a name.
func lineOf(r *order.Rule, wire string, match name.Match) int {
	for e := range r.Names.All() {
		if e.Match == match && string(e.Name) == wire {
			return e.Line
		}
	}
	return r.Line
}
