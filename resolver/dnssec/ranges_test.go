package dnssec

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var soaOfExample = "example. 3600 IN SOA ns.example. admin.example. 1 2 3 4 300"

// TestRanges_agreeWithTheModel adds the records of random zones one by one: what
// is found then is what the model says, and with all of them everything is found
// that can be.
func TestRanges_agreeWithTheModel(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	soa, until := set(t, soaOfExample), noon.Add(time.Minute)
	for range 200 {
		m := randomZone(r, 1+r.IntN(10))
		for form, sets := range map[string][]Set{"NSEC": m.nsec(), "NSEC3": m.nsec3(false, 1)} {
			ranges := NewRanges(1 << 20)
			r.Shuffle(len(sets), func(i, j int) { sets[i], sets[j] = sets[j], sets[i] })
			for i, s := range sets {
				ranges.Add("example.", s, soa, until)
				for range 20 {
					qname, qtype := randomName(r, 4), randomTypes[r.IntN(len(randomTypes))]
					n, is := ranges.Find("example.", qname, qtype, noon, NewBudget()), m.truth(qname, qtype)
					if qtype == dns.TypeDS && qname != "example." && is != hasNoData { // DS records are no exception for NXDOMAIN
						is = m.truth(qname, dns.TypeMX)
					}
					deniable := is == isNXDomain || is == hasNoData
					switch {
					case n == nil && deniable && i == len(sets)-1,
						n != nil && (!deniable || n.NXDOMAIN != (is == isNXDomain)):
						t.Fatalf("%s, %d of %d records: %s %s: got %+v, in the zone\n%v", form, i+1, len(sets), qname, dns.Type(qtype), n, m)
					case n != nil:
						checkNegative(t, n, qname, qtype)
					}
				}
			}
		}
	}
}

// checkNegative proves a denial with nothing but what it says proves it.
func checkNegative(t *testing.T, n *Negative, qname string, qtype uint16) {
	t.Helper()
	d := NewDenial("example.", n.Proofs)
	proof, f := d.NODATA(qname, qtype, NewBudget())
	if n.NXDOMAIN {
		proof, f = d.NXDOMAIN(qname, NewBudget())
	}
	if proof != ProofSecure || len(n.Proofs) > 3 || len(n.SOA.RRs) != 1 {
		t.Fatalf("%s %s: got %v (%v) by %+v", qname, dns.Type(qtype), proof, f, n)
	}
}

func TestRanges_whatIsOfNoUseIsIgnored(t *testing.T) {
	m := newModel("example.", map[string]string{"example.": "SOA NS"})
	soa, until := set(t, soaOfExample), noon.Add(time.Minute)
	for _, tt := range []struct {
		name     string
		zone     string
		set, soa Set
	}{
		{"opt-out: RFC 8198 section 5.2", "example.", m.nsec3(true, 0)[0], soa},
		{"too many iterations", "example.", m.nsec3(false, maxIterations+1)[0], soa},
		{"another type", "example.", set(t, "example. 300 IN A 192.0.2.1"), soa},
		{"two NSEC records", "example.", set(t, "example. 300 IN NSEC example. SOA\nexample. 300 IN NSEC a.example. SOA"), soa},
		{"no SOA", "example.", m.nsec()[0], Set{}},
		{"another zone", "test.", m.nsec()[0], soa},
		{"no zone", "a..b", m.nsec()[0], soa},
		{"no records", "example.", Set{}, soa},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ranges := NewRanges(1 << 20)
			ranges.Add(tt.zone, tt.set, tt.soa, until)
			if n := ranges.Find("example.", "a.example.", dns.TypeA, noon, NewBudget()); n != nil || len(ranges.zones) != 0 {
				t.Errorf("got %+v and %d zones, want none", n, len(ranges.zones))
			}
		})
	}
}

func TestRanges_endWithWhatTheyRestOn(t *testing.T) {
	ranges, soa := NewRanges(1<<20), set(t, soaOfExample)
	first, last := set(t, "example. 300 IN NSEC b.example. SOA NS"), set(t, "b.example. 300 IN NSEC example. A")
	ranges.Add("example.", first, soa, noon.Add(2*time.Minute))
	ranges.Add("example.", last, soa, noon.Add(time.Minute))
	for _, tt := range []struct {
		name, qname string
		after       time.Duration
		want        bool
	}{
		{"both", "c.example.", 59 * time.Second, true},
		{"the second no longer", "c.example.", time.Minute, false},
		{"the SOA no longer", "a.example.", time.Minute, false},
	} {
		n := ranges.Find("example.", tt.qname, dns.TypeA, noon.Add(tt.after), NewBudget())
		if (n != nil) != tt.want || n != nil && !n.Until.Equal(noon.Add(time.Minute)) {
			t.Errorf("%s: got %+v, want one: %t", tt.name, n, tt.want)
		}
	}
	ranges.Add("example.", first, soa, noon.Add(2*time.Minute))
	if n := ranges.Find("example.", "a.example.", dns.TypeA, noon.Add(time.Minute), NewBudget()); n == nil {
		t.Error("got nothing by a newer SOA, want a denial")
	}
	if n := ranges.Find("example.", "c.example.", dns.TypeA, noon.Add(time.Minute), NewBudget()); n != nil || ranges.recent.Len() != 1 {
		t.Errorf("got %+v and %d records, want the old one dropped", n, ranges.recent.Len())
	}
}

func TestRanges_newerRecordsReplaceWhatTheyContradict(t *testing.T) {
	soa, until := set(t, soaOfExample), noon.Add(time.Minute)
	for _, tt := range []struct {
		name, old, new string
		want           []string // starts left
	}{
		{"same owner", "b.example. 300 IN NSEC d.example. A", "b.example. 300 IN NSEC c.example. A", []string{"b"}},
		{"inside the new one", "b.example. 300 IN NSEC c.example. A\nc.example. 300 IN NSEC d.example. A", "a.example. 300 IN NSEC d.example. A", []string{"a"}},
		{"inside the last one", "b.example. 300 IN NSEC c.example. A", "a.example. 300 IN NSEC example. A", []string{"a"}},
		{"beside it", "b.example. 300 IN NSEC c.example. A\nd.example. 300 IN NSEC e.example. A", "c.example. 300 IN NSEC d.example. A", []string{"b", "c", "d"}},
		{
			"other NSEC3 parameters", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 300 IN NSEC3 1 0 1 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A",
			"2p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 300 IN NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A", []string{"2p9mhaveqvm6t7vbl5lop2u3t2rp3tom"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ranges := NewRanges(1 << 20)
			for _, rr := range append(records(t, tt.old), records(t, tt.new)...) {
				ranges.Add("example.", Set{RRs: []dns.RR{rr}}, soa, until)
			}
			z := ranges.zones["example."]
			var got []string
			for _, s := range append(slices.Clone(z.names), z.hashes...) {
				name := s.set.RRs[0].Header().Name
				got = append(got, name[:len(name)-len(".example.")])
			}
			if !slices.Equal(got, tt.want) || ranges.recent.Len() != len(tt.want) {
				t.Errorf("got %v (%d), want %v", got, ranges.recent.Len(), tt.want)
			}
		})
	}
}

func TestRanges_memoryIsBounded(t *testing.T) {
	const limit = 1 << 16
	ranges, soa, r := NewRanges(limit), set(t, soaOfExample), rand.New(rand.NewPCG(11, 12))
	for range 5000 {
		name := randomName(r, 4)
		zone := above(name)
		if name == "example." {
			zone = name
		}
		ranges.Add(zone, set(t, name+" 300 IN NSEC "+zone+" A"), soa, noon.Add(time.Minute))
		if ranges.octets > limit {
			t.Fatalf("got %d octets, want at most %d", ranges.octets, limit)
		}
	}
	var octets int64
	spans := 0
	for _, z := range ranges.zones {
		octets += z.octets
		for _, s := range slices.Concat(z.names, z.hashes) {
			octets += s.octets
			spans++
		}
	}
	if octets != ranges.octets || spans != ranges.recent.Len() || spans == 0 {
		t.Errorf("got %d octets and %d records, want %d and %d", ranges.octets, ranges.recent.Len(), octets, spans)
	}
	tiny := NewRanges(1)
	tiny.Add("example.", set(t, "example. 300 IN NSEC example. SOA"), soa, noon.Add(time.Minute))
	if tiny.octets != 0 || len(tiny.zones) != 0 {
		t.Errorf("too small for anything: got %d octets", tiny.octets)
	}
}

func TestRanges_whatIsUsedStays(t *testing.T) {
	ranges, soa, until := NewRanges(1<<14), set(t, soaOfExample), noon.Add(time.Minute)
	ranges.Add("example.", set(t, "example. 300 IN NSEC example. SOA NS"), soa, until)
	for i := range 100 {
		if ranges.Find("example.", "a.example.", dns.TypeA, noon, NewBudget()) == nil {
			t.Fatalf("got nothing after %d others", i)
		}
		zone := string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".test."
		ranges.Add(zone, set(t, zone+" 300 IN NSEC "+zone+" SOA"), soa, until)
	}
}

func TestRanges_areSafeForConcurrentUse(t *testing.T) {
	ranges, soa := NewRanges(1<<14), set(t, soaOfExample)
	sets := newModel("example.", map[string]string{"example.": "SOA NS", "a.example.": "A", "b.example.": "A"}).nsec()
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 200 {
				for _, s := range sets {
					ranges.Add("example.", s, soa, noon.Add(time.Minute))
					ranges.Find("example.", "c.example.", dns.TypeA, noon, NewBudget())
				}
			}
		})
	}
	running.Wait()
}

// TestRanges_hashOnTheQuestionsBudget holds that looking among hashes costs what
// a proof costs, leaves enough for one, and is not done for deep names.
func TestRanges_hashOnTheQuestionsBudget(t *testing.T) {
	m := newModel("example.", map[string]string{"example.": "SOA NS", "a.example.": "A"})
	ranges, soa, until := NewRanges(1<<20), set(t, soaOfExample), noon.Add(time.Minute)
	for _, s := range m.nsec3(false, 1) {
		ranges.Add("example.", s, soa, until)
	}
	b := NewBudget()
	if ranges.Find("example.", "none.example.", dns.TypeA, noon, b) == nil {
		t.Fatal("got none, want the denial")
	}
	if spent := maxNSEC3Hashes - b.left[NSEC3Hashes]; spent != 3 { // the name, the apex, the wildcard
		t.Errorf("got %d hashes, want 3", spent)
	}
	if deep := strings.Repeat("x.", maxHashedLabels+1) + "example."; ranges.Find("example.", deep, dns.TypeA, noon, b) != nil {
		t.Error("got a denial of a deep name, want none")
	}
	for range maxNSEC3Hashes {
		ranges.Find("example.", "none.example.", dns.TypeA, noon, b)
	}
	if left := b.left[NSEC3Hashes]; left < maxNSEC3Hashes/2-3 || b.Exceeded() {
		t.Errorf("got %d hashes left, want enough for a proof", left)
	}
}
