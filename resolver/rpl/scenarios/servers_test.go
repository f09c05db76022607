package scenarios

import (
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/rpl"
)

// expected answers a query that waits and is the one of the step CHECK_OUT_QUERY.
func (r *run) expected(step *rpl.Step) bool {
	for _, o := range r.unanswered() {
		if step.Address.IsValid() && step.Address != o.to || !step.Entry.Answers(o.message, o.over) {
			continue
		}
		if step.Entry.Adjust&rpl.AdjustID != 0 {
			r.respond(o, step.Entry)
		}
		return true
	}
	return r.scenario.Dialect == rpl.Deckard // which ignores the step
}

// end ends a query's wait as the step says.
func (r *run) end(o *outQuery, step *rpl.Step) {
	if step.Event == rpl.Reply {
		r.respond(o, step.Entry)
		return
	}
	r.note("%v: %v", o, step.Event)
	o.fail(step.Event)
}

// respond answers a query with an entry.
func (r *run) respond(o *outQuery, e *rpl.Entry) {
	packet, err := e.Response(o.message, r.scenario.Dialect)
	if err != nil {
		panic(err) // the reader read it
	}
	r.note("%v: line %d", o, e.Line)
	o.answer(packet)
}

// serve answers one query that waits, as the ranges or the zones say.
func (r *run) serve() bool {
	for _, o := range r.unanswered() {
		if e := r.entryFor(o); e != nil {
			r.respond(o, e)
			return true
		}
		if m := r.zones.respond(o.to, o.message, o.over, r.clock()); m != nil {
			r.note("%v: zone", o)
			o.answer(m)
			return true
		}
		if r.scenario.Dialect == rpl.Deckard {
			r.note("%v: no entry", o)
			o.answer(servfail(o.message))
			return true
		}
	}
	return false
}

// entryFor is the entry that answers a query, nil if there is none. testbound
// looks at the ranges from the last on.
func (r *run) entryFor(o *outQuery) *rpl.Entry {
	if r.scenario.Dialect == rpl.Deckard {
		return r.deckardEntryFor(o)
	}
	now := r.scenario.Steps[r.next].Number
	for _, s := range slices.Backward(r.scenario.Ranges) {
		if now < s.From || s.To < now || len(s.Addresses) > 0 && !slices.Contains(s.Addresses, o.to) {
			continue
		}
		if e := find(s.Entries, o); e != nil {
			return e
		}
	}
	return nil
}

// deckardEntryFor is that of the first range that serves the address, or is the
// first of all where none does at any time. Without a range it is that of a step
// REPLY to come, once.
func (r *run) deckardEntryFor(o *outQuery) *rpl.Entry {
	known := slices.ContainsFunc(r.scenario.Ranges, func(s rpl.Range) bool { return slices.Contains(s.Addresses, o.to) })
	for _, s := range r.scenario.Ranges {
		serves := len(s.Addresses) == 0 || slices.Contains(s.Addresses, o.to) || !known
		if s.From <= r.asking && r.asking <= s.To && serves {
			return find(s.Entries, o)
		}
	}
	for i := range r.scenario.Steps {
		step := &r.scenario.Steps[i]
		if step.Event == rpl.Reply && step.Number > r.asking && step.Entry != nil && step.Entry.Answers(o.message, o.over) {
			e := step.Entry
			step.Entry = nil
			return e
		}
	}
	return nil
}

// find is the first of the entries that answers the query, nil if none does.
func find(entries []*rpl.Entry, o *outQuery) *rpl.Entry {
	for _, e := range entries {
		if e.Answers(o.message, o.over) {
			return e
		}
	}
	return nil
}

// servfail is what Deckard's servers say where the scenario says nothing.
func servfail(query *dns.Msg) []byte {
	packet, err := new(dns.Msg).SetRcode(query, dns.RcodeServerFailure).Pack()
	if err != nil {
		panic(err) // the query was one
	}
	return packet
}
