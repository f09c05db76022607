package recurse

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
	"bailiff/resolver/upstream"
)

// job is the work for one client's question, with all that it leads to. It
// belongs to one goroutine.
type job struct {
	ctx       context.Context
	r         *Recursor
	unchecked bool // nothing is validated
	renews    bool // what is about to expire is asked for again

	queries, lookups int // left
	reached          [NumLimits]bool
	depth            int
	answered         bool // a server of the zone asked last has answered, of use or not
	budget           *dnssec.Budget
	learnt           map[key]*fact // by this job: records with a TTL of 0 count within it
	trusts           map[string]*trust
	suspected        map[key]bool      // unsigned facts that another server was asked for
	glue             []nameserver      // that came beside what was asked for
	pending          []key             // what the question waits for, outermost first
	notes            []dns.EDNS0_EDE   // why data is insecure
	cause            *upstream.Failure // of the last bogus fact
}

func newJob(ctx context.Context, r *Recursor, unchecked bool) *job {
	return &job{
		ctx: ctx, r: r, unchecked: unchecked, queries: maxQueries, lookups: maxLookups, budget: r.seen.NewBudget(),
		learnt: map[key]*fact{}, trusts: map[string]*trust{}, suspected: map[key]bool{},
	}
}

// spend takes one from what is left of a bound; it reports false where nothing
// is.
func (j *job) spend(left *int, l Limit) bool {
	if *left--; *left < 0 {
		j.hit(l)
		return false
	}
	return true
}

// ended reports whether the question has used up its time or its queries.
func (j *job) ended() (*upstream.Failure, bool) {
	switch {
	case j.ctx.Err() == context.DeadlineExceeded:
		j.hit(LimitTime)
		return failure(dns.ExtendedErrorCodeNoReachableAuthority, "no answer in time"), true
	case j.ctx.Err() != nil:
		return failure(dns.ExtendedErrorCodeNetworkError, "shutting down"), true
	case j.queries < 0:
		return failure(dns.ExtendedErrorCodeOther, "the question takes too many queries"), true
	}
	return nil, false
}

// answer follows the chain of aliases from a name to its end.
func (j *job) answer(name string, q upstream.Question) (upstream.Answer, error) {
	var chain []*fact
	for range upstream.MaxLinks + 1 {
		f, err := j.find(name, q.Type)
		if err != nil {
			return upstream.Answer{}, err
		}
		if q.Type == dns.TypeDS && f.kind == isNoData && f.soa() == nil && f.name != "." {
			delete(j.learnt, f.key()) // from a referral, which is no answer: nobody could keep it
			j.r.memory.remove(f.key(), f)
			if f, err = j.find(name, q.Type); err != nil {
				return upstream.Answer{}, err
			}
		}
		chain = append(chain, f)
		if f.kind != isAlias || q.Type == dns.TypeCNAME || q.Type == dns.TypeANY {
			return j.pack(chain, q)
		}
		name = f.target()
		if slices.ContainsFunc(chain, func(f *fact) bool { return f.name == name }) {
			return upstream.Answer{}, failure(dns.ExtendedErrorCodeOther, "the chain of CNAMEs comes back to %s", name)
		}
	}
	j.hit(LimitLinks)
	return upstream.Answer{}, failure(dns.ExtendedErrorCodeOther, "a chain of more than %d CNAMEs", upstream.MaxLinks)
}

// find is the fact on a name and type: data, an alias or a denial, validated
// unless the job is unchecked. Where it is bogus other servers are asked.
func (j *job) find(name string, qtype uint16) (*fact, error) {
	f := j.known(name, qtype)
	if f != nil && j.renews && f.ageing(j.r.now()) {
		if renewed, err := j.iterate(name, qtype, nil); err == nil {
			f = renewed
		}
	}
	var out []*server
	for again := 0; ; again++ {
		if f == nil {
			var err error
			if f, err = j.iterate(name, qtype, out); err != nil && again > 0 {
				return nil, j.cause // that other servers fail too says less than what was wrong
			}
			if err != nil {
				return nil, err
			}
		}
		if j.unchecked {
			return f, nil
		}
		v, err := j.validate(f)
		if err != nil {
			return nil, err
		}
		if v.status != bogus {
			return f, nil
		}
		j.forget(f)
		j.cause = bogusFailure(v.fault)
		if v.ofZone || again == maxRetries || f.from == nil || j.budget.Exceeded() {
			return nil, j.cause
		}
		if !f.tail {
			out = append(out, f.from)
		}
		f = nil
	}
}

// bogusFailure is the failure of data that is not what its zone signed.
func bogusFailure(fault *dnssec.Fault) *upstream.Failure {
	f := failure(fault.EDE, "%s", fault.Text)
	f.Bogus = true
	return f
}

// known is what is known already of a name and type, nil if that is nothing.
func (j *job) known(name string, qtype uint16) *fact {
	if f := j.recall(key{name: name, qtype: qtype, of: ofSet}); f != nil {
		return f
	}
	if qtype != dns.TypeANY && qtype != dns.TypeDS {
		if f := j.recall(key{name: name, qtype: dns.TypeCNAME, of: ofSet}); f != nil && f.kind == isAlias {
			return f
		}
	}
	if f := j.recall(key{name: name, of: ofName}); f != nil && (qtype != dns.TypeDS || f.isSecure()) {
		return f // whether a name without DS records is there is what these are asked for
	}
	for at := name; at != "."; {
		if j.r.configured[at] != nil && (at != name || qtype != dns.TypeDS) {
			break // what is above says nothing of the operator's zones
		}
		at = parent(at)
		if f := j.recall(key{name: at, of: ofName}); f != nil && f.isSecure() {
			return f // nothing is below a name that does not exist (RFC 8020)
		}
		if f := j.recall(key{name: at, qtype: dns.TypeDNAME, of: ofSet}); f != nil && f.kind == isData && j.redirects(f) {
			alias := synthesize(name, f)
			alias.verdict.Store(f.verdict.Load())
			return alias
		}
	}
	return j.proven(name, qtype)
}

// redirects reports whether a DNAME known already counts for other names than
// the one that it came for: a single forged one would take a whole zone along.
func (j *job) redirects(dname *fact) bool {
	if j.learnt[dname.key()] == dname {
		return true
	}
	if !j.unchecked {
		if v, err := j.validate(dname); err != nil || v.status != secure {
			return false
		}
	}
	return dname.isSecure()
}

// isSecure reports whether the fact was validated, and proven.
func (f *fact) isSecure() bool {
	v := f.verdict.Load()
	return v != nil && v.status == secure
}

// recall is a fact that the job learnt itself or that is kept.
func (j *job) recall(k key) *fact {
	if f := j.learnt[k]; f != nil {
		return f
	}
	return j.r.memory.fact(k, j.r.now())
}

// keep remembers facts, for this job whatever their TTL.
func (j *job) keep(facts ...*fact) {
	for _, f := range facts {
		f.octets = f.weigh()
		j.learnt[f.key()] = f
		if f.ttl > 0 {
			j.r.memory.put(f.key(), f)
		}
		if f.dname != nil {
			d := &fact{name: f.dname.RRs[0].Header().Name, qtype: dns.TypeDNAME, sets: []dnssec.Set{*f.dname}, zone: f.zone, from: f.from, ttl: f.ttl, stored: f.stored}
			j.keep(d)
		}
	}
}

// keepUnknown remembers what came beside the answer that was asked for, where
// nothing is known: it replaces nothing (RFC 2181 section 5.4.1).
func (j *job) keepUnknown(facts []*fact) {
	for _, f := range facts {
		if j.recall(f.key()) == nil {
			j.keep(f)
		}
	}
}

// forget takes back what turned out to be bogus, and the delegation that led to
// it, unless that is new: it may have been forged, and would be believed for a
// day.
func (j *job) forget(f *fact) {
	delete(j.learnt, f.key())
	j.r.memory.remove(f.key(), f)
	if j.r.now().Sub(f.zone.learnt) >= revalidateAfter {
		j.r.memory.remove(key{name: f.zone.zone, of: ofCut}, f.zone)
	}
	if f.dname != nil {
		k := key{name: f.dname.RRs[0].Header().Name, qtype: dns.TypeDNAME, of: ofSet}
		delete(j.learnt, k)
		if d := j.r.memory.fact(k, j.r.now()); d != nil {
			j.r.memory.remove(k, d)
		}
	}
}

// note tells the client why an answer is not validated, once.
func (j *job) note(ede uint16, text string) {
	if ede != 0 && len(j.notes) < 2 && !slices.ContainsFunc(j.notes, func(n dns.EDNS0_EDE) bool { return n.InfoCode == ede }) {
		j.notes = append(j.notes, dns.EDNS0_EDE{InfoCode: ede, ExtraText: text})
	}
}
