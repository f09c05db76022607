package upstream

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// Bounds of one question.
const (
	minTries = 4 // one lost packet, or two, must not fail a question to a lone server
	maxTries = 6 // sockets, goroutines and identical questions in flight at once
	rounds   = 2 // over all servers, between minTries and maxTries
)

// race is one question on its way to several servers. The first acceptable
// answer wins; a try that is waited for too long is not given up but joined by
// a try at the next server. It belongs to the goroutine of Resolve.
type race struct {
	f          *Forwarder
	q          Question
	candidates []candidate
	latest     *candidate // whose silence the patience timer measures; nil: nobody's
	turn       int        // of the candidates, round after round
	triesLeft  int
	results    chan result // has room for all tries: none blocks on it
	tries      sync.WaitGroup
	failure    *Failure // the gravest so far
}

// candidate is a server within one race.
type candidate struct {
	*server
	patience  time.Duration // before the next server is asked as well
	mixedCase bool          // false: it is known to drop the spelling
	running   int           // tries under way
	spent     bool          // it answered without an answer: not asked again
}

// result is the end of one try; failure is nil when there is an answer.
type result struct {
	from    *candidate
	answer  Answer
	failure *Failure
}

func newRace(f *Forwarder, q Question) *race {
	candidates := f.servers.ranked()
	return &race{
		f: f, q: q,
		candidates: candidates,
		triesLeft:  min(max(rounds*len(candidates), minTries), maxTries),
		results:    make(chan result, maxTries),
		failure:    &Failure{EDE: dns.ExtendedErrorCodeNetworkError, Cause: "no upstream to ask"},
	}
}

// run starts tries until one succeeds, all have failed or ctx ends.
func (r *race) run(ctx context.Context) (Answer, error) {
	patience := time.NewTimer(r.startNext(ctx))
	defer patience.Stop()
	for r.open() {
		select {
		case res := <-r.results:
			res.from.running--
			if res.failure == nil {
				return res.answer, nil
			}
			res.from.spent = true
			r.failure = graver(r.failure, res.failure)
			patience.Reset(r.startNext(ctx))
		case <-patience.C:
			if r.latest != nil {
				r.f.servers.silent(r.latest.server, r.latest.patience)
			}
			patience.Reset(r.startNext(ctx))
		case <-ctx.Done():
			silence := &Failure{
				EDE:   dns.ExtendedErrorCodeNoReachableAuthority,
				Cause: fmt.Sprintf("no response from %d upstreams", len(r.candidates)),
			}
			return Answer{}, graver(r.failure, silence)
		}
	}
	return Answer{}, r.failure
}

// startNext asks the next server whose turn it is and says how long to wait
// before the one after it: longer with each round. It starts nothing when the
// tries are used up.
func (r *race) startNext(ctx context.Context) (wait time.Duration) {
	r.latest = nil
	for range r.candidates {
		if r.triesLeft == 0 {
			break
		}
		round, i := r.turn/len(r.candidates), r.turn%len(r.candidates)
		r.turn++
		c := &r.candidates[i]
		if c.spent {
			continue
		}
		r.triesLeft--
		r.start(ctx, c)
		return min(c.patience<<round, maxPatience)
	}
	return questionDeadline
}

// start asks one server in a goroutine that ends with ctx at the latest.
func (r *race) start(ctx context.Context, c *candidate) {
	c.running++
	r.latest = c
	t := &try{f: r.f, q: r.q, server: c.server, form: exchange.Form{EDNS: true, MixedCase: r.f.mixedCase && c.mixedCase}}
	r.tries.Go(func() {
		answer, failure := t.run(ctx)
		r.results <- result{c, answer, failure}
	})
}

// open reports whether a try is under way that may still bring an answer.
func (r *race) open() bool {
	for i := range r.candidates {
		if c := &r.candidates[i]; c.running > 0 && !c.spent {
			return true
		}
	}
	return false
}
