package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// anOrder is an order with one rule, as Load would have read it.
func anOrder(id string, match name.Match, names ...string) *order.Order {
	var all list.Names
	for i, n := range names {
		all.Append(name.MustParse(n), match, i+2)
	}
	return &order.Order{
		ID: id, Authority: order.Authority{Kind: order.KindCourt, Name: "Court"},
		Answer: order.Answer{Action: order.ActionNXDOMAIN, TTL: time.Minute},
		Source: order.Source{File: id + ".yaml", Line: 1},
		Rules:  []order.Rule{{Place: "rule 1", File: id + ".yaml", Line: 2, Names: all}},
	}
}

func except(o *order.Order, match name.Match, n string) *order.Order {
	var names list.Names
	names.Append(name.MustParse(n), match, 9)
	o.Rules = append(o.Rules, order.Rule{Place: fmt.Sprintf("rule %d", len(o.Rules)+1), File: o.ID + ".yaml", Line: 9, Except: true, Names: names})
	return o
}

// refusals compiles and returns the problems, one a line.
func refusals(loaded *Program, orders ...*order.Order) string {
	var problems problem.List
	p := Compile(&order.Set{Orders: orders}, Options{Loaded: loaded}, &problems)
	if (p == nil) != problems.Refused() {
		panic("a program and a refusal, or neither")
	}
	var lines []string
	for _, p := range problems.Sorted() {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

func TestCompile_refuses(t *testing.T) {
	withNotice := anOrder("o", name.Subtree, "a.test")
	withNotice.Answer.Action = order.ActionNotice
	second := anOrder("o", name.Subtree, "a.test")
	second.Revision = 2
	var problems problem.List
	loaded := Compile(&order.Set{Orders: []*order.Order{second}}, Options{}, &problems)
	cases := []struct {
		name   string
		loaded *Program
		order  *order.Order
		want   string
	}{
		{"rule and exception of one name and kind", nil, except(anOrder("o", name.Subtree, "a.test"), name.Subtree, "a.test"),
			"o.yaml:9: rule 2: a.test: is both under order and excepted (rule 1); keep one of the two"},
		{"notice without an address", nil, withNotice,
			`o.yaml:1: o: "action: notice": has no address to answer with; give ` + "`answer.notice` in the order or `notice` in the config file"},
		{"a revision that goes down", loaded, anOrder("o", name.Subtree, "a.test"),
			"o.yaml:1: o: 0: is a lower revision than the loaded one (2); raise `revision`, or restart to go back on purpose"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := refusals(c.loaded, c.order); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCompile_problemsOfHiddenOrdersTellNoName(t *testing.T) {
	o := except(anOrder("o", name.Exact, "secret.test"), name.Exact, "secret.test")
	o.Publicity = order.Hidden
	if got := refusals(nil, o); strings.Contains(got, "secret") || strings.Count(got, "\n") != 1 {
		t.Errorf("got\n%s\nwant two problems, none with a name", got)
	}
}

func TestCompile_notesThatExactNXDOMAINReachesFurther(t *testing.T) {
	want := "o.yaml:2: note: rule 1: a.test: is answered NXDOMAIN, after which caches may hide the names below it too (RFC 8020); consider `action: nodata`"
	if got := refusals(nil, anOrder("o", name.Exact, "a.test", "b.test")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCompile_acceptsANameTwiceAndAnExceptionOfAnotherKind(t *testing.T) {
	for _, o := range []*order.Order{
		except(anOrder("o", name.Subtree, "a.test"), name.Exact, "a.test"),
		anOrder("o", name.Subtree, "a.test", "a.test"),
	} {
		if got := refusals(nil, o); got != "" {
			t.Errorf("refused: %s", got)
		}
	}
}

func TestCompile_everyProblemIsReported(t *testing.T) {
	got := refusals(nil,
		except(except(anOrder("a", name.Subtree, "a.test", "b.test"), name.Subtree, "a.test"), name.Subtree, "b.test"),
		except(anOrder("b", name.Subtree, "c.test", "fine.test"), name.Subtree, "c.test"))
	if n := strings.Count(got, "\n") + 1; n != 3 {
		t.Errorf("got %d problems, want 3:\n%s", n, got)
	}
}

func TestBuilder_holdsEveryNameItWasGiven(t *testing.T) {
	set, all := aMillion(50_000)
	var problems problem.List
	p := Compile(set, Options{}, &problems)
	if p == nil {
		t.Fatal(problems.Sorted())
	}
	s := p.activate(epoch, 1)
	var b name.Buffer
	for _, n := range all {
		b.Set([]byte(n))
		if _, answers := s.Match(&b, netip.Addr{}, nil); answers < 0 {
			t.Fatalf("%s is lost", n)
		}
		b.Set([]byte(name.MustParse("x" + n.String())))
		if _, answers := s.Match(&b, netip.Addr{}, nil); answers >= 0 {
			t.Fatalf("x%s is hit", n)
		}
	}
}

func TestMatch_moreOrdersThanFitTheUsualRoom(t *testing.T) {
	var orders []*order.Order
	for i := range 100 {
		orders = append(orders, anOrder(fmt.Sprintf("o%02d", i), name.Subtree, "a.test"))
	}
	var problems problem.List
	s := Compile(&order.Set{Orders: orders}, Options{}, &problems).activate(epoch, 1)
	var b name.Buffer
	b.Set([]byte(name.MustParse("a.test")))
	all, answers := s.Match(&b, netip.Addr{}, make([]Match, 0, 2))
	if len(all) != 100 || all[answers].Order.ID != "o00" {
		t.Errorf("got %d orders answered by %s, want 100 by o00", len(all), all[answers].Order.ID)
	}
}
