package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// numbered is an order over so many names of its own.
func numbered(id string, names int) *order.Order {
	var l list.Names
	for i := range names {
		l.Append(name.MustParse(fmt.Sprintf("d%d.%s.test", i, id)), name.Subtree, i+1)
	}
	o := anOrder(id, name.Subtree)
	o.Rules[0].Names = l
	return o
}

// reloaded is p after a load that reads these orders again and keeps the others.
func reloaded(t *testing.T, p *Program, again ...*order.Order) *Program {
	set := &order.Set{Orders: again}
	isAgain := map[string]bool{}
	for _, o := range again {
		isAgain[o.ID] = true
	}
	for _, o := range p.Orders() {
		if !isAgain[o.ID] {
			set.Kept = append(set.Kept, o.Order)
		}
	}
	return mustCompile(t, set, p)
}

func TestCompile_aSmallChangeLeavesTheLargeLayerAlone(t *testing.T) {
	p := reloaded(t, nil, numbered("large", 1000), numbered("small", 10))
	large := p.layers[0].layer
	for i := range 100 {
		p = reloaded(t, p, numbered("small", 10+i))
		if p.layers[0].layer != large {
			t.Fatalf("reload %d compiled the large layer again", i)
		}
		if len(p.layers) != 2 {
			t.Fatalf("reload %d: got %d layers, want 2", i, len(p.layers))
		}
	}
}

func TestCompile_neverMoreLayersThanAQueryMayLookInto(t *testing.T) {
	p := reloaded(t, nil, numbered("o0", 1<<12))
	for i := range 12 {
		p = reloaded(t, p, numbered(fmt.Sprintf("o%d", i+1), 1<<(11-i)))
		if len(p.layers) > maxLayers {
			t.Fatalf("got %d layers, want %d at most", len(p.layers), maxLayers)
		}
	}
	s := p.activate(epoch, 1)
	for i := range 12 {
		if !s.answers(fmt.Sprintf("d0.o%d.test", i)) {
			t.Errorf("order o%d is lost", i)
		}
	}
}

func TestCompile_whatIsMostlyDeadIsCompiledAgain(t *testing.T) {
	p := reloaded(t, nil, numbered("large", 1000), numbered("small", 10))
	p = mustCompile(t, &order.Set{Kept: []*order.Order{p.Orders()[1].Order}}, p)
	if len(p.Orders()) != 1 || p.Orders()[0].ID != "small" || len(p.layers) != 1 || p.layers[0].dead != 0 {
		t.Fatalf("got %d orders, %d layers, %d names dead; want 1, 1, 0", len(p.Orders()), len(p.layers), p.layers[0].dead)
	}
	s := p.activate(epoch, 1)
	if s.answers("d0.large.test") || !s.answers("d0.small.test") {
		t.Error("the lifted order holds, or the one that stays does not")
	}
}

func (s *Snapshot) answers(text string) bool {
	var b name.Buffer
	b.Set([]byte(name.MustParse(text)))
	_, answers := s.Match(&b, netip.Addr{}, nil)
	return answers >= 0
}

func TestTable_namesOfEveryLengthAreFoundAndNothingElse(t *testing.T) {
	label := strings.Repeat("x", 61)
	var names []string
	for _, under := range []string{"test", label + ".test", label + "." + label + ".test", label + "." + label + "." + label + ".test"} {
		for i := range 300 {
			for size := 1; size < 60; size += 13 {
				if n := fmt.Sprintf("%s%d.%s", strings.Repeat("y", size), i, under); len(n) < 253 {
					names = append(names, n)
				}
			}
		}
	}
	p := reloaded(t, nil, anOrder("o", name.Subtree, names...))
	s := p.activate(epoch, 1)
	for _, n := range names {
		if !s.answers(n) || s.answers("z"+n[1:]) || s.answers("z"+n) {
			t.Fatalf("%s is lost, or what is like it is hit", n)
		}
	}
	if !p.layers[0].sound() {
		t.Error("the table calls itself unsound")
	}
}

func TestTable_aLostNameIsUnsound(t *testing.T) {
	p := reloaded(t, nil, numbered("o", 1000))
	table := p.layers[0].table
	for i := range table.blob {
		if strings.HasPrefix(string(table.blob[i:]), "\x04d500\x01o\x04test") {
			table.blob[i+1] = 'e'
		}
	}
	if table.selfCheck() {
		t.Error("a table that lost a name calls itself sound")
	}
}
