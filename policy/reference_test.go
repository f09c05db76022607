package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// The reference matcher: what the interfaces say about precedence, word by
// word, over plain slices and dotted names. It knows nothing of tries.

type refRule struct {
	name        string
	match       name.Match
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

// matches reports whether the rule's name stands for q.
func (r refRule) matches(q string) bool {
	below := strings.HasSuffix(q, "."+r.name)
	switch r.match {
	case name.Exact:
		return q == r.name
	case name.Below:
		return below
	}
	return below || q == r.name
}

// closeness: exact over subtree, more labels over fewer.
func (r refRule) closeness() int {
	c := 2 * len(strings.Split(r.name, "."))
	if r.match == name.Exact {
		c++
	}
	return c
}

func holds(from, until, now time.Time) bool {
	return (from.IsZero() || !now.Before(from)) && (until.IsZero() || now.Before(until))
}

// verdict is the rule of the order that decides about q, nil if none does.
func (o refOrder) verdict(q string, client netip.Addr, now time.Time) *refRule {
	if len(o.clients) > 0 && !slices.ContainsFunc(o.clients, func(p netip.Prefix) bool { return p.Contains(client) }) {
		return nil
	}
	var best *refRule
	for i := range o.rules {
		r := &o.rules[i]
		if !holds(o.from, o.until, now) || !holds(r.from, r.until, now) || !r.matches(q) {
			continue
		}
		if best == nil || r.closeness() > best.closeness() || r.closeness() == best.closeness() && r.except && !best.except {
			best = r
		}
	}
	if best == nil || best.except {
		return nil
	}
	return best
}

// reference returns the ids of the orders that q falls under, sorted, and the
// one that answers.
func reference(orders []refOrder, q string, client netip.Addr, now time.Time) (all []string, answers string) {
	var best refOrder
	var bestRule *refRule
	for _, o := range orders {
		r := o.verdict(q, client, now)
		if r == nil {
			continue
		}
		all = append(all, o.id)
		if o.observe {
			continue
		}
		if bestRule == nil || refBefore(o, *r, best, *bestRule) {
			best, bestRule = o, r
		}
	}
	slices.Sort(all)
	if bestRule != nil {
		answers = best.id
	}
	return all, answers
}

func refBefore(a refOrder, ra refRule, b refOrder, rb refRule) bool {
	switch {
	case ra.closeness() != rb.closeness():
		return ra.closeness() > rb.closeness()
	case a.priority != b.priority:
		return a.priority > b.priority
	case !a.from.Equal(b.from):
		return a.from.Before(b.from)
	}
	return a.id < b.id
}

var (
	epoch       = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)
	someClients = []netip.Addr{netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9")}
)

// drawOrders makes orders over few labels, so that they meet often.
func drawOrders(t *rapid.T) []refOrder {
	labels := rapid.SampledFrom([]string{"a", "b", "www", "x-y"})
	names := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(labels, 1, 4).Draw(t, "labels")
		return strings.Join(append(parts, "test"), ".")
	})
	instant := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 2).Draw(t, "dated") > 0 {
			return time.Time{}
		}
		return epoch.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours")) * time.Hour)
	})
	var orders []refOrder
	for i := range rapid.IntRange(1, 6).Draw(t, "orders") {
		o := refOrder{
			id: fmt.Sprintf("order-%d", i), priority: rapid.IntRange(0, 1).Draw(t, "priority"),
			from: instant.Draw(t, "from"), until: instant.Draw(t, "until"), observe: rapid.IntRange(0, 4).Draw(t, "observe") == 0,
		}
		if rapid.IntRange(0, 3).Draw(t, "clients") == 0 {
			o.clients = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/32")}
		}
		taken := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			r := refRule{
				name: names.Draw(t, "name"), match: name.Match(rapid.IntRange(0, 2).Draw(t, "match")),
				except: rapid.IntRange(0, 3).Draw(t, "except") == 0, from: instant.Draw(t, "from"), until: instant.Draw(t, "until"),
			}
			// The same name and kind as rule and exception is refused.
			if key := fmt.Sprint(r.name, r.match); !taken[key] {
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
			var names list.Names
			names.Append(name.MustParse(r.name), r.match, i+1)
			w.Rules = append(w.Rules, order.Rule{
				Place: fmt.Sprintf("rule %d", i+1), Except: r.except, Names: names, From: r.from, Until: r.until, Trigger: order.TriggerName,
			})
		}
		set.Orders = append(set.Orders, w)
	}
	return set
}

func mustCompile(t interface{ Fatalf(string, ...any) }, orders []refOrder) *Program {
	var problems problem.List
	p := Compile(written(orders), Options{}, &problems)
	if p == nil {
		t.Fatalf("compile: %v", problems.Sorted())
	}
	return p
}

func TestMatch_agreesWithTheReferenceMatcher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		orders := drawOrders(t)
		store := NewStore()
		store.Install(mustCompile(t, orders), epoch)
		var buffer name.Buffer
		labels := rapid.SampledFrom([]string{"a", "b", "www", "x-y", "z"})
		for range 20 {
			q := strings.Join(append(rapid.SliceOfN(labels, 0, 5).Draw(t, "q"), "test"), ".")
			client := rapid.SampledFrom(someClients).Draw(t, "client")
			now := epoch.Add(time.Duration(rapid.IntRange(-4*60, 4*60).Draw(t, "minutes")) * time.Minute)
			store.Advance(now)
			buffer.Set([]byte(name.MustParse(q)))
			matches, answers := store.Load().Match(&buffer, client, nil)
			wantAll, wantAnswers := reference(orders, q, client, now)
			gotAll, gotAnswers := ids(matches), ""
			if answers >= 0 {
				gotAnswers = matches[answers].Order.ID
			}
			if !slices.Equal(gotAll, wantAll) || gotAnswers != wantAnswers {
				t.Fatalf("%s for %v at %v: got %v answered by %q, want %v answered by %q", q, client, now, gotAll, gotAnswers, wantAll, wantAnswers)
			}
			if len(matches) > 0 && !store.Load().Touches(&buffer) {
				t.Fatalf("%s matches, but Touches says no rule is near", q)
			}
		}
	})
}

func ids(matches []Match) []string {
	var out []string
	for _, m := range matches {
		out = append(out, m.Order.ID)
	}
	slices.Sort(out)
	return out
}
