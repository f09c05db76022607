package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/miekg/dns"
)

// latencyRate is queries a second.
const latencyRate = 10_000

// latencyLoads are what a server is asked at latencyRate.
var latencyLoads = []struct {
	name, Title string
	rcode       uint8
	query       func(r *rand.Rand, rules, i int) string // the i-th QNAME
}{
	{"block", "a name under order", dns.RcodeNameError, func(r *rand.Rand, rules, _ int) string { return underOrder(r, rules) }},
	{"hit", "a free name in the cache", dns.RcodeSuccess, func(_ *rand.Rand, _, i int) string { return cached(i) }},
}

// cached is a free name that warm asks before.
func cached(i int) string { return free("h", i%hitNames) }

// warm asks the server for every name of cached.
func (b *bench) warm(ctx context.Context, s *server) error {
	for _, w := range queryLoads {
		if !w.warm {
			continue
		}
		file, err := w.writeQueries(b.folder, settings{Rules: b.Rules, Seconds: 1}, 0)
		if err != nil {
			return err
		}
		if _, err := dnsperf(ctx, s.Port, file, 0); err != nil {
			return err
		}
	}
	return nil
}

// latencyTurns gives each server its turn in both loads of one round.
func (b *bench) latencyTurns(ctx context.Context, round int, servers []*server) error {
	if !b.wants(latency) {
		return nil
	}
	for _, w := range latencyLoads {
		queries, err := packets(draw(latencyRate, func(r *rand.Rand, i int) string { return w.query(r, b.Rules, i) }))
		if err != nil {
			return err
		}
		for _, s := range servers {
			answers, err := b.latencyTurn(ctx, s, flow{perSecond: latencyRate, queries: queries, want: w.rcode})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.note(latency, "%s, %s %s, round %d does not count: %v", s.Title, latency, w.name, round+1, err)
				continue
			}
			b.recordLatency(latency, latency+" "+w.name, s.folder, answers)
		}
	}
	return nil
}

// settle is the beginning of a turn that does not count: the server wakes up.
const settle = 500 * time.Millisecond

// latencyTurn returns the answers to the first flow; others may run beside it.
func (b *bench) latencyTurn(ctx context.Context, s *server, flows ...flow) ([]answer, error) {
	if err := b.warm(ctx, s); err != nil {
		return nil, err
	}
	length := settle + time.Duration(b.Seconds)*time.Second
	timed, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	outcomes, err := generate(timed, s.Port, flows...)
	if err != nil {
		return nil, err
	}
	first := outcomes[0]
	if tolerated := len(first.answers) / 500; first.wrong > tolerated { // 0.2 %, as in the other workloads
		return nil, fmt.Errorf("%d of %d answers had another RCODE", first.wrong, len(first.answers))
	}
	return first.between(settle, length), nil
}

// recordLatency records what latencyMeasures has.
func (b *bench) recordLatency(workload, measure, row string, answers []answer) {
	for _, p := range []struct {
		name    string
		percent float64
	}{{" p50", 50}, {" p99", 99}, {" p99.9", 99.9}, {" max", 100}} {
		b.record(workload, measure+p.name, row, float64(percentile(answers, p.percent).Nanoseconds())/1e3)
	}
	b.record(workload, measure+" lost", row, float64(lost(answers)))
}

// How bailiff is made to collect its memory all the time: by the settings of Go's
// runtime, and by a cache that fills. The runtime tells of each collection.
const (
	quiet              = "quiet"
	missesWhileQuiet   = 1 // a second: a flow has at least that
	missesWhileFilling = 2000
)

var collectOften = []string{"GOGC=2", "GODEBUG=gctrace=1"}

// measureCollecting measures latency of bailiff alone: as it is, and while it
// collects.
func (b *bench) measureCollecting(ctx context.Context) error {
	for _, mode := range []struct {
		row    string
		env    []string
		misses int
	}{{quiet, []string{"GODEBUG=gctrace=1"}, missesWhileQuiet}, {collecting, collectOften, missesWhileFilling}} {
		at, err := b.site(bailiffPeer, b.allRules())
		if err != nil {
			return err
		}
		at.env = mode.env
		core, _ := cores()
		s, err := launchAt(ctx, bailiffPeer, at, core, b.Rules)
		if err != nil {
			return err
		}
		for round := range b.Rounds {
			if err := b.collectingTurn(ctx, s, mode.row, round, mode.misses); err != nil {
				s.stop()
				return err
			}
		}
		s.stop()
	}
	return nil
}

// collectingTurn asks for names under order and cached ones by turns, and beside them
// so many new ones a second.
func (b *bench) collectingTurn(ctx context.Context, s *server, row string, round, misses int) error {
	known, err := packets(draw(2*hitNames, func(_ *rand.Rand, i int) string { return cached(i) }))
	if err != nil {
		return err
	}
	fresh, err := packets(draw(misses*(b.Seconds+1), func(_ *rand.Rand, i int) string { return free(fmt.Sprintf("g%dn", round), i) }))
	if err != nil {
		return err
	}
	before := s.collections()
	answers, err := b.latencyTurn(ctx, s, flow{perSecond: latencyRate, queries: known}, flow{perSecond: misses, queries: fresh})
	if err != nil {
		return err
	}
	took := settle + time.Duration(b.Seconds)*time.Second
	b.recordLatency(collecting, collecting, row, answers)
	b.record(collecting, collecting+" cycles", row, float64(s.collections()-before)/took.Seconds())
	return nil
}

// collections counts those that Go's runtime wrote about into the log.
func (s *server) collections() int {
	text, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil {
		return 0
	}
	return bytes.Count(text, []byte("\ngc "))
}
