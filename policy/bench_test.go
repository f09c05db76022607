package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// aMillion is an order over n names of three labels, as a load would have it.
func aMillion(n int) (*order.Set, []name.Name) {
	var names list.Names
	all := make([]name.Name, n)
	for i := range n {
		all[i] = name.MustParse(fmt.Sprintf("svc%07x.d%d.test", i*2654435761%(1<<28), i%300000))
		names.Append(all[i], name.Subtree, i+1)
	}
	o := &order.Order{ID: "million", Answer: order.Answer{Action: order.ActionNXDOMAIN, TTL: time.Minute}}
	o.Rules = []order.Rule{{Place: "rule 1", Names: names}}
	return &order.Set{Orders: []*order.Order{o}}, all
}

func BenchmarkCompile1M(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		set, _ := aMillion(1_000_000)
		b.StartTimer()
		var problems problem.List
		if Compile(set, Options{}, &problems) == nil {
			b.Fatal(problems.Sorted())
		}
	}
}

// BenchmarkMatch1M draws queries at random over the whole set, so that nothing
// of the trie stays in the processor's cache. The queries themselves stand one
// after the other, as packets do in a worker's buffers; taking one is part of
// the time.
func BenchmarkMatch1M(b *testing.B) {
	set, all := aMillion(1_000_000)
	var problems problem.List
	store := NewStore()
	store.Install(Compile(set, Options{}, &problems), time.Now())
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var blocked, free []byte
	for _, n := range all {
		blocked = append(blocked, n...)
		free = append(free, name.MustParse("free-"+n.Parent().String())...)
	}
	const batch = 64 // as package listen has them
	for _, c := range []struct {
		name     string
		queries  []byte
		together int
	}{{"under order", blocked, 1}, {"free", free, 1}, {"under order, in batches", blocked, batch}, {"free, in batches", free, batch}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			matches, client, at := make([]Match, 0, 8), netip.MustParseAddr("192.0.2.9"), 0
			var q [batch]name.Buffer
			for i := 0; b.Loop(); i++ {
				k := i % c.together
				if at = q[k].Read(c.queries, at); at == len(c.queries) {
					at = 0
				}
				law := store.Load()
				if c.together > 1 {
					law.Expect(&q[k])
				}
				if k == c.together-1 {
					for j := range c.together {
						law.Match(&q[j], client, matches)
					}
				}
			}
		})
	}
}
