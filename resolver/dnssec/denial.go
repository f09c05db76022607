package dnssec

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// Proof is what NSEC and NSEC3 records make of a claim that something is not
// there.
type Proof uint8

// The outcomes.
const (
	ProofBogus    Proof = iota // nothing proves it
	ProofSecure                // it is proven
	ProofInsecure              // it may be so: opt-out (RFC 5155 section 9.2), or too many NSEC3 iterations
)

// String is the outcome in a word.
func (p Proof) String() string {
	switch p {
	case ProofBogus:
		return "bogus"
	case ProofSecure:
		return "secure"
	case ProofInsecure:
		return "insecure"
	}
	return fmt.Sprintf("Proof(%d)", uint8(p))
}

// Cut is what NSEC and NSEC3 records say of a name without DS records.
type Cut uint8

// The kinds.
const (
	CutBogus    Cut = iota // nothing proves that there are no DS records
	CutInsecure            // an unsigned zone starts here, or may (opt-out)
	CutNone                // no zone starts here
)

// String is the kind in a word.
func (c Cut) String() string {
	switch c {
	case CutBogus:
		return "bogus"
	case CutInsecure:
		return "insecure"
	case CutNone:
		return "none"
	}
	return fmt.Sprintf("Cut(%d)", uint8(c))
}

// Denial is the NSEC and NSEC3 records of one zone in one response. It keeps the
// hashes it makes: not safe for concurrent use.
//
// A Fault comes with ProofBogus and CutBogus, and with ProofInsecure and
// CutInsecure where NSEC3 iterations are the reason. Names outside the zone are
// bogus.
type Denial struct {
	zone   path
	nsecs  nsecs
	nsec3s nsec3s
}

// NewDenial takes the NSEC and NSEC3 RRsets of the zone, each verified with
// Keys.Verify. Other RRsets are ignored, and records that cannot be part of the
// zone's chain.
func NewDenial(zone string, sets []Set) *Denial {
	apex, ok := pathOf(zone)
	if !ok {
		return &Denial{}
	}
	d := &Denial{zone: apex}
	for _, set := range sets {
		for _, rr := range set.RRs {
			switch rr := rr.(type) {
			case *dns.NSEC:
				d.nsecs.add(apex, rr)
			case *dns.NSEC3:
				d.nsec3s.add(apex, rr)
			}
		}
	}
	return d
}

// NXDOMAIN says whether the name is proven not to exist, and no wildcard to stand
// for it: RFC 4035 section 5.4, RFC 5155 section 8.4.
func (d *Denial) NXDOMAIN(qname string, b *Budget) (Proof, *Fault) {
	proof := ProofBogus
	if q, ok := d.locate(qname); ok {
		if proof = d.nsecs.nxdomain(q); proof == ProofBogus {
			proof = d.nsec3s.nxdomain(q, b)
		}
	}
	return proof, d.why(proof, b, "no such name as", qname)
}

// NODATA says whether the name, or the wildcard that stands for it, is proven to
// own no RRset of the type: RFC 4035 section 5.4, RFC 5155 sections 8.5 to 8.7.
func (d *Denial) NODATA(qname string, qtype uint16, b *Budget) (Proof, *Fault) {
	proof := ProofBogus
	if q, ok := d.locate(qname); ok {
		if proof = d.nsecs.nodata(q, qtype); proof == ProofBogus {
			proof = d.nsec3s.nodata(q, qtype, b)
		}
	}
	return proof, d.why(proof, b, "no "+dns.Type(qtype).String()+" at", qname)
}

// NoCloser says whether it is proven that an RRset of the name is rightly made
// from the wildcard below the encloser: that nothing exists that is closer to the
// name. RFC 4035 section 5.3.4, RFC 5155 section 8.8.
func (d *Denial) NoCloser(qname, encloser string, b *Budget) (Proof, *Fault) {
	proof := ProofBogus
	q, ok := d.locate(qname)
	if ce, in := d.locate(encloser); ok && in && q.below(ce) {
		if proof = d.nsecs.noCloser(q, ce); proof == ProofBogus {
			proof = d.nsec3s.noCloser(q, ce, b)
		}
	}
	return proof, d.why(proof, b, "no name closer than the wildcard to", qname)
}

// Delegation says what the parent's records prove of a name without DS records:
// RFC 4035 section 5.2, RFC 5155 sections 8.6 and 8.9.
func (d *Denial) Delegation(name string, b *Budget) (Cut, *Fault) {
	cut, proof := CutBogus, ProofBogus
	if q, ok := d.locate(name); ok {
		if cut = d.nsecs.cut(q); cut == CutBogus {
			cut = d.nsec3s.cut(q, b)
		}
	}
	if cut != CutBogus {
		proof = ProofInsecure
	}
	return cut, d.why(proof, b, "no DS at", name)
}

// locate is the path of a name in the zone.
func (d *Denial) locate(name string) (q path, ok bool) {
	q, ok = pathOf(name)
	return q, ok && q.within(d.zone)
}

// why is the fault of a proof, nil if it has none.
func (d *Denial) why(p Proof, b *Budget, claim, name string) *Fault {
	switch {
	case p == ProofBogus && b.Exceeded():
		return fault(dns.ExtendedErrorCodeDNSBogus, "too many %v for the proof of %s %s", b.Limit(), claim, name)
	case p == ProofBogus:
		return fault(dns.ExtendedErrorCodeNSECMissing, "no proof of %s %s", claim, name)
	case p == ProofInsecure && d.nsec3s.tooSlow():
		return fault(dns.ExtendedErrorCodeUnsupportedNSEC3IterValue, "%d NSEC3 iterations", d.nsec3s.iterations)
	}
	return nil
}

// types are the types of the RRsets a name owns.
type types []uint16

func (t types) has(rrtype uint16) bool { return slices.Contains(t, rrtype) }

// cut reports whether these are the parent's records of a delegation.
func (t types) cut() bool { return t.has(dns.TypeNS) && !t.has(dns.TypeSOA) }

// closed reports whether the zone's records say nothing of names below this one:
// RFC 6840 section 4.1 and RFC 5155 section 8.3.
func (t types) closed() bool { return t.cut() || t.has(dns.TypeDNAME) }

// lack reports whether a query for qtype gets a NODATA response at the name. The
// parent's records of a delegation prove it for DS alone, the child's for all but
// DS (RFC 4035 section 5.4, RFC 6840 sections 4.1 and 4.3); the root has no parent.
func (t types) lack(qtype uint16, name path) bool {
	switch {
	case t.has(qtype) || t.has(dns.TypeCNAME):
		return false
	case qtype == dns.TypeANY:
		return !slices.ContainsFunc(t, ofData)
	case qtype == dns.TypeDS:
		return !t.has(dns.TypeSOA) || name == ""
	}
	return !t.cut()
}

// ofData reports whether a type of RRset stands for itself, and is not there for
// the sake of DNSSEC alone.
func ofData(rrtype uint16) bool {
	return rrtype != dns.TypeRRSIG && rrtype != dns.TypeNSEC && rrtype != dns.TypeNXNAME
}

// delegation is what the parent's records of a name say of a zone cut there. There
// is none without NS records (RFC 6840 section 4.4).
func (t types) delegation() Cut {
	switch {
	case t.has(dns.TypeDS) || t.has(dns.TypeSOA): // a lie, or the child's own records
		return CutBogus
	case t.has(dns.TypeNS):
		return CutInsecure
	}
	return CutNone
}
