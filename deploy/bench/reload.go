package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// someNames is how many names the small order has, whose change is one of changes.
const someNames = 100

// change is what a reload brings.
type change struct {
	name, Title string
	folder      string // below the rules of a server
	told        func(peer) string
}

var changes = []change{
	{"100 names", "one order of 100 names changed, beside all others", "change", func(p peer) string { return p.someNew }},
	{"all names", "every name changed", "", func(p peer) string { return p.allNew }},
}

// reloadRates are queries a second while a server reloads; the last stands in the plot.
var reloadRates = []int{1000, 10_000}

const (
	probeRate   = 300             // a second: each of the three witnesses every 10 ms
	reloadLimit = 2 * time.Minute // several times what the slowest peer takes for a million names
	afterwards  = time.Second     // from the change in force until a turn ends: what a reload leaves to do is part of it
	quietTime   = 2 * time.Second // before a reload, for comparison
	slowReload  = 5 * time.Second // whoever takes longer is reloaded in that way in one round only
)

// measureReloads starts every server with rules of its own, and reloads them while
// they are asked for cached names.
func (b *bench) measureReloads(ctx context.Context) error {
	for _, c := range changes {
		for version := range 2 {
			first, n := b.versionOf(c.folder, version)
			if err := writeRules(b.versionFolder(c.folder, version), orderID+c.folder, first, n); err != nil {
				return err
			}
		}
	}
	servers, err := b.launchReloadables(ctx)
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	for range b.Rounds {
		if err := b.reloadTurns(ctx, servers); err != nil {
			return err
		}
	}
	return nil
}

// reloadTurns is one round.
func (b *bench) reloadTurns(ctx context.Context, servers []*reloadable) error {
	for _, c := range changes {
		for _, rate := range reloadRates {
			for _, s := range servers {
				if err := b.recordReload(ctx, s, c, rate); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// recordReload records a turn, unless it is not worth the time. What went wrong with
// the server is noted; it returns an error only at the end of ctx.
func (b *bench) recordReload(ctx context.Context, s *reloadable, c change, rate int) error {
	name := c.at(rate)
	if s.slow[name] {
		return nil
	}
	cost, err := b.reloadTurn(ctx, s, c, rate)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		b.note(reloading, "%s, %s does not count: %v", s.Title, name, err)
		return nil
	}
	s.slow[name] = cost[": in force"] > slowReload.Seconds()
	for _, measure := range slices.Sorted(maps.Keys(cost)) {
		b.record(reloading, name+measure, s.folder, cost[measure])
	}
	return nil
}

// at is the name of the change's tables.
func (c change) at(rate int) string {
	return fmt.Sprintf("%s of %s at %s/s", reloading, c.name, thousands(rate))
}

// reloadTurn changes the server's rules while it is asked, and returns a value for
// each measure of reloadGroups.
func (b *bench) reloadTurn(ctx context.Context, s *reloadable, c change, rate int) (map[string]float64, error) {
	if err := b.warm(ctx, s.server); err != nil {
		return nil, err
	}
	apply, names, err := b.nextVersion(s, c)
	if err != nil {
		return nil, err
	}
	watched := newWatch(names)
	flows, err := watched.flows(rate)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	end := inBackground(ctx, s.Port, flows)
	took, err := s.reload(ctx, apply, watched)
	first, failed := end()
	if err := errors.Join(err, failed); err != nil {
		return nil, err
	}
	return took.cost(first, began), nil
}

// inBackground generates until end is called, which returns what became of the first
// flow.
func inBackground(ctx context.Context, port int, flows []flow) (end func() (outcome, error)) {
	ctx, stop := context.WithCancel(ctx)
	var (
		outcomes []outcome
		err      error
		ended    = make(chan struct{})
	)
	go func() {
		defer close(ended)
		outcomes, err = generate(ctx, port, flows...)
	}()
	return func() (outcome, error) {
		stop()
		<-ended
		if err != nil {
			return outcome{}, err
		}
		return outcomes[0], nil
	}
}

// course is how a reload went.
type course struct {
	told, inForce, end time.Time
	cpu                time.Duration // from told to end, without what the queries cost before
}

// reload lets the server answer for a while, makes it reload, and waits until the
// names watched are blocked, and somewhat longer.
func (s *reloadable) reload(ctx context.Context, apply func() error, watched *watch) (course, error) {
	time.Sleep(settle)
	first, err := usageOf(s.pid)
	if err != nil {
		return course{}, err
	}
	began := time.Now()
	time.Sleep(quietTime)
	before, err := usageOf(s.pid)
	if err != nil {
		return course{}, err
	}
	if !watched.allSince().IsZero() {
		return course{}, fmt.Errorf("%s was blocked before", watched.names[0])
	}
	c := course{told: time.Now()}
	share := (before.cpu - first.cpu).Seconds() / c.told.Sub(began).Seconds()
	if err := apply(); err != nil {
		return course{}, err
	}
	select {
	case <-ctx.Done():
		return course{}, ctx.Err()
	case <-time.After(reloadLimit):
		return course{}, fmt.Errorf("%s was not blocked after %v", watched.names[0], reloadLimit)
	case <-watched.inForce:
	}
	time.Sleep(afterwards)
	if c.inForce = watched.allSince(); c.inForce.IsZero() {
		return course{}, fmt.Errorf("%s was blocked, and then free again", watched.names[0])
	}
	after, err := usageOf(s.pid)
	c.end = time.Now()
	c.cpu = after.cpu - before.cpu - time.Duration(share*float64(c.end.Sub(c.told)))
	return c, err
}

// cost is what the reload cost, with what it did to the queries of a flow that began
// then.
func (c course) cost(o outcome, began time.Time) map[string]float64 {
	told := c.told.Sub(began)
	during := o.between(told, c.end.Sub(began))
	return map[string]float64{
		": in force": c.inForce.Sub(c.told).Seconds(),
		": CPU time": max(0, c.cpu.Round(clockTick).Seconds()), // it is counted in ticks
		": lost":     float64(lost(during)),
		": gap":      longestGap(during).Seconds() * 1e3,
		": p99.9":    percentile(during, 99.9).Seconds() * 1e3,
		": quiet":    percentile(o.between(settle, told), 99.9).Seconds() * 1e3,
	}
}
