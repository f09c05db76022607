package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"bailiff/metrics"
	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// keeper keeps the law in step with the order files and the clock. reloadOn
// and followClock are each one goroutine's.
type keeper struct {
	paths   []string
	guard   guard.Config
	options policy.Options // but for the program loaded
	law     *policy.Store
	log     *slog.Logger
	reloads *metrics.Reloads // from start on
	prints  fingerprints     // of the orders loaded
}

// newKeeper returns a keeper that has loaded nothing yet.
func newKeeper(cfg *config, law *policy.Store, log *slog.Logger) *keeper {
	return &keeper{
		paths: cfg.orders, guard: cfg.guard(), options: policy.Options{Notice: cfg.notice, Structured: cfg.structured.errors},
		law: law, log: log, prints: fingerprints{seed: maphash.MakeSeed()},
	}
}

// start loads the orders for the first time. Any refusal is the error.
func (k *keeper) start() error {
	_, problems := k.load()
	if problems.Refused() {
		return refused(problems)
	}
	k.report(problems)
	if len(k.law.Load().Orders()) == 0 {
		k.log.Warn("no order is loaded: nothing is blocked")
	}
	k.reloads = metrics.NewReloads(time.Now())
	debug.FreeOSMemory() // see reloadOn
	return nil
}

// load reads the orders and puts them in force, unless something is wrong.
// Either way it returns every problem.
func (k *keeper) load() (changes, *problem.List) {
	problems := new(problem.List)
	set := order.Load(k.paths, problems)
	k.refuseEmpty(set, problems)
	overridden := guard.New(k.guard, problems).Check(set, k.law.Load().Orders(), problems)
	prints := k.prints.of(set)
	options := k.options
	options.Loaded = k.law.Program()
	program := policy.Compile(set, options, problems)
	if problems.Refused() {
		return changes{}, problems
	}
	k.law.Install(program, time.Now())
	for _, use := range overridden {
		k.log.Warn(use.Note.Error(), "order", use.Order)
	}
	changed := k.prints.changesTo(prints)
	k.prints = prints
	return changed, problems
}

// refuseEmpty keeps several orders from going at once: a folder that held them
// and is empty now looks like a volume that is not there. The last one alone
// may go.
func (k *keeper) refuseEmpty(set *order.Set, problems *problem.List) {
	if n := len(k.law.Load().Orders()); n > 1 && len(set.Orders) == 0 && !problems.Refused() {
		problems.Add(problem.Problem{
			File: strings.Join(k.paths, ", "), Text: fmt.Sprintf("holds no order, where %d were loaded", n),
			Remedy: "bring the files back; to lift all orders on purpose, restart",
		})
	}
}

// reloadOn reloads at each signal, one load at a time, to the end of the
// process.
func (k *keeper) reloadOn(hangups <-chan os.Signal) {
	for range hangups {
		k.reload()
		debug.FreeOSMemory() // a load takes some times the memory of what it leaves
	}
}

// reload loads all or nothing, and says which. A panic, a fault of this
// program, leaves the old orders in force.
func (k *keeper) reload() {
	defer func() {
		if cause := recover(); cause != nil {
			k.reloads.Record(metrics.ResultRejected, time.Now())
			k.log.Error("orders rejected: reading them ended in a panic; the old ones stay in force", "cause", cause)
		}
	}()
	started := time.Now()
	changed, problems := k.load()
	k.report(problems)
	took := slog.Float64("took_seconds", time.Since(started).Seconds())
	law := k.law.Load()
	if problems.Refused() {
		k.reloads.Record(metrics.ResultRejected, time.Now())
		k.log.Error("orders rejected; the old ones stay in force", "generation", law.Generation, took)
		return
	}
	k.reloads.Record(metrics.ResultOK, time.Now())
	states := countStates(law.Orders(), time.Now())
	k.log.Info("orders reloaded", "generation", law.Generation,
		"in_force", states[policy.InForce], "pending", states[policy.Pending], "lapsed", states[policy.Lapsed],
		"rules", k.rules(), "added", shortened(changed.added), "removed", shortened(changed.removed),
		"changed", shortened(changed.changed), took)
}

// report logs every refusal, and how many notes there are: what they say would
// fill the log at each reload.
func (k *keeper) report(problems *problem.List) {
	notes := 0
	for _, p := range problems.Sorted() {
		if p.Severity == problem.Note {
			notes++
			continue
		}
		k.log.Error(p.Error())
	}
	if n := problems.Dropped(); n > 0 {
		k.log.Error(fmt.Sprintf("and %d problems more", n))
	}
	if notes > 0 {
		k.log.Info("there are notes on the orders; bailiff check prints them", "notes", notes)
	}
}

// rules is the number of names under the orders loaded.
func (k *keeper) rules() (total int) {
	for _, o := range k.law.Load().Orders() {
		for _, n := range o.RulesByTrigger() {
			total += n
		}
	}
	return total
}

// maxPause bounds how late a jump of the wall clock is noticed.
const maxPause = time.Second

// followClock makes orders begin and end on time, until ctx ends.
func (k *keeper) followClock(ctx context.Context) {
	last := wallClock()
	for {
		pause := maxPause
		if boundary, ok := k.law.Load().Boundary(); ok {
			pause = min(pause, max(0, boundary.Sub(wallClock())))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		now := wallClock()
		if k.law.Advance(now) {
			k.logStates(last, now)
		}
		last = now
	}
}

// wallClock is now without the monotonic clock, which no jump moves.
func wallClock() time.Time { return time.Now().Round(0) }

// logStates logs each order that stands elsewhere now than it did before.
func (k *keeper) logStates(before, now time.Time) {
	law := k.law.Load()
	k.log.Info("rules changed with the time", "generation", law.Generation)
	for _, o := range law.Orders() {
		if state := o.State(now); state != o.State(before) {
			k.log.Info("order "+state.String(), "order", o.ID)
		}
	}
}

// countStates counts orders by where they stand at t.
func countStates(orders []*policy.Order, t time.Time) (counts [policy.Lapsed + 1]int) {
	for _, o := range orders {
		counts[o.State(t)]++
	}
	return counts
}
