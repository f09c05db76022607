package metrics

import (
	"strconv"

	"bailiff/resolver/anchor"
	"bailiff/resolver/recurse"
)

// The metrics of recursion and validation; there are none where upstreams
// resolve. They are never written to.
var (
	validatedDesc = desc("dnssec_answers_total", "Answers validated, by what came of it; bogus ones become SERVFAIL.", "result")
	limitDesc     = desc("recursion_limit_total", "Questions of which that bound on their work ended something.", "limit")
	serversDesc   = desc("recursion_servers", "Name servers remembered: their speed and their ways.")

	memoryDesc      = desc("recursion_memory_bytes", "What is known of names and zones.")
	memoryLimitDesc = desc("recursion_memory_limit_bytes", "What it may take: half of cache.size.")

	anchorDesc = desc("trust_anchor_info",
		"1 for each trust anchor. tag: the key tag. state: of RFC 5011; valid and missing ones are trusted.", "zone", "tag", "state")
	anchorFaultsDesc = desc("trust_anchor_state_errors_total",
		"How often the state of the trust anchors could not be read or written.")
)

// collectRecursion makes the series of what resolves where upstreams do not.
func collectRecursion(s sink, r *recurse.Recursor) {
	if r == nil {
		return
	}
	stats := r.Stats()
	for i, n := range stats.Answers {
		s.counter(validatedDesc, n, recurse.Status(i))
	}
	for limit, n := range stats.Limits {
		s.counter(limitDesc, n, recurse.Limit(limit).String())
	}
	s.gauge(serversDesc, float64(stats.Servers))
	s.gauge(memoryDesc, float64(stats.Memory))
	s.gauge(memoryLimitDesc, float64(stats.MaxMemory))
}

// collectAnchors makes the series of the trust anchors. Anchors that differ in
// nothing but their digest, or have one tag, share theirs.
func collectAnchors(s sink, k *anchor.Keeper) {
	if k == nil {
		return
	}
	told := map[anchor.Info]bool{}
	for _, a := range k.Info() {
		if !told[a] {
			told[a] = true
			s.gauge(anchorDesc, 1, a.Zone, strconv.Itoa(int(a.Tag)), a.State.String())
		}
	}
	s.counter(anchorFaultsDesc, k.Faults())
}
