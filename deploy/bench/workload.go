package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"path/filepath"
)

// workload is a kind of query load.
type workload struct {
	name  string
	Title string // what one of its queries asks for
	Plot  string // the same, short
	// each is how many queries its file holds for each second of --seconds.
	each int
	// once: the file is asked once, however long that takes, because asked
	// again its names would be cached. Else it is asked for --seconds.
	once bool
	// warm: the file is asked once before the measurement.
	warm bool
	// underOrder is the share of answers that must be NXDOMAIN; the rest must
	// be NOERROR.
	underOrder float64
	// query draws the i-th QNAME of a round.
	query func(r *rand.Rand, rules, round, i int) string
}

var queryLoads = []workload{
	{
		name: "block", Plot: "a name under order", Title: "a name under order", each: 100_000, underOrder: 1,
		query: func(r *rand.Rand, rules, _, _ int) string { return underOrder(r, rules) },
	},
	{
		name: "hit", Plot: "a free name, cached", Title: "a free name in the cache", each: hitNames, warm: true,
		query: func(_ *rand.Rand, _, _, i int) string { return free("h", i%hitNames) },
	},
	{
		name: "miss", Plot: "a free name, forwarded", Title: "a free name never asked before", each: 30_000, once: true,
		query: func(_ *rand.Rand, _, round, i int) string { return free(fmt.Sprintf("m%dn", round), i) },
	},
	{
		name: "mix", Plot: "1 % under order, cold cache", Title: "1 % under order, the rest Zipf over 100,000 free names, cold cache",
		each: 50_000, once: true, underOrder: mixUnderOrder,
		query: func(r *rand.Rand, rules, round, _ int) string {
			if r.Float64() < mixUnderOrder {
				return underOrder(r, rules)
			}
			return free(fmt.Sprintf("z%dn", round), popularity(r, mixNames))
		},
	},
}

const (
	hitNames      = 10_000  // fit into every cache
	mixNames      = 100_000 // free ones
	mixUnderOrder = 0.01    // far more than subscribers ask, so that blocking weighs something
)

// The workloads beside those of queryLoads.
const (
	latency    = "latency"
	reloading  = "reload"
	collecting = "gc"
	loading    = "load" // start with every rule
	restarting = "restart"
	engine     = "engine"
)

func queryNames() (names []string) {
	for _, w := range queryLoads {
		names = append(names, w.name)
	}
	return names
}

func workloadNames() []string {
	return append(queryNames(), latency, reloading, collecting, loading, restarting, engine)
}

// writeQueries writes the round's queries to a file in folder, and returns its
// path. Every server gets the same ones.
func (w workload) writeQueries(folder string, s settings, round int) (string, error) {
	path := filepath.Join(folder, w.name+".queries")
	r := rand.New(rand.NewPCG(seed, uint64(round)))
	return path, writeFile(path, func(out *bufio.Writer) {
		for i := range w.each * s.Seconds {
			fmt.Fprintln(out, w.query(r, s.Rules, round, i), "A")
		}
	})
}

// judge returns an error for a run that did not go as the workload asks: its
// cost would be that of something else.
func (w workload) judge(l load) error {
	const tolerance = 0.002 // of all answers; chance alone moves mix by 0.0003
	blocked, answered := l.share("NXDOMAIN"), l.share("NOERROR")
	switch {
	case l.completed == 0:
		return fmt.Errorf("no query was answered")
	case float64(l.lost) > tolerance*float64(l.completed):
		return fmt.Errorf("%d of %d queries were lost", l.lost, l.completed+l.lost)
	case 1-blocked-answered > tolerance:
		return fmt.Errorf("%.1f %% of the answers were neither NOERROR nor NXDOMAIN", 100*(1-blocked-answered))
	case blocked < w.underOrder-tolerance || blocked > w.underOrder+tolerance:
		return fmt.Errorf("%.1f %% of the answers were NXDOMAIN, not %.1f %%", 100*blocked, 100*w.underOrder)
	}
	return nil
}
