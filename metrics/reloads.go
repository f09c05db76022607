package metrics

import (
	"fmt"
	"sync/atomic"
	"time"

	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Result is how a reload ended.
type Result uint8

// The results of a reload.
const (
	ResultOK       Result = iota // the new orders are in force
	ResultRejected               // something was wrong: the old ones stay
)

// results is the number of results.
const results = int(ResultRejected) + 1

// String is the label value of the metrics.
func (r Result) String() string {
	switch r {
	case ResultOK:
		return "ok"
	case ResultRejected:
		return "rejected"
	}
	return fmt.Sprintf("Result(%d)", uint8(r))
}

// Reloads remembers how the orders were loaded. Safe for concurrent use.
type Reloads struct {
	counts      [results]atomic.Uint64
	last        atomic.Uint32 // Result of the last
	lastSuccess atomic.Int64  // Unix nanoseconds
	refusals    [guards]atomic.Uint64
}

// guards is the number of guards; the one at 0 is guard.Never.
const guards = int(order.GuardGrowth) + 1

// guardLabel is the word for the guard.
func guardLabel(g order.Guard) string {
	if g == 0 {
		return guard.Never
	}
	return g.String()
}

// NewReloads begins with the load at start, which is no reload and succeeded
// at that instant.
func NewReloads(loaded time.Time) *Reloads {
	r := new(Reloads)
	r.lastSuccess.Store(loaded.UnixNano())
	return r
}

// Last is how the last load ended.
func (r *Reloads) Last() Result { return Result(r.last.Load()) }

// Record notes a reload that ended at that instant.
func (r *Reloads) Record(result Result, at time.Time) {
	r.counts[result].Add(1)
	r.last.Store(uint32(result))
	if result == ResultOK {
		r.lastSuccess.Store(at.UnixNano())
	}
}

// Refused counts those of a rejected load's problems that the guard found.
func (r *Reloads) Refused(problems []problem.Problem) {
	for _, p := range problems {
		for g := range r.refusals {
			if p.Guard == guardLabel(order.Guard(g)) {
				r.refusals[g].Add(1)
			}
		}
	}
}
