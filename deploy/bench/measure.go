package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// bench is one run.
type bench struct {
	settings
	folder   string // everything that servers read and write
	program  string // bailiff
	peers    []peer // those measured
	upstream int    // port
	progress io.Writer

	environment environment
	samples     map[string]samples  // by workload
	notes       map[string][]string // by workload; those under "" are for all
}

// note keeps what the reader of the document must know about a workload, and says it
// at once.
func (b *bench) note(workload, format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	b.notes[workload] = append(b.notes[workload], text)
	fmt.Fprintln(b.progress, "note:", text)
}

// record adds a figure to a row of a measure.
func (b *bench) record(workload, measure, row string, value float64) {
	if b.samples[workload] == nil {
		b.samples[workload] = samples{}
	}
	b.samples[workload].add(measure, row, value)
	fmt.Fprintf(b.progress, "%-40s %-26s %12.3f\n", measure, row, value)
}

// wants tells whether the workload was asked for.
func (b *bench) wants(workload string) bool { return slices.Contains(b.workloads, workload) }

// leaveOut goes on without the peer.
func (b *bench) leaveOut(p peer, cause error) {
	b.note("", "%s is left out: %v", p.Title, cause)
	b.peers = slices.DeleteFunc(b.peers, func(other peer) bool { return other.folder == p.folder })
}

// allRules and oneRule are the folders with all rules, and with the first alone.
func (b *bench) allRules() string { return filepath.Join(b.folder, "rules") }
func (b *bench) oneRule() string  { return filepath.Join(b.folder, "one-rule") }

// measure runs the workloads, and keeps what each gave.
func (b *bench) measure(ctx context.Context) error {
	for folder, n := range map[string]int{b.allRules(): b.Rules, b.oneRule(): 1} {
		if err := writeRules(folder, orderID, 0, n); err != nil {
			return err
		}
	}
	_, core := cores()
	up, err := b.launch(ctx, upstream, core, "", 0)
	if err != nil {
		return err
	}
	defer up.stop()
	b.upstream = up.Port
	for _, stage := range []struct {
		measure   func(context.Context) error
		workloads []string
	}{
		{b.measureEngine, []string{engine}},
		{b.measureRestarts, []string{restarting}},
		{b.measureCollecting, []string{collecting}},
		{b.measureLoading, []string{loading}},
		{b.measureQueries, append(queryNames(), latency)},
		{b.measureReloads, []string{reloading}},
	} {
		if !slices.ContainsFunc(stage.workloads, b.wants) {
			continue
		}
		if err := stage.measure(ctx); err != nil {
			return err
		}
		if err := b.keep(stage.workloads...); err != nil {
			return err
		}
	}
	return nil
}

// measureLoading starts each server with one rule and with all of them, one
// server at a time, in every round.
func (b *bench) measureLoading(ctx context.Context) error {
	for range b.Rounds {
		for _, p := range slices.Clone(b.peers) {
			err := b.loadOnce(ctx, p)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				b.leaveOut(p, err)
			}
		}
	}
	return nil
}

func (b *bench) loadOnce(ctx context.Context, p peer) error {
	idle, err := b.startup(ctx, p, b.oneRule(), 1)
	if err != nil {
		return err
	}
	full, err := b.startup(ctx, p, b.allRules(), b.Rules)
	if err != nil {
		return err
	}
	b.record(loading, loading, p.folder, full.cpu.Seconds())
	b.record(loading, loading+" elapsed", p.folder, full.took.Seconds())
	b.record(loading, "memory", p.folder, mebibytes(full.memory-idle.memory))
	b.record(loading, "memory in all", p.folder, mebibytes(full.memory))
	return nil
}

func mebibytes(octets int64) float64 { return float64(octets) / (1 << 20) }

// startCost is what a start takes: time and CPU time until the rules are
// carried out, and the memory that is resident settleTime later.
type startCost struct {
	usage
	took time.Duration
}

// settleTime lets a server give back what it needed only to start.
const settleTime = 2 * time.Second

// startup starts the peer with the first n rules, which lie in the folder, and
// stops it again.
func (b *bench) startup(ctx context.Context, p peer, rules string, n int) (startCost, error) {
	at, err := b.site(p, rules)
	if err != nil {
		return startCost{}, err
	}
	return startupAt(ctx, p, at, n)
}

// startupAt is startup at a site.
func startupAt(ctx context.Context, p peer, at site, n int) (startCost, error) {
	core, _ := cores()
	began := time.Now()
	s, err := launchAt(ctx, p, at, core, n)
	if err != nil {
		return startCost{}, err
	}
	defer s.stop()
	cost := startCost{took: time.Since(began)}
	if cost.usage, err = usageOf(s.pid); err != nil {
		return startCost{}, err
	}
	time.Sleep(settleTime)
	settled, err := usageOf(s.pid)
	cost.memory = settled.memory
	return cost, err
}

// launch starts the peer with the first n rules, which lie in the folder, and
// waits until they are carried out.
func (b *bench) launch(ctx context.Context, p peer, core, rules string, n int) (*server, error) {
	at, err := b.site(p, rules)
	if err != nil {
		return nil, err
	}
	return launchAt(ctx, p, at, core, n)
}

// launchAt is launch at a site.
func launchAt(ctx context.Context, p peer, at site, core string, n int) (*server, error) {
	s, err := start(ctx, p, at, core)
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, 0, n); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// site is a new place for the peer to run, with the rules of a folder.
func (b *bench) site(p peer, rules string) (site, error) {
	port, err := freePort()
	if err != nil {
		return site{}, err
	}
	dir, err := os.MkdirTemp(b.folder, p.folder+"-")
	return site{Dir: dir, Rules: rules, Port: port, Upstream: b.upstream, Bailiff: b.program}, err
}
