package upstream

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

func FuzzScrub(f *testing.F) {
	for _, r := range []response{
		{answer: chainOf(3), ns: []string{soa}},
		{answer: []string{"old.n0.test. 60 IN DNAME new.example.", "n0.test. 60 IN CNAME x.old.n0.test."}},
		{rcode: dns.RcodeNameError, ns: []string{soa, sig("test.", "SOA", "test."), "a.test. 60 IN NSEC b.test. MX", sig("a.test.", "NSEC", "test.")}},
		{answer: []string{"test. 60 IN DNAME test.example.", "n0.test. 60 IN CNAME n0.test.example."}},
	} {
		packet, err := r.msg(f).Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, dns.TypeA, true)
		f.Add(packet, dns.TypeANY, false)
	}
	qname := ask(f, "n0.test").Name
	f.Fuzz(func(t *testing.T, packet []byte, qtype uint16, do bool) {
		if len(packet) < headerOctets {
			return
		}
		m, err := exchange.Parse(packet)
		if err != nil {
			return
		}
		q := Question{Name: qname, Type: qtype, DO: do}
		a, err := scrub(q, m)
		if failure, ok := err.(*Failure); err != nil && (!ok || failure.Cause == "") {
			t.Fatalf("got error %#v, want a *Failure with a cause", err)
		}
		checkAnswer(t, "n0.test.", a)
	})
}

// checkAnswer is a second, plain reading of what Scrub promises.
func checkAnswer(t *testing.T, qname string, a scrubbed) {
	t.Helper()
	names := []string{qname}
	for _, rr := range a.Records {
		owner, last := rr.Header().Name, names[len(names)-1]
		isDNAME := covered(rr) == dns.TypeDNAME && dns.IsSubDomain(owner, last)
		if owner != last && !isDNAME && !(isSignature(rr) == 1 && slices.Contains(names, owner)) {
			t.Fatalf("%v is not on the chain %q", rr, names)
		}
		if rr.Header().Class != dns.ClassINET || rr.Header().Ttl > 1<<31-1 {
			t.Fatalf("%v has a class or TTL that is not to be kept", rr)
		}
		if cname, ok := rr.(*dns.CNAME); ok {
			names = append(names, strings.ToLower(cname.Target))
		}
	}
	if len(names) > MaxLinks+2 { // the last CNAME may be the answer itself
		t.Fatalf("%d links kept", len(names)-1)
	}
	for _, rr := range a.Authority {
		switch covered(rr) {
		case dns.TypeSOA, dns.TypeNSEC, dns.TypeNSEC3:
		default:
			t.Fatalf("%v has no place in the authority section", rr)
		}
	}
}
