package main

import "math"

// What was measured, see docs/benchmarks.md and docs/metrics.md. Everything that is
// worked out from it counts with margin times as much: the next machine is another
// one, and the next version too.
const (
	margin = 1.5

	hitMicroseconds   = 2.45 // CPU time of an answer from the cache
	blockMicroseconds = 2.42 // of one under order
	missMicroseconds  = 7.33 // of one that was forwarded
	loadMicroseconds  = 1.55 // of a load, for each name, at ten million
	changeSeconds     = 0.02 // of a reload of 100 names beside a million
	restartSeconds    = 0.2  // from compiled orders, a million names

	ruleOctets   = 90  // resident for a name under order, with names of three labels
	prefixOctets = 68  // for a prefix
	peakOctets   = 312 // for a name, on top, while all are compiled anew
	entryOctets  = 500 // of the cache, for one address, as bailiff counts
	baseOctets   = 15 << 20

	scrapeOctets      = 26_000 // of /metrics without orders
	orderScrapeOctets = 1200   // more for each order
	logOctets         = 170    // an entry of the query log as JSON
	logMatchOctets    = 290    // the same of a query under order
)

// What is assumed of queries, servers and networks.
const (
	blockShare  = 0.01 // of queries under order
	missShare   = 0.10 // of queries that go upstream
	linesAsking = 0.5  // queries a second of a line at the peak

	busy             = 0.5 // of a core at the peak: the rest is for bursts and failed neighbours
	cardMicroseconds = 2   // CPU time of a packet's way through driver and kernel, which loopback does not show
	coresOfServer    = 32
	together         = 0.7       // of what 32 cores would do alone: they share memory and caches
	cardPackets      = 2_000_000 // a second each way: small packets meet this bound long before 25 Gbit/s
	replyOctets      = 220       // of a response on the wire, with all headers

	bufferOctets   = 8 << 20 // of a socket: 4 MiB, which Linux doubles
	packetOctets   = 2304    // that a waiting packet takes of it
	collectorFloor = 2       // Go's collector lets the heap grow to this many times what lives, if GOMEMLIMIT does not hold it
)

// queryMicroseconds is what a query costs if so many go upstream.
func queryMicroseconds(misses float64) float64 {
	answer := misses*missMicroseconds + blockShare*blockMicroseconds + (1-misses-blockShare)*hitMicroseconds
	return margin*answer + cardMicroseconds
}

// coreQueries is how many queries a second one core takes at the peak.
func coreQueries(misses float64) float64 { return busy * 1e6 / queryMicroseconds(misses) }

// serverQueries is the same of a server: what its cores do, or its network card.
func serverQueries(misses float64) float64 {
	return math.Min(coresOfServer*together*coreQueries(misses), busy*cardPackets)
}

// place is somewhere with so many queries a second at the peak.
type place struct {
	name    string
	queries float64
	sites   int // that share them
}

var places = []place{
	{"one site of a city, 100,000 lines", linesAsking * 100_000, 1},
	{"a region, 2,000,000 lines", linesAsking * 2_000_000, 3},
	{"a national provider, 20,000,000 lines", linesAsking * 20_000_000, 20},
}

// servers is how many a site needs to carry its share, and that of a site that has
// failed, with one server away.
func (p place) servers() int {
	carrying := float64(max(1, p.sites-1))
	return 1 + int(math.Ceil(p.queries/carrying/serverQueries(missShare)))
}

// used is the share of what the servers of so many sites could do with nothing left.
func (p place) used(sites int) float64 {
	return p.queries / (float64(sites*p.servers()) * serverQueries(missShare) / busy)
}

// resident is the memory of a server with so many rules and octets of cache: what
// lives, and what Go's collector lets it come to.
func resident(rules, cache float64) (least, most float64) {
	least = baseOctets + margin*rules*ruleOctets + cache
	return least, collectorFloor * least
}

// compiling is the most that it takes while every rule is compiled anew.
func compiling(rules, cache float64) float64 {
	_, most := resident(rules, cache)
	return most + margin*rules*peakOctets
}
