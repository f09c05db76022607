package resolver

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"bailiff/policy"
	"bailiff/resolver/upstream"
)

// Bounds on what waits for upstreams. Beyond them the newest query is refused
// at once with SERVFAIL: those that wait already have used their time.
const (
	maxFlights       = 4096  // questions under way; each costs a goroutine and, without answers, up to six sockets
	maxWaiting       = 65536 // queries waiting, over all questions; about 1 KiB each
	maxWaitingFlight = 1024  // queries waiting for one question (DNSBomb, CVE-2024-33655)
	maxWaitingClient = 4096  // queries of one address waiting: what is held back is released at once
)

// clientPatience is when a waiting client is given a stale answer: the client
// response timer of RFC 8767 section 5.
const clientPatience = 1800 * time.Millisecond

// flight is one question under way upstream and the queries that wait for it.
type flight struct {
	key      string
	question *Query // a copy: what is asked
	waiters  []*Query
	stale    *truth // told after clientPatience, or if upstream fails; may be nil
	overdue  bool   // clientPatience is over
	renews   bool   // what is cached is about to expire
	begun    time.Time
}

// flights are the questions under way: one at a time for the same question.
type flights struct {
	mu      sync.Mutex // guards everything, the fields of each flight too
	running map[string]*flight
	waiting int
	clients map[netip.Addr]int // the waiting ones, by client
	shed    uint64             // queries for which no place was left, since the start
	done    sync.Pool          // of *Query: those that waited
}

func (fs *flights) count() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.running)
}

// place is where a query found its place.
type place uint8

const (
	placeWaiting place = iota
	placeStarted       // waiting, and the flight is new: someone has to run it
	placeOverdue       // the flight is late: a stale answer is due at once
	placeFull          // none left
)

// purpose is why a question is asked: for the query that waits, or only for
// those to come.
type purpose uint8

const (
	forAnswer purpose = iota
	forCache
)

// join makes a copy of q wait for its question, or only starts the flight.
func (fs *flights) join(key string, q *Query, waits purpose, stale *truth) (*flight, place) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f, where := fs.running[key], placeWaiting
	switch {
	case f != nil && f.overdue && stale != nil:
		return f, placeOverdue
	case f == nil && len(fs.running) >= maxFlights, fs.waiting >= maxWaiting,
		f != nil && len(f.waiters) >= maxWaitingFlight, fs.clients[q.Client] >= maxWaitingClient:
		if waits == forAnswer {
			fs.shed++
		}
		return nil, placeFull
	}
	waiting := q.detach(fs.done.Get().(*Query))
	if f == nil {
		f, where = &flight{key: key, question: waiting, stale: stale, begun: q.now, renews: waits == forCache}, placeStarted
		fs.running[key] = f
	}
	if waits == forAnswer {
		f.waiters = append(f.waiters, waiting)
		fs.waiting++
		fs.clients[q.Client]++
	}
	return f, where
}

// release takes the waiters of a flight that is over, or overdue.
func (fs *flights) release(f *flight, over bool) []*Query {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if over {
		delete(fs.running, f.key)
	}
	f.overdue = true
	waiters := f.waiters
	f.waiters = nil
	fs.waiting -= len(waiters)
	for _, q := range waiters {
		if fs.clients[q.Client]--; fs.clients[q.Client] == 0 {
			delete(fs.clients, q.Client)
		}
	}
	return waiters
}

// ask has the question asked upstream, unless that failed a moment ago. cached
// is the stale truth, nil if there is none. The reply is nil if q now waits.
func (r *Resolver) ask(q *Query, law *policy.Snapshot, cached *truth) []byte {
	key := q.key()
	if f := r.failures.get(key, q.now.Sub(r.epoch)); f != nil {
		return r.conclude(q, law, r.failed(f, cached))
	}
	f, where := r.flights.join(key, q, forAnswer, cached)
	switch where {
	case placeOverdue:
		return r.tell(q, law, &outcome{truth: cached, source: SourceCache, stale: true})
	case placeFull:
		return r.conclude(q, law, r.failed(&failure{ede: edeOther, cause: "too many questions under way"}, cached))
	case placeStarted:
		r.start(q.Line, f)
	}
	q.waits = true
	return nil
}

// failed prefers a stale truth to none, but for a bogus one.
func (r *Resolver) failed(f *failure, stale *truth) *outcome {
	if stale != nil && !f.bogus {
		return &outcome{truth: stale, source: SourceCache, stale: true}
	}
	return &outcome{failure: f}
}

// refresh asks again for a truth in use that is about to expire.
func (r *Resolver) refresh(q *Query, cached *truth) {
	if cached.prefetch.Swap(true) {
		return
	}
	if f, where := r.flights.join(q.key(), q, forCache, cached); where == placeStarted {
		r.start(q.Line, f)
	}
}

// start puts a flight on its way: over the worker's own line if it has one,
// and where that does not lead to an answer soon, in a goroutine.
func (r *Resolver) start(line *upstream.Line, f *flight) {
	if line != nil && !r.layered(f.question) && line.Ask(f.asks(), f.begun, func(a upstream.Answer, err error) {
		if err != nil {
			r.search(f)
			return
		}
		r.land(f, a, nil)
	}) {
		return
	}
	r.search(f)
}

// asks is the question as upstreams are asked it. It borrows the name.
func (q *Query) asks() upstream.Question {
	return upstream.Question{Name: q.name.Wire(), Type: q.qtype, DO: q.do, CD: q.cd, AD: q.ad}
}

// asks is the same of a flight.
func (f *flight) asks() upstream.Question {
	q := f.question.asks()
	q.Renew = f.renews
	return q
}

// search asks all upstreams there are, in a goroutine, and gives the waiters
// the stale truth when their patience ends.
func (r *Resolver) search(f *flight) {
	r.running.Go(func() {
		if f.stale != nil {
			timer := time.AfterFunc(clientPatience-r.now().Sub(f.begun), func() {
				r.deliver(r.flights.release(f, false), &outcome{truth: f.stale, source: SourceCache, stale: true})
			})
			defer timer.Stop()
		}
		answer, err := r.backend.Resolve(r.ctx, f.asks())
		r.land(f, answer, err)
	})
}

// land ends a flight: what upstream said is kept and told.
func (r *Resolver) land(f *flight, answer upstream.Answer, err error) {
	now := r.now().Sub(r.epoch)
	var found *truth
	if err == nil {
		found, err = r.learn(f.question, answer, now)
	}
	o := &outcome{truth: found, source: r.source}
	if err != nil {
		o = r.failed(r.failures.put(f.key, err, now), f.stale)
	} else {
		r.failures.forget(f.key)
		r.cache.put(f.question, found)
		if law := r.policy.Load(); law.HoldsServers() && !found.knowsServers(law, now) {
			r.running.Go(func() { r.landWithServers(f, o) }) // this may be a worker's thread
			return
		}
		r.watch(f.question, found)
	}
	r.finish(f, o)
}

// finish answers the queries that wait and ends the flight, its question too.
func (r *Resolver) finish(f *flight, o *outcome) {
	waiters := r.flights.release(f, true)
	r.deliver(waiters, o)
	for _, q := range waiters {
		r.flights.done.Put(q)
	}
}

// learn is newTruth, but that a panic, a fault of this program, is the failure
// of this one question.
func (r *Resolver) learn(q *Query, a upstream.Answer, now time.Duration) (t *truth, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			r.panicked(cause)
			t, err = nil, errPanic
		}
	}()
	t = newTruth(q, a.Message, packEDE(a.EDE), now)
	if a.Servers != nil { // for as long as the answer is kept
		t.servers.Store(&servers{names: a.Servers.Names, addresses: a.Servers.Addresses, withAddresses: true, until: math.MaxInt64})
	}
	return t, nil
}

var errPanic = errors.New("a panic")

// deliver answers the queries that waited.
func (r *Resolver) deliver(waiters []*Query, o *outcome) {
	if len(waiters) == 0 {
		return
	}
	room := r.lateReplies.Get().(*[lateReplySize]byte)
	defer r.lateReplies.Put(room)
	for _, q := range waiters {
		q.Out = room[:0]
		q.Late.Reply(q, r.decideLate(q, o))
		q.Out = nil
	}
}

// lateReplySize is room for most replies; longer ones make their own.
const lateReplySize = 2048

func (r *Resolver) decideLate(q *Query, o *outcome) (reply []byte) {
	defer r.survive(q, &reply)
	q.now = r.now()
	return r.decide(q, o)
}

// failure is why a question has no answer, kept for a moment (RFC 9520) so
// that a dead upstream is not asked for each query.
type failure struct {
	ede      uint16
	cause    string // for EXTRA-TEXT
	upstream []byte // the upstream's own extended errors, as packed EDNS options
	bogus    bool   // DNSSEC validation failed upstream: no stale answer either
	cached   bool
	times    int           // in a row
	until    time.Duration // on the resolver's clock
}

// RFC 9520 section 3.2: at least a second, at most five minutes, growing. Five
// seconds is also the longest a returned upstream stays unnoticed.
const (
	minFailure  = time.Second
	maxFailure  = 5 * time.Second
	maxFailures = 16384 // questions remembered
)

// failures remembers the questions that failed. Safe for concurrent use.
type failures struct {
	recent *lru.Cache[string, *failure]
}

func newFailures() *failures {
	recent, _ := lru.New[string, *failure](maxFailures) // errs only for a size of 0
	return &failures{recent}
}

// get returns the failure still remembered for this question, nil if none.
func (fs *failures) get(key string, now time.Duration) *failure {
	if f, ok := fs.recent.Get(key); ok && now < f.until {
		return f
	}
	return nil
}

// put remembers that a question failed, and returns the failure as the queries
// that waited are told it.
func (fs *failures) put(key string, err error, now time.Duration) *failure {
	told := describe(err)
	if last, ok := fs.recent.Peek(key); ok {
		told.times = last.times + 1
	}
	remembered := *told
	remembered.cached = true
	remembered.until = now + min(minFailure<<min(told.times, 8), maxFailure)
	fs.recent.Add(key, &remembered)
	return told
}

func (fs *failures) forget(key string) { fs.recent.Remove(key) }

// describe says in an extended error what failed, without the upstreams'
// addresses: those are the operator's.
func describe(err error) *failure {
	f, ok := errors.AsType[*upstream.Failure](err)
	if !ok { // a panic
		f = &upstream.Failure{EDE: edeOther}
	}
	cause := "the upstreams' answers are of no use"
	switch f.EDE {
	case edeNoReachableAuthority:
		cause = "no upstream answered"
	case edeNetworkError:
		cause = "no upstream could be reached"
	}
	if f.Text != "" {
		cause = f.Text
	}
	return &failure{ede: f.EDE, cause: cause, upstream: packEDE(f.Upstream), bogus: f.Bogus}
}
