package recurse

import (
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// validate says whether a fact is proven. The error is that something that
// would tell could not be asked for.
func (j *job) validate(f *fact) (*verdict, error) {
	if v := f.verdict.Load(); v != nil {
		return v, nil
	}
	v, err := j.judge(f)
	if err != nil {
		return nil, err
	}
	if v.status != bogus || !j.budget.Exceeded() { // another question may have more left
		f.verdict.Store(v)
	}
	return v, nil
}

// maxLife is the life of what no signature bounds.
const maxLife = 1<<31 - 1

func insecureFor(fault *dnssec.Fault) *verdict { return &verdict{status: insecure, fault: fault} }

func bogusFor(ede uint16, text string) *verdict {
	return &verdict{status: bogus, fault: &dnssec.Fault{EDE: ede, Text: text}}
}

// judge validates a fact.
func (j *job) judge(f *fact) (*verdict, error) {
	if top, _ := j.r.anchorOf(f.name, f.qtype); top == "" || f.qtype == dns.TypeRRSIG && f.kind != isNXDomain {
		return insecureFor(nil), nil
	}
	switch f.kind {
	case isNoData, isNXDomain:
		return j.judgeDenial(f)
	}
	sets := f.sets
	if f.dname != nil {
		sets = []dnssec.Set{*f.dname}
	}
	all := &verdict{status: secure, life: maxLife * time.Second}
	for _, s := range sets {
		v, err := j.judgeSet(f, s)
		if err != nil || v.status == bogus {
			return v, err
		}
		if v.status == insecure {
			all.status, all.fault = insecure, v.fault
		}
		all.life = min(all.life, v.life)
	}
	return all, nil
}

// judgeSet validates one RRset of the answer.
func (j *job) judgeSet(f *fact, s dnssec.Set) (*verdict, error) {
	owner, rrtype := setKey(s)
	t, err := j.signer(s.Sigs, owner, rrtype)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return j.judgeUnsigned(f, owner, rrtype)
	}
	if t.status != secure {
		return &verdict{status: t.status, fault: t.fault, ofZone: within(f.zone.zone, t.zone)}, nil
	}
	got, refuted := j.verify(t, s)
	if refuted != nil {
		return refuted, nil
	}
	v := &verdict{status: secure, life: got.Life}
	switch {
	case got.Encloser == "":
		return v, nil
	case rrtype == dns.TypeDNAME: // RFC 6672 section 3.3
		return bogusFor(dns.ExtendedErrorCodeDNSBogus, "a DNAME made from a wildcard at "+owner), nil
	}
	proofs, life := j.proofs(t, f.authority)
	proof, fault := dnssec.NewDenial(t.zone, proofs).NoCloser(owner, got.Encloser, j.budget)
	v.life = min(v.life, life)
	conclude(v, proof, fault)
	return v, nil
}

// verify checks an RRset's signatures. refuted is the verdict if none is good.
func (j *job) verify(t *trust, s dnssec.Set) (got dnssec.Verified, refuted *verdict) {
	got, fault := t.keys.Verify(s, j.r.now(), j.budget)
	if fault != nil {
		refuted = &verdict{status: bogus, fault: fault}
	}
	return got, refuted
}

// conclude gives a verdict what a proof adds to it.
func conclude(v *verdict, proof dnssec.Proof, fault *dnssec.Fault) {
	switch proof {
	case dnssec.ProofInsecure:
		v.status, v.fault = insecure, fault
	case dnssec.ProofBogus:
		v.status, v.fault = bogus, fault
	}
}

// signer is the trust in the zone that has signed, nil if no signature is by a
// zone that could: one at or above the owner, at or below the trust anchor. DS
// records are signed by the parent.
func (j *job) signer(sigs []*dns.RRSIG, owner string, rrtype uint16) (*trust, error) {
	top, _ := j.r.anchorOf(owner, rrtype)
	best := ""
	for _, sig := range sigs {
		n := sig.SignerName
		if !within(owner, n) || !within(n, top) || rrtype == dns.TypeDS && n == owner && n != "." {
			continue
		}
		if best == "" || below(n, best) {
			best = n
		}
	}
	if best == "" {
		return nil, nil
	}
	return j.trust(best)
}

// maxUnsigned is how many labels below the zone that was asked an unsigned zone
// is looked for: on the servers of its parent it comes without a referral.
const maxUnsigned = 16

// judgeUnsigned looks for the proof that the name is in an unsigned zone: a
// delegation without DS records on the way to it (RFC 4035 section 5.2).
func (j *job) judgeUnsigned(f *fact, name string, rrtype uint16) (*verdict, error) {
	top, _ := j.r.anchorOf(name, rrtype)
	at := top
	if f.zone.role == authoritative && within(f.zone.zone, top) && (rrtype != dns.TypeDS || f.zone.zone != name) {
		at = f.zone.zone
	}
	t, err := j.trust(at)
	if err != nil {
		return nil, err
	}
	if t.status == secure && j.suspects(f, name) {
		return bogusFor(dns.ExtendedErrorCodeRRSIGsMissing, "no signatures at "+name), nil
	}
	for n := range maxUnsigned {
		if t != nil && t.status != secure {
			return &verdict{status: t.status, fault: t.fault, ofZone: true, life: maxLife * time.Second}, nil
		}
		next := suffix(name, labels(at)+1+n)
		if next == at || rrtype == dns.TypeDS && next == name || labels(next) != labels(at)+1+n {
			break
		}
		if t, err = j.descend(next); err != nil {
			return nil, err
		}
	}
	return bogusFor(dns.ExtendedErrorCodeRRSIGsMissing, "no signatures at "+name), nil
}

// suspects reports whether the servers should be asked once more before an
// unsigned zone below is looked for: some of a signed zone's do not know of
// signatures, and what stands behind an alias may be from another zone.
func (j *job) suspects(f *fact, name string) bool {
	if j.suspected[f.key()] || !f.tail && !f.zone.hasChoice() {
		return false
	}
	for at := name; below(at, f.zone.zone); at = parent(at) {
		if t := j.r.memory.trust(at, j.r.now()); t != nil && t.status == insecure {
			return false
		}
	}
	j.suspected[f.key()] = true
	return true
}

// descend is the trust in the zone that starts at a name, nil if none does.
func (j *job) descend(name string) (*trust, error) {
	ds, err := j.find(name, dns.TypeDS)
	if err != nil {
		if t := bogusTrustOf(err); t != nil {
			return t, nil
		}
		return nil, err
	}
	v := ds.verdict.Load()
	if v.status == secure && (ds.kind == isAlias || ds.kind == isNXDomain || ds.kind == isNoData && v.noCut) {
		return nil, nil
	}
	return j.trust(name)
}

// judgeDenial validates the fact that there is no such name or RRset.
func (j *job) judgeDenial(f *fact) (*verdict, error) {
	var sigs []*dns.RRSIG
	for _, s := range f.authority {
		sigs = append(sigs, s.Sigs...)
	}
	t, err := j.signer(sigs, f.name, f.qtype)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return j.judgeUnsigned(f, f.name, f.qtype)
	}
	if t.status != secure {
		return &verdict{status: t.status, fault: t.fault, ofZone: within(f.zone.zone, t.zone)}, nil
	}
	if owner, _ := setKey(f.authority[0]); f.soa() != nil && below(owner, t.zone) && len(f.authority[0].Sigs) == 0 {
		return j.judgeUnsigned(f, f.name, f.qtype) // the signatures are of a zone above
	}
	proofs, life := j.proofs(t, f.authority)
	d := dnssec.NewDenial(t.zone, proofs)
	v := &verdict{status: secure, life: life}
	if f.soa() != nil {
		soa, refuted := j.verify(t, f.authority[0])
		if refuted != nil {
			return refuted, nil
		}
		v.life = min(v.life, soa.Life)
	}
	switch {
	case f.kind == isNXDomain:
		proof, fault := d.NXDOMAIN(f.name, j.budget)
		conclude(v, proof, fault)
	case f.qtype == dns.TypeDS && f.name != ".":
		j.judgeNoDS(v, d, f.name)
	default:
		proof, fault := d.NODATA(f.name, f.qtype, j.budget)
		conclude(v, proof, fault)
	}
	j.learnRanges(t.zone, proofs, f, v)
	return v, nil
}

// judgeNoDS validates that there are no DS records: at a delegation, or where
// no zone starts.
func (j *job) judgeNoDS(v *verdict, d *dnssec.Denial, name string) {
	cut, fault := d.Delegation(name, j.budget)
	switch cut {
	case dnssec.CutBogus:
		v.status, v.fault = bogus, fault
	case dnssec.CutNone:
		v.noCut = true
	case dnssec.CutInsecure:
		proof, _ := d.NODATA(name, dns.TypeDS, j.budget)
		v.optOut = proof == dnssec.ProofInsecure
	}
}

// proofs are the NSEC and NSEC3 RRsets that the zone has signed, and how long
// their signatures last. One made from a wildcard proves nothing.
func (j *job) proofs(t *trust, authority []dnssec.Set) (good []dnssec.Set, life time.Duration) {
	life = maxLife * time.Second
	for _, s := range authority {
		owner, rrtype := setKey(s)
		if rrtype == dns.TypeSOA || len(s.Sigs) == 0 || !within(owner, t.zone) || s.Sigs[0].SignerName != t.zone {
			continue
		}
		v, fault := t.keys.Verify(s, j.r.now(), j.budget)
		if fault == nil && v.Encloser == "" {
			good = append(good, s)
			life = min(life, v.Life)
		}
	}
	return good, life
}
