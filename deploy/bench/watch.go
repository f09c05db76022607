package main

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// watch follows names that a reload is to block.
type watch struct {
	names   []string
	inForce chan struct{} // closed when all were blocked for the first time

	mu      sync.Mutex
	blocked map[int]bool
	since   time.Time // all have been blocked; zero if one is not
	once    sync.Once
}

func newWatch(names []string) *watch {
	return &watch{names: names, inForce: make(chan struct{}), blocked: map[int]bool{}}
}

// flows are cached names at the rate, and the names watched.
func (w *watch) flows(rate int) ([]flow, error) {
	known, err := packets(draw(hitNames, func(_ *rand.Rand, i int) string { return cached(i) }))
	if err != nil {
		return nil, err
	}
	probes, err := packets(w.names)
	if err != nil {
		return nil, err
	}
	return []flow{{perSecond: rate, queries: known}, {perSecond: probeRate, queries: probes, answered: w.answered}}, nil
}

// answered notes what became of one of the names.
func (w *watch) answered(query int, rcode uint8, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rcode != dns.RcodeNameError {
		w.blocked[query], w.since = false, time.Time{}
		return
	}
	w.blocked[query] = true
	for i := range w.names {
		if !w.blocked[i] {
			return
		}
	}
	if w.since.IsZero() {
		w.since = at
		w.once.Do(func() { close(w.inForce) })
	}
}

// allSince is since when all names have been blocked.
func (w *watch) allSince() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since
}
