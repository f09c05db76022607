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
	results
}

// note keeps what the reader of the document must know, and says it at once.
func (b *bench) note(format string, arguments ...any) {
	text := fmt.Sprintf(format, arguments...)
	b.Notes = append(b.Notes, text)
	fmt.Fprintln(b.progress, "note:", text)
}

// record adds a figure.
func (b *bench) record(measure string, p peer, s sample) {
	b.add(measure, p, s)
	fmt.Fprintf(b.progress, "%-8s %-22s %10.2f\n", measure, p.Title, s.value)
}

// leaveOut goes on without the peer.
func (b *bench) leaveOut(p peer, cause error) {
	b.note("%s is left out: %v", p.Title, cause)
	b.peers = slices.DeleteFunc(b.peers, func(other peer) bool { return other.folder == p.folder })
}

// allRules and oneRule are the folders with all rules, and with the first alone.
func (b *bench) allRules() string { return filepath.Join(b.folder, "rules") }
func (b *bench) oneRule() string  { return filepath.Join(b.folder, "one-rule") }

// measure runs the workloads.
func (b *bench) measure(ctx context.Context) error {
	for folder, n := range map[string]int{b.allRules(): b.Rules, b.oneRule(): 1} {
		if err := writeRules(folder, n); err != nil {
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
	if slices.Contains(b.workloads, loading) {
		if err := b.measureLoading(ctx); err != nil {
			return err
		}
	}
	return b.measureQueries(ctx)
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
	b.record(loading, p, sample{value: full.cpu.Seconds(), beside: full.took.Seconds()})
	b.record("memory", p, sample{value: mebibytes(full.memory - idle.memory), beside: mebibytes(full.memory)})
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
	core, _ := cores()
	began := time.Now()
	s, err := b.launch(ctx, p, core, rules, n)
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
	s, err := start(ctx, p, at, core)
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, n); err != nil {
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
