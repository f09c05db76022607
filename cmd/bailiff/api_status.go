package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"bailiff/metrics"
	"bailiff/policy/problem"
)

// status is the state of a running server: what bailiff status prints.
type status struct {
	Version      string           `json:"version"`
	Commit       string           `json:"commit"`
	Now          time.Time        `json:"now"`
	Since        time.Time        `json:"since"`
	Wrong        []string         `json:"wrong"` // what somebody should look at, the worst first
	Generation   uint64           `json:"generation"`
	NextBoundary time.Time        `json:"next_boundary,omitzero"` // when an order or rule begins or ends
	Reload       reloadStatus     `json:"reload"`
	Orders       *summary         `json:"orders"`
	Queries      queryStatus      `json:"queries"`
	Cache        cacheStatus      `json:"cache"`
	Resolution   resolutionStatus `json:"resolution"`
	Upstreams    []upstreamStatus `json:"upstreams"` // none where the servers of zones are asked, or answers validated
	Journal      *journalStatus   `json:"journal"`   // null: none is kept
	Listen       []netip.AddrPort `json:"listen"`
	Metrics      netip.AddrPort   `json:"metrics"`
}

// reloadStatus is how the last load of the orders ended.
type reloadStatus struct {
	OK       bool      `json:"ok"` // false: older orders stay in force
	At       time.Time `json:"at"`
	Problems int       `json:"problems"` // for which it was rejected
	Notes    int       `json:"notes"`
}

// loadOutcome is what a load of the orders found.
type loadOutcome struct {
	at              time.Time
	refusals, notes int
}

func outcomeOf(problems *problem.List, at time.Time) *loadOutcome {
	o := &loadOutcome{at: at}
	for _, p := range problems.Sorted() {
		if p.Severity == problem.Note {
			o.notes++
		} else {
			o.refusals++
		}
	}
	if n := problems.Dropped(); o.refusals > 0 {
		o.refusals += n
	} else {
		o.notes += n
	}
	return o
}

type queryStatus struct {
	Total      uint64  `json:"total"`      // since the start, as those that follow
	ByOrder    uint64  `json:"by_order"`   // answered by an order
	ServFail   uint64  `json:"servfail"`   // answered SERVFAIL
	Panics     uint64  `json:"panics"`     // faults of the program
	PerSecond  float64 `json:"per_second"` // over the last minute, as those that follow
	OrderShare float64 `json:"order_share"`
	FailShare  float64 `json:"servfail_share"`
}

type cacheStatus struct {
	Entries  int     `json:"entries"`
	Octets   int64   `json:"octets"`
	Limit    int64   `json:"limit_octets"`
	HitShare float64 `json:"hit_share"` // since the start
}

type upstreamStatus struct {
	Server     netip.AddrPort `json:"server"`
	Up         bool           `json:"up"`
	RTTSeconds float64        `json:"rtt_seconds"` // 0: not measured yet
}

type journalStatus struct {
	Entries   uint64    `json:"entries"` // written since the start
	Lost      uint64    `json:"lost"`
	Failing   bool      `json:"failing"`
	LastWrite time.Time `json:"last_write,omitzero"`
}

func (a *api) serveStatus(w http.ResponseWriter, _ *http.Request) { sendJSON(w, a.status(time.Now())) }

func (a *api) status(now time.Time) *status {
	law := a.keeper.law.Load()
	s := &status{
		Now: now, Since: a.meter.started, Generation: law.Generation, Wrong: []string{}, Reload: a.reload(), Orders: summarise(law.Orders()),
		Queries: a.queries(now), Cache: a.cache(), Resolution: a.recursion.status(a.config), Upstreams: []upstreamStatus{}, Listen: a.listeners.Addresses(), Metrics: a.metrics,
	}
	s.Version, s.Commit = buildVersion()
	s.NextBoundary, _ = law.Boundary()
	for _, u := range a.resolver.Upstreams() {
		s.Upstreams = append(s.Upstreams, upstreamStatus{u.Server, u.Up, u.RTT.Seconds()})
	}
	if a.journal != nil {
		j := a.journal.Stats()
		s.Journal = &journalStatus{j.Written, j.Lost, j.Failing, j.LastWrite}
	}
	s.findWrong()
	return s
}

func (a *api) reload() reloadStatus {
	last := a.keeper.last.Load()
	return reloadStatus{
		OK: a.keeper.reloads.Last() == metrics.ResultOK, At: last.at, Problems: last.refusals, Notes: last.notes,
	}
}

func (a *api) queries(now time.Time) queryStatus {
	total := a.counters.Totals()
	q := queryStatus{Total: total.Queries, ByOrder: total.ByOrder, ServFail: total.ServFail, Panics: a.resolver.Panics()}
	before := a.meter.oldest()
	n := total.Queries - before.Queries
	if seconds := now.Sub(before.at).Seconds(); seconds > 0 {
		q.PerSecond = float64(n) / seconds
	}
	q.OrderShare, q.FailShare = share(total.ByOrder-before.ByOrder, n), share(total.ServFail-before.ServFail, n)
	return q
}

// share is part of whole, 0 to 1; 0 of nothing.
func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(1, float64(part)/float64(whole)) // they are not read at the same instant
}

func (a *api) cache() cacheStatus {
	stats, usage := a.resolver.CacheStats(), a.resolver.Usage()
	hits := stats.Hits[0] + stats.Hits[1]
	return cacheStatus{
		Entries: stats.Entries[0] + stats.Entries[1], Octets: usage.Cache, Limit: usage.CacheLimit,
		HitShare: share(hits, hits+stats.Misses[0]+stats.Misses[1]),
	}
}

// findWrong says what somebody should look at.
func (s *status) findWrong() {
	add := func(isWrong bool, format string, args ...any) {
		if isWrong {
			s.Wrong = append(s.Wrong, fmt.Sprintf(format, args...))
		}
	}
	down := 0
	for _, u := range s.Upstreams {
		if !u.Up {
			down++
		}
	}
	add(!s.Reload.OK, "the last reload was rejected (%d problems): older orders stay in force", s.Reload.Problems)
	add(sum(s.Orders.Orders) == 0, "no order is loaded: nothing is blocked")
	add(down > 0 && down == len(s.Upstreams), "no upstream answers")
	add(down > 0 && down < len(s.Upstreams), "%d of %d upstreams do not answer", down, len(s.Upstreams))
	for _, zone := range s.Resolution.untrusted() {
		add(true, "zone %s has no trust anchor left: nothing below it is validated", zone)
	}
	add(s.Queries.FailShare > 0.05, "%.0f %% of the queries of the last minute failed (SERVFAIL)", 100*s.Queries.FailShare)
	if s.Journal != nil {
		add(s.Journal.Failing, "the journal cannot be written")
		add(s.Journal.Lost > 0, "the journal has lost %d entries", s.Journal.Lost)
	}
	add(s.Queries.Panics > 0, "%d queries ended in a panic: report it", s.Queries.Panics)
}

// The meter's memory: a sample each meterPause, for a minute.
const (
	meterPause   = 5 * time.Second
	meterSamples = int(time.Minute / meterPause)
)

// meter remembers the totals of the last minute. Safe for concurrent use.
type meter struct {
	started time.Time
	mu      sync.Mutex
	samples []sample // the oldest first; never empty
}

type sample struct {
	metrics.Totals
	at time.Time
}

func newMeter(now time.Time) *meter { return &meter{started: now, samples: []sample{{at: now}}} }

func (m *meter) oldest() sample {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.samples[0]
}

func (m *meter) add(s sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.samples = append(m.samples[max(0, len(m.samples)-meterSamples+1):], s)
}

// follow samples the counters until ctx ends.
func (m *meter) follow(ctx context.Context, c *metrics.Counters) {
	ticks := time.NewTicker(meterPause)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticks.C:
			m.add(sample{c.Totals(), now})
		}
	}
}
