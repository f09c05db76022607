package recurse

import (
	"slices"
	"time"

	"github.com/miekg/dns"
)

// iterate asks for a fact: from the closest zone known down to the one that the
// name is in. The servers in out are not asked.
func (j *job) iterate(name string, qtype uint16, out []*server) (*fact, error) {
	k := key{name: name, qtype: qtype, of: ofSet}
	if slices.Contains(j.pending, k) {
		return nil, failure(dns.ExtendedErrorCodeNoReachableAuthority, "%s depends on itself", name)
	}
	j.pending = append(j.pending, k)
	defer func() { j.pending = j.pending[:len(j.pending)-1] }()

	w := walk{j: j, name: name, qtype: qtype, minimise: j.r.cfg.Minimise, hiding: dns.TypeA, zone: j.r.start(j, name, qtype)}
	for range maxReferrals {
		ask, askType := w.next()
		res, err := j.ask(w.zone, ask, askType, out)
		whole := ask == name && askType == qtype
		switch {
		case err != nil && whole && w.revalidate():
			continue
		case err != nil && (whole || !j.answered && w.hiding == dns.TypeA || j.exhausted()):
			return nil, err
		case err != nil:
			w.stumbled()
			continue
		case res.child != nil:
			w.descend(res)
			continue
		}
		first := res.facts[0]
		j.keep(first)
		j.keepUnknown(res.facts[1:])
		if whole || w.settles(first) {
			return first, nil
		}
	}
	j.hit(LimitReferrals)
	return nil, failure(dns.ExtendedErrorCodeOther, "more than %d referrals to %s", maxReferrals, name)
}

// exhausted reports whether nothing more may be asked.
func (j *job) exhausted() bool {
	_, ended := j.ended()
	return ended
}

// start is the zone to begin with. The root's servers are asked who they are
// before (RFC 8109); while one question does that, others ask the hints.
func (r *Recursor) start(j *job, name string, qtype uint16) *cut {
	z := r.closest(name, qtype == dns.TypeDS && name != ".")
	if z != r.hints || !r.startPriming() {
		return z
	}
	defer r.endPriming()
	res, err := j.ask(z, ".", dns.TypeNS, nil)
	if err != nil || res.apex == nil {
		return z
	}
	res.apex.parent = ""
	if r.adoptHints(res.apex); !slices.ContainsFunc(res.apex.servers, func(s nameserver) bool { return len(s.glue) > 0 }) {
		return z
	}
	r.memory.put(key{name: ".", of: ofCut}, res.apex)
	return res.apex
}

// adoptHints gives root servers without addresses those of the hints.
func (r *Recursor) adoptHints(root *cut) {
	for i, s := range root.servers {
		if len(s.glue) > 0 {
			continue
		}
		if at := slices.IndexFunc(r.hints.servers, func(h nameserver) bool { return h.name == s.name }); at >= 0 {
			root.servers[i].glue = r.hints.servers[at].glue
		}
	}
}

func (r *Recursor) startPriming() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.priming {
		return false
	}
	r.priming = true
	return true
}

func (r *Recursor) endPriming() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.priming = false
}

// walk is the way down to one name.
type walk struct {
	j        *job
	zone     *cut
	name     string
	qtype    uint16
	minimise bool
	hiding   uint16 // the QTYPE on the way
	reached  int    // labels of the last name asked for on the way
	steps    int    // names asked for on the way
}

// Bounds of QNAME minimisation (RFC 9156 section 2.3).
const (
	maxMinimised    = 10
	minimisedSingly = 4
)

// next is what to ask the zone's servers: one label more than they are known
// for, and nothing of what is below it (RFC 9156). QTYPE A hides the real one
// and is what servers know best.
func (w *walk) next() (name string, qtype uint16) {
	if !w.minimise || w.zone.role == forwarding {
		return w.name, w.qtype
	}
	all := labels(w.name)
	n := max(labels(w.zone.zone), w.reached)
	for {
		n += w.stride(all - n)
		if n >= all {
			return w.name, w.qtype
		}
		if at := suffix(w.name, n); !w.exists(at) {
			w.reached = n
			w.steps++
			return at, w.hiding
		}
	}
}

// stride is how many labels are added at once: one at first, then more, so that
// the end is reached within maxMinimised steps.
func (w *walk) stride(left int) int {
	switch {
	case w.steps < minimisedSingly:
		return 1
	case w.steps >= maxMinimised:
		return left
	}
	return max(1, left/(maxMinimised-w.steps))
}

// exists reports whether a name is known to be there, in the zone that is
// asked.
func (w *walk) exists(name string) bool {
	f := w.j.recall(key{name: name, qtype: dns.TypeA, of: ofSet})
	return f != nil && f.zone.zone == w.zone.zone && (f.kind == isData || f.kind == isNoData)
}

// stumbled goes on after servers failed on a name on the way: some know only
// the QTYPE of delegations, some only whole names (RFC 9156 section 2.3).
func (w *walk) stumbled() {
	if w.hiding == dns.TypeNS {
		w.minimise = false
	}
	w.hiding = dns.TypeNS
	w.reached--
}

// settles reports whether a fact on a name on the way ends the walk: there is
// provably no such name, and so nothing below it. Without proof the name itself
// is asked for: not all servers know that names without records exist.
func (w *walk) settles(f *fact) bool {
	if f.kind != isNXDomain {
		return false
	}
	if !w.j.unchecked && w.j.depth == 0 {
		if v, err := w.j.validate(f); err == nil && v.status == secure {
			return true
		}
	}
	w.minimise = false
	return false
}

// descend goes on with the zone of a referral. A zone that the operator named
// servers for is asked there.
func (w *walk) descend(res *response) {
	j := w.j
	if c := j.r.configured[res.child.zone]; c != nil {
		w.zone = c
		return
	}
	if res.child.fresh(j.r.now()) {
		j.r.memory.put(key{name: res.child.zone, of: ofCut}, res.child)
	}
	if res.ds != nil && j.recall(res.ds.key()) == nil {
		j.keep(res.ds)
	}
	w.zone = res.child
}

// revalidateAfter is how old a delegation is at least when it is asked for again
// because none of its servers is of use.
const revalidateAfter = time.Minute

// revalidate asks the parent again for a delegation whose servers have all
// failed: they may have moved. It reports whether there is a reason to.
func (w *walk) revalidate() bool {
	c, now := w.zone, w.j.r.now()
	if c.parent == "" || now.Sub(c.learnt) < revalidateAfter || w.j.exhausted() {
		return false
	}
	w.j.r.memory.remove(key{name: c.zone, of: ofCut}, c)
	w.zone = w.j.r.closest(c.zone, true)
	w.reached = 0
	return true
}

// lookUp asks for the addresses of a name server, one family after the other
// until there is one; they are found with address. It reports false if that may
// not be asked any more.
func (j *job) lookUp(name string) bool {
	if j.depth >= maxDepth {
		j.hit(LimitDepth)
		return false
	}
	if !j.spend(&j.lookups, LimitLookups) {
		return false
	}
	unchecked := j.unchecked
	j.unchecked = true // what the server says is validated, not who it is
	j.depth++
	defer func() { j.unchecked = unchecked; j.depth-- }()
	for _, qtype := range j.r.addressTypes {
		if f, err := j.find(name, qtype); err == nil && f.kind == isData {
			return true
		}
	}
	return !j.exhausted()
}

// address is what is known of a name server's addresses of one family, nil if
// that is nothing.
func (j *job) address(name string, qtype uint16) *fact {
	if name == "" {
		return nil
	}
	f := j.recall(key{name: name, qtype: qtype, of: ofSet})
	if f == nil || f.kind != isData {
		return nil
	}
	return f
}

// lookUpAtParent asks the servers of the parent zone for the addresses of a name
// server within the zone: the glue did not fit the referral.
func (j *job) lookUpAtParent(z *cut, name string) bool {
	above := j.r.closest(z.zone, true)
	if z.parent == "" || !j.spend(&j.lookups, LimitLookups) {
		return false
	}
	for _, qtype := range j.r.addressTypes {
		res, err := j.ask(above, name, qtype, nil)
		if err != nil {
			continue
		}
		if res.child != nil {
			j.glue = append(j.glue, res.child.servers...)
		}
		j.keepUnknown(res.facts)
	}
	return true
}

// glueOf are addresses of a name server that came with a delegation of this
// job, or of a zone above the server that is known.
func (j *job) glueOf(name string) (glue []*server) {
	for _, s := range j.glue {
		if s.name == name {
			glue = append(glue, s.glue...)
		}
	}
	for at := name; at != "."; at = parent(at) {
		c := j.r.memory.cut(at, j.r.now())
		if c == nil {
			continue
		}
		for _, s := range c.servers {
			if s.name == name {
				glue = append(glue, s.glue...)
			}
		}
	}
	return glue
}

// serversAt are the servers at the addresses of a fact, as far as they may be
// asked.
func (r *Recursor) serversAt(f *fact) (servers []*server) {
	for _, rr := range f.sets[0].RRs[:min(len(f.sets[0].RRs), maxServerAddresses)] {
		if a, ok := address(rr); ok && r.usable(a) {
			servers = append(servers, r.serverAt(a))
		}
	}
	return servers
}
