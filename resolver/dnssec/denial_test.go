package dnssec

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// denialOf makes a denial of the zone example. out of NSEC and NSEC3 records in
// zone-file form.
func denialOf(t testing.TB, zone, lines string) *Denial {
	t.Helper()
	var sets []Set
	for _, rr := range records(t, lines) {
		sets = append(sets, Set{RRs: []dns.RR{rr}})
	}
	return NewDenial(zone, sets)
}

// prove asks a denial for the proof that words name: "NXDOMAIN name", "NODATA name
// type", "NoCloser name encloser" or "Delegation name".
func prove(d *Denial, claim string, b *Budget) (fmt.Stringer, *Fault) {
	words := strings.Fields(claim)
	switch words[0] {
	case "NXDOMAIN":
		return d.NXDOMAIN(words[1], b)
	case "NODATA":
		return d.NODATA(words[1], dns.StringToType[words[2]], b)
	case "NoCloser":
		return d.NoCloser(words[1], words[2], b)
	}
	return d.Delegation(words[1], b)
}

// The records of a zone with the names: example. a.example. (A) c.example. (an
// empty non-terminal) b.c.example. (A) cut.example. (NS) d.example. (DNAME)
// s.example. (NS, DS) *.w.example. (A) z.example. (CNAME).
const (
	nsecApex = "example. 300 IN NSEC a.example. NS SOA RRSIG NSEC DNSKEY\n"
	nsecA    = "a.example. 300 IN NSEC b.c.example. A RRSIG NSEC\n"
	nsecBC   = "b.c.example. 300 IN NSEC cut.example. A RRSIG NSEC\n"
	nsecCut  = "cut.example. 300 IN NSEC d.example. NS RRSIG NSEC\n"
	nsecD    = "d.example. 300 IN NSEC s.example. DNAME RRSIG NSEC\n"
	nsecS    = "s.example. 300 IN NSEC *.w.example. NS DS RRSIG NSEC\n"
	nsecW    = "*.w.example. 300 IN NSEC z.example. A RRSIG NSEC\n"
	nsecZ    = "z.example. 300 IN NSEC example. CNAME RRSIG NSEC\n"
)

func TestDenial_nsecRules(t *testing.T) {
	for _, tt := range []struct{ name, zone, lines, claim, want string }{
		{"name and wildcard covered by one record", "example.", nsecApex + nsecS, "NXDOMAIN t.example.", "secure"},
		{"wildcard not covered", "example.", nsecS, "NXDOMAIN t.example.", "bogus"},
		{"name not covered", "example.", nsecApex, "NXDOMAIN t.example.", "bogus"},
		{"name exists", "example.", nsecApex + nsecA, "NXDOMAIN a.example.", "bogus"},
		{"next name exists", "example.", nsecApex + nsecA, "NXDOMAIN b.c.example.", "bogus"},
		{"empty non-terminal exists", "example.", nsecApex + nsecA, "NXDOMAIN c.example.", "bogus"},
		{"below an empty non-terminal", "example.", nsecApex + nsecA, "NXDOMAIN a.c.example.", "secure"},
		{"below it, the wildcard of the apex", "example.", nsecApex + nsecBC, "NXDOMAIN c.c.example.", "bogus"},
		{"a wildcard exists", "example.", nsecApex + nsecS + nsecW, "NXDOMAIN x.w.example.", "bogus"},
		{"last record leads to the apex", "example.", nsecApex + nsecZ, "NXDOMAIN zz.example.", "secure"},
		{"last record, name before it", "example.", nsecApex + nsecZ, "NXDOMAIN y.example.", "bogus"},
		{"only record of the zone", "example.", "example. 300 IN NSEC example. SOA NS", "NXDOMAIN a.b.example.", "secure"},
		{"only record, the apex itself", "example.", "example. 300 IN NSEC example. SOA NS", "NXDOMAIN example.", "bogus"},
		{"below a delegation: RFC 6840 section 4.1", "example.", nsecApex + nsecCut, "NXDOMAIN x.cut.example.", "bogus"},
		{"below a DNAME", "example.", nsecApex + nsecD, "NXDOMAIN x.d.example.", "bogus"},
		{"next to a delegation", "example.", nsecApex + nsecCut, "NXDOMAIN cuu.example.", "secure"},
		{"outside the zone", "example.", nsecApex + nsecZ, "NXDOMAIN zz.test.", "bogus"},
		{"next outside the zone", "example.", nsecApex + "z.example. 300 IN NSEC z.test. CNAME", "NXDOMAIN zz.example.", "bogus"},
		{"owner outside the zone", "example.", nsecApex + "z.exampld. 300 IN NSEC zzz.example. CNAME", "NXDOMAIN zz.example.", "bogus"},
		{"next before the owner", "example.", nsecApex + "z.example. 300 IN NSEC b.example. CNAME", "NXDOMAIN zz.example.", "bogus"},
		{"minimally covering: RFC 4470", "example.", "s~.example. 300 IN NSEC t\\000.example. RRSIG NSEC\n\\).example. 300 IN NSEC \\+.example. RRSIG NSEC", "NXDOMAIN t.example.", "secure"},
		{"capitals", "example.", strings.ToUpper(nsecApex + nsecS), "NXDOMAIN T.Example.", "secure"},
		{"octets below the letters", "example.", "example. 300 IN NSEC \\001.example. SOA NS\n\\001.example. 300 IN NSEC \\001\\000.example. A", "NXDOMAIN \\001\\000.example.", "bogus"},

		{"type not there", "example.", nsecA, "NODATA a.example. TXT", "secure"},
		{"type there", "example.", nsecA, "NODATA a.example. A", "bogus"},
		{"no record of the name", "example.", nsecApex, "NODATA a.example. TXT", "bogus"},
		{"CNAME there: RFC 6840 section 4.3", "example.", nsecZ, "NODATA z.example. A", "bogus"},
		{"CNAME asked for", "example.", nsecZ, "NODATA z.example. CNAME", "bogus"},
		{"empty non-terminal", "example.", nsecA, "NODATA c.example. A", "secure"},
		{"empty non-terminal, DS", "example.", nsecA, "NODATA c.example. DS", "secure"},
		{"empty non-terminal, any type", "example.", nsecA, "NODATA c.example. ANY", "secure"},
		{"name that owns something, any type", "example.", nsecA, "NODATA a.example. ANY", "bogus"},
		{"delegation, parent's record", "example.", nsecCut, "NODATA cut.example. A", "bogus"},
		{"delegation, DS", "example.", nsecCut, "NODATA cut.example. DS", "secure"},
		{"delegation with DS, DS", "example.", nsecS, "NODATA s.example. DS", "bogus"},
		{"apex", "example.", nsecApex, "NODATA example. A", "secure"},
		{"apex, DS: the child's record", "example.", nsecApex, "NODATA example. DS", "bogus"},
		{"root, DS: it has no parent", ".", ". 300 IN NSEC aaa. SOA NS", "NODATA . DS", "secure"},
		{"wildcard", "example.", nsecS + nsecW, "NODATA x.w.example. TXT", "secure"},
		{"wildcard has the type", "example.", nsecS + nsecW, "NODATA x.w.example. A", "bogus"},
		{"wildcard without the name covered", "example.", nsecS + "*.w.example. 300 IN NSEC x.w.example. A", "NODATA x.w.example. TXT", "bogus"},
		{"wildcard that a closer name hides", "example.", "*.w.example. 300 IN NSEC y.x.w.example. A", "NODATA z.x.w.example. TXT", "bogus"},
		{"wildcard that is an empty non-terminal", "example.", "a.example. 300 IN NSEC q.*.example. A\nq.*.example. 300 IN NSEC z.example. A\nexample. 300 IN NSEC q.*.example. SOA NS", "NODATA x.example. A", "secure"},
		{"wildcard with a CNAME", "example.", "*.example. 300 IN NSEC z.example. CNAME", "NODATA x.example. A", "bogus"},
		{"black lie: RFC 9824", "example.", "x.example. 300 IN NSEC \\000.x.example. RRSIG NSEC NXNAME", "NODATA x.example. A", "secure"},

		{"nothing closer", "example.", nsecW, "NoCloser x.w.example. w.example.", "secure"},
		{"nothing closer, deep", "example.", nsecW, "NoCloser x.y.w.example. w.example.", "secure"},
		{"wildcard of the wrong encloser", "example.", nsecW, "NoCloser x.w.example. example.", "bogus"},
		{"a closer name exists", "example.", "*.w.example. 300 IN NSEC y.x.w.example. A", "NoCloser z.x.w.example. w.example.", "bogus"},
		{"the name exists", "example.", nsecA, "NoCloser a.example. example.", "bogus"},
		{"the name is an empty non-terminal", "example.", nsecA, "NoCloser c.example. example.", "bogus"},
		{"encloser outside the zone", "example.", nsecW, "NoCloser x.w.example. .", "bogus"},
		{"encloser not above the name", "example.", nsecW, "NoCloser x.w.example. z.example.", "bogus"},

		{"delegation without DS", "example.", nsecCut, "Delegation cut.example.", "insecure"},
		{"delegation with DS", "example.", nsecS, "Delegation s.example.", "bogus"},
		{"apex of the child", "example.", nsecApex, "Delegation example.", "bogus"},
		{"no zone: RFC 6840 section 4.4", "example.", nsecA, "Delegation a.example.", "none"},
		{"no zone at a CNAME", "example.", nsecZ, "Delegation z.example.", "none"},
		{"no zone at an empty non-terminal", "example.", nsecA, "Delegation c.example.", "none"},
		{"no zone where there is no name", "example.", nsecS, "Delegation t.example.", "none"},
		{"below a delegation nothing is known", "example.", nsecCut, "Delegation x.cut.example.", "bogus"},
		{"nothing known", "example.", nsecA, "Delegation t.example.", "bogus"},
		{"no records", "example.", "", "Delegation t.example.", "bogus"},
	} {
		t.Run(tt.claim+" "+tt.name, func(t *testing.T) {
			got, f := prove(denialOf(t, tt.zone, tt.lines), tt.claim, NewBudget())
			if got.String() != tt.want {
				t.Errorf("got %v (%v), want %s", got, f, tt.want)
			}
			if want := map[bool]int{true: 12, false: -1}[tt.want == "bogus"]; edeOf(f) != want {
				t.Errorf("got EDE %d, want %d", edeOf(f), want)
			}
		})
	}
}

// TestDenial_nsec3Rules changes the records of a zone.
func TestDenial_nsec3Rules(t *testing.T) {
	m := newModel("example.", map[string]string{
		"example.": "SOA NS", "a.example.": "A", "b.c.example.": "A", "cut.example.": "NS", "d.example.": "DNAME",
		"s.example.": "NS DS", "*.w.example.": "A", "z.example.": "CNAME",
	})
	type change func(*dns.NSEC3)
	none := func(*dns.NSEC3) {}
	first := func(do change) func() change { // changes the first record alone
		return func() change {
			done := false
			return func(rr *dns.NSEC3) {
				if !done {
					do(rr)
				}
				done = true
			}
		}
	}
	all := func(do change) func() change { return func() change { return do } }
	for _, tt := range []struct {
		name   string
		optOut bool
		count  uint16 // iterations
		change func() change
		claim  string
		want   string
		ede    int
	}{
		{"as it should be", false, 0, all(none), "NXDOMAIN t.example.", "secure", -1},
		{"iterations at the limit", false, maxIterations, all(none), "NXDOMAIN t.example.", "secure", -1},
		{"iterations above: RFC 9276 section 3.2", false, maxIterations + 1, all(none), "NXDOMAIN t.example.", "insecure", 27},
		{"iterations above, NODATA", false, maxIterations + 1, all(none), "NODATA a.example. TXT", "insecure", 27},
		{"iterations above, wildcard", false, 2500, all(none), "NoCloser x.w.example. w.example.", "insecure", 27},
		{"iterations above, delegation", false, 2500, all(none), "Delegation s.example.", "insecure", 27},
		{"unknown hash algorithm: RFC 5155 section 8.1", false, 0, all(func(rr *dns.NSEC3) { rr.Hash = 2 }), "NXDOMAIN t.example.", "bogus", 12},
		{"unknown flag: RFC 5155 section 8.2", false, 0, all(func(rr *dns.NSEC3) { rr.Flags = 2 }), "NXDOMAIN t.example.", "bogus", 12},
		{"salts differ", false, 0, first(func(rr *dns.NSEC3) { rr.Salt = "AB12" }), "NXDOMAIN t.example.", "bogus", 12},
		{"iterations differ", false, 0, first(func(rr *dns.NSEC3) { rr.Iterations = 9 }), "NXDOMAIN t.example.", "bogus", 12},
		{"salt is no hex", false, 0, all(func(rr *dns.NSEC3) { rr.Salt = "x" }), "NXDOMAIN t.example.", "bogus", 12},
		{"next is no hash", false, 0, all(func(rr *dns.NSEC3) { rr.NextDomain = "abc" }), "NXDOMAIN t.example.", "bogus", 12},
		{"owner is no hash", false, 0, all(func(rr *dns.NSEC3) { rr.Hdr.Name = "a.example." }), "NXDOMAIN t.example.", "bogus", 12},
		{"owner two labels below the apex", false, 0, all(func(rr *dns.NSEC3) { rr.Hdr.Name = rr.Hdr.Name[:33] + "a.example." }), "NXDOMAIN t.example.", "bogus", 12},
		{"owner in another zone", false, 0, all(func(rr *dns.NSEC3) { rr.Hdr.Name = rr.Hdr.Name[:33] + "test." }), "NXDOMAIN t.example.", "bogus", 12},
		{"owner in capitals", false, 0, all(func(rr *dns.NSEC3) { rr.Hdr.Name = strings.ToUpper(rr.Hdr.Name) }), "NXDOMAIN t.example.", "secure", -1},
		{"opt-out", true, 0, all(none), "NXDOMAIN t.example.", "insecure", -1},
		{"opt-out, wildcard", true, 0, all(none), "NoCloser x.w.example. w.example.", "insecure", -1},
		{"opt-out, unsigned delegation, DS", true, 0, all(none), "NODATA cut.example. DS", "insecure", -1},
		{"opt-out, unsigned delegation", true, 0, all(none), "Delegation cut.example.", "insecure", -1},
		{"opt-out, signed delegation", true, 0, all(none), "Delegation s.example.", "bogus", 12},
		{"opt-out, name that exists", true, 0, all(none), "NODATA a.example. TXT", "secure", -1},
		{"opt-out, name that exists, as NXDOMAIN", true, 0, all(none), "NXDOMAIN a.example.", "bogus", 12},
		{"below a DNAME: RFC 5155 section 8.3", false, 0, all(none), "NXDOMAIN x.d.example.", "bogus", 12},
		{"below a delegation", false, 0, all(none), "NXDOMAIN x.cut.example.", "bogus", 12},
		{"below a delegation, opt-out", true, 0, all(none), "NXDOMAIN x.s.example.", "bogus", 12},
		{"empty non-terminal", false, 0, all(none), "NODATA c.example. A", "secure", -1},
		{"apex, DS: the child's record", false, 0, all(none), "NODATA example. DS", "bogus", 12},
		{"delegation, parent's record", false, 0, all(none), "NODATA cut.example. A", "bogus", 12},
		{"CNAME there: RFC 6840 section 4.3", false, 0, all(none), "NODATA z.example. A", "bogus", 12},
		{"wildcard without the type: RFC 5155 section 8.7", false, 0, all(none), "NODATA x.w.example. TXT", "secure", -1},
		{"wildcard with the type", false, 0, all(none), "NODATA x.w.example. A", "bogus", 12},
		{"no such name, DS", false, 0, all(none), "Delegation t.example.", "none", -1},
		{"outside the zone", false, 0, all(none), "NXDOMAIN t.test.", "bogus", 12},
	} {
		t.Run(tt.claim+" "+tt.name, func(t *testing.T) {
			sets, change := m.nsec3(tt.optOut, tt.count), tt.change()
			for _, s := range sets {
				change(s.RRs[0].(*dns.NSEC3))
			}
			got, f := prove(NewDenial("example.", sets), tt.claim, NewBudget())
			if got.String() != tt.want || edeOf(f) != tt.ede {
				t.Errorf("got %v, EDE %d (%v), want %s, EDE %d", got, edeOf(f), f, tt.want, tt.ede)
			}
		})
	}
}

// TestDenial_examplesOfRFC5155 has the hashes of RFC 5155 appendix A.
func TestDenial_examplesOfRFC5155(t *testing.T) {
	c := nsec3s{iterations: 12, salt: []byte{0xaa, 0xbb, 0xcc, 0xdd}}
	for name, want := range map[string]string{
		"example.":       "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
		"a.example.":     "35mthgpgcu1qg68fab165klnsnk3dpvl",
		"ns1.example.":   "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
		"*.w.example.":   "r53bq7cc2uvmubfu5ocmm6pers9tk9en",
		"x.y.w.example.": "2vptu5timamqttgl4luu9kg21e0aor3s",
	} {
		p, _ := pathOf(name)
		got, _ := c.hash(p, NewBudget())
		if h, ok := parseHash(want); !ok || got != h {
			t.Errorf("%s: got %x, want %x", name, got, h)
		}
	}
}

// TestDenial_hashingIsBounded is CVE-2023-50868.
func TestDenial_hashingIsBounded(t *testing.T) {
	m := newModel("example.", map[string]string{"example.": "SOA NS", "a.example.": "A"})
	sets, b := m.nsec3(false, maxIterations), NewBudget()
	deep := strings.Repeat("x.", 120) + "example."
	d := NewDenial("example.", sets)
	if p, f := d.NXDOMAIN(deep, b); p != ProofSecure {
		t.Errorf("one deep name: got %v (%v), want %v", p, f, ProofSecure)
	}
	left := b.left[NSEC3Hashes]
	if p, _ := d.NXDOMAIN(deep, b); p != ProofSecure || b.left[NSEC3Hashes] != left {
		t.Errorf("again: got %v and %d hashes left, want %d", p, b.left[NSEC3Hashes], left)
	}
	for range 3 {
		d = NewDenial("example.", sets)
		d.NXDOMAIN(deep, b)
	}
	p, f := d.NXDOMAIN("y."+deep, b)
	if p != ProofBogus || edeOf(f) != 6 || b.Limit() != NSEC3Hashes {
		t.Errorf("beyond the limit: got %v (%v) and limit %v, want %v, EDE 6", p, f, b.Limit(), ProofBogus)
	}
}

func TestNewDenial_recordsWithoutRDATAAreIgnored(t *testing.T) {
	h := dns.RR_Header{Name: "example.", Rrtype: dns.TypeNSEC, Class: dns.ClassINET}
	d := NewDenial("example.", []Set{{RRs: []dns.RR{&dns.NSEC{Hdr: h}, &dns.NSEC3{Hdr: h}}}})
	for _, qname := range []string{"t.example.", "example.", "", "t"} {
		if p, f := d.NXDOMAIN(qname, NewBudget()); p != ProofBogus || edeOf(f) != 12 {
			t.Errorf("%q: got %v (%v), want %v", qname, p, f, ProofBogus)
		}
	}
}

func TestNewDenial_ofNoZoneProvesNothing(t *testing.T) {
	d := NewDenial("a..b", []Set{{RRs: records(t, nsecApex)}})
	if p, _ := d.NXDOMAIN("t.example.", NewBudget()); p != ProofBogus {
		t.Errorf("got %v, want %v", p, ProofBogus)
	}
}

func TestProofAndCut_everyValueHasItsWord(t *testing.T) {
	var got []string
	for i := range uint8(4) {
		got = append(got, Proof(i).String(), Cut(i).String())
	}
	want := []string{"bogus", "bogus", "secure", "insecure", "insecure", "none", "Proof(3)", "Cut(3)"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
