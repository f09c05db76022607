package resolver

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/resolver/exchange"
)

// Bounds on learning the name servers of what a query leads to. A forwarder is
// not told of delegations: it has to ask. A zone costs one question for NS
// where QNAME is the apex and two elsewhere, and two more for each server if
// there are rules on servers' addresses; the answers are cached like any other.
const (
	serversDeadline  = 2 * time.Second
	serversQuestions = 40               // for one query, its chain included
	maxServers       = 13               // of one zone: as many as the root has
	serversLifetime  = time.Hour        // until the servers are looked up again
	serversRetry     = 10 * time.Second // the same after a failure
)

// servers are the name servers of the zones that a truth's QNAME and targets
// lie in. Immutable.
type servers struct {
	names         [][]byte // canonical wire format
	addresses     []netip.Addr
	withAddresses bool          // these were asked for
	until         time.Duration // on the resolver's clock
}

// knowsServers reports whether the truth's name servers need no asking.
func (t *truth) knowsServers(law *policy.Snapshot, now time.Duration) bool {
	s := t.servers.Load()
	return s != nil && now < s.until && (s.withAddresses || !law.HoldsServerAddresses())
}

// askServers makes q wait until the name servers of a cached truth are known.
func (r *Resolver) askServers(q *Query, law *policy.Snapshot, cached *truth) []byte {
	f, where := r.flights.join(q.key(), q, forAnswer, nil)
	switch where {
	case placeFull:
		return r.conclude(q, law, &outcome{failure: &failure{ede: edeOther, cause: "too many questions under way"}})
	case placeStarted:
		r.running.Go(func() { r.landWithServers(f, &outcome{truth: cached, source: SourceCache}) })
	}
	q.waits = true
	return nil
}

// landWithServers learns the name servers and ends the flight.
func (r *Resolver) landWithServers(f *flight, o *outcome) {
	r.learnServers(f.question, o.truth)
	r.watch(f.question, o.truth)
	r.finish(f, o)
}

// learnServers asks for the name servers of every zone on the way. What cannot
// be learnt is not known to be under order: the truth passes, and the next
// query but those of the next seconds asks again.
func (r *Resolver) learnServers(q *Query, t *truth) {
	ctx, cancel := context.WithTimeout(r.ctx, serversDeadline)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			r.panicked(cause)
		}
	}()
	s := serverSearch{r: r, ctx: ctx, left: serversQuestions}
	s.found.withAddresses = r.policy.Load().HoldsServerAddresses()
	s.zoneOf(name.Name(q.name.Wire()))
	for l := range t.links() {
		if l.kind == linkChain {
			s.zoneOf(name.Name(l.name))
		}
	}
	s.found.until = r.now().Sub(r.epoch) + serversLifetime
	if s.failed {
		s.found.until = r.now().Sub(r.epoch) + serversRetry
	}
	t.servers.Store(&s.found)
	t.clean.Store(0)
}

// serverSearch is the search for one query.
type serverSearch struct {
	r      *Resolver
	ctx    context.Context
	left   int // questions
	failed bool
	seen   []name.Name // apexes
	found  servers
}

// zoneOf adds the servers of the zone that n lies in. The response to NS at n
// has them if n is the apex; otherwise its SOA names the apex. An alias says
// nothing of its own zone: its parent is asked.
func (s *serverSearch) zoneOf(n name.Name) {
	for range 3 { // n, an alias's parent, the apex
		if n == name.Root || slices.Contains(s.seen, n) {
			return
		}
		m := s.ask(n, dns.TypeNS)
		if m == nil {
			s.failed = true
			return
		}
		apex := name.Name("")
		for _, rr := range append(m.Answer, m.Ns...) {
			owner := canonical(rr.Header().Name)
			switch rr := rr.(type) {
			case *dns.NS:
				if owner == n {
					s.server(canonical(rr.Ns))
				}
			case *dns.SOA:
				if n.IsBelow(owner) {
					apex = owner
				}
			case *dns.CNAME:
				apex = n.Parent()
			}
		}
		s.seen = append(s.seen, n)
		if apex == "" {
			return
		}
		n = apex
	}
}

// server adds one name server, and its addresses if any rule asks for them.
func (s *serverSearch) server(n name.Name) {
	known := slices.ContainsFunc(s.found.names, func(k []byte) bool { return string(k) == string(n) })
	if n == "" || known || len(s.found.names) >= maxServers {
		return
	}
	s.found.names = append(s.found.names, []byte(n))
	if !s.found.withAddresses {
		return
	}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		t := s.lookup(n, qtype)
		if t == nil {
			s.failed = true
			continue
		}
		for a := range s.r.addresses(t) {
			s.found.addresses = append(s.found.addresses, a)
		}
	}
}

// ask is lookup with the response decoded.
func (s *serverSearch) ask(n name.Name, qtype uint16) *dns.Msg {
	t := s.lookup(n, qtype)
	if t == nil {
		return nil
	}
	m := new(dns.Msg)
	if m.Unpack(t.message()) != nil {
		return nil
	}
	return m
}

// lookup is the truth on a question of our own, from the cache or upstream;
// nil if there is none, or no question is left.
func (s *serverSearch) lookup(n name.Name, qtype uint16) *truth {
	var q Query
	q.name.Set([]byte(n))
	q.qtype, q.rd, q.differs = qtype, true, s.r.differs
	now := s.r.now().Sub(s.r.epoch)
	if t := s.r.cache.get(&q, now); t != nil && t.fresh(now) {
		return t
	}
	if s.left--; s.left < 0 {
		return nil
	}
	answer, err := s.r.backend.Resolve(s.ctx, q.asks())
	if err != nil {
		return nil
	}
	t, err := s.r.learn(&q, answer, s.r.now().Sub(s.r.epoch))
	if err != nil {
		return nil
	}
	s.r.cache.put(&q, t)
	return t
}

// canonical is a name as policy holds it, "" if it is none.
func canonical(presentation string) name.Name { return name.Name(exchange.Name(presentation)) }

// judgeServers applies the rules on name servers to all servers of a truth
// together; nil are servers not known.
func judgeServers(q *Query, law *policy.Snapshot, s *servers) (m *policy.Match, touched bool) {
	if s == nil || !law.HoldsServers() {
		return nil, law.HoldsServers()
	}
	known := len(q.matches)
	for _, n := range s.names {
		q.linked.Set(n)
		if law.HoldsServer(&q.linked) {
			touched = true
			q.matches = law.MatchServer(&q.linked, &q.name, q.Client, q.matches, known)
		}
	}
	for _, a := range s.addresses {
		if law.HoldsServerAddress(a) {
			touched = true
			q.matches = law.MatchServerAddress(a, &q.name, q.Client, q.matches, known)
		}
	}
	return settleBeyond(q, known), touched
}
