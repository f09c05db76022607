package recurse

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// How long one server is waited for before the next is asked.
const (
	minPatience     = 300 * time.Millisecond
	unknownPatience = 400 * time.Millisecond // Unbound waits 376 ms for a stranger
	maxPatience     = 3 * time.Second
	minTCPPatience  = time.Second // a connection has to be made first
	patienceFactor  = 4           // times the smoothed RTT
)

// Which of a zone's servers is asked.
const (
	// rttBand is what a server may be slower than the fastest to be as good as it:
	// the choice among several is one more thing that a forger has to guess
	// (Unbound: 400 ms).
	rttBand = 30 * time.Millisecond

	// strangersRTT is what a server not asked yet is thought to take at most; at
	// random, so that a fast one known is mostly kept to.
	strangersRTT = 150 * time.Millisecond

	// exploreOneIn questions go to any other server of the zone.
	exploreOneIn = 64
)

// When a server is believed dead, and for how long.
const (
	silencesToBackOff = 3
	minBackOff        = time.Second
	maxBackOff        = 60 * time.Second
)

const (
	serverMemory = 10 * time.Minute // how long what was learnt of a server's ways is believed
	lameMemory   = 5 * time.Minute  // RFC 9520 section 3.2
	maxServers   = 1 << 16          // servers remembered
	maxLame      = 8                // zones a server is known to be lame for
)

// server is what is known of one address. Its mutex guards all but addr.
type server struct {
	addr netip.AddrPort

	mu         sync.Mutex
	srtt       time.Duration // smoothed as in RFC 6298 section 2; 0: never measured
	silences   int           // since the last response
	backedOff  time.Time     // until then it is asked last
	plainUntil time.Time     // until then QNAME is spelt in lower case
	noEDNS     time.Time     // until then it is asked without OPT
	lame       []lameZone
	waiting    int // queries under way
}

// lameZone is a zone that a server was named for and does not serve.
type lameZone struct {
	zone  string
	until time.Time
}

// infra remembers servers. Safe for concurrent use.
type infra struct {
	mu      sync.Mutex
	servers *simplelru.LRU[netip.AddrPort, *server]
}

func newInfra() *infra {
	kept, _ := simplelru.NewLRU[netip.AddrPort, *server](maxServers, nil) // errs for a size of 0 only
	return &infra{servers: kept}
}

func (i *infra) server(a netip.AddrPort) *server {
	i.mu.Lock()
	defer i.mu.Unlock()
	s, ok := i.servers.Get(a)
	if !ok {
		s = &server{addr: a}
		i.servers.Add(a, s)
	}
	return s
}

func (i *infra) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.servers.Len()
}

// choose is the server to ask next of those: one of the fastest that are well;
// if none is, any.
func choose(servers []*server, zone string, now time.Time) (s *server, well bool) {
	type rated struct {
		*server
		penalty int
		rtt     time.Duration
	}
	all := make([]rated, len(servers))
	for i, s := range servers {
		penalty, rtt := s.rate(zone, now)
		all[i] = rated{s, penalty, rtt}
	}
	slices.SortFunc(all, func(a, b rated) int { return cmp.Or(cmp.Compare(a.penalty, b.penalty), cmp.Compare(a.rtt, b.rtt)) })
	equals := 1
	for equals < len(all) && all[equals].penalty == all[0].penalty &&
		(all[0].penalty > 0 || all[equals].rtt <= all[0].rtt+rttBand || rand.IntN(exploreOneIn) == 0) {
		equals++
	}
	return all[rand.IntN(equals)].server, all[0].penalty == 0
}

// rate says how good a server is to ask about a zone: no penalty for one that
// is well, then the backed-off, then the lame.
func (s *server) rate(zone string, now time.Time) (penalty int, rtt time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rtt = s.srtt
	if rtt == 0 {
		rtt = rand.N(strangersRTT)
	}
	switch {
	case s.isLame(zone, now):
		return 2, rtt
	case now.Before(s.backedOff):
		return 1, rtt
	}
	return 0, rtt
}

func (s *server) isLame(zone string, now time.Time) bool {
	return slices.ContainsFunc(s.lame, func(l lameZone) bool { return l.zone == zone && now.Before(l.until) })
}

// isLameFor notes that the server does not serve the zone.
func (s *server) isLameFor(zone string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lame = slices.DeleteFunc(s.lame, func(l lameZone) bool { return l.zone == zone })
	if len(s.lame) >= maxLame {
		s.lame = s.lame[1:]
	}
	s.lame = append(s.lame, lameZone{zone, now.Add(lameMemory)})
}

// ways is how the server wants to be asked, and how long it may take.
type ways struct {
	edns, mixedCase bool
	patience        time.Duration
}

func (s *server) ways(now time.Time) ways {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := ways{edns: !now.Before(s.noEDNS), mixedCase: !now.Before(s.plainUntil), patience: unknownPatience}
	if s.srtt > 0 {
		w.patience = max(patienceFactor*s.srtt, minPatience)
	}
	w.patience = min(w.patience<<min(s.silences, 4), maxPatience)
	return w
}

// responded notes a response after rtt, whatever it says.
func (s *server) responded(rtt time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.srtt == 0 || s.silences > 0 {
		s.srtt = rtt
	}
	s.srtt = max(s.srtt+(rtt-s.srtt)/8, 1)
	s.silences, s.backedOff = 0, time.Time{}
}

// silent notes that nothing came, or that nothing could be sent.
func (s *server) silent(now time.Time, unreachable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silences++; unreachable {
		s.silences = max(s.silences, silencesToBackOff)
	}
	if over := s.silences - silencesToBackOff; over >= 0 {
		s.backedOff = now.Add(min(minBackOff<<min(over, 6), maxBackOff))
	}
}

// dropsCase notes that the server repeats QNAME in a spelling of its own. Only
// a response over TCP may say so: over UDP it may be forged.
func (s *server) dropsCase(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plainUntil = now.Add(serverMemory)
}

// dropsEDNS notes that the server answers only without OPT.
func (s *server) dropsEDNS(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noEDNS = now.Add(serverMemory)
}

// begin counts a query under way, unless there are too many.
func (s *server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting >= maxServerQueries {
		return false
	}
	s.waiting++
	return true
}

func (s *server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting--
}
