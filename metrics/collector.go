package metrics

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bailiff/metrics/journal"
	"bailiff/metrics/querylog"
	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/resolver"
	"bailiff/resolver/anchor"
	"bailiff/resolver/listen"
	"bailiff/resolver/recurse"
)

// Config is what a Collector reads. All fields but those that may be nil are
// required.
type Config struct {
	Counters          *Counters
	Reloads           *Reloads
	Policy            *policy.Store
	Resolver          *resolver.Resolver
	Recursor          *recurse.Recursor // nil: upstreams resolve
	Anchors           *anchor.Keeper    // nil: nothing is validated
	Listeners         *listen.Server
	QueryLog          *querylog.Log   // nil: off
	Journal           *journal.Writer // nil: off
	Version, Revision string          // of this program; the revision is its commit
}

// Collector makes every metric of its own at the moment of a scrape. It is a
// prometheus.Collector.
type Collector struct {
	Config
	bounds    []float64 // of the request histogram
	maxOrders int       // that have series of their own
}

// NewCollector returns a Collector.
func NewCollector(c Config) *Collector {
	return &Collector{Config: c, bounds: bounds(), maxOrders: maxOrders}
}

// desc describes one metric of the program.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bailiff_"+name, help, labels, nil)
}

// The metrics that are made at a scrape. They are never written to.
var (
	requestsDesc = desc("dns_requests_total",
		"Queries received, answered or not. family: 1 IPv4, 2 IPv6.", "proto", "family", "type")
	responsesDesc = desc("dns_responses_total",
		"Replies sent, by what they were made from.", "rcode", "source")
	durationDesc = desc("dns_request_duration_seconds",
		"Time from a query's arrival to its reply.", "source")

	reloadOKDesc = desc("orders_last_reload_successful",
		"1 if the orders last read are in force, 0 if they were rejected and older ones stay.")
	reloadTimeDesc = desc("orders_last_reload_success_timestamp_seconds",
		"When orders were last read and put in force, in Unix time.")
	generationDesc = desc("orders_generation",
		"Number of the set of rules in force; it grows with each reload and whenever an order or rule begins or ends.")
	reloadsDesc = desc("orders_reloads_total",
		"Reloads since the start, by result.", "result")
	guardDesc = desc("guard_refusals_total",
		"Rules and orders for which the guard refused a reload, by guard; never: what no override lifts.", "guard")

	cacheEntriesDesc   = desc("cache_entries", "Answers held in the cache.", "type")
	cacheHitsDesc      = desc("cache_hits_total", "Queries answered from the cache.", "type")
	cacheMissesDesc    = desc("cache_misses_total", "Queries that had to be resolved, by what was then learnt.", "type")
	cacheEvictionsDesc = desc("cache_evictions_total", "Answers dropped from the cache to make room.", "type")

	loggedDesc = desc("query_log_entries_total",
		"Queries written to the query log. sink: json, dnstap.", "sink")
	unloggedDesc = desc("query_log_dropped_total",
		"Queries that the query log had no room for, or that could not be written.", "sink")

	panicsDesc = desc("panics_total", "Queries that ended in a panic, answered SERVFAIL: faults of the program.")
	buildDesc  = desc("build_info", "Always 1; the labels say which program runs.", "version", "revision", "goversion")
)

// Describe sends every description that Collect may use.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsDesc, responsesDesc, durationDesc,
		matchesDesc, infoDesc, rulesDesc, lastMatchDesc, unmatchedDesc, noticeDelayDesc,
		receivedDesc, fromDesc, untilDesc, firstDesc, delayDesc, deadlineDesc, missedDesc, reviewDesc, reviewDueDesc,
		reloadOKDesc, reloadTimeDesc, generationDesc, reloadsDesc, guardDesc,
		questionsDesc, questionsLimitDesc, waitingDesc, waitingLimitDesc, shedDesc, upDesc, rttDesc,
		validatedDesc, limitDesc, serversDesc, memoryDesc, memoryLimitDesc, anchorDesc, anchorFaultsDesc,
		cacheSizeDesc, cacheLimitDesc, connectionsDesc, connectionsLimitDesc, connectionsShedDesc, droppedDesc,
		cacheEntriesDesc, cacheHitsDesc, cacheMissesDesc, cacheEvictionsDesc,
		journalEntriesDesc, journalLostDesc, journalErrorsDesc, journalLastDesc, journalFailingDesc,
		loggedDesc, unloggedDesc, panicsDesc, buildDesc,
	} {
		ch <- d
	}
	c.Counters.upstreamRequests.Describe(ch)
	c.Counters.upstreamDurations.Describe(ch)
}

// Collect makes the metrics.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	s := sink(ch)
	c.collectRequests(s)
	c.collectDurations(s)
	c.collectReloads(s)
	collectOrders(s, c.Policy.Load().Orders(), c.maxOrders, time.Now())
	collectSaturation(s, c.Resolver.Usage(), c.Listeners.Usage())
	collectUpstreams(s, c.Resolver.Upstreams())
	collectRecursion(s, c.Recursor)
	collectAnchors(s, c.Anchors)
	collectCache(s, c.Resolver.CacheStats())
	collectJournal(s, c.Journal.Stats())
	for _, l := range c.QueryLog.Stats() {
		s.counter(loggedDesc, l.Written, l.Sink)
		s.counter(unloggedDesc, l.Dropped, l.Sink)
	}
	s.counter(panicsDesc, c.Resolver.Panics())
	s.gauge(buildDesc, 1, c.Version, c.Revision, runtime.Version())
	c.Counters.upstreamRequests.Collect(ch)
	c.Counters.upstreamDurations.Collect(ch)
}

// sink takes the metrics of one scrape.
type sink chan<- prometheus.Metric

func (s sink) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s.send(d, prometheus.GaugeValue, value, labels)
}

func (s sink) counter(d *prometheus.Desc, value uint64, labels ...string) {
	s.send(d, prometheus.CounterValue, float64(value), labels)
}

func (s sink) send(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels []string) {
	m, err := prometheus.NewConstMetric(d, kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(d, err)
	}
	s <- m
}

// collectRequests adds the workers up. What never happened has no series.
func (c *Collector) collectRequests(s sink) {
	for proto := range resolver.Transports {
		for family := range families {
			for t, name := range typeNames {
				sum := c.sum(func(sh *shard) uint64 { return sh.requests[proto][family][t].Load() })
				if sum > 0 {
					s.counter(requestsDesc, sum, resolver.Transport(proto).String(), familyLabel(family), name)
				}
			}
		}
	}
	for source := range resolver.Sources {
		for r, name := range rcodeNames {
			sum := c.sum(func(sh *shard) uint64 { return sh.responses[r][source].Load() })
			if sum > 0 {
				s.counter(responsesDesc, sum, name, resolver.Source(source).String())
			}
		}
	}
}

func (c *Collector) sum(count func(*shard) uint64) (total uint64) {
	for _, sh := range c.Counters.shards {
		total += count(sh)
	}
	return total
}

func (c *Collector) collectDurations(s sink) {
	for source := range resolver.Sources {
		cumulative, total := make(map[float64]uint64, buckets), uint64(0)
		for i := range buckets + 1 {
			total += c.sum(func(sh *shard) uint64 { return sh.durations[source].counts[i].Load() })
			if i < buckets {
				cumulative[c.bounds[i]] = total
			}
		}
		sum := c.sum(func(sh *shard) uint64 { return sh.durations[source].nanoseconds.Load() })
		m, err := prometheus.NewConstHistogram(durationDesc, total, time.Duration(sum).Seconds(), cumulative, resolver.Source(source).String())
		if err != nil {
			m = prometheus.NewInvalidMetric(durationDesc, err)
		}
		s <- m
	}
}

func (c *Collector) collectReloads(s sink) {
	ok := 0.0
	if Result(c.Reloads.last.Load()) == ResultOK {
		ok = 1
	}
	s.gauge(reloadOKDesc, ok)
	s.gauge(reloadTimeDesc, seconds(time.Unix(0, c.Reloads.lastSuccess.Load())))
	s.gauge(generationDesc, float64(c.Policy.Load().Generation))
	for r := range results {
		s.counter(reloadsDesc, c.Reloads.counts[r].Load(), Result(r).String())
	}
	for g := range c.Reloads.refusals {
		s.counter(guardDesc, c.Reloads.refusals[g].Load(), guardLabel(order.Guard(g)))
	}
}

func collectCache(s sink, stats resolver.CacheStats) {
	for i, kind := range []string{"success", "denial"} {
		s.gauge(cacheEntriesDesc, float64(stats.Entries[i]), kind)
		s.counter(cacheHitsDesc, stats.Hits[i], kind)
		s.counter(cacheMissesDesc, stats.Misses[i], kind)
		s.counter(cacheEvictionsDesc, stats.Evictions[i], kind)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// seconds is Unix time with its fraction, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
