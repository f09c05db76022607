package policy

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// The reference matcher: what the interfaces say about precedence, word by
// word, over plain slices and dotted names. It knows nothing of tries.

type refRule struct {
	name        string // of a name rule
	match       name.Match
	label       string       // of an any-tld rule
	prefix      netip.Prefix // of an address rule, or with onServer of a rule on a server's address
	server      string       // of a rule on a server's name
	onServer    bool
	except      bool
	from, until time.Time
}

type refOrder struct {
	id          string
	priority    int
	from, until time.Time
	clients     []netip.Prefix
	observe     bool
	rules       []refRule
}

// closeness says how closely the rule matches q, 0 if not at all: exact over
// subtree, more labels over fewer.
func (r refRule) closeness(q string) int {
	switch {
	case r.label != "":
		return r.anyTLD(q)
	case r.name == "":
		return 0
	}
	labels, below := len(strings.Split(r.name, ".")), strings.HasSuffix(q, "."+r.name)
	switch {
	case r.match == name.Exact && q == r.name:
		return 2*labels + 1
	case r.match == name.Below && below, r.match == name.Subtree && (below || q == r.name):
		return 2 * labels
	}
	return 0
}

// anyTLD: the label under every public suffix, where that makes none itself, and
// what is below that.
func (r refRule) anyTLD(q string) (closest int) {
	labels := strings.Split(q, ".")
	for i, l := range labels[:len(labels)-1] {
		rest := strings.Join(labels[i+1:], ".")
		if suffix, _ := publicsuffix.PublicSuffix(l + "." + rest); l == r.label && suffix == rest {
			closest = max(closest, 2*(len(labels)-i))
		}
	}
	return closest
}

func holds(from, until, now time.Time) bool {
	return (from.IsZero() || !now.Before(from)) && (until.IsZero() || now.Before(until))
}

// serves reports whether the order is about queries of client at all.
func (o refOrder) serves(client netip.Addr) bool {
	return len(o.clients) == 0 || slices.ContainsFunc(o.clients, func(p netip.Prefix) bool { return p.Contains(client) })
}

// decide is the rule of the order that decides, exceptions included, nil if
// none does. close says how closely a rule matches, 0 if not at all.
func (o refOrder) decide(client netip.Addr, now time.Time, close func(refRule) int) (best *refRule, how int) {
	for i := range o.rules {
		r := &o.rules[i]
		c := close(*r)
		if c == 0 || !o.serves(client) || !holds(o.from, o.until, now) || !holds(r.from, r.until, now) {
			continue
		}
		if best == nil || c > how || c == how && r.except && !best.except {
			best, how = r, c
		}
	}
	return best, how
}

// refMatch is an order that q falls under.
type refMatch struct {
	order refOrder
	how   int
}

// byName are the orders with a rule that stands for q.
func byName(orders []refOrder, q string, client netip.Addr, now time.Time) (all []refMatch) {
	for _, o := range orders {
		if r, how := o.decide(client, now, func(r refRule) int { return r.closeness(q) }); r != nil && !r.except {
			all = append(all, refMatch{o, how})
		}
	}
	return all
}

// holding says how closely a rule of the kind holds one of the addresses: the
// longer the prefix the closer, 0 if it holds none.
func (r refRule) holding(addresses []netip.Addr, onServer bool) (bits int) {
	for _, a := range addresses {
		if r.onServer == onServer && r.prefix.IsValid() && r.prefix.Contains(a) {
			bits = max(bits, r.prefix.Bits()+128-r.prefix.Addr().BitLen())
		}
	}
	return bits
}

// serving says how closely the rule names one of the servers: a server's name
// is closer than any address, more labels are closer than fewer.
func (r refRule) serving(servers []string) (closest int) {
	for _, s := range servers {
		if r.server != "" && (s == r.server || strings.HasSuffix(s, "."+r.server)) {
			closest = max(closest, 1000+2*len(strings.Split(r.server, ".")))
		}
	}
	return closest
}

// beside are the orders of which a rule holds something beside q's name, but
// for those with an exception for q.
func beside(orders []refOrder, q string, client netip.Addr, now time.Time, how func(refRule) int) (all []refMatch) {
	for _, o := range orders {
		if r, _ := o.decide(client, now, func(r refRule) int { return r.closeness(q) }); r != nil && r.except {
			continue
		}
		if r, close := o.decide(client, now, how); r != nil {
			all = append(all, refMatch{o, close})
		}
	}
	return all
}

// answering is the id of the order that answers, "" if none enforces.
func answering(all []refMatch) string {
	var best *refMatch
	for i := range all {
		if m := &all[i]; !m.order.observe && (best == nil || refBefore(*m, *best)) {
			best = m
		}
	}
	if best == nil {
		return ""
	}
	return best.order.id
}

func refBefore(a, b refMatch) bool {
	switch {
	case a.how != b.how:
		return a.how > b.how
	case a.order.priority != b.order.priority:
		return a.order.priority > b.order.priority
	case !a.order.from.Equal(b.order.from):
		return a.order.from.Before(b.order.from)
	}
	return a.order.id < b.order.id
}

var (
	epoch         = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	someSuffixes  = rapid.SampledFrom([]string{"test", "co.uk", "github.io"}) // one unknown, one ICANN's, one private
	someAddresses = []netip.Addr{netip.MustParseAddr("198.51.100.1"), netip.MustParseAddr("198.51.100.200"), netip.MustParseAddr("2001:db8::1")}
	someServers   = []string{"ns.a.test", "a.test", "b.test", "x.ns.a.test"}
	somePrefixes  = []netip.Prefix{
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("198.51.100.128/25"),
		netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("192.0.2.0/24"),
	}
	someClients = []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")}
)

// drawOrders makes orders over few labels, so that they meet often.
func drawOrders(t *rapid.T) []refOrder {
	labels := rapid.SampledFrom([]string{"a", "b", "www", "x-y"})
	names := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(labels, 1, 4).Draw(t, "labels")
		return strings.Join(append(parts, someSuffixes.Draw(t, "suffix")), ".")
	})
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 2).Draw(t, "dated") > 0 {
			return time.Time{}
		}
		return epoch.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours")) * time.Hour)
	})
	var orders []refOrder
	first := rapid.IntRange(0, 4).Draw(t, "first")
	for i := range rapid.IntRange(1, 6).Draw(t, "orders") {
		o := refOrder{
			id: fmt.Sprintf("order-%d", first+i), priority: rapid.IntRange(0, 1).Draw(t, "priority"),
			from: instant.Draw(t, "from"), until: instant.Draw(t, "until"), observe: rapid.IntRange(0, 4).Draw(t, "observe") == 0,
		}
		if rapid.IntRange(0, 3).Draw(t, "clients") == 0 {
			o.clients = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		}
		taken := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := refRule{from: instant.Draw(t, "from"), until: instant.Draw(t, "until")}
			switch rapid.IntRange(0, 6).Draw(t, "trigger") {
			case 0:
				r.label = labels.Draw(t, "label")
			case 1:
				r.prefix = rapid.SampledFrom(somePrefixes).Draw(t, "prefix")
				r.onServer = rapid.Bool().Draw(t, "onServer")
			case 2:
				r.server = rapid.SampledFrom(someServers).Draw(t, "server")
			default:
				r.name, r.match = names.Draw(t, "name"), name.Match(rapid.IntRange(0, 2).Draw(t, "match"))
				r.except = rapid.IntRange(0, 3).Draw(t, "except") == 0
			}
			// The same name and kind as rule and exception is refused.
			if key := fmt.Sprint(r.name, r.match, r.label, r.prefix, r.server, r.onServer); !taken[key] {
				taken[key] = true
				o.rules = append(o.rules, r)
			}
		}
		orders = append(orders, o)
	}
	return orders
}

// written turns the model's orders into what Load would have read.
func written(orders []refOrder) *order.Set {
	set := new(order.Set)
	for _, o := range orders {
		w := &order.Order{ID: o.id, Priority: o.priority, Clients: o.clients, Valid: order.Valid{From: o.from, Until: o.until}}
		w.Answer = order.Answer{Action: order.ActionNXDOMAIN, TTL: time.Minute}
		if o.observe {
			w.Mode = order.Observe
		}
		for i, r := range o.rules {
			w.Rules = append(w.Rules, r.written(i+1))
		}
		set.Orders = append(set.Orders, w)
	}
	return set
}

func (r refRule) written(number int) order.Rule {
	w := order.Rule{Place: fmt.Sprintf("rule %d", number), Except: r.except, From: r.from, Until: r.until}
	switch {
	case r.label != "":
		w.Trigger = order.TriggerAnyTLD
		w.Names.Append(name.Name(fmt.Sprintf("%c%s\x00", len(r.label), r.label)), name.Subtree, number)
	case r.prefix.IsValid():
		w.Trigger = order.TriggerAddress
		if r.onServer {
			w.Trigger = order.TriggerNameserverAddress
		}
		w.Prefixes = []list.Prefix{{Prefix: r.prefix, Line: number}}
	case r.server != "":
		w.Trigger = order.TriggerNameserver
		w.Names.Append(name.MustParse(r.server), name.Subtree, number)
	default:
		w.Names.Append(name.MustParse(r.name), r.match, number)
	}
	return w
}

func mustCompile(t interface{ Fatalf(string, ...any) }, set *order.Set, loaded *Program) *Program {
	var problems problem.List
	p := Compile(set, Options{Loaded: loaded}, &problems)
	if p == nil {
		t.Fatalf("compile: %v", problems.Sorted())
	}
	return p
}

// restored is p after it was written and read again.
func restored(t *rapid.T, p *Program) *Program {
	var parts []Saved
	for _, part := range p.Parts() {
		var b bytes.Buffer
		if err := part.Write(&b); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, Saved{b.Bytes(), part.Gone()})
	}
	again, err := Restore(parts, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// drawLoads compiles orders load after load, each of which changes some orders,
// lifts some and keeps the others. It returns the last, and its orders.
func drawLoads(t *rapid.T) (p *Program, orders []refOrder) {
	for range rapid.IntRange(1, 6).Draw(t, "loads") {
		if p != nil && rapid.IntRange(0, 3).Draw(t, "restarted") == 0 {
			p = restored(t, p)
		}
		next := drawOrders(t)
		set := written(next)
		for _, o := range orders {
			again := slices.ContainsFunc(next, func(n refOrder) bool { return n.id == o.id })
			if again || rapid.IntRange(0, 4).Draw(t, "lifted") == 0 {
				continue
			}
			at := slices.IndexFunc(p.orders, func(known *Order) bool { return known.ID == o.id })
			set.Kept = append(set.Kept, p.orders[at].Order)
			next = append(next, o)
		}
		p, orders = mustCompile(t, set, p), next
	}
	return p, orders
}

func TestMatch_agreesWithTheReferenceMatcher(t *testing.T) { rapid.Check(t, agrees) }

func FuzzMatch(f *testing.F) { f.Fuzz(rapid.MakeFuzz(agrees)) }

// agrees is the property: random orders and queries, at random times.
func agrees(t *rapid.T) {
	p, orders := drawLoads(t)
	store := NewStore()
	store.Install(p, epoch)
	var buffer name.Buffer
	labels := rapid.SampledFrom([]string{"a", "b", "www", "x-y", "z"})
	for range 20 {
		q := strings.Join(append(rapid.SliceOfN(labels, 0, 5).Draw(t, "q"), someSuffixes.Draw(t, "suffix")), ".")
		client := rapid.SampledFrom(someClients).Draw(t, "client")
		now := epoch.Add(time.Duration(rapid.IntRange(-4*60, 4*60).Draw(t, "minutes")) * time.Minute)
		store.Advance(now)
		law := store.Load()
		buffer.Set([]byte(name.MustParse(q)))

		matches, answers := law.Match(&buffer, client, nil)
		agree(t, fmt.Sprintf("%s for %v at %v", q, client, now), matches, answers, byName(orders, q, client, now))
		if len(matches) > 0 && !law.Touches(&buffer) {
			t.Fatalf("%s matches, but Touches says no rule is near", q)
		}

		addresses := rapid.SliceOfDistinct(rapid.SampledFrom(someAddresses), rapid.ID).Draw(t, "addresses")
		var held []Match
		for _, a := range addresses {
			if law.HoldsAddresses() && law.HoldsAddress(a) {
				held = law.MatchAddress(a, &buffer, client, held, 0)
			}
		}
		held, answers = Settle(held, 0)
		what := fmt.Sprintf("%v of %s for %v at %v", addresses, q, client, now)
		agree(t, what, held, answers, beside(orders, q, client, now, func(r refRule) int { return r.holding(addresses, false) }))

		servers := rapid.SliceOfDistinct(rapid.SampledFrom(someServers), rapid.ID).Draw(t, "servers")
		held = nil
		for _, server := range servers {
			var b name.Buffer
			b.Set([]byte(name.MustParse(server)))
			if held = law.MatchServer(&b, &buffer, client, held, 0); len(held) > 0 && !law.HoldsServers() {
				t.Fatalf("%s matches, but there are no rules on servers", server)
			}
		}
		for _, a := range addresses {
			held = law.MatchServerAddress(a, &buffer, client, held, 0)
		}
		held, answers = Settle(held, 0)
		agree(t, fmt.Sprintf("%v, %s", servers, what), held, answers, beside(orders, q, client, now, func(r refRule) int {
			return max(r.serving(servers), r.holding(addresses, true))
		}))
	}
}

// agree compares what matched and what answers with the reference.
func agree(t *rapid.T, what string, matches []Match, answers int, reference []refMatch) {
	var want []string
	for _, m := range reference {
		want = append(want, m.order.id)
	}
	slices.Sort(want)
	got := ""
	if answers >= 0 {
		got = matches[answers].Order.ID
	}
	if !slices.Equal(ids(matches), want) || got != answering(reference) {
		t.Fatalf("%s: got %v answered by %q, want %v answered by %q", what, ids(matches), got, want, answering(reference))
	}
}

func ids(matches []Match) []string {
	var out []string
	for _, m := range matches {
		out = append(out, m.Order.ID)
	}
	slices.Sort(out)
	return out
}
