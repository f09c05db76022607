package upstream

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// How long a server is waited for before the next one is asked as well.
const (
	minPatience     = 250 * time.Millisecond  // below it every cold name would be asked twice
	maxPatience     = 1500 * time.Millisecond // leaves time for two more servers before the deadline
	unknownPatience = 400 * time.Millisecond  // a first answer from afar (Unbound waits 376 ms)
	patienceFactor  = 4                       // times the smoothed RTT, which includes the server's own work
)

// When a server is believed dead, and for how long.
const (
	silencesToBackOff = 3                      // in a row: a slow name or a lost packet is no dead server
	minBackOff        = 500 * time.Millisecond // doubles with each further failure
	maxBackOff        = 4 * time.Second        // a server is noticed within 5 s of its return
)

// exploreOneIn questions go to another server than the fastest, so that its
// RTT stays known. Rare enough to leave the 99th percentile alone.
const exploreOneIn = 128

// caseMemory is how long a server that drops the spelling is asked in plain
// lower case; then it gets another chance.
const caseMemory = 10 * time.Minute

// server is what is known of one upstream. The roster's mutex guards all but
// the address.
type server struct {
	addr       netip.AddrPort
	srtt       time.Duration // smoothed as in RFC 6298 section 2; 0: never measured
	failures   int           // silences and network errors since the last response
	backedOff  time.Time     // until then it is asked last
	plainUntil time.Time     // until then QNAME is spelt in lower case
}

// roster is the list of upstreams and the owner of their health.
type roster struct {
	now     func() time.Time
	mu      sync.Mutex
	servers []*server
}

func newRoster(addrs []netip.AddrPort, now func() time.Time) *roster {
	r := &roster{now: now}
	for _, addr := range addrs {
		r.servers = append(r.servers, &server{addr: addr})
	}
	return r
}

// ranked lists all servers in the order in which to ask: the healthy by their
// RTT, unmeasured ones first, then the backed-off, the one soonest back first.
func (r *roster) ranked() []candidate {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	order := slices.Clone(r.servers)
	slices.SortStableFunc(order, func(a, b *server) int {
		return cmp.Or(a.backOffEnd(now).Compare(b.backOffEnd(now)), cmp.Compare(a.srtt, b.srtt))
	})
	explore(order, now)

	candidates := make([]candidate, len(order))
	for i, s := range order {
		candidates[i] = candidate{server: s, patience: s.patience(), mixedCase: !now.Before(s.plainUntil)}
		if i+1 < len(order) { // no reason to wait longer than the next one takes
			candidates[i].patience = min(s.patience(), order[i+1].patience())
		}
	}
	return candidates
}

// first is the server that ranked would put first. It reports false where that
// is no plain choice: all are backed off, or it is time to explore.
func (r *roster) first() (best candidate, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, healthy := r.now(), 0
	for _, s := range r.servers {
		if !s.backOffEnd(now).IsZero() {
			continue
		}
		healthy++
		if best.server == nil || s.srtt < best.srtt {
			best = candidate{server: s, patience: s.patience(), mixedCase: !now.Before(s.plainUntil)}
		}
	}
	if healthy == 0 || healthy > 1 && best.srtt != 0 && rand.IntN(exploreOneIn) == 0 {
		return candidate{}, false
	}
	return best, true
}

// explore puts, once in a while, another healthy server first. The first one
// is left there while it is unmeasured: asking it is exploring.
func explore(order []*server, now time.Time) {
	healthy := 0
	for healthy < len(order) && order[healthy].backOffEnd(now).IsZero() {
		healthy++
	}
	if healthy < 2 || order[0].srtt == 0 || rand.IntN(exploreOneIn) != 0 {
		return
	}
	other := 1 + rand.IntN(healthy-1)
	order[0], order[other] = order[other], order[0]
}

// backOffEnd is when the back-off ends; the zero time if there is none.
func (s *server) backOffEnd(now time.Time) time.Time {
	if now.Before(s.backedOff) {
		return s.backedOff
	}
	return time.Time{}
}

// patience is how long to wait for this server alone.
func (s *server) patience() time.Duration {
	if s.srtt == 0 {
		return unknownPatience
	}
	return min(max(patienceFactor*s.srtt, minPatience), maxPatience)
}

// measure adds one RTT, or what is known of it, to the smoothed one.
func (s *server) measure(rtt time.Duration) {
	if s.srtt == 0 {
		s.srtt = rtt
	}
	s.srtt = max(s.srtt+(rtt-s.srtt)/8, 1)
}

// responded notes a response, whatever its RCODE. After an outage the old RTT
// is forgotten: it was made of silences.
func (r *roster) responded(s *server, rtt time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.failures >= silencesToBackOff {
		s.srtt = 0
	}
	s.failures, s.backedOff = 0, time.Time{}
	s.measure(rtt)
}

// silent notes that nothing came within waited: the RTT is at least that.
func (r *roster) silent(s *server, waited time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.measure(max(waited, s.srtt))
	s.fail(r.now(), s.failures+1)
}

// unreachable notes a network error, which needs no repetition to be believed.
func (r *roster) unreachable(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.fail(r.now(), max(s.failures+1, silencesToBackOff))
}

// fail sets the number of failures in a row and backs off where that is too
// many. During a back-off nothing counts: many questions fail at once.
func (s *server) fail(now time.Time, failures int) {
	if now.Before(s.backedOff) {
		return
	}
	s.failures = failures
	if over := failures - silencesToBackOff; over >= 0 {
		s.backedOff = now.Add(min(minBackOff<<min(over, 3), maxBackOff))
	}
}

// dropsCase notes that the server repeats QNAME in its own spelling. Only a
// response over TCP may say so: over UDP it may be forged.
func (r *roster) dropsCase(s *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.plainUntil = r.now().Add(caseMemory)
}

func (r *roster) healthy() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, count := r.now(), 0
	for _, s := range r.servers {
		if s.backOffEnd(now).IsZero() {
			count++
		}
	}
	return count
}
