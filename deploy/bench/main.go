// Command bench measures bailiff and other resolvers side by side, and writes
// docs/benchmarks.md and docs/benchmarks.svg. `make bench-peers` runs it.
//
// What it measures is CPU time of the server (user and system) for each answer,
// latency at a fixed rate, and what reloads and starts take. All servers are up at
// once and take turns, round by round, so that what disturbs one disturbs all. CPU
// time is measured under dnsperf, latency under a generator of its own (openloop.go);
// the upstream is NSD with a wildcard; each server's configuration is a folder of
// peers/. What each workload gave last is kept in results/, from where the documents
// are written.
//
// It runs on Linux, imports nothing of bailiff, and starts everything on
// loopback. Start reading at run; measure.go has the stages, groups.go the tables.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// settings are the flags.
type settings struct {
	Rules, Rounds, Seconds int
	peers, workloads       []string
	out, kept, bailiff     string
	reportOnly             bool
}

func main() {
	s, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, s, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parseFlags has told stderr whatever it returns as an error.
func parseFlags(arguments []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.Rules, "rules", 1_000_000, "`number` of names under order")
	flags.IntVar(&s.Rounds, "rounds", 3, "`number` of times each server gets its turn")
	flags.IntVar(&s.Seconds, "seconds", 2, "how long a turn takes, about")
	peers := flags.String("peers", strings.Join(peerNames(), ","), "`list` of servers to measure beside bailiff")
	workloads := flags.String("workloads", strings.Join(workloadNames(), ","), "`list` of workloads")
	flags.StringVar(&s.out, "out", "docs", "`folder` to write benchmarks.md and benchmarks.svg to")
	flags.StringVar(&s.kept, "results", "deploy/bench/results", "`folder` that keeps what each workload gave last")
	flags.BoolVar(&s.reportOnly, "report", false, "measure nothing; write the documents from what is kept")
	flags.StringVar(&s.bailiff, "bailiff", "bin/bailiff", "the `program` to measure")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	s.peers, s.workloads = strings.Split(*peers, ","), strings.Split(*workloads, ",")
	err := s.check(flags.Args())
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	return s, err
}

// check reports every fault of the flags.
func (s settings) check(rest []string) error {
	var faults []error
	if len(rest) > 0 {
		faults = append(faults, fmt.Errorf("%s: is no flag", strings.Join(rest, " ")))
	}
	for _, n := range []struct {
		flag         string
		value, limit int
	}{
		{"rules", s.Rules, 10_000_000}, // names.txt stays below the 512 MiB that a list may have
		{"rounds", s.Rounds, 1000},
		{"seconds", s.Seconds, 60},
	} {
		if n.value < 1 || n.value > n.limit {
			faults = append(faults, fmt.Errorf("--%s %d: is out of range; give 1 to %d", n.flag, n.value, n.limit))
		}
	}
	return errors.Join(append(faults, unknown("peers", s.peers, peerNames()), unknown("workloads", s.workloads, workloadNames()))...)
}

// unknown returns an error that names those of got which known does not hold.
func unknown(flagName string, got, known []string) error {
	strange := slices.DeleteFunc(slices.Clone(got), func(name string) bool { return slices.Contains(known, name) })
	if len(strange) == 0 {
		return nil
	}
	return fmt.Errorf("--%s %s: unknown; choose from %s", flagName, strings.Join(strange, ","), strings.Join(known, ","))
}

// run measures, and writes the documents. What it starts has ended when it returns.
func run(ctx context.Context, s settings, progress io.Writer) error {
	if !s.reportOnly {
		if err := measureAll(ctx, s, progress); err != nil {
			return err
		}
	}
	return writeReport(s)
}

// measureAll runs the workloads and keeps what they give.
func measureAll(ctx context.Context, s settings, progress io.Writer) error {
	program, err := filepath.Abs(s.bailiff)
	if err != nil {
		return err
	}
	for _, needed := range []string{program, "taskset", "dnsperf", "nsd"} {
		if !installed(needed) {
			return fmt.Errorf("%s: is not there; run make bench-peers", needed)
		}
	}
	if _, err := os.Stat(s.out); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "bailiff-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	b := &bench{
		settings: s, folder: folder, program: program, progress: progress,
		samples: map[string]samples{}, notes: map[string][]string{},
	}
	b.choosePeers()
	b.environment = describe(ctx, slices.Concat(b.peers, []peer{upstream, generator}), program)
	if err := stayOff(ctx, b.environment.ServerCore); err != nil {
		return err
	}
	return b.measure(ctx)
}

// stayOff moves this process to the core that servers leave free.
func stayOff(ctx context.Context, servers string) error {
	_, others := cores()
	if others == servers {
		return nil
	}
	out, err := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", others, strconv.Itoa(os.Getpid())).CombinedOutput() //nolint:gosec // two numbers
	if err != nil {
		return fmt.Errorf("taskset: %w: %s", err, out)
	}
	return nil
}

// choosePeers takes bailiff, and those wanted that are installed.
func (b *bench) choosePeers() {
	b.peers = []peer{bailiffPeer}
	for _, p := range peers {
		switch {
		case !slices.Contains(b.settings.peers, p.folder):
		case !installed(p.program()):
			b.note("", "%s is not installed", p.Title)
		default:
			b.peers = append(b.peers, p)
		}
	}
}
