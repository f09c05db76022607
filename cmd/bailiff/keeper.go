package main

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
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
	reloads *metrics.Reloads            // from start on
	prints  fingerprints                // of the orders loaded
	set     *order.Set                  // loaded: a reload reads again what differs from it
	passed  string                      // digest of the guard that let it pass
	turns   atomic.Uint64               // of followClock: its sign of life
	last    atomic.Pointer[loadOutcome] // from start on
	audit   *audit                      // set by who has a journal; nil: none is kept

	compiled *compiledStore // set by who keeps state; nil: what is compiled is not kept
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
	k.options.Restored, k.set, k.passed = k.compiled.restore()
	_, problems := k.load()
	k.options.Restored = nil
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
	started, problems := time.Now(), new(problem.List)
	guarding, before := guard.New(k.guard, problems), k.set
	if guarding.Digest() != k.passed {
		before = nil // what another guard let pass may not pass this one
	}
	set := order.Reload(before, k.paths, problems)
	k.refuseEmpty(set, problems)
	program := k.compile(set)
	overridden := guarding.Check(set, k.law.Program(), problems)
	prints := k.prints.of(set)
	reading := k.audit.read(set, started)
	compiled := program(problems)
	if problems.Refused() {
		k.audit.rejected(problems, started)
		return changes{}, problems
	}
	k.compiled.forget()
	k.law.Install(compiled, time.Now())
	set.Forget()
	k.set, k.passed = set, guarding.Digest()
	for _, use := range overridden {
		k.log.Warn(use.Note.Error(), "order", use.Order)
	}
	changed := k.prints.changesTo(prints)
	k.prints = prints
	k.audit.loaded(reading, overridden, problems)
	return changed, problems
}

// compile compiles the orders while the guard looks at them. What it returns
// waits for the program, nil if anything is refused.
func (k *keeper) compile(set *order.Set) func(*problem.List) *policy.Program {
	options := k.options
	options.Loaded = k.law.Program()
	var (
		program  *policy.Program
		problems problem.List
	)
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		program = policy.Compile(set, options, &problems)
	}()
	return func(all *problem.List) *policy.Program {
		if cause := <-done; cause != nil {
			panic(cause) // to reload, which recovers
		}
		all.Merge(&problems)
		return program
	}
}

// refuseEmpty keeps several orders from going at once: a folder that held them
// and is empty now looks like a volume that is not there. The last one alone
// may go.
func (k *keeper) refuseEmpty(set *order.Set, problems *problem.List) {
	if n := len(k.law.Load().Orders()); n > 1 && len(set.Orders)+len(set.Kept) == 0 && !problems.Refused() {
		problems.Add(problem.Problem{
			File: strings.Join(k.paths, ", "), Text: fmt.Sprintf("holds no order, where %d were loaded", n),
			Remedy: "bring the files back; to lift all orders on purpose, restart",
		})
	}
}

// reloadOn reloads at each signal, one load at a time, to the end of the
// process.
func (k *keeper) reloadOn(hangups <-chan os.Signal) {
	k.keepCompiled()
	debug.FreeOSMemory() // see below
	for range hangups {
		supervisor{k}.reloading()
		loaded := k.reload()
		supervisor{k}.ready()
		if loaded {
			k.keepCompiled()
		}
		debug.FreeOSMemory() // a load takes some times the memory of what it leaves
	}
}

// keepCompiled lets the next start take over what is in force.
func (k *keeper) keepCompiled() { k.compiled.keep(k.law.Program(), k.set, k.passed) }

// reload loads all or nothing, and says which. A panic, a fault of this
// program, leaves the old orders in force.
func (k *keeper) reload() (ok bool) {
	defer func() {
		if cause := recover(); cause != nil {
			k.reloads.Record(metrics.ResultRejected, time.Now())
			k.log.Error("orders rejected: reading them ended in a panic; the old ones stay in force", "cause", cause)
			var found problem.List
			found.Add(problem.Problem{File: strings.Join(k.paths, ", "), Text: "ended in a panic", Remedy: "report it with the order files"})
			k.last.Store(outcomeOf(&found, time.Now()))
			k.audit.rejected(&found, time.Now())
		}
	}()
	started := time.Now()
	changed, problems := k.load()
	k.report(problems)
	took := slog.Float64("took_seconds", time.Since(started).Seconds())
	law := k.law.Load()
	if problems.Refused() {
		k.reloads.Record(metrics.ResultRejected, time.Now())
		k.reloads.Refused(problems.Sorted())
		k.log.Error("orders rejected; the old ones stay in force", "generation", law.Generation, took)
		return false
	}
	k.reloads.Record(metrics.ResultOK, time.Now())
	states := countStates(law.Orders(), time.Now())
	k.log.Info("orders reloaded", "generation", law.Generation,
		"in_force", states[policy.InForce], "pending", states[policy.Pending], "lapsed", states[policy.Lapsed],
		"rules", k.rules(), "added", shortened(changed.added), "removed", shortened(changed.removed),
		"changed", shortened(changed.changed), took)
	return true
}

// report logs every refusal, and how many notes there are: what they say would
// fill the log at each reload.
func (k *keeper) report(problems *problem.List) {
	k.last.Store(outcomeOf(problems, time.Now()))
	notes := 0
	for _, p := range problems.Sorted() {
		if p.Severity == problem.Note {
			notes++
			continue
		}
		k.log.Error(p.Error())
	}
	switch n := problems.Dropped(); {
	case n > 0 && problems.Refused():
		k.log.Error(fmt.Sprintf("and %d problems more", n))
	default: // without a refusal none of them is one: those have room of their own
		notes += n
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
		k.turns.Add(1)
		now := wallClock()
		if k.law.Advance(now) {
			k.audit.advanced(now)
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
