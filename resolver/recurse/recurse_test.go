package recurse

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestResolve_walksFromTheRoot(t *testing.T) {
	r := small(t).recursor(nil)
	for _, test := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"www.example.test.", dns.TypeA, "NOERROR; www.example.test. 300 IN A 192.0.2.1"},
		{"www.example.test.", dns.TypeAAAA, "NOERROR"},
		{"none.example.test.", dns.TypeA, "NXDOMAIN"},
		{"b.c.example.test.", dns.TypeA, "NOERROR"},
		{"alias.example.test.", dns.TypeA, "NOERROR; alias.example.test. 300 IN CNAME www.example.test.; www.example.test. 300 IN A 192.0.2.1"},
		{"away.example.test.", dns.TypeA, "NOERROR; away.example.test. 300 IN CNAME www.other.test.; www.other.test. 300 IN A 192.0.2.7"},
		{"alias.example.test.", dns.TypeCNAME, "NOERROR; alias.example.test. 300 IN CNAME www.example.test."},
		{"loop.example.test.", dns.TypeA, "failure 0: the chain of CNAMEs comes back to loop.example.test."},
		{"test.", dns.TypeNS, "NOERROR; test. 300 IN NS ns.test."},
		{".", dns.TypeNS, "NOERROR; . 300 IN NS ns.root.test."},
		{"none.", dns.TypeA, "NXDOMAIN"},
	} {
		if got := resolve(t, r, test.name, test.qtype); got != test.want {
			t.Errorf("%s %s:\n got %s\nwant %s", test.name, dns.TypeToString[test.qtype], got, test.want)
		}
	}
}

func TestResolve_minimisesNames(t *testing.T) {
	w := small(t)
	r := w.recursor(func(c *Config) { c.Minimise = true })
	if got, want := resolve(t, r, "a.b.c.example.test.", dns.TypeA), "NOERROR; a.b.c.example.test. 300 IN A 192.0.2.2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{". NS", "test. A", "example.test. A", "c.example.test. A", "b.c.example.test. A", "a.b.c.example.test. A"}
	if got := w.questions(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
