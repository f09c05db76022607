package guard

import (
	"fmt"
	"testing"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// BenchmarkCheck1M compares a million names with 100,000 popular ones.
func BenchmarkCheck1M(b *testing.B) {
	var names list.Names
	for i := range 1_000_000 {
		names.Append(name.MustParse(fmt.Sprintf("svc%07x.d%d.com", i*2654435761%(1<<28), i%300000)), name.Subtree, i+1)
	}
	set := &order.Set{Orders: []*order.Order{{
		ID: "million", Valid: order.Valid{Review: "2027-01-01"}, Rules: []order.Rule{{Place: "rule 1", Names: names}},
	}}}
	g := &Guard{tree: newTree()}
	ranked := make([]Ranked, 100_000)
	for i := range ranked {
		ranked[i] = Ranked{name.MustParse(fmt.Sprintf("www.p%d.com", i)), i + 1}
	}
	g.tree.rank(ranked)
	b.ReportAllocs()
	for b.Loop() {
		var problems problem.List
		if g.Check(set, nil, &problems); len(problems.Sorted()) > 0 {
			b.Fatal(problems.Sorted())
		}
	}
}
