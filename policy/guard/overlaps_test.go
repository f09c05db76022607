package guard

import (
	"testing"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

func TestCheck_notesWhatLooksLikeASlip(t *testing.T) {
	// with adds a rule to an order.
	with := func(o *order.Order, place string, line int, r order.Rule) *order.Order {
		r.Place, r.File, r.Line = place, "o.yaml", line
		o.Rules = append(o.Rules, r)
		return o
	}
	excepting := func(match name.Match, text string) order.Rule {
		r := names(match, text)
		r.Except = true
		return r
	}
	until := func(r order.Rule, month time.Month) order.Rule {
		r.Until = time.Date(2027, month, 1, 0, 0, 0, 0, time.UTC)
		return r
	}
	second := anOrder(names(name.Subtree, "a.test"))
	second.ID, second.Rules[0].File = "p", "p.yaml"
	season := func(id string, from, until time.Month) *order.Order {
		o := anOrder(names(name.Subtree, "a.test"))
		o.ID, o.Valid.From, o.Valid.Until = id, time.Date(2027, from, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, until, 1, 0, 0, 0, 0, time.UTC)
		return o
	}
	open := anOrder(names(name.Subtree, "a.test"))
	open.Valid = order.Valid{}
	cases := []struct {
		name   string
		orders []*order.Order
		want   string
	}{
		{"no end and no review", []*order.Order{open}, "o.yaml:1: note: o: has no end and no day of review; give valid.until, or valid.review"},
		{"www. alone", []*order.Order{anOrder(names(name.Subtree, "www.a.test", "www.b.test", "b.test", "www.c.test", "www.co.uk", "www.test"))},
			"o.yaml:2: note: rule 1: www.a.test: leaves the name without www. free (as 1 more names of this rule); add that one if the order means the site\n" +
				"o.yaml:3: note: rule 1: www.b.test: is covered by o.yaml:4, which hits all that it would; remove it"},
		{"twice in a rule", []*order.Order{anOrder(names(name.Subtree, "a.test", "a.test", "a.test"))},
			"o.yaml:3: note: rule 1: a.test: stands at o.yaml:2 too (as 1 more names of this rule); remove one of them if that is not meant"},
		{"twice in two ways", []*order.Order{with(anOrder(names(name.Exact, "a.test")), "rule 2", 3, names(name.Below, "a.test"))}, ""},
		{"in two orders", []*order.Order{anOrder(names(name.Subtree, "a.test")), second},
			"p.yaml:2: note: rule 1: a.test: stands in order o (o.yaml:2) too; remove one of them if that is not meant"},
		{"in two orders one after the other", []*order.Order{season("a", 1, 5), season("b", 5, 9)}, ""},
		{"in two orders one after the other, by another order of ids", []*order.Order{season("a", 5, 9), season("b", 1, 5)}, ""},
		{"covered by what stands later", []*order.Order{with(anOrder(names(name.Exact, "x.a.test", "a.test")), "rule 2", 4, names(name.Subtree, "a.test"))},
			"o.yaml:2: note: rule 1: x.a.test: is covered by o.yaml:2, which hits all that it would (as 1 more names of this rule); remove it"},
		{"not covered by exact", []*order.Order{anOrder(names(name.Exact, "a.test", "x.a.test"))}, ""},
		{"covered by below", []*order.Order{anOrder(names(name.Below, "a.test", "x.a.test"))},
			"o.yaml:3: note: rule 1: x.a.test: is covered by o.yaml:2, which hits all that it would; remove it"},
		{"an exception between", []*order.Order{
			with(with(anOrder(names(name.Subtree, "a.test")), "rule 2", 3, excepting(name.Subtree, "x.a.test")), "rule 3", 4, names(name.Subtree, "y.x.a.test")),
		}, ""},
		{"an exception for what is covered", []*order.Order{
			with(with(anOrder(names(name.Subtree, "a.test")), "rule 2", 3, excepting(name.Exact, "x.a.test")), "rule 3", 4, names(name.Below, "x.a.test")),
		}, ""},
		{"covered for a time only", []*order.Order{with(anOrder(until(names(name.Subtree, "a.test"), 5)), "rule 2", 3, until(names(name.Subtree, "x.a.test"), 6))}, ""},
		{"covered all the time", []*order.Order{with(anOrder(until(names(name.Subtree, "a.test"), 6)), "rule 2", 3, until(names(name.Subtree, "x.a.test"), 5))},
			"o.yaml:2: note: rule 2: x.a.test: is covered by o.yaml:2, which hits all that it would; remove it"},
	}
	var problems problem.List
	g := New(Config{}, &problems)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := checked(g, nil, c.orders...); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCheck_aNameOfAKeptOrderIsNotedToo(t *testing.T) {
	kept, changed := anOrder(names(name.Subtree, "a.test")), anOrder(names(name.Subtree, "b.test"))
	changed.ID = "changed"
	loaded := inForce(t, kept, changed)
	again := anOrder(names(name.Subtree, "a.test", "b.test"))
	again.ID = "changed"
	var problems problem.List
	g := New(Config{}, &problems)
	g.Check(&order.Set{Orders: []*order.Order{again}, Kept: []*order.Order{kept}}, loaded, &problems)
	const want = "o.yaml:2: note: rule 1: a.test: stands in order o too; remove one of them if that is not meant"
	if got := printed(&problems); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
