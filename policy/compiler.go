package policy

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/gaissmai/bart"

	"bailiff/policy/list"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// compiler is one attempt at a Program.
type compiler struct {
	orders   []*order.Order
	opts     Options
	problems *problem.List
	builder  *builder
	bindings []binding
	sets     [][]uint32
	interned map[string]uint32 // a set's binding numbers, as octets → its number
	anyTLD   map[string]uint32
	prefixes *bart.Table[uint32]

	servers        *builder // nil: no rules on name servers
	serverPrefixes *bart.Table[uint32]
	single         []uint32 // binding number → number of the set that holds it alone
}

func newCompiler(orders []*order.Order, opts Options, problems *problem.List) *compiler {
	expected := 0
	for _, o := range orders {
		for i := range o.Rules {
			expected += o.Rules[i].Names.Len()
		}
	}
	return &compiler{
		orders: orders, opts: opts, problems: problems,
		builder:  newBuilder(rand.Uint64(), expected),
		sets:     [][]uint32{nil},
		interned: map[string]uint32{},
		anyTLD:   map[string]uint32{},
	}
}

// rules puts every rule where queries find it.
func (c *compiler) rules() bool {
	ok := true
	for i, o := range c.orders {
		for j := range o.Rules {
			r := &o.Rules[j]
			b := binding{order: uint32(i), rule: uint32(j), except: r.Except, valid: validityOf(o.Valid, r.From, r.Until)}
			switch r.Trigger {
			case order.TriggerAnyTLD:
				c.labels(r, c.bind(b))
			case order.TriggerAddress:
				c.addresses(&c.prefixes, r, c.bind(b))
			case order.TriggerNameserverAddress:
				c.addresses(&c.serverPrefixes, r, c.bind(b))
			case order.TriggerNameserver:
				if c.servers == nil {
					c.servers = newBuilder(rand.Uint64(), r.Names.Len())
				}
				ok = c.names(c.servers, r, b) && ok
			case order.TriggerName:
				ok = c.names(c.builder, r, b) && ok
			}
		}
	}
	return ok
}

// names puts the names of a rule into a trie.
func (c *compiler) names(into *builder, r *order.Rule, b binding) bool {
	numbers := [3]uint32{} // by way of matching; binding numbers start at 1
	for e := range r.Names.All() {
		if numbers[e.Match] == 0 {
			b.match = e.Match
			numbers[e.Match] = c.bind(b)
		}
		if err := c.add(into, e, numbers[e.Match], r); err != nil {
			c.problems.Add(problem.Problem{File: r.File, Line: e.Line, Text: err.Error(), Remedy: "split the load over several servers"})
			return false
		}
	}
	return true
}

// labels notes the labels of an any-tld rule.
func (c *compiler) labels(r *order.Rule, number uint32) {
	for e := range r.Names.All() {
		key := string(e.Name[:len(e.Name)-1])
		c.anyTLD[key] = c.with(c.anyTLD[key], number)
	}
}

// addresses notes the prefixes of an address rule.
func (c *compiler) addresses(into **bart.Table[uint32], r *order.Rule, number uint32) {
	if *into == nil {
		*into = new(bart.Table[uint32])
	}
	for _, p := range r.Prefixes {
		set, _ := (*into).Get(p.Prefix)
		(*into).Insert(p.Prefix, c.with(set, number))
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

// bind numbers a binding, from 1.
func (c *compiler) bind(b binding) uint32 {
	if len(c.bindings) == 0 {
		c.bindings = append(c.bindings, binding{})
		c.single = append(c.single, 0)
	}
	c.bindings = append(c.bindings, b)
	c.single = append(c.single, 0)
	return uint32(len(c.bindings) - 1)
}

// add ties one name to a binding.
func (c *compiler) add(into *builder, e list.Entry, number uint32, r *order.Rule) error {
	record, fresh, err := into.add(e.Name)
	if err != nil {
		return err
	}
	at := into.records[record:]
	if fresh {
		binary.LittleEndian.PutUint32(at, c.alone(number))
		return nil
	}
	set := binary.LittleEndian.Uint32(at)
	c.checkContradiction(c.sets[set], number, e, r)
	binary.LittleEndian.PutUint32(at, c.with(set, number))
	return nil
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

// checkContradiction refuses the same name and way of matching as a rule and
// as an exception of one order.
func (c *compiler) checkContradiction(set []uint32, number uint32, e list.Entry, r *order.Rule) {
	b := c.bindings[number]
	for _, n := range set {
		if o := c.bindings[n]; o.order == b.order && o.match == b.match && o.except != b.except {
			c.problems.Add(problem.Problem{
				File: r.File, Line: e.Line, Place: r.Place, Value: shown(c.orders[b.order], e.Name),
				Text:   "is both under order and excepted (" + c.orders[b.order].Rules[o.rule].Place + ")",
				Remedy: "keep one of the two",
			})
		}
	}
}

// freeze makes the Program, nil if the table needs another seed.
func (c *compiler) freeze() *Program {
	p := &Program{
		bindings: c.bindings, sets: c.sets, table: c.builder.table(), anyTLD: c.anyTLD,
		addresses: c.prefixes, serverAddresses: c.serverPrefixes,
	}
	if c.servers != nil {
		p.servers = c.servers.table()
	}
	if p.table == nil || c.servers != nil && p.servers == nil {
		return nil
	}
	for _, o := range c.orders {
		p.orders = append(p.orders, newOrder(o, c.opts))
	}
	return p
}
