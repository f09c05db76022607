package main

import (
	"context"
	"slices"
)

// measureQueries starts all servers, and gives each its turn in every workload
// of every round.
func (b *bench) measureQueries(ctx context.Context) error {
	servers, err := b.launchAll(ctx)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	for round := range b.Rounds {
		for _, w := range queryLoads {
			if !b.wants(w.name) {
				continue
			}
			if err := b.takeTurns(ctx, w, round, servers); err != nil {
				return err
			}
		}
		if err := b.latencyTurns(ctx, round, servers); err != nil {
			return err
		}
	}
	return nil
}

// launchAll starts every server with all rules; the caller stops those
// returned, after an error too.
func (b *bench) launchAll(ctx context.Context) (servers []*server, err error) {
	core, _ := cores()
	for _, p := range slices.Clone(b.peers) {
		s, err := b.launch(ctx, p, core, b.allRules(), b.Rules)
		if ctx.Err() != nil {
			return servers, ctx.Err()
		}
		if err != nil {
			b.leaveOut(p, err)
			continue
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// takeTurns puts one workload on each server in turn. A turn that did not go as
// the workload asks counts for nothing, and the document says so.
func (b *bench) takeTurns(ctx context.Context, w workload, round int, servers []*server) error {
	file, err := w.writeQueries(b.folder, b.settings, round)
	if err != nil {
		return err
	}
	for _, s := range servers {
		cost, share, err := b.turn(ctx, w, file, s)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			b.note(w.name, "%s, %s, round %d does not count: %v", s.Title, w.name, round+1, err)
			continue
		}
		b.record(w.name, w.name, s.folder, cost)
		b.record(w.name, w.name+" share", s.folder, share)
	}
	return nil
}

// turn returns the server's CPU time for each answer in microseconds, and the
// share of its core that it used in per cent.
func (b *bench) turn(ctx context.Context, w workload, file string, s *server) (cost, share float64, err error) {
	if w.warm {
		if _, err := dnsperf(ctx, s.Port, file, 0); err != nil {
			return 0, 0, err
		}
	}
	seconds := b.Seconds
	if w.once {
		seconds = 0
	}
	before, err := usageOf(s.pid)
	if err != nil {
		return 0, 0, err
	}
	l, err := dnsperf(ctx, s.Port, file, seconds)
	if err != nil {
		return 0, 0, err
	}
	after, err := usageOf(s.pid)
	if err != nil {
		return 0, 0, err
	}
	if err := w.judge(l); err != nil {
		return 0, 0, err
	}
	cpu := after.cpu - before.cpu
	return float64(cpu.Microseconds()) / float64(l.completed), 100 * cpu.Seconds() / l.took.Seconds(), nil
}
