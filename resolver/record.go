package resolver

import (
	"slices"

	"bailiff/policy"
	"bailiff/policy/order"
)

// Record takes an answered query for a query log, before the reply is sent.
// reply is nil if none is. It is called from many goroutines, must not block,
// and may keep nothing: query and reply are their worker's.
type Record func(q *Query, e Event, reply []byte)

// Name is QNAME in canonical wire format, nil if the packet has no question
// that could be read. It borrows from the query, like all that follows.
func (q *Query) Name() []byte {
	if q.questionEnd == 0 {
		return nil
	}
	return q.name.Wire()
}

// Matches are the orders that the query falls under, those included that only
// count.
func (q *Query) Matches() []policy.Match { return q.matches }

// Hidden reports whether QNAME would tell a name of a hidden order, be it for
// this client or not. It is false where there is no query log.
func (q *Query) Hidden() bool { return q.hidden }

// Ruling is the match that the reply comes from, nil if it comes from none.
func (q *Query) Ruling() *policy.Match { return q.ruling }

// Subject is what Ruling is about: by its trigger the octets of an address, or
// a name in canonical wire format, QNAME or one that the response holds. It is
// nil without a ruling, and where there is no query log.
func (q *Query) Subject() []byte { return q.subject }

// subject is what the match of a response is about. Looked for once more, on
// the few queries that end here: judge has no need of it.
func (r *Resolver) subject(f *finding, q *Query, law *policy.Snapshot, t *truth) []byte {
	if f.link != nil {
		return f.link.name
	}
	ruled := func(matches []policy.Match) bool {
		return slices.ContainsFunc(matches, func(m policy.Match) bool {
			return m.Order == f.match.Order && m.Rule == f.match.Rule
		})
	}
	known := t.servers.Load()
	if known == nil {
		known = new(servers)
	}
	switch f.match.Trigger() {
	case order.TriggerAddress:
		for a := range r.addresses(t) {
			if ruled(law.MatchAddress(a, &q.name, q.Client, nil, 0)) {
				return a.AsSlice()
			}
		}
	case order.TriggerNameserver:
		for _, n := range known.names {
			q.linked.Set(n)
			if ruled(law.MatchServer(&q.linked, &q.name, q.Client, nil, 0)) {
				return n
			}
		}
	case order.TriggerNameserverAddress:
		for _, a := range known.addresses {
			if ruled(law.MatchServerAddress(a, &q.name, q.Client, nil, 0)) {
				return a.AsSlice()
			}
		}
	}
	return nil
}
