package policy

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Program is every rule of one load, compiled, whatever its dates. It is
// immutable and may be shared.
type Program struct {
	orders   []*Order // by precedence among equally close matches: an index is a rank
	bindings []binding
	sets     [][]uint32 // binding numbers of each set; set 0 is empty

	// What is looked up, each leading to the number of a set.
	table     *table
	anyTLD    map[string]uint32   // by label, its length octet before it
	addresses *bart.Table[uint32] // nil: no address rules
}

// binding is what ties a name to a rule: one for each rule and way of matching.
type binding struct {
	order, rule uint32
	match       name.Match
	except      bool
	valid       validity
}

// Options are what compiling needs to know beside the orders.
type Options struct {
	Notice     order.Addresses   // the server's own notice addresses
	Structured *StructuredErrors // nil: no structured errors are made
	// Loaded is the program now in force, nil if there is none: revisions may
	// not go down against it.
	Loaded *Program
}

// Compile turns a load into a Program. It returns nil if problems holds a
// refusal, its own or one that was there; it consumes the names of set's rules.
func Compile(set *order.Set, opts Options, problems *problem.List) *Program {
	orders := slices.Clone(set.Orders)
	slices.SortFunc(orders, precedence)
	for _, o := range orders {
		checkRevision(o, opts.Loaded, problems)
		checkNotice(o, opts.Notice, problems)
		noteExactNXDOMAIN(o, problems)
	}
	program := build(orders, opts, problems)
	if problems.Refused() {
		return nil
	}
	if !program.table.selfCheck() {
		problems.Add(problem.Problem{
			File: "policy", Text: "a name is not found by its own rule: a fault of this program",
			Remedy: "keep the orders in force and report it",
		})
		return nil
	}
	for _, o := range program.orders {
		o.Order.Rules = nil
	}
	return program
}

// build compiles until no fingerprints collide, nearly always at the first
// attempt; see builder.table.
func build(orders []*order.Order, opts Options, problems *problem.List) *Program {
	for {
		var found problem.List
		c := newCompiler(orders, opts, &found)
		fits := c.rules()
		program := c.freeze()
		if !fits || program != nil {
			problems.Merge(&found)
			return program
		}
	}
}

// precedence orders the orders as interfaces prescribe for matches that are
// equally close: higher priority, earlier valid.from, smaller id.
func precedence(a, b *order.Order) int {
	return cmp.Or(
		cmp.Compare(b.Priority, a.Priority),
		a.Valid.From.Compare(b.Valid.From),
		cmp.Compare(a.ID, b.ID),
	)
}

func checkRevision(o *order.Order, loaded *Program, problems *problem.List) {
	if loaded == nil {
		return
	}
	for _, old := range loaded.orders {
		if old.ID == o.ID && old.Revision > o.Revision {
			problems.Add(problem.Problem{
				File: o.Source.File, Line: o.Source.Line, Place: o.ID, Value: fmt.Sprint(o.Revision),
				Text:   fmt.Sprintf("is a lower revision than the loaded one (%d)", old.Revision),
				Remedy: "raise `revision`, or restart to go back on purpose",
			})
		}
	}
}

func checkNotice(o *order.Order, server order.Addresses, problems *problem.List) {
	own := o.Answer.Notice
	if o.Answer.Action == order.ActionNotice && len(own.IPv4)+len(own.IPv6)+len(server.IPv4)+len(server.IPv6) == 0 {
		problems.Add(problem.Problem{
			File: o.Source.File, Line: o.Source.Line, Place: o.ID, Value: "action: notice",
			Text:   "has no address to answer with",
			Remedy: "give `answer.notice` in the order or `notice` in the config file",
		})
	}
}

// noteExactNXDOMAIN warns once a rule of a block that reaches further than it
// says.
func noteExactNXDOMAIN(o *order.Order, problems *problem.List) {
	if o.Answer.Action != order.ActionNXDOMAIN {
		return
	}
	for i := range o.Rules {
		r := &o.Rules[i]
		for e := range r.Names.All() {
			if r.Except || e.Match != name.Exact {
				continue
			}
			problems.Add(problem.Problem{
				Severity: problem.Note, File: r.File, Line: e.Line, Place: r.Place, Value: shown(o, e.Name),
				Text:   "is answered NXDOMAIN, after which caches may hide the names below it too (RFC 8020)",
				Remedy: "consider `action: nodata`",
			})
			break
		}
	}
}

// shown is a name as problems may tell it: those of hidden orders are not told.
func shown(o *order.Order, n []byte) string {
	if o.Publicity == order.Hidden {
		return ""
	}
	return name.Name(n).String()
}

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
	single   []uint32 // binding number → number of the set that holds it alone
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
				c.addresses(r, c.bind(b))
			case order.TriggerName:
				ok = c.names(o, r, b) && ok
			}
		}
	}
	return ok
}

// names puts the names of a rule into the trie.
func (c *compiler) names(o *order.Order, r *order.Rule, b binding) (ok bool) {
	ok = true
	numbers := [3]uint32{} // by way of matching; binding numbers start at 1
	for e := range r.Names.All() {
		if !guard(o, r, e, c.problems) {
			ok = false
			continue
		}
		if numbers[e.Match] == 0 {
			b.match = e.Match
			numbers[e.Match] = c.bind(b)
		}
		if err := c.add(e, numbers[e.Match], r); err != nil {
			c.problems.Add(problem.Problem{File: r.File, Line: e.Line, Text: err.Error(), Remedy: "split the load over several servers"})
			return false
		}
	}
	return ok
}

// labels notes the labels of an any-tld rule.
func (c *compiler) labels(r *order.Rule, number uint32) {
	for e := range r.Names.All() {
		key := string(e.Name[:len(e.Name)-1])
		c.anyTLD[key] = c.with(c.anyTLD[key], number)
	}
}

// addresses notes the prefixes of an address rule.
func (c *compiler) addresses(r *order.Rule, number uint32) {
	if c.prefixes == nil {
		c.prefixes = new(bart.Table[uint32])
	}
	for _, p := range r.Prefixes {
		set, _ := c.prefixes.Get(p.Prefix)
		c.prefixes.Insert(p.Prefix, c.with(set, number))
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
func (c *compiler) add(e list.Entry, number uint32, r *order.Rule) error {
	record, fresh, err := c.builder.add(e.Name)
	if err != nil {
		return err
	}
	at := c.builder.records[record:]
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
	t := c.builder.table()
	if t == nil {
		return nil
	}
	p := &Program{bindings: c.bindings, sets: c.sets, table: t, anyTLD: c.anyTLD, addresses: c.prefixes}
	for _, o := range c.orders {
		p.orders = append(p.orders, newOrder(o, c.opts))
	}
	return p
}

// newOrder keeps of an order what queries need; the names stay behind.
func newOrder(written *order.Order, opts Options) *Order {
	o := &Order{Order: written, TTLSeconds: uint32(written.Answer.TTL / time.Second)}
	for _, r := range written.Rules {
		o.Rules = append(o.Rules, Rule{
			Place: r.Place, File: r.File, Line: r.Line, Trigger: r.Trigger, Except: r.Except,
			Names: r.Len(), From: r.From, Until: r.Until,
		})
	}
	notice := written.Answer.Notice
	if len(notice.IPv4)+len(notice.IPv6) == 0 {
		notice = opts.Notice
	}
	for _, a := range notice.IPv4 {
		o.IPv4 = append(o.IPv4, a.AsSlice())
	}
	for _, a := range notice.IPv6 {
		o.IPv6 = append(o.IPv6, a.AsSlice())
	}
	o.ExtraText = written.ID + ": " + written.Authority.Name
	if written.Publicity == order.Hidden {
		o.ExtraText = written.Authority.Kind.String()
	}
	if opts.Structured != nil {
		o.Structured, o.StructuredBrief = opts.Structured.texts(written, o.ExtraText)
	}
	if len(written.Clients) > 0 {
		o.clients = new(bart.Lite)
		for _, p := range written.Clients {
			o.clients.Insert(p)
		}
	}
	return o
}
