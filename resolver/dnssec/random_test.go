package dnssec

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/miekg/dns"
)

// Zones and questions are made of few labels, so that they meet: among them those
// whose order is easily got wrong.
var randomLabels = []string{"a", "b", "*", `\000`, `\001`, `a\000`, "z"}

// randomZone is a zone of a few names at up to three levels.
func randomZone(r *rand.Rand, size int) *model {
	names := map[string]string{"example.": "SOA NS"}
	for range size {
		name := randomName(r, 3)
		kinds := []string{"A", "A TXT", "TXT", "CNAME", "DNAME A", "NS", "NS DS"}
		if name[0] == '*' { // neither delegations nor DNAMEs are made from wildcards
			kinds = kinds[:4]
		}
		if name != "example." {
			names[name] = kinds[r.IntN(len(kinds))]
		}
	}
	return newModel("example.", names)
}

func randomName(r *rand.Rand, levels int) string {
	name := "example."
	for range r.IntN(levels + 1) {
		name = randomLabels[r.IntN(len(randomLabels))] + "." + name
	}
	return name
}

var randomTypes = []uint16{dns.TypeA, dns.TypeTXT, dns.TypeMX, dns.TypeNS, dns.TypeDS, dns.TypeCNAME, dns.TypeANY}

// TestDenial_agreesWithTheModel asks all claims of random zones: with all records
// exactly the true ones are proven.
func TestDenial_agreesWithTheModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		m := randomZone(r, 1+r.IntN(10))
		for form, sets := range map[string][]Set{"NSEC": m.nsec(), "NSEC3": m.nsec3(false, 1)} {
			for range 60 {
				qname, qtype := randomName(r, 4), randomTypes[r.IntN(len(randomTypes))]
				d := NewDenial("example.", sets)
				check := func(claim string, got Proof, want bool) {
					if (got == ProofSecure) != want || got == ProofInsecure {
						t.Fatalf("%s: %s of %s %s: got %v, want proven: %t, in the zone\n%v", form, claim, qname, dns.Type(qtype), got, want, m)
					}
				}
				is := m.truth(qname, qtype)
				got, _ := d.NXDOMAIN(qname, NewBudget())
				check("NXDOMAIN", got, is == isNXDomain || qtype == dns.TypeDS && qname != "example." && m.truth(qname, dns.TypeMX) == isNXDomain)
				got, _ = d.NODATA(qname, qtype, NewBudget())
				check("NODATA", got, is == hasNoData)
				if cut, _ := d.Delegation(qname, NewBudget()); cut != m.delegation(qname) {
					t.Fatalf("%s: delegation at %s: got %v, want %v, in the zone\n%v", form, qname, cut, m.delegation(qname), m)
				}
				for encloser := qname; encloser != "example."; {
					encloser = above(encloser)
					if m.exists(encloser) && !m.occluded(encloser) && !m.delegated(encloser) && !m.has(encloser, dns.TypeDNAME) {
						got, _ = d.NoCloser(qname, encloser, NewBudget())
						check("no closer than "+encloser, got, !m.occluded(qname) && !m.exists(qname) && m.encloser(qname) == encloser)
					}
				}
			}
		}
	}
}

// TestDenial_noSubsetProvesALie leaves records out: what is proven then is true,
// and what is true is proven by the records that RFC 4035 section 3.1.3 and RFC
// 5155 section 7.2 have servers send.
func TestDenial_noSubsetProvesALie(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		m := randomZone(r, 1+r.IntN(5))
		for form, sets := range map[string][]Set{"NSEC": m.nsec(), "NSEC3": m.nsec3(false, 0)} {
			for range 12 {
				qname, qtype := randomName(r, 4), randomTypes[r.IntN(len(randomTypes))]
				is := m.truth(qname, qtype)
				fewest := len(sets) + 1
				for mask := range 1 << min(len(sets), 9) {
					subset := pick(sets, mask)
					d := NewDenial("example.", subset)
					nx, _ := d.NXDOMAIN(qname, NewBudget())
					nodata, _ := d.NODATA(qname, qtype, NewBudget())
					cut, _ := d.Delegation(qname, NewBudget())
					if nx != ProofBogus && m.truth(qname, dns.TypeMX) != isNXDomain || nodata != ProofBogus && is != hasNoData || cut != CutBogus && cut != m.delegation(qname) {
						t.Fatalf("%s: %s %s: got NXDOMAIN %v, NODATA %v, delegation %v by %v, in the zone\n%v", form, qname, dns.Type(qtype), nx, nodata, cut, subset, m)
					}
					if nx == ProofSecure && is == isNXDomain || nodata == ProofSecure {
						fewest = min(fewest, len(subset))
					}
				}
				if (is == isNXDomain || is == hasNoData) && len(sets) <= 9 && fewest > 3 {
					t.Fatalf("%s: %s %s: got a proof with %d records at least, want 3, in the zone\n%v", form, qname, dns.Type(qtype), fewest, m)
				}
			}
		}
	}
}

// pick is the sets whose bits are in the mask.
func pick(sets []Set, mask int) (subset []Set) {
	for i, s := range sets {
		if mask>>i&1 == 1 {
			subset = append(subset, s)
		}
	}
	return subset
}

// TestDenial_optOutProvesNoLie: with opt-out, what is secure is true, what is true
// is proven or insecure, and no name that has a record is denied.
func TestDenial_optOutProvesNoLie(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		m := randomZone(r, 1+r.IntN(10))
		for name := range m.names { // no empty non-terminal is left out: nothing could be proven about it
			if m.delegated(name) && m.names[above(name)] == nil {
				m.names[name] = []uint16{dns.TypeNS, dns.TypeDS}
			}
		}
		d := NewDenial("example.", m.nsec3(true, 0))
		for range 60 {
			qname, qtype := randomName(r, 4), randomTypes[r.IntN(len(randomTypes))]
			is := m.truth(qname, qtype)
			nx, _ := d.NXDOMAIN(qname, NewBudget())
			nodata, _ := d.NODATA(qname, qtype, NewBudget())
			cut, _ := d.Delegation(qname, NewBudget())
			want := m.delegation(qname)
			apparent := m.exists(qname) && slices.ContainsFunc(m.names[qname], func(rrtype uint16) bool { return rrtype != dns.TypeNS }) && !m.occluded(qname)
			switch {
			case nx == ProofSecure || nx == ProofInsecure && apparent,
				nodata == ProofSecure && is != hasNoData,
				nx == ProofBogus && is == isNXDomain,
				nodata == ProofBogus && is == hasNoData,
				cut == CutNone && want != CutNone,
				cut == CutInsecure && apparent && want != CutInsecure,
				cut == CutBogus && want != CutBogus:
				t.Fatalf("%s %s: got NXDOMAIN %v, NODATA %v, delegation %v, want delegation %v, in the zone\n%v", qname, dns.Type(qtype), nx, nodata, cut, want, m)
			}
		}
	}
}

// TestPath_hasTheCanonicalOrder compares with RFC 4034 section 6.1 label by label.
func TestPath_hasTheCanonicalOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20000 {
		a, b := randomName(r, 4), randomName(r, 4)
		p, _ := pathOf(a)
		q, _ := pathOf(b)
		if want := compareNames(a, b); (p < q) != (want < 0) || (p == q) != (want == 0) {
			t.Fatalf("%s %s: got %q and %q, want order %d", a, b, p, q, want)
		}
		if got, want := p.within(q), dns.IsSubDomain(b, a); got != want {
			t.Fatalf("%s within %s: got %t, want %t", a, b, got, want)
		}
		if got := pathOfWire(p.appendWire(nil)); got != p {
			t.Fatalf("%s: got %q by way of the wire format, want %q", a, got, p)
		}
		if p != "" {
			if up, _ := pathOf(above(a)); p.parent() != up {
				t.Fatalf("%s: got parent %q, want %q", a, p.parent(), up)
			}
		}
	}
}
