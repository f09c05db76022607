package dnssec

import "github.com/miekg/dns"

// nsec is an NSEC record: next is the zone's next name in canonical order, or the
// apex.
type nsec struct {
	owner, next path
	types       types
}

// nsecs are NSEC records of one zone.
type nsecs []nsec

// add takes a record, unless it points out of the zone or backwards, but for the
// last one, to the apex (RFC 4034 section 4.1.1).
func (ns *nsecs) add(apex path, rr *dns.NSEC) {
	owner, ok := pathOf(rr.Hdr.Name)
	next, valid := pathOf(rr.NextDomain)
	if ok && valid && owner.within(apex) && next.within(apex) && (owner < next || next == apex) {
		*ns = append(*ns, nsec{owner, next, rr.TypeBitMap})
	}
}

// spans reports whether no name between owner and next is in the zone, q being
// one. Below a zone cut or a DNAME record the zone has no say (RFC 6840 section
// 4.1).
func (n *nsec) spans(q path) bool {
	return n.owner < q && (q < n.next || n.next <= n.owner) && !(q.below(n.owner) && n.types.closed())
}

// denies reports whether the record proves that q, a name in the zone, does not
// exist.
func (n *nsec) denies(q path) bool { return n.spans(q) && !n.next.below(q) }

// empty reports whether the record proves that q, a name in the zone, is an empty
// non-terminal: it owns nothing, but names below it do.
func (n *nsec) empty(q path) bool { return n.spans(q) && n.next.below(q) }

// encloser is the closest encloser of q, which the record denies: the closest
// ancestor that q shares with a name that exists.
func (n *nsec) encloser(q path) path {
	return max(common(n.owner, q), common(n.next, q)) // both are ancestors of q: the longer is the greater
}

// deny reports whether one of the records proves that q does not exist.
func (ns nsecs) deny(q path) bool {
	for i := range ns {
		if ns[i].denies(q) {
			return true
		}
	}
	return false
}

// lack reports whether one of the records proves that q exists and owns no RRset
// of the type.
func (ns nsecs) lack(q path, qtype uint16) bool {
	for i := range ns {
		if n := &ns[i]; n.owner == q && n.types.lack(qtype, q) || n.empty(q) {
			return true
		}
	}
	return false
}

func (ns nsecs) nxdomain(q path) Proof {
	for i := range ns {
		if n := &ns[i]; n.denies(q) && ns.deny(n.encloser(q)+wildcardLabel) {
			return ProofSecure
		}
	}
	return ProofBogus
}

func (ns nsecs) nodata(q path, qtype uint16) Proof {
	if ns.lack(q, qtype) {
		return ProofSecure
	}
	for i := range ns {
		if n := &ns[i]; n.denies(q) && ns.lack(n.encloser(q)+wildcardLabel, qtype) {
			return ProofSecure
		}
	}
	return ProofBogus
}

func (ns nsecs) noCloser(q, encloser path) Proof {
	for i := range ns {
		if n := &ns[i]; n.denies(q) && n.encloser(q) == encloser {
			return ProofSecure
		}
	}
	return ProofBogus
}

func (ns nsecs) cut(q path) Cut {
	for i := range ns {
		switch n := &ns[i]; {
		case n.owner == q:
			return n.types.delegation()
		case n.spans(q): // denied or empty: nothing is delegated here
			return CutNone
		}
	}
	return CutBogus
}
