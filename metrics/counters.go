// Package metrics shows what the resolver does: Prometheus metrics over HTTP,
// and whether the process is alive and ready.
//
// It decides nothing. Queries are counted in Counters, the one part on the
// query path: a few atomic additions in memory that one worker mostly has to
// itself. Everything else is read when someone scrapes, in Collector. Labels
// come from closed sets (types, RCODEs, order ids, configured upstreams), never
// from a query. docs/metrics.md says what each metric means; a test keeps it
// true. Start reading at Counters.Observe.
package metrics

import (
	"math/bits"
	"net/netip"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bailiff/resolver"
	"bailiff/resolver/upstream"
)

// Counters count queries and exchanges with upstreams. It is a
// resolver.Observer; safe for concurrent use.
type Counters struct {
	slots  [typeSlots]uint8 // QTYPE → its place in typeNames
	shards []*shard         // by worker

	upstreams         map[netip.AddrPort]string // their labels
	upstreamRequests  *prometheus.CounterVec
	upstreamDurations *prometheus.HistogramVec
}

// shard is the share of one worker.
type shard struct {
	requests  [resolver.Transports][families][len(typeNames)]atomic.Uint64
	responses [len(rcodeNames)][resolver.Sources]atomic.Uint64
	durations [resolver.Sources]histogram
}

const families = 2 // [0] IPv4, [1] IPv6: "1" and "2", their address family numbers at IANA

// authoritative is the label of the servers that are no upstreams: those of
// zones, of which there is no end.
const authoritative = "authoritative"

// NewCounters returns counters at zero. Each of the upstreams has a label of
// its own.
func NewCounters(upstreams []netip.AddrPort) *Counters {
	labels := []string{"to", "rcode"}
	c := &Counters{
		slots:  typeSlotTable(),
		shards: make([]*shard, runtime.GOMAXPROCS(0)),

		upstreams: make(map[netip.AddrPort]string, len(upstreams)),
		upstreamRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bailiff_upstream_requests_total",
			Help: "Queries sent to an upstream, or to zones' own servers (authoritative), by RCODE of the response; none: no response came.",
		}, labels),
		upstreamDurations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "bailiff_upstream_request_duration_seconds",
			Help:    "Time from such a query until its response, or until it was given up (rcode none).",
			Buckets: prometheus.ExponentialBuckets(0.00025, 2, 16), // CoreDNS's
		}, labels),
	}
	for i := range c.shards {
		c.shards[i] = new(shard)
	}
	for _, u := range upstreams {
		c.upstreams[u] = u.String()
	}
	return c
}

// Observe counts one query. It allocates nothing. A query without a reply, as
// an order asked, counts as a request only.
func (c *Counters) Observe(e resolver.Event) {
	s := c.shards[e.Worker%len(c.shards)]
	family := 0
	if e.IPv6 {
		family = 1
	}
	s.requests[e.Transport][family][c.slot(e.Type)].Add(1)
	if e.Rcode < 0 {
		return
	}
	s.responses[rcodeSlot(e.Rcode)][e.Source].Add(1)
	s.durations[e.Source].observe(e.Took)
}

// Exchanged counts one query to an upstream, or to a zone's own server.
func (c *Counters) Exchanged(e upstream.Exchange) {
	rcode := "none"
	if e.Rcode >= 0 {
		rcode = rcodeNames[rcodeSlot(e.Rcode)]
	}
	to, ok := c.upstreams[e.To]
	if !ok {
		to = authoritative
	}
	c.upstreamRequests.WithLabelValues(to, rcode).Inc()
	c.upstreamDurations.WithLabelValues(to, rcode).Observe(e.Took.Seconds())
}

// buckets is the number of a histogram's finite buckets. Their upper bounds
// are CoreDNS's, 250 µs·2ⁿ up to 8.192 s, continued downwards to about 1 µs:
// an answer by order takes a few of them.
const buckets = 24

// histogram counts durations.
type histogram struct {
	counts      [buckets + 1]atomic.Uint64 // the last: longer than every bound
	nanoseconds atomic.Uint64              // sum; 584 years
}

// observe finds the bucket without a search: the bounds are 15625/16 ns·2ⁿ.
func (h *histogram) observe(d time.Duration) {
	ns := uint64(max(1, d))
	h.counts[min(buckets, bits.Len64((16*ns-1)/15625))].Add(1)
	h.nanoseconds.Add(ns)
}

// bounds are the buckets' upper bounds in seconds.
func bounds() []float64 { return prometheus.ExponentialBuckets(0.00025/256, 2, buckets) }

// typeNames are the QTYPEs that have a label of their own; the last stands for
// all others.
var typeNames = [...]string{
	"A", "AAAA", "MX", "SOA", "CNAME", "PTR", "TXT", "NS", "DS", "DNSKEY", "RRSIG", "NSEC", "NSEC3",
	"IXFR", "AXFR", "ANY", "SRV", "HTTPS", "SVCB", "CAA", "NAPTR", "other",
}

// typeSlots is one more than the highest QTYPE with a label, CAA.
const typeSlots = 258

// typeSlotTable maps each QTYPE to its place in typeNames.
func typeSlotTable() (table [typeSlots]uint8) {
	for i := range table {
		table[i] = uint8(len(typeNames) - 1)
	}
	for i, qtype := range [len(typeNames) - 1]uint16{
		1, 28, 15, 6, 5, 12, 16, 2, 43, 48, 46, 47, 50, 251, 252, 255, 33, 65, 64, 257, 35,
	} {
		table[qtype] = uint8(i)
	}
	return table
}

func (c *Counters) slot(qtype uint16) uint8 {
	if qtype >= typeSlots {
		return uint8(len(typeNames) - 1)
	}
	return c.slots[qtype]
}

// rcodeNames are the RCODEs by number (IANA's DNS RCODEs); the last stands for
// all beyond.
var rcodeNames = [...]string{
	"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
	"NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14", "RCODE15", "BADVERS", "other",
}

func rcodeSlot(rcode int) int { return min(rcode, len(rcodeNames)-1) }

// familyLabel is the value of the label family.
func familyLabel(family int) string { return strconv.Itoa(family + 1) }
