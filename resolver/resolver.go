// Package resolver answers DNS queries: by order, from the cache, or by asking
// upstream.
//
// Bytes in, bytes out: a transport (package listen) fills a Query with a
// packet, Respond returns the reply packet. There is one path for all
// transports, and no allocation on it for a name under order or in the cache.
// Start reading at Respond.
//
// The package decides nothing about orders (package policy does) and serves no
// metrics: it tells an Observer.
package resolver

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"bailiff/policy"
	"bailiff/resolver/dns64"
	"bailiff/resolver/local"
	"bailiff/resolver/recurse"
	"bailiff/resolver/sketch"
	"bailiff/resolver/upstream"
)

// Source is what a reply was made from.
type Source uint8

// The sources of replies.
const (
	SourceOrder     Source = iota // an order in force
	SourceCache                   // the cache, stale answers included
	SourceUpstream                // an upstream's answer to this question
	SourceRecursion               // the servers of the zones themselves
	SourceLocal                   // a zone served here: the operator's, or one of RFC 6761 and RFC 6303
	SourceError                   // nothing: the query was refused or failed
)

// Sources is the number of sources.
const Sources = int(SourceError) + 1

// String is the label value of the metrics.
func (s Source) String() string {
	switch s {
	case SourceOrder:
		return "order"
	case SourceCache:
		return "cache"
	case SourceUpstream:
		return "upstream"
	case SourceRecursion:
		return "recursion"
	case SourceLocal:
		return "local"
	case SourceError:
		return "error"
	}
	return "unknown"
}

// Event is one query answered. It names neither client nor QNAME.
type Event struct {
	Worker    int
	Transport Transport
	IPv6      bool
	Type      uint16
	Rcode     int // -1: no reply was sent, as an order asked
	Source    Source
	Took      time.Duration
}

// Observer is told of each query once it is answered, before the reply is
// sent. It must not block; it is called from many goroutines.
type Observer interface {
	Observe(Event)
}

// Config is what a Resolver needs. Observer, Log and Now may be nil.
type Config struct {
	Policy  *policy.Store
	Clients []netip.Prefix // who is served
	// Recursor resolves what is not in the cache; nil: that is forwarded, as
	// Upstream says. The Resolver closes it.
	Recursor *recurse.Recursor
	Upstream upstream.Config
	// Zones are those that the operator serves here or has served by others; nil:
	// none. NAT64 is the prefix of the addresses made where a name has none in IPv6
	// (RFC 6147), one that passes dns64.Check; the zero Prefix: none are made.
	Zones *local.Zones
	NAT64 netip.Prefix
	// CacheBytes bounds the cache, in octets; Stale is how long an entry may
	// be served past its TTL when no upstream answers (RFC 8767), 0 for never;
	// Prefetch refreshes entries in use shortly before they expire.
	CacheBytes int64
	Stale      time.Duration
	Prefetch   bool
	Watch      bool // keep the names resolved of late, for Resolver.Sketch
	Observer   Observer
	Record     Record // nil: there is no query log
	Log        *slog.Logger
	Now        func() time.Time // nil: time.Now
	// StructuredOption is the EDNS option by which clients ask for structured
	// errors (draft-ietf-dnsop-structured-dns-error), 0 if they cannot.
	StructuredOption uint16
	InfoURL          string // the page about this resolver, of at most MaxInfoURL octets; may be empty
}

// Resolver answers queries. Safe for concurrent use, each Query being one
// goroutine's.
type Resolver struct {
	policy    *policy.Store
	clients   bart.Lite
	backend   upstream.Resolver   // of what is not in the cache: a Forwarder or a Recursor, and the layers over it
	forwarder *upstream.Forwarder // nil beside a Recursor
	source    Source              // of what the backend says
	differs   byte                // see Query.variant
	zones     *local.Zones
	nat64     netip.Prefix // the zero Prefix: there is none
	dns64     *dns64.Layer // nil beside that
	cache     *cache
	failures  *failures
	flights   flights
	prefetch  bool
	sketch    *sketch.Sketch // nil: names are not watched
	observer  Observer
	record    Record
	log       *slog.Logger
	now       func() time.Time
	epoch     time.Time // what the resolver's clock counts from; monotonic
	panics    atomic.Uint64

	structuredOption uint16
	info             []byte // the RDATA of RESINFO

	running     sync.WaitGroup // questions under way upstream
	lateReplies sync.Pool      // of *[lateReplySize]byte
	ctx         context.Context
	cancel      context.CancelFunc
}

// New returns a Resolver; Close ends it.
func New(cfg Config) *Resolver {
	r := &Resolver{
		policy:           cfg.Policy,
		cache:            newCache(cfg.CacheBytes, cfg.Stale),
		failures:         newFailures(),
		flights:          flights{running: map[string]*flight{}, clients: map[netip.Addr]int{}},
		prefetch:         cfg.Prefetch,
		observer:         cfg.Observer,
		record:           cfg.Record,
		log:              cfg.Log,
		now:              cfg.Now,
		structuredOption: cfg.StructuredOption,
		info:             resolverInfo(cfg.InfoURL),
	}
	if r.now == nil {
		r.now = time.Now
	}
	if cfg.Recursor != nil {
		r.backend, r.source, r.differs = cfg.Recursor, SourceRecursion, variantDO|variantCD
	} else {
		r.forwarder = upstream.New(cfg.Upstream)
		r.backend, r.source, r.differs = r.forwarder, SourceUpstream, variantDO|variantCD|variantAD
	}
	r.addLayers(cfg)
	r.epoch = r.now()
	r.lateReplies.New = func() any { return new([lateReplySize]byte) }
	r.flights.done.New = func() any { return new(Query) }
	if cfg.Watch {
		r.sketch = sketch.New()
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, p := range cfg.Clients {
		r.clients.Insert(p)
	}
	return r
}

// Close gives up the questions under way and waits for their goroutines.
func (r *Resolver) Close() {
	r.cancel()
	r.running.Wait()
	r.backend.Close()
}

// Drain waits until no question is under way, or the context ends.
func (r *Resolver) Drain(ctx context.Context) {
	for r.flights.count() > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// NewLine opens a worker's own way upstream, for its queries' Line. The worker
// closes it before the Resolver. There is none beside a Recursor.
func (r *Resolver) NewLine() (*upstream.Line, error) {
	if r.forwarder == nil {
		return nil, errors.ErrUnsupported
	}
	return r.forwarder.NewLine()
}

// CacheStats are the cache's counts at this moment.
func (r *Resolver) CacheStats() CacheStats { return r.cache.stats() }

// Panics counts queries that ended in a panic: faults of this program.
func (r *Resolver) Panics() uint64 { return r.panics.Load() }

// Respond answers one query: it Reads and Answers it.
func (r *Resolver) Respond(q *Query) (reply []byte) {
	r.Read(q)
	return r.Answer(q)
}

// Read takes the facts of a query from its packet, and calls for the memory that
// Answer will look into. Who has several queries at a time reads them all before
// the first answer, so that they wait for memory together.
func (r *Resolver) Read(q *Query) {
	defer r.misread(q)
	q.differs = r.differs
	if q.verdict = q.parse(r.structuredOption); q.verdict == rcodeNoError {
		r.policy.Load().Expect(&q.name)
	}
}

// misread turns a panic in Read, a fault of this program, into SERVFAIL.
func (r *Resolver) misread(q *Query) {
	if cause := recover(); cause != nil {
		r.panicked(cause)
		q.questionEnd, q.edns, q.verdict = 0, false, rcodeServFail
	}
}

// Answer answers a query that was Read. The reply borrows q.Out until q is used
// again. It is nil if there is nothing to send now: the packet deserves silence,
// an order drops the query, or the answer has to come from upstream. Then q has
// been copied and its Late replier gets the reply.
func (r *Resolver) Answer(q *Query) (reply []byte) {
	defer r.survive(q, &reply)
	if q.verdict != rcodeNoError {
		return r.reject(q, q.verdict)
	}
	if !r.clients.Contains(q.Client) {
		return r.observe(q, SourceError, q.plain(rcodeRefused, extended{code: edeProhibited}))
	}
	return r.decide(q, nil)
}

// outcome is what there is to say about a question beside the law: the truth,
// or why it is not known.
type outcome struct {
	truth   *truth // nil: failure says why
	failure *failure
	source  Source
	stale   bool // the truth is past its TTLs (RFC 8767)
}

// decide answers a query that may be served. o is nil if nobody was asked yet.
// Everything is decided under one snapshot, loaded here: a query that had to
// wait is judged by the law at the time of its answer.
func (r *Resolver) decide(q *Query, o *outcome) []byte {
	law := r.policy.Load()
	var answers int
	q.matches, answers = law.Match(&q.name, q.Client, q.matches[:0])
	if answers >= 0 {
		q.ruling, q.subject = &q.matches[answers], q.name.Wire()
		return r.observe(q, SourceOrder, q.sentence(q.ruling, law.Generation))
	}
	if reply, ok := r.local(q, law); ok {
		return reply
	}
	if !q.rd {
		// Looking into the cache would tell one client what others asked.
		return r.observe(q, SourceError, q.plain(rcodeRefused, extended{code: edeNotAuthoritative, text: "recursion was not desired"}))
	}
	if o != nil {
		return r.conclude(q, law, o)
	}
	now := q.now.Sub(r.epoch)
	cached := r.cache.get(q, now)
	if cached == nil || !cached.fresh(now) {
		return r.ask(q, law, cached)
	}
	if law.HoldsServers() && !cached.knowsServers(law, now) {
		return r.askServers(q, law, cached)
	}
	if r.prefetch && cached.ageing(now) {
		r.refresh(q, cached)
	}
	return r.tell(q, law, &outcome{truth: cached, source: SourceCache})
}

// reject answers what is no query, or none that this server serves.
func (r *Resolver) reject(q *Query, code int) []byte {
	if code == rcodeSilence {
		return nil
	}
	return r.observe(q, SourceError, q.plain(code))
}

// observe counts the query, and the orders it falls under, and passes the
// reply on.
func (r *Resolver) observe(q *Query, source Source, reply []byte) []byte {
	now := r.now()
	for i := range q.matches {
		q.matches[i].Count(now.UnixNano())
	}
	e := Event{
		Worker: q.Worker, Transport: q.Transport, IPv6: q.Client.Is6(), Type: q.qtype,
		Rcode: -1, Source: source, Took: now.Sub(q.Received),
	}
	if reply != nil {
		e.Rcode = q.rcode
	}
	if r.observer != nil {
		r.observer.Observe(e)
	}
	if r.record != nil {
		q.hidden = q.Name() != nil && r.policy.Load().Hides(&q.name)
		r.record(q, e, reply)
	}
	return reply
}

// survive turns a panic, a fault of this program, into SERVFAIL for this one
// query. A name under order stays blocked: no answer is none of the truth.
func (r *Resolver) survive(q *Query, reply *[]byte) {
	cause := recover()
	if cause == nil {
		return
	}
	r.panicked(cause)
	*reply = nil
	if len(q.Packet) >= headerSize {
		q.questionEnd, q.edns = 0, false
		*reply = q.plain(rcodeServFail)
	}
}

// panicked counts and logs a panic.
func (r *Resolver) panicked(cause any) {
	r.panics.Add(1)
	if r.log != nil {
		r.log.Error("a query ended in a panic", "cause", cause)
	}
}
