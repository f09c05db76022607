package scenarios

import (
	"fmt"
	"net/netip"
	"testing/synctest"
	"time"

	"bailiff/policy"
	"bailiff/resolver"
	"bailiff/resolver/recurse"
	"bailiff/resolver/rpl"
)

const (
	maxRounds = 5000             // as testbound has it: more is a loop
	maxWait   = 60 * time.Second // of the bubble's time, for something to happen
)

// run plays one scenario, in a bubble of its own.
type run struct {
	*world
	scenario *rpl.Scenario
	resolver *resolver.Resolver
	zones    *authority
	next     int // the step to take
	asking   int // the number of the last step Query: Deckard's present
	clock    func() time.Time
	trace    []string
}

// note adds to the trace.
func (r *run) note(format string, args ...any) {
	r.trace = append(r.trace, r.clock().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// play plays a scenario, and says what went otherwise than it says, and what
// happened on the way.
func play(s *rpl.Scenario, c *setup, zones *authority) (fault string, trace []string) {
	w := newWorld()
	offset := time.Duration(0)
	if !c.start.IsZero() {
		offset = time.Until(c.start)
	}
	clock := func() time.Time { return time.Now().Add(offset) }
	c.recurse.Network, c.recurse.Now = w, clock
	r := &run{world: w, scenario: s, zones: zones, clock: clock}
	r.resolver = resolver.New(resolver.Config{
		Policy:   policy.NewStore(),
		Clients:  []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		Recursor: recurse.New(c.recurse), CacheBytes: 16 << 20, Stale: c.stale, Prefetch: c.prefetch, Now: clock,
	})
	defer r.resolver.Close()
	for range maxRounds {
		synctest.Wait()
		if r.next == len(s.Steps) {
			return r.leftOver(), r.trace
		}
		step := s.Steps[r.next]
		if fault := r.round(); fault != "" {
			return fmt.Sprintf("step %d %v: %s", step.Number, step.Event, fault), r.trace
		}
	}
	return "it loops", r.trace
}

// leftOver is what is still there once all steps are taken.
func (r *run) leftOver() string {
	if n := r.resolver.Panics(); n > 0 {
		return fmt.Sprintf("%d panics", n)
	}
	if r.scenario.Dialect == rpl.Testbound && len(r.replies) > 0 {
		return "a reply that is not checked: " + r.replies[0].text()
	}
	return ""
}

// round lets one thing happen, in the order of testbound's: a query that the
// step expects, a reply that it expects, a query that some server answers, else
// what the step says.
func (r *run) round() (fault string) {
	step := &r.scenario.Steps[r.next]
	switch {
	case step.Event == rpl.CheckOutQuery && r.expected(step):
		r.next++
		return ""
	case step.Event == rpl.CheckAnswer && r.hasReply():
		r.next++
		return r.check(step)
	case r.serve():
		return ""
	case r.scenario.Dialect == rpl.Deckard && r.clientsWait():
		return r.await("a reply")
	}
	return r.take(step)
}

// take does what the step says.
func (r *run) take(step *rpl.Step) (fault string) {
	switch step.Event {
	case rpl.CheckAnswer:
		return r.await("a reply")
	case rpl.CheckOutQuery:
		return r.await("that query")
	case rpl.Reply, rpl.Timeout, rpl.Failure:
		switch waiting := r.unanswered(); {
		case r.scenario.Dialect == rpl.Deckard: // see deckardEntryFor
		case len(waiting) > 0:
			r.end(waiting[0], step)
		case r.clientsWait():
			return r.await("a query")
		} // else the resolver has given up: how often it tries is its own affair
	case rpl.TimePasses:
		time.Sleep(step.Elapse)
	case rpl.CheckUpstreams:
		if n := r.count(); n > step.Most {
			return fmt.Sprintf("got %d queries upstream, want at most %d", n, step.Most)
		}
	case rpl.Query:
		r.next++
		return r.ask(step)
	}
	r.next++
	return ""
}

// await lets time pass until something happens.
func (r *run) await(what string) (fault string) {
	select {
	case <-r.stir:
		for _, o := range r.unanswered() {
			r.note("%v: silence", o)
		}
		return ""
	case <-time.After(maxWait):
		text := "no sign of " + what
		for _, o := range r.unanswered() {
			text += fmt.Sprintf("; waits: %v", o)
		}
		return text
	}
}
