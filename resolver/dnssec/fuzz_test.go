package dnssec

import (
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// FuzzResponse takes a packet for what a server says of itself: nothing may panic,
// and no budget be passed.
func FuzzResponse(f *testing.F) {
	key := newTestKey(f, "example.", dns.ED25519, zoneKey)
	rsa := newTestKey(f, "example.", dns.RSASHA256, zoneKey)
	m := newModel("example.", map[string]string{"example.": "SOA NS", "*.w.example.": "A", "cut.example.": "NS", "d.example.": "DNAME"})
	for _, s := range append(m.nsec(), m.nsec3(true, 3)...) {
		s.Sigs = []*dns.RRSIG{key.sign(f, s.RRs, nil), rsa.sign(f, s.RRs, nil)}
		f.Add(packed(f, s), "x.w.example.", dns.TypeA)
	}
	f.Add(packed(f, keySet(f, key, rsa)), "example.", dns.TypeDS)
	f.Add(packed(f, set(f, "a.example. 300 IN NAPTR 1 2 \"u\" \"sip\" \"\" A.Test.\na.example. 300 IN NAPTR 1 2 \"u\" \"\" \"\" A.Test.", key)), "a.example.", dns.TypeNAPTR)
	f.Add(packed(f, set(f, "example. 300 IN DS 1 8 2 00", key)), ".", dns.TypeANY)
	keys := trusted(f, key, rsa)
	f.Fuzz(func(t *testing.T, packet []byte, qname string, qtype uint16) {
		response := new(dns.Msg)
		if response.Unpack(packet) != nil {
			return
		}
		sets, b := grouped(response), NewBudget()
		for _, s := range sets {
			keys.Verify(s, noon, b)
			if own, _ := Trust("example.", response.Answer, s, noon, b); own != nil {
				own.Verify(s, noon, b)
			}
		}
		d := NewDenial("example.", sets)
		for _, claim := range []func() (Proof, *Fault){
			func() (Proof, *Fault) { return d.NXDOMAIN(qname, b) },
			func() (Proof, *Fault) { return d.NODATA(qname, qtype, b) },
			func() (Proof, *Fault) { return d.NoCloser(qname, "w.example.", b) },
		} {
			if proof, why := claim(); proof == ProofBogus && why == nil {
				t.Error("got no fault of what is bogus")
			}
		}
		d.Delegation(qname, b)
		for limit := range b.left {
			if b.left[limit] < 0 {
				t.Errorf("%v: got %d left", Limit(limit), b.left[limit])
			}
		}
		ranges := NewRanges(1 << 16)
		for _, s := range sets {
			ranges.Add("example.", s, sets[0], noon)
			ranges.Find("example.", qname, qtype, noon.Add(-1), NewBudget())
		}
	})
}

// packed is a response that holds the set.
func packed(t testing.TB, s Set) []byte {
	t.Helper()
	response := &dns.Msg{Answer: s.RRs}
	for _, sig := range s.Sigs {
		response.Answer = append(response.Answer, sig)
	}
	packet, err := response.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// grouped makes sets of a response's answer, each record where its owner and type
// say, or anywhere.
func grouped(response *dns.Msg) (sets []Set) {
	var sigs []*dns.RRSIG
	for _, rr := range response.Answer {
		if sig, ok := rr.(*dns.RRSIG); ok {
			sigs = append(sigs, sig)
			continue
		}
		last := len(sets) - 1
		if last < 0 || sets[last].RRs[0].Header().Rrtype != rr.Header().Rrtype || !strings.EqualFold(sets[last].RRs[0].Header().Name, rr.Header().Name) {
			sets = append(sets, Set{})
			last++
		}
		sets[last].RRs = append(sets[last].RRs, rr)
	}
	for i := range sets {
		sets[i].Sigs = sigs
	}
	return sets
}
