package guard

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// overridden is the order with an override for each of these.
func overridden(o *order.Order, about ...order.Subject) *order.Order {
	for i, s := range about {
		o.Overrides = append(o.Overrides, order.Override{
			Subject: s, ApprovedBy: "A. Rossi, legal", Reason: "the order names it", Place: "override 1", Line: 10 + i,
		})
	}
	return o
}

func about(guard order.Guard, text string) order.Subject {
	return order.Subject{Guard: guard, Name: name.MustParse(text)}
}

func TestCheck_anOverrideLiftsItsOwnFindingOnly(t *testing.T) {
	const approved = `, which is overridden: approved by "A. Rossi, legal", reason: "the order names it"`
	cases := []struct {
		name  string
		order *order.Order
		want  string
	}{
		{"its name", overridden(anOrder(names(name.Subtree, "t.me")), about(order.GuardPopular, "t.me")),
			"o.yaml:10: note: override 1: t.me: would hit t.me, rank 10346 of testdata/popular.csv" + approved},
		{"another guard", overridden(anOrder(names(name.Subtree, "bank.test")), about(order.GuardPopular, "bank.test")),
			"o.yaml:2: rule 1: bank.test: would hit names of bank.test, which testdata/protected.txt:2 protects; take it out, or add an override (guard: protected) with approved_by and reason\n" +
				"o.yaml:10: note: override 1: bank.test: guard popular finds nothing to lift; remove it"},
		{"another name", overridden(anOrder(names(name.Subtree, "goo.gl")), about(order.GuardPopular, "t.me")),
			"o.yaml:2: rule 1: goo.gl: would hit goo.gl, rank 8598 of testdata/popular.csv; name what the order means more closely, or add an override (guard: popular) with approved_by and reason\n" +
				"o.yaml:10: note: override 1: t.me: guard popular finds nothing to lift; remove it"},
		{"what is never under order", overridden(anOrder(names(name.Subtree, "a.onion")), about(order.GuardPublicSuffix, "a.onion"), order.Subject{}),
			"o.yaml:2: rule 1: a.onion: is onion or below it, which is never under order; take it out\n" +
				"o.yaml:10: note: override 1: a.onion: guard public-suffix finds nothing to lift; remove it\n" +
				"o.yaml:11: note: override 1: guard Guard(0) finds nothing to lift; remove it"},
		{"a public suffix", overridden(anOrder(names(name.Subtree, "github.io")), about(order.GuardPublicSuffix, "github.io"), about(order.GuardPopular, "github.io")),
			"o.yaml:10: note: override 1: github.io: is a public suffix: the domains of others below it would be hit" + approved + "\n" +
				"o.yaml:11: note: override 1: github.io: would hit shop.github.io, rank 80001 of testdata/popular.csv" + approved},
		{"a label", overridden(anOrder(label("shop")), order.Subject{Guard: order.GuardPopular, Name: "\x04shop\x00"}),
			"o.yaml:10: note: override 1: shop: would hit shop.github.io, rank 80001 of testdata/popular.csv" + approved},
		{"a prefix", overridden(anOrder(address("10.0.0.0/16")), order.Subject{Guard: order.GuardPrefix, Prefix: netip.MustParsePrefix("10.0.0.0/16")}),
			"o.yaml:10: note: override 1: 10.0.0.0/16: is wider than /24: the services of others would be hit" + approved},
	}
	g := full(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := checked(g, nil, c.order); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCheck_returnsTheOverridesInUse(t *testing.T) {
	o := overridden(anOrder(names(name.Subtree, "t.me")), about(order.GuardPopular, "t.me"), about(order.GuardPopular, "a.test"))
	var problems problem.List
	uses := full(t).Check(&order.Set{Orders: []*order.Order{o}}, nil, &problems)
	if len(uses) != 1 || uses[0].Order != "o" || !strings.Contains(uses[0].Note.Error(), `override 1: t.me: would hit`) {
		t.Errorf("got %+v", uses)
	}
}

func TestCheck_withoutListsNoOverrideIsCalledUseless(t *testing.T) {
	o := overridden(anOrder(names(name.Subtree, "t.me", "bank.test")),
		about(order.GuardPopular, "t.me"), about(order.GuardProtected, "bank.test"), order.Subject{Guard: order.GuardGrowth})
	var problems problem.List
	if got := checked(New(Config{}, &problems), nil, o); got != "" {
		t.Errorf("got\n%s", got)
	}
}

func TestCheck_anExceptionHitsNobody(t *testing.T) {
	r := names(name.Subtree, "google.com", "co.uk", "a.onion", "bank.test")
	r.Except = true
	if got := checked(full(t), nil, anOrder(r)); got != "" {
		t.Errorf("got\n%s", got)
	}
}

func TestCheck_problemsOfHiddenOrdersTellNoName(t *testing.T) {
	secrets := []string{"facebook", "bank", "onion", "co.uk", "39", "shop", "104.", "192.", "53", "twice", "order names it"}
	o := anOrder(names(name.Subtree, "facebook.com", "bank.test", "a.onion", "co.uk", "twice.test", "twice.test", "a.twice.test"))
	o.Publicity = order.Hidden
	o.Rules = append(o.Rules, label("shop"), address("104.16.0.1/32"), address("192.0.2.53/32"), address("192.168.0.0/24"))
	overridden(o, about(order.GuardPopular, "facebook.com"), about(order.GuardPopular, "bank.test"))
	other := anOrder(names(name.Subtree, "twice.test"))
	other.ID, other.Rules[0].File = "p", "p.yaml"
	got := checked(full(t), nil, o, other)
	if n := strings.Count(got, "\n") + 1; n != 11 {
		t.Errorf("got %d problems, want 11:\n%s", n, got)
	}
	for _, secret := range secrets {
		if strings.Contains(got, secret) {
			t.Errorf("%s is told:\n%s", secret, got)
		}
	}
}

func TestCheck_anOrderMayNeitherShrinkNorGrowTooFar(t *testing.T) {
	const remedy = "; look at its lists and fetch them again, or add an override (guard: growth) with approved_by and reason"
	cases := []struct {
		name        string
		before, now int
		limits      order.Limits
		want        string
	}{
		{"half", 200, 100, order.Limits{}, ""},
		{"less than half", 200, 99, order.Limits{}, "loses more than 50 % of its names of trigger name: revision 3 in force holds 200, this one 99" + remedy},
		{"ten times", 100, 1000, order.Limits{}, ""},
		{"more than ten times", 100, 1001, order.Limits{}, "grows by more than 900 % of trigger name: revision 3 in force holds 100, this one 1001" + remedy},
		{"small orders as they like", 99, 1, order.Limits{}, ""},
		{"the order's own shrink", 10, 8, order.Limits{Shrink: 10}, "loses more than 10 % of its names of trigger name: revision 3 in force holds 10, this one 8" + remedy},
		{"the order's own grow", 10, 16, order.Limits{Grow: 50}, "grows by more than 50 % of trigger name: revision 3 in force holds 10, this one 16" + remedy},
		{"what is new", 0, 5000, order.Limits{Grow: 50}, ""},
		{"its own bound", 5000, 5001, order.Limits{Names: 5000}, "holds 5001 names, over its own limit of 5000; look for what does not belong to it, or raise limits.names, or add an override (guard: size) with approved_by and reason"},
	}
	var problems problem.List
	g := New(Config{}, &problems)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			numbered := func(n int) (r order.Rule) {
				for i := range n {
					r.Names.Append(name.MustParse(fmt.Sprintf("d%d.test", i)), name.Subtree, i+2)
				}
				return r
			}
			r := numbered(c.now)
			o := anOrder(r)
			o.Limits = c.limits
			before, free := anOrder(numbered(c.before)), names(name.Subtree, "a.example", "b.example")
			free.Except = true
			before.Revision, before.Rules = 3, append(before.Rules, free)
			loaded := inForce(t, before)
			want := c.want
			if want != "" {
				want = "o.yaml:1: o: " + want
			}
			if got := checked(g, loaded, o); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			guard := order.GuardGrowth
			if c.limits.Names > 0 {
				guard = order.GuardSize
			}
			o.Revision = 4 // that alone changes nothing
			if got := checked(g, loaded, overridden(o, order.Subject{Guard: guard})); !strings.HasPrefix(got, "o.yaml:10: note: ") {
				t.Errorf("overridden: got\n%s", got)
			}
			if got := checked(g, nil, anOrder(r)); got != "" {
				t.Errorf("at the start: got\n%s", got)
			}
		})
	}
}
