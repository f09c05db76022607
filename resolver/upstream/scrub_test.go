package upstream

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// response is a message in short: RCODE, flags and sections in zone-file form.
type response struct {
	rcode             int
	aa                bool
	answer, ns, extra []string
}

// msg goes through the wire, as real responses do.
func (r response) msg(t testing.TB) *dns.Msg {
	t.Helper()
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Rcode: r.rcode, Authoritative: r.aa}}
	m.Answer, m.Ns, m.Extra = records(t, r.answer), records(t, r.ns), records(t, r.extra)
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if m, err = exchange.Parse(packet); err != nil {
		t.Fatal(err)
	}
	return m
}

func records(t testing.TB, lines []string) []dns.RR {
	t.Helper()
	var list []dns.RR
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rr)
	}
	return list
}

// short prints records as "owner TTL TYPE RDATA", one blank between.
func short(list []dns.RR) []string {
	var lines []string
	for _, rr := range list {
		lines = append(lines, strings.Join(strings.Fields(strings.Replace(rr.String(), "\tIN\t", "\t", 1)), " "))
	}
	return lines
}

// sig is an RRSIG line for owner and type by zone.
func sig(owner, covered, zone string) string {
	return fmt.Sprintf("%s 60 IN RRSIG %s 13 2 60 20300101000000 20200101000000 1 %s AAAA", owner, covered, zone)
}

// chainOf is n CNAMEs from n0.test on, and the address at the end.
func chainOf(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("n%d.test. 60 IN CNAME n%d.test.", i, i+1))
	}
	return append(lines, fmt.Sprintf("n%d.test. 60 IN A 192.0.2.1", n))
}

func addresses(n int) []string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("www.test. 60 IN A 192.0.%d.%d", i/256, i%256))
	}
	return lines
}

const soa = "test. 60 IN SOA ns.test. mail.test. 1 2 3 4 5"
const shortSOA = "test. 60 SOA ns.test. mail.test. 1 2 3 4 5"

func TestScrub_keepsTheChainAndItsEnd(t *testing.T) {
	tests := []struct {
		name  string
		qname string
		qtype uint16
		in    response
		want  []string // of the answer section
	}{
		{"an RRset", "www.test", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "www.test. 60 IN A 192.0.2.2"}},
			[]string{"www.test. 60 A 192.0.2.1", "www.test. 60 A 192.0.2.2"}},
		{"another spelling", "www.test", dns.TypeA, response{answer: []string{"wWw.TesT. 60 IN A 192.0.2.1"}},
			[]string{"www.test. 60 A 192.0.2.1"}},
		{"unrelated records are dropped", "www.test", dns.TypeA, response{answer: []string{
			"victim.example. 60 IN A 192.0.2.66", "www.test. 60 IN A 192.0.2.1", "www.test. 60 IN AAAA 2001:db8::1", "test. 60 IN NS ns.test."}},
			[]string{"www.test. 60 A 192.0.2.1"}},
		{"another class is dropped", "www.test", dns.TypeTXT, response{answer: []string{`www.test. 60 CH TXT "x"`, `www.test. 60 IN TXT "y"`}},
			[]string{`www.test. 60 TXT "y"`}},
		{"duplicates are dropped", "www.test", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "WWW.test. 60 IN A 192.0.2.1"}},
			[]string{"www.test. 60 A 192.0.2.1"}},
		{"a chain in any order", "a.test", dns.TypeA, response{answer: []string{
			"c.example. 60 IN A 192.0.2.1", "B.test. 60 IN CNAME C.example.", "a.test. 60 IN CNAME b.TEST."}},
			[]string{"a.test. 60 CNAME b.TEST.", "b.test. 60 CNAME C.example.", "c.example. 60 A 192.0.2.1"}},
		{"a CNAME hides other data", "a.test", dns.TypeA, response{answer: []string{
			"a.test. 60 IN A 192.0.2.66", "a.test. 60 IN CNAME b.test.", "b.test. 60 IN A 192.0.2.1"}},
			[]string{"a.test. 60 CNAME b.test.", "b.test. 60 A 192.0.2.1"}},
		{"QTYPE CNAME ends at the CNAME", "a.test", dns.TypeCNAME, response{answer: []string{
			"a.test. 60 IN CNAME b.test.", "b.test. 60 IN CNAME c.test."}},
			[]string{"a.test. 60 CNAME b.test."}},
		{"ANY takes all at the name, by RRset", "a.test", dns.TypeANY, response{answer: []string{
			`a.test. 60 IN TXT "x"`, "a.test. 60 IN A 192.0.2.1", sig("a.test.", "A", "test."), "b.test. 60 IN A 192.0.2.2", `a.test. 60 IN TXT "y"`}},
			[]string{"a.test. 60 A 192.0.2.1", "a.test. 60 RRSIG A 13 2 60 20300101000000 20200101000000 1 test. AAAA", `a.test. 60 TXT "x"`, `a.test. 60 TXT "y"`}},
		{"signatures are dropped without DO", "www.test", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", sig("www.test.", "A", "test.")}},
			[]string{"www.test. 60 A 192.0.2.1"}},
		{"eleven links", "n0.test", dns.TypeA, response{answer: chainOf(11)}, short(records(t, chainOf(11)))},
		{"the smallest TTL counts for the RRset", "www.test", dns.TypeA, response{answer: []string{"www.test. 300 IN A 192.0.2.1", "www.test. 60 IN A 192.0.2.2"}},
			[]string{"www.test. 60 A 192.0.2.1", "www.test. 60 A 192.0.2.2"}},
		{"TTL 2^31-1 is one", "www.test", dns.TypeA, response{answer: []string{"www.test. 2147483647 IN A 192.0.2.1"}},
			[]string{"www.test. 2147483647 A 192.0.2.1"}},
		{"TTL 2^31 is 0", "www.test", dns.TypeA, response{answer: []string{"www.test. 2147483648 IN A 192.0.2.1"}},
			[]string{"www.test. 0 A 192.0.2.1"}},
		{"DNAME with its CNAME", "x.old.test", dns.TypeA, response{answer: []string{
			"old.test. 60 IN DNAME new.example.", "x.old.test. 30 IN CNAME X.new.example.", "x.new.example. 60 IN A 192.0.2.1"}},
			[]string{"old.test. 60 DNAME new.example.", "x.old.test. 30 CNAME X.new.example.", "x.new.example. 60 A 192.0.2.1"}},
		{"DNAME without its CNAME", "x.old.test", dns.TypeA, response{answer: []string{
			"OLD.test. 60 IN DNAME new.example.", "x.new.example. 60 IN A 192.0.2.1"}},
			[]string{"old.test. 60 DNAME new.example.", "x.old.test. 60 CNAME x.new.example.", "x.new.example. 60 A 192.0.2.1"}},
		{"DNAME at the root of the target", "x.old.test", dns.TypeA, response{answer: []string{"old.test. 60 IN DNAME ."}},
			[]string{"old.test. 60 DNAME .", "x.old.test. 60 CNAME x."}},
		{"DNAME does not apply to its owner", "old.test", dns.TypeDNAME, response{answer: []string{"old.test. 60 IN DNAME new.example."}},
			[]string{"old.test. 60 DNAME new.example."}},
		{"DNAME ends at a label", "x.gold.test", dns.TypeA, response{answer: []string{"old.test. 60 IN DNAME new.example.", "x.gold.test. 60 IN A 192.0.2.1"}},
			[]string{"x.gold.test. 60 A 192.0.2.1"}},
		{"YXDOMAIN keeps the DNAME", strings.Repeat("a.", 100) + "old.test", dns.TypeA, response{rcode: dns.RcodeYXDomain, answer: []string{
			"old.test. 60 IN DNAME " + strings.Repeat("b.", 60)}},
			[]string{"old.test. 60 DNAME " + strings.Repeat("b.", 60)}},
		{"256 records", "www.test", dns.TypeA, response{answer: addresses(maxRecords)}, short(records(t, addresses(maxRecords)))},
		{"nothing", "www.test", dns.TypeA, response{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, tt.qname)
			q.Type = tt.qtype
			got, err := scrub(q, tt.in.msg(t))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(short(got.Records), tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(short(got.Records), "\n"), strings.Join(tt.want, "\n"))
			}
			if got.Rcode != tt.in.rcode || len(got.Authority) > 0 {
				t.Errorf("got RCODE %d, authority %v", got.Rcode, got.Authority)
			}
		})
	}
}

func TestScrub_withDOSignaturesAndProofsStay(t *testing.T) {
	in := response{
		answer: []string{
			sig("a.test.", "CNAME", "test."), sig("b.example.", "A", "example."), sig("b.example.", "AAAA", "example."),
			"b.example. 30 IN A 192.0.2.1", "a.test. 90 IN CNAME b.example.", sig("stray.test.", "A", "test.")},
		ns: []string{
			soa, "test. 60 IN NS ns.test.",
			"*.test. 60 IN NSEC b.test. A", sig("*.test.", "NSEC", "TEST."),
			"x.victim.example.org. 60 IN NSEC y.victim.example.org. A", sig("x.victim.example.org.", "NSEC", "victim.example.org."),
			"b.victim.example.org. 60 IN NSEC y.victim.example.org. A", sig("b.victim.example.org.", "NSEC", "example."),
			"unsigned.test. 60 IN NSEC z.test. A",
			"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 60 IN NSEC3 1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A",
			sig("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.", "NSEC3", "example."),
		}}
	q := ask(t, "a.test")
	q.DO = true
	got, err := scrub(q, in.msg(t))
	if err != nil {
		t.Fatal(err)
	}
	wantTypes := []string{"a.test. 60 CNAME", "a.test. 60 RRSIG", "b.example. 30 A", "b.example. 30 RRSIG"}
	if types := firstFields(got.Records); !slices.Equal(types, wantTypes) {
		t.Errorf("got answer %q, want %q", types, wantTypes)
	}
	wantTypes = []string{"*.test. 60 NSEC", "*.test. 60 RRSIG",
		"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 60 NSEC3", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. 60 RRSIG"}
	if types := firstFields(got.Authority); !slices.Equal(types, wantTypes) {
		t.Errorf("got authority %q, want %q", types, wantTypes)
	}
}

// firstFields leaves out the RDATA.
func firstFields(list []dns.RR) []string {
	lines := short(list)
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line)[:3], " ")
	}
	return lines
}

func TestScrub_negativeAuthority(t *testing.T) {
	tests := []struct {
		name string
		do   bool
		in   response
		want []string
	}{
		{"NXDOMAIN keeps the SOA", false, response{rcode: dns.RcodeNameError, ns: []string{soa}}, []string{shortSOA}},
		{"NODATA keeps the SOA", false, response{ns: []string{soa}}, []string{shortSOA}},
		{"a SOA of another zone is dropped", false, response{rcode: dns.RcodeNameError, ns: []string{strings.ReplaceAll(soa, "test.", "example.")}}, nil},
		{"a SOA below is dropped", false, response{ns: []string{"x.a." + soa}}, nil},
		{"a SOA of another class is dropped", false, response{ns: []string{strings.Replace(soa, "IN", "CH", 1), soa}}, []string{shortSOA}},
		{"the SOA is the last name's", false, response{
			rcode:  dns.RcodeNameError,
			answer: []string{"a.test. 60 IN CNAME b.example."},
			ns:     []string{soa, "example. 60 IN SOA ns.test. mail.test. 1 2 3 4 5"},
		}, []string{"example. 60 SOA ns.test. mail.test. 1 2 3 4 5"}},
		{"NS and addresses are dropped", false, response{ns: []string{"test. 60 IN NS ns.test.", "ns.test. 60 IN A 192.0.2.66", soa}}, []string{shortSOA}},
		{"without DO no proof", false, response{ns: []string{soa, sig("test.", "SOA", "test."), "a.test. 60 IN NSEC b.test. MX", sig("a.test.", "NSEC", "test.")}}, []string{shortSOA}},
		{"with DO the proof", true, response{ns: []string{"a.test. 60 IN NSEC b.test. MX", sig("a.test.", "NSEC", "test."), sig("test.", "SOA", "test."), soa}},
			[]string{shortSOA, "test. 60 RRSIG SOA 13 2 60 20300101000000 20200101000000 1 test. AAAA",
				"a.test. 60 NSEC b.test. MX", "a.test. 60 RRSIG NSEC 13 2 60 20300101000000 20200101000000 1 test. AAAA"}},
		{"a referral of a zone's own server is NODATA", false, response{aa: true, ns: []string{"test. 60 IN NS ns.test."}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, "a.test")
			q.DO = tt.do
			got, err := scrub(q, tt.in.msg(t))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(short(got.Authority), tt.want) {
				t.Errorf("got %q, want %q", short(got.Authority), tt.want)
			}
		})
	}
}

func TestScrub_refuses(t *testing.T) {
	var manyProofs []string
	for i := range maxProofs + 1 {
		manyProofs = append(manyProofs, fmt.Sprintf("n%d.test. 60 IN NSEC z.test. A", i))
	}
	tests := []struct {
		name  string
		qname string
		in    response
		want  Failure
	}{
		{"a loop of one", "a.test", response{answer: []string{"a.test. 60 IN CNAME A.test."}},
			Failure{Cause: "the chain of CNAMEs comes back to a.test."}},
		{"a loop of two", "a.test", response{answer: []string{"a.test. 60 IN CNAME b.test.", "b.test. 60 IN CNAME a.test."}},
			Failure{Cause: "the chain of CNAMEs comes back to a.test."}},
		{"twelve links", "n0.test", response{answer: chainOf(12)}, Failure{Cause: "a chain of more than 11 CNAMEs"}},
		{"a hundred links", "n0.test", response{answer: chainOf(100)}, Failure{Cause: "a chain of more than 11 CNAMEs"}},
		{"a DNAME into itself", "x.a.test", response{answer: []string{"a.test. 60 IN DNAME b.a.test."}},
			Failure{Cause: "a chain of more than 11 CNAMEs"}},
		{"257 records", "www.test", response{answer: addresses(maxRecords + 1)}, Failure{Cause: "more than 256 records in one RRset"}},
		{"two CNAMEs", "a.test", response{answer: []string{"a.test. 60 IN CNAME b.test.", "a.test. 60 IN CNAME c.test."}},
			Failure{Cause: "several CNAME records at a.test."}},
		{"two DNAMEs", "x.a.test", response{answer: []string{"a.test. 60 IN DNAME b.test.", "a.test. 60 IN DNAME c.test."}},
			Failure{Cause: "several DNAME records at a.test."}},
		{"a CNAME against its DNAME", "x.a.test", response{answer: []string{"a.test. 60 IN DNAME b.test.", "x.a.test. 60 IN CNAME x.victim.test."}},
			Failure{Cause: "the CNAME at x.a.test. does not follow from the DNAME above it"}},
		{"a DNAME that makes a name too long", strings.Repeat("a.", 100) + "old.test", response{answer: []string{"old.test. 60 IN DNAME " + strings.Repeat("b.", 60)}},
			Failure{Cause: "the DNAME at old.test. makes a name that is too long"}},
		{"NXDOMAIN with the name's records", "www.test", response{rcode: dns.RcodeNameError, answer: addresses(1)},
			Failure{Cause: "NXDOMAIN with records at the name"}},
		{"too many proofs", "www.test", response{ns: append(manyProofs, soa)}, Failure{Cause: "more than 64 NSEC and NSEC3 RRsets"}},
		{"an upward referral", "www.test", response{ns: []string{". 60 IN NS ns.test."}},
			Failure{EDE: 22, Cause: "a referral: the server does not recurse"}},
		{"REFUSED", "www.test", response{rcode: dns.RcodeRefused}, Failure{EDE: 22, Cause: "REFUSED"}},
		{"an RCODE nobody knows", "www.test", response{rcode: 13}, Failure{EDE: 22, Cause: "unknown RCODE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, tt.qname)
			q.DO = true
			got, err := scrub(q, tt.in.msg(t))
			failure, ok := err.(*Failure)
			if !ok {
				t.Fatalf("got %v, error %v, want a *Failure", short(got.Records), err)
			}
			if failure.EDE != tt.want.EDE || failure.Cause != tt.want.Cause {
				t.Errorf("got EDE %d, %q; want EDE %d, %q", failure.EDE, failure.Cause, tt.want.EDE, tt.want.Cause)
			}
		})
	}
}

func TestScrub_strayRRSIGIsNoData(t *testing.T) {
	q := ask(t, "www.test")
	q.DO = true
	got, err := scrub(q, response{answer: []string{sig("www.test.", "A", "test."), sig("www.test.", "CNAME", "test.")}, ns: []string{soa}}.msg(t))
	if err != nil || len(got.Records) != 0 || len(got.Authority) != 1 {
		t.Errorf("got %v, %v, error %v; want NODATA with its SOA", got.Records, got.Authority, err)
	}
}

func TestScrub_extendedErrorsAreBounded(t *testing.T) {
	m := response{answer: addresses(1)}.msg(t)
	m.SetEdns0(1232, false)
	for range 10 {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: 3, ExtraText: "x" + strings.Repeat("ü", 150)})
	}
	got, err := scrub(ask(t, "www.test"), m)
	if err != nil {
		t.Fatal(err)
	}
	want := dns.EDNS0_EDE{InfoCode: 3, ExtraText: "x" + strings.Repeat("ü", 99)} // 200 octets would split a letter
	if len(got.EDE) != maxEDE || got.EDE[0] != want {
		t.Errorf("got %d extended errors, the first %v; want %d, %v", len(got.EDE), got.EDE[0], maxEDE, want)
	}
}
