package metrics

import (
	"bailiff/resolver"
	"bailiff/resolver/listen"
	"bailiff/resolver/upstream"
)

// The metrics of what is bounded, each with its bound. They are never written
// to.
var (
	questionsDesc      = desc("upstream_questions", "Questions under way upstream.")
	questionsLimitDesc = desc("upstream_questions_limit", "How many there may be.")
	waitingDesc        = desc("waiting_queries", "Queries that wait for upstreams.")
	waitingLimitDesc   = desc("waiting_queries_limit", "How many there may be.")
	shedDesc           = desc("shed_queries_total", "Queries for which no place to wait was left: SERVFAIL, or a stale answer.")
	upDesc             = desc("upstream_up", "0 from the upstream's third silence in a row, or a network error, until a response.", "to")
	rttDesc            = desc("upstream_rtt_seconds", "Smoothed time to a response; 0: not measured yet.", "to")

	cacheSizeDesc  = desc("cache_size_bytes", "What the cache holds.")
	cacheLimitDesc = desc("cache_limit_bytes", "What the cache may hold: cache.size.")

	connectionsDesc      = desc("tcp_connections", "Connections of clients over TCP.")
	connectionsLimitDesc = desc("tcp_connections_limit", "How many there may be.")
	connectionsShedDesc  = desc("tcp_connections_refused_total", "Connections closed at once: no place was left, of all or of one client.")
	droppedDesc          = desc("udp_dropped_total", "Queries that the kernel dropped before they were read; 0 where it does not say.")
)

// collectSaturation makes the series of what is used of the bounds.
func collectSaturation(s sink, r resolver.Usage, l listen.Usage) {
	s.gauge(questionsDesc, float64(r.Questions))
	s.gauge(questionsLimitDesc, float64(r.QuestionsLimit))
	s.gauge(waitingDesc, float64(r.Waiting))
	s.gauge(waitingLimitDesc, float64(r.WaitingLimit))
	s.counter(shedDesc, r.Shed)
	s.gauge(cacheSizeDesc, float64(r.Cache))
	s.gauge(cacheLimitDesc, float64(r.CacheLimit))
	s.gauge(connectionsDesc, float64(l.Connections))
	s.gauge(connectionsLimitDesc, float64(l.ConnectionsLimit))
	s.counter(connectionsShedDesc, l.Refused)
	s.counter(droppedDesc, l.Dropped)
}

// collectUpstreams makes the series of each upstream configured; one that is
// there twice has those of its first place.
func collectUpstreams(s sink, all []upstream.Health) {
	told := map[string]bool{}
	for _, u := range all {
		to := u.Server.String()
		if told[to] {
			continue
		}
		told[to] = true
		s.gauge(upDesc, oneIf(u.Up), to)
		s.gauge(rttDesc, u.RTT.Seconds(), to)
	}
}
