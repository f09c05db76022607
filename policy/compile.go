package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Program is every rule of one load, compiled, whatever its dates. It is
// immutable and may be shared.
type Program struct {
	orders []*Order // by precedence among equally close matches: an index is a rank
	layers []placed // the largest first
}

// Options are what compiling needs to know beside the orders.
type Options struct {
	Notice     order.Addresses   // the server's own notice addresses
	Structured *StructuredErrors // nil: no structured errors are made
	// Loaded is the program now in force, nil if there is none: revisions may
	// not go down against it, and what the load kept is taken over from it.
	Loaded *Program
	// Restored is an earlier program, nil if there is none, that kept orders are
	// taken over from where nothing is in force yet.
	Restored *Program
}

// Compile turns a load into a Program; what it costs goes by the orders that
// were read again, not by those that the load kept. It returns nil if problems
// holds a refusal, its own or one that was there. The program needs set's rules
// no more; see order.Set.Forget.
func Compile(set *order.Set, opts Options, problems *problem.List) *Program {
	expected, loaded := 0, revisions(opts.Loaded)
	for _, o := range set.Orders {
		checkRevision(o, loaded[o.ID], problems)
		checkNotice(o, opts.Notice, problems)
		noteExactNXDOMAIN(o, problems)
		for i := range o.Rules {
			expected += o.Rules[i].Names.Len()
		}
	}
	c := newCompiler(expected)
	for _, o := range set.Orders {
		if p := c.add(newOrder(o, rulesOf(o), opts)); p != nil {
			problems.Add(*p)
			return nil
		}
	}
	fresh := c.layer()
	c.report(problems)
	if problems.Refused() {
		return nil
	}
	program, err := assemble(fresh, set.Kept, cmp.Or(opts.Loaded, opts.Restored))
	if err == nil && !fresh.sound() {
		err = errUnsound
	}
	if err != nil {
		problems.Add(problem.Problem{File: "policy", Text: err.Error(), Remedy: "keep the orders in force and report it"})
		return nil
	}
	return program
}

// assemble makes a program of a new layer and of the orders that were kept from
// the one before.
func assemble(fresh *layer, kept []*order.Order, before *Program) (*Program, error) {
	p := &Program{orders: slices.Clone(fresh.orders)}
	layers := []*layer{fresh}
	if len(kept) > 0 {
		known := make(map[*order.Order]*Order, len(before.orders))
		for _, o := range before.orders {
			known[o.Order] = o
		}
		for _, o := range kept {
			p.orders = append(p.orders, known[o])
		}
		for _, old := range before.layers {
			layers = append(layers, old.layer)
		}
	}
	var err error
	p.layers, err = settleLayers(layers, p.rank())
	return p, err
}

// rank sorts the orders by precedence, and says where each then stands.
func (p *Program) rank() map[*Order]uint32 {
	slices.SortFunc(p.orders, func(a, b *Order) int { return Precedence(a.Order, b.Order) })
	ranks := make(map[*Order]uint32, len(p.orders))
	for i, o := range p.orders {
		ranks[o] = uint32(i)
	}
	return ranks
}

// Precedence orders the orders as interfaces prescribe for matches that are
// equally close: higher priority, earlier valid.from, smaller id.
func Precedence(a, b *order.Order) int {
	return cmp.Or(
		cmp.Compare(b.Priority, a.Priority),
		a.Valid.From.Compare(b.Valid.From),
		cmp.Compare(a.ID, b.ID),
	)
}

// revisions are those of a program's orders, by id.
func revisions(p *Program) map[string]uint64 {
	all := map[string]uint64{}
	for _, o := range p.Orders() {
		all[o.ID] = o.Revision
	}
	return all
}

func checkRevision(o *order.Order, loaded uint64, problems *problem.List) {
	if o.Revision >= loaded {
		return
	}
	problems.Add(problem.Problem{
		File: o.Source.File, Line: o.Source.Line, Place: o.ID, Value: fmt.Sprint(o.Revision),
		Text:   fmt.Sprintf("is a lower revision than the loaded one (%d)", loaded),
		Remedy: "raise `revision`, or restart to go back on purpose",
	})
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

// noteExactNXDOMAIN warns, once an order, of a block that reaches further than
// it says.
func noteExactNXDOMAIN(o *order.Order, problems *problem.List) {
	if o.Answer.Action != order.ActionNXDOMAIN {
		return
	}
	for i := range o.Rules {
		r := &o.Rules[i]
		if r.Except || r.Trigger != order.TriggerName {
			continue
		}
		for e := range r.Names.All() {
			if e.Match != name.Exact {
				continue
			}
			problems.Add(problem.Problem{
				Severity: problem.Note, File: r.File, Line: e.Line, Place: r.Place, Value: shown(o, e.Name),
				Text:   "is answered NXDOMAIN, after which caches may hide the names below it too (RFC 8020)",
				Remedy: "consider `action: nodata`",
			})
			return
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

// rulesOf is what is kept of an order's rules; the names stay behind.
func rulesOf(written *order.Order) (rules []Rule) {
	for _, r := range written.Rules {
		rules = append(rules, Rule{
			Place: r.Place, File: r.File, Line: r.Line, Trigger: r.Trigger, Except: r.Except,
			Names: r.Len(), From: r.From, Until: r.Until, Notice: r.Notice,
		})
	}
	return rules
}

// newOrder is an order as queries need it.
func newOrder(written *order.Order, rules []Rule, opts Options) *Order {
	o := &Order{Order: written, Rules: rules, TTLSeconds: uint32(written.Answer.TTL / time.Second)}
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
