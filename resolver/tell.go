package resolver

import (
	"encoding/binary"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
)

// staleTTLSeconds is the TTL of a stale answer (RFC 8767 section 4).
const staleTTLSeconds = 30

// conclude answers a query that no order on QNAME decides.
func (r *Resolver) conclude(q *Query, law *policy.Snapshot, o *outcome) []byte {
	if o.truth == nil {
		return r.observe(q, SourceError, q.fail(o.failure))
	}
	return r.tell(q, law, o)
}

// fail is SERVFAIL with the errors that say why.
func (q *Query) fail(f *failure) []byte {
	w := q.begin(rcodeServFail)
	if f.cached {
		return w.finish(rcodeServFail, f.upstream, extended{code: f.ede, text: f.cause}, extended{code: edeCachedError})
	}
	return w.finish(rcodeServFail, f.upstream, extended{code: f.ede, text: f.cause})
}

// tell answers with the truth, as far as the orders let it pass.
func (r *Resolver) tell(q *Query, law *policy.Snapshot, o *outcome) []byte {
	t := o.truth
	barred := false
	if (t.hasLinks() || law.HoldsAddresses() || law.HoldsServers()) && t.clean.Load() != law.Generation {
		v := r.judge(q, law, t)
		if v.owner != nil {
			return r.tellWithout(q, law, o, v.owner)
		}
		if v.match != nil {
			q.ruling = v.match
			if r.record != nil {
				q.subject = r.subject(&v, q, law, t)
			}
			return r.observe(q, SourceOrder, r.linkedSentence(q, law, o, &v))
		}
		barred = v.barred
	}
	if barred {
		return r.observe(q, o.source, r.withoutAuthority(q, o))
	}
	w, rcode := r.copy(q, o, len(t.message()))
	copy(w.out[answerCount:additionalCount], t.octets[answerCount:additionalCount])
	if t.octets[3]&flagAD != 0 && (q.do || q.ad) { // RFC 6840 section 5.8
		w.out[3] |= flagAD
	}
	if o.source == SourceLocal {
		w.out[2] |= flagAA
	}
	return r.observe(q, o.source, w.finishTruth(rcode, o))
}

// tellWithout is tell for the truth less the DNAME that owner is about.
func (r *Resolver) tellWithout(q *Query, law *policy.Snapshot, o *outcome, owner *link) []byte {
	less, err := o.truth.without(q, owner.name)
	if err != nil {
		return r.observe(q, SourceError, q.fail(&failure{ede: edeOther, cause: err.Error()}))
	}
	rest := *o
	rest.truth = less
	return r.tell(q, law, &rest)
}

// copy starts a reply with the truth's octets up to end, its records not yet
// counted: ID, flags and question of the query, TTLs less their age.
func (r *Resolver) copy(q *Query, o *outcome, end int) (w reply, rcode int) {
	t := o.truth
	rcode = int(t.octets[3] & 0xf)
	w = reply{q, append(q.Out[:0], t.octets[:end]...)}
	copy(w.out[headerSize:], q.Packet[headerSize:q.questionEnd])
	w.header(rcode)
	age := max(0, q.now.Sub(r.epoch)-t.stored)
	w.patchTTLs(uint32(age/time.Second), o.stale)
	return w, rcode
}

// patchTTLs takes the age in seconds off the TTLs.
func (w *reply) patchTTLs(age uint32, stale bool) {
	for at := w.q.questionEnd; at < len(w.out); {
		r := recordAt(w.out, at)
		at = r.end
		field := r.ttl(w.out)
		ttl := binary.BigEndian.Uint32(field)
		if stale {
			ttl = staleTTLSeconds
		} else {
			ttl -= min(age, ttl)
		}
		binary.BigEndian.PutUint32(field, ttl)
	}
}

// finishTruth ends a reply made of the truth with the upstream's own errors.
func (w *reply) finishTruth(rcode int, o *outcome) []byte {
	switch {
	case o.stale && rcode == rcodeNXDomain:
		return w.finish(rcode, o.truth.ede(), extended{code: edeStaleNXDomain})
	case o.stale:
		return w.finish(rcode, o.truth.ede(), extended{code: edeStaleAnswer})
	}
	return w.finish(rcode, o.truth.ede())
}

// withoutAuthority is the truth without its authority section: a name under
// order owns a record of it.
func (r *Resolver) withoutAuthority(q *Query, o *outcome) []byte {
	end := len(o.truth.message())
	for l := range o.truth.links() {
		if l.kind == linkAuthority {
			end = l.end
			break
		}
	}
	w, rcode := r.copy(q, o, end)
	copy(w.out[answerCount:authorityCount], o.truth.octets[answerCount:authorityCount])
	return w.finishTruth(rcode, o)
}

// finding is what the orders say about the truth's names and addresses.
type finding struct {
	match  *policy.Match // the match that answers; nil: the truth may pass
	link   *link         // what it is about; nil: an address
	owner  *link         // the truth may pass without this DNAME; nothing else is judged yet
	barred bool          // the truth may pass without its authority section
}

// judge applies the orders to the names that the truth holds beside QNAME, and
// to its addresses and name servers, in this order: a name rule beats an address
// rule, that beats one on name servers. The matches that only count join the
// query's.
func (r *Resolver) judge(q *Query, law *policy.Snapshot, t *truth) (f finding) {
	clean, servers := true, t.servers.Load()
	for l := range t.links() {
		q.linked.Set(l.name)
		if !law.Touches(&q.linked) {
			continue
		}
		clean = false
		known := len(q.matches)
		var answers int
		q.matches, answers = law.Match(&q.linked, q.Client, q.matches)
		if l.kind == linkAuthority || l.kind == linkOwner {
			q.matches = q.matches[:known]
			if answers >= 0 && l.kind == linkOwner {
				found := l
				return finding{owner: &found}
			}
			f.barred = f.barred || answers >= 0
			continue
		}
		if answers >= 0 {
			m, found := q.matches[answers], l
			q.matches = onceEach(q.matches, known)
			return finding{match: &m, link: &found}
		}
		q.matches = onceEach(q.matches, known)
	}
	m, touched := r.judgeAddresses(q, law, t)
	clean = clean && !touched
	if m == nil {
		m, touched = judgeServers(q, law, servers)
		clean = clean && !touched
	}
	if clean {
		t.clean.Store(law.Generation)
		if t.servers.Load() != servers { // learnt anew meanwhile
			t.clean.Store(0)
		}
	}
	f.match = m
	return f
}

// judgeAddresses applies the address rules to all addresses of the truth
// together: the closest match answers, whichever address it is about.
func (r *Resolver) judgeAddresses(q *Query, law *policy.Snapshot, t *truth) (m *policy.Match, touched bool) {
	if !law.HoldsAddresses() {
		return nil, false
	}
	known := len(q.matches)
	for address := range r.addresses(t) {
		if law.HoldsAddress(address) {
			touched = true
			q.matches = law.MatchAddress(address, &q.name, q.Client, q.matches, known)
		}
	}
	return settleBeyond(q, known), touched
}

// settleBeyond picks from the query's matches beyond known the one that
// answers, nil if none does.
func settleBeyond(q *Query, known int) (m *policy.Match) {
	if len(q.matches) == known {
		return nil
	}
	all, answers := policy.Settle(q.matches, known)
	if answers >= 0 {
		found := all[answers]
		m = &found
	}
	q.matches = onceEach(all, known)
	return m
}

// onceEach drops from the matches beyond known those of orders that the query
// falls under already: a query counts once an order.
func onceEach(matches []policy.Match, known int) []policy.Match {
	kept := matches[:known]
	for _, m := range matches[known:] {
		seen := false
		for i := range kept {
			seen = seen || kept[i].Order == m.Order
		}
		if !seen {
			kept = append(kept, m)
		}
	}
	return kept
}

// linkedSentence is the answer of an order for what QNAME leads to. For a name
// the CNAMEs and DNAMEs up to it stay, AA is clear. An SVCB or HTTPS record is
// withheld instead, as if the type did not exist: NXDOMAIN would be about
// QNAME, which no order holds. For an address QNAME itself is answered for.
func (r *Resolver) linkedSentence(q *Query, law *policy.Snapshot, o *outcome, f *finding) []byte {
	m, l := f.match, f.link
	if l == nil {
		return q.sentence(m, law.Generation)
	}
	if m.Order.Answer.Action == order.ActionDrop {
		return nil
	}
	w, _ := r.copy(q, o, l.end)
	w.rcode(rcodeNoError)
	w.count(answerCount, l.count)
	if l.kind == linkService && m.Order.Answer.Action != order.ActionRefuse {
		owner := pointer(headerSize)
		w.soa(owner[:], uint32(law.Generation), m.TTLSeconds(q.now))
		return w.finish(rcodeNoError, nil, q.ordered(m.Order))
	}
	q.linked.Set(l.name)
	return w.carryOut(m, l.name, q.linked.Suffix(m.OwnerLabel), law.Generation)
}
