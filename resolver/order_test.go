package resolver

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

const everyAction = `
id: nx
authority: {kind: court, name: Court of Milan}
block: [nx.test]
---
id: nodata
authority: {kind: regulator, name: Regulator}
answer: {action: nodata, ttl: 30s}
block: [nodata.test]
---
id: notice
authority: {kind: court, name: Court of Paris}
answer: {action: notice, notice: {ipv4: [192.0.2.81]}}
block: [notice.test]
---
id: refuse
authority: {kind: police, name: Police}
publicity: hidden
answer: {action: refuse}
block: [refuse.test]
---
id: drop
authority: {kind: operator, name: Ourselves}
answer: {action: drop}
block: [drop.test]
---
id: own
authority: {kind: operator, name: Ourselves}
block: [own.test]
`

func TestRespond_ordersAnswerAsWritten(t *testing.T) {
	w := newWorld(t, everyAction)
	soa := func(owner, ttl string) []string {
		return []string{owner + "\t" + ttl + "\tIN\tSOA\t" + owner + " . 1 3600 600 86400 " + ttl}
	}
	cases := []struct {
		name, qname string
		qtype       uint16
		rcode       int
		aa          bool
		answer, ns  []string
		errors      []string
	}{
		{"nxdomain", "www.Nx.test", dns.TypeA, dns.RcodeNameError, true, nil, soa("Nx.test.", "60"), []string{"16 nx: Court of Milan"}},
		{"nxdomain for any type", "nx.test", dns.TypeTXT, dns.RcodeNameError, true, nil, soa("nx.test.", "60"), []string{"16 nx: Court of Milan"}},
		{"nodata", "nodata.test", dns.TypeA, dns.RcodeSuccess, true, nil, soa("nodata.test.", "30"), []string{"16 nodata: Regulator"}},
		{"notice", "a.notice.test", dns.TypeA, dns.RcodeSuccess, true, []string{"a.notice.test.\t60\tIN\tA\t192.0.2.81"}, nil,
			[]string{"4 notice: Court of Paris", "16 notice: Court of Paris"}},
		{"notice without an address of the family", "notice.test", dns.TypeAAAA, dns.RcodeSuccess, true, nil, soa("notice.test.", "60"), []string{"16 notice: Court of Paris"}},
		{"notice for HTTPS", "notice.test", dns.TypeHTTPS, dns.RcodeSuccess, true, nil, soa("notice.test.", "60"), []string{"16 notice: Court of Paris"}},
		{"notice for ANY", "notice.test", dns.TypeANY, dns.RcodeSuccess, true, []string{"notice.test.\t60\tIN\tA\t192.0.2.81"}, nil,
			[]string{"4 notice: Court of Paris", "16 notice: Court of Paris"}},
		{"refuse, hidden", "refuse.test", dns.TypeA, dns.RcodeRefused, false, nil, nil, []string{"16 police"}},
		{"operator's own", "own.test", dns.TypeA, dns.RcodeNameError, true, nil, soa("own.test.", "60"), []string{"15 own: Ourselves"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := question(c.qname, c.qtype)
			m.RecursionDesired = false // changes nothing about a verdict
			m.IsEdns0().SetDo()
			got := w.ask(t, m)
			if got.Rcode != c.rcode || got.Authoritative != c.aa || got.AuthenticatedData || !got.RecursionAvailable {
				t.Errorf("got %s aa=%v ad=%v ra=%v, want %s aa=%v ad=false ra=true", dns.RcodeToString[got.Rcode],
					got.Authoritative, got.AuthenticatedData, got.RecursionAvailable, dns.RcodeToString[c.rcode], c.aa)
			}
			if got.Question[0] != m.Question[0] {
				t.Errorf("got question %v, want it as it was spelt: %v", got.Question[0], m.Question[0])
			}
			if !slices.Equal(lines(got.Answer), c.answer) || !slices.Equal(lines(got.Ns), c.ns) {
				t.Errorf("got answer %q authority %q, want %q and %q", lines(got.Answer), lines(got.Ns), c.answer, c.ns)
			}
			if !slices.Equal(errorsOf(got), c.errors) {
				t.Errorf("got EDE %q, want %q", errorsOf(got), c.errors)
			}
		})
	}
	if got := w.ask(t, question("drop.test", dns.TypeA)); got != nil {
		t.Errorf("drop: got a reply %v, want none", got)
	}
	if n := w.asked.Load(); n != 0 {
		t.Errorf("upstream was asked %d times for names under order, want never", n)
	}
}

func TestRespond_noEDEWithoutOPT(t *testing.T) {
	w := newWorld(t, everyAction)
	m := new(dns.Msg)
	m.SetQuestion("nx.test.", dns.TypeA)
	if got := w.ask(t, m); got.IsEdns0() != nil {
		t.Errorf("got an OPT record in reply to a query without one (RFC 6891 section 6.1.1)")
	}
}

const chainOrders = `
id: chain
authority: Court
block: [blocked.test]
rules: [{except: free.blocked.test, match: exact, reason: third party}]
---
id: chain-notice
authority: Court
answer: {action: notice}
block: [noticed.test]
---
id: watch
authority: Court
mode: observe
block: [watched.test]
`

var chainZone = []string{
	"www.free.test. 300 IN CNAME mid.free.test.",
	"mid.free.test. 300 IN CNAME cdn.blocked.test.",
	"cdn.blocked.test. 300 IN A 198.51.100.1",
	"n.free.test. 300 IN CNAME a.noticed.test.",
	"a.noticed.test. 300 IN A 198.51.100.2",
	"w.free.test. 300 IN CNAME watched.test.",
	"watched.test. 300 IN A 198.51.100.3",
	"ok.free.test. 300 IN CNAME free.blocked.test.",
	"free.blocked.test. 300 IN A 198.51.100.4",
	"svc.free.test. 300 IN HTTPS 0 cdn.blocked.test.",
}

func TestRespond_ordersHoldForEveryTargetFreshAndCached(t *testing.T) {
	w := newWorld(t, chainOrders, chainZone...)
	soa := "\tIN\tSOA\tblocked.test. . 1 3600 600 86400 60"
	cases := []struct {
		name, qname string
		qtype       uint16
		rcode       int
		answer, ns  []string
	}{
		{"second CNAME", "www.free.test", dns.TypeA, dns.RcodeNameError,
			[]string{"www.free.test.\t300\tIN\tCNAME\tmid.free.test.", "mid.free.test.\t300\tIN\tCNAME\tcdn.blocked.test."},
			[]string{"blocked.test.\t60" + soa}},
		{"QTYPE CNAME", "mid.free.test", dns.TypeCNAME, dns.RcodeNameError,
			[]string{"mid.free.test.\t300\tIN\tCNAME\tcdn.blocked.test."}, []string{"blocked.test.\t60" + soa}},
		{"notice at the end", "n.free.test", dns.TypeA, dns.RcodeSuccess,
			[]string{"n.free.test.\t300\tIN\tCNAME\ta.noticed.test.", "a.noticed.test.\t60\tIN\tA\t192.0.2.80"}, nil},
		{"observed", "w.free.test", dns.TypeA, dns.RcodeSuccess,
			[]string{"w.free.test.\t300\tIN\tCNAME\twatched.test.", "watched.test.\t300\tIN\tA\t198.51.100.3"}, nil},
		{"excepted", "ok.free.test", dns.TypeA, dns.RcodeSuccess,
			[]string{"ok.free.test.\t300\tIN\tCNAME\tfree.blocked.test.", "free.blocked.test.\t300\tIN\tA\t198.51.100.4"}, nil},
		{"HTTPS alias", "svc.free.test", dns.TypeHTTPS, dns.RcodeSuccess, nil,
			[]string{"svc.free.test.\t60\tIN\tSOA\tsvc.free.test. . 1 3600 600 86400 60"}},
	}
	for _, c := range cases {
		for _, when := range []string{"fresh", "cached"} {
			t.Run(c.name+", "+when, func(t *testing.T) {
				asked := w.asked.Load()
				got := w.ask(t, question(c.qname, c.qtype))
				if got.Rcode != c.rcode || got.Authoritative {
					t.Errorf("got %s aa=%v, want %s and AA clear", dns.RcodeToString[got.Rcode], got.Authoritative, dns.RcodeToString[c.rcode])
				}
				if !slices.Equal(lines(got.Answer), c.answer) || !slices.Equal(lines(got.Ns), c.ns) {
					t.Errorf("got answer %q authority %q, want %q and %q", lines(got.Answer), lines(got.Ns), c.answer, c.ns)
				}
				if when == "cached" && w.asked.Load() != asked {
					t.Errorf("the upstream was asked again")
				}
			})
		}
	}
}

func TestRespond_anOrderReachesCachedTruthAndLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, "id: other\nauthority: Court\nblock: [other.test]\n", chainZone...)
	qnames := []string{"www.free.test", "cdn.blocked.test"}
	rcodes := func() (out []int) {
		for _, q := range qnames {
			out = append(out, w.ask(t, question(q, dns.TypeA)).Rcode)
		}
		return out
	}
	if got := rcodes(); !slices.Equal(got, []int{0, 0}) {
		t.Fatalf("before the order: got %v, want the truth", got)
	}
	asked := w.asked.Load()
	w.reload(t, chainOrders)
	if got := rcodes(); !slices.Equal(got, []int{3, 3}) {
		t.Errorf("under order: got %v, want NXDOMAIN at the first hit", got)
	}
	w.reload(t, "id: other\nauthority: Court\nblock: [other.test]\n")
	if got := rcodes(); !slices.Equal(got, []int{0, 0}) {
		t.Errorf("order lifted: got %v, want the truth at once", got)
	}
	if w.asked.Load() != asked {
		t.Errorf("the upstream was asked again: the truth was lost")
	}
}

func TestRespond_authorityRecordsOwnedByANameUnderOrderAreWithheld(t *testing.T) {
	w := newWorld(t, "id: apex\nauthority: Court\nrules: [{name: zone.test, match: exact}]\n",
		"zone.test. 300 IN SOA ns.zone.test. admin.zone.test. 1 3600 600 86400 60", "other.test. 300 IN SOA ns.other.test. admin.other.test. 1 3600 600 86400 60")
	for _, c := range []struct {
		qname string
		ns    int
	}{{"b.zone.test", 0}, {"b.other.test", 1}} {
		for _, when := range []string{"fresh", "cached"} {
			got := w.ask(t, question(c.qname, dns.TypeA))
			if got.Rcode != dns.RcodeNameError || len(got.Ns) != c.ns {
				t.Errorf("%s %s: got %s and %v, want NXDOMAIN and %d authority records", c.qname, when, dns.RcodeToString[got.Rcode], got.Ns, c.ns)
			}
		}
	}
}

func TestRespond_aDeadUpstreamUnblocksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, everyAction)
	w.down.Store(true)
	if got := w.ask(t, question("nx.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("under order: got %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
	got := w.ask(t, question("free.test", dns.TypeA))
	if got.Rcode != dns.RcodeServerFailure || len(errorsOf(got)) == 0 || !strings.HasPrefix(errorsOf(got)[0], "22 ") {
		t.Errorf("free: got %s %q, want SERVFAIL with EDE 22", dns.RcodeToString[got.Rcode], errorsOf(got))
	}
	asked := w.asked.Load()
	if got := w.ask(t, question("free.test", dns.TypeA)); got.Rcode != dns.RcodeServerFailure || w.asked.Load() != asked {
		t.Errorf("free, again: got %s after %d questions more, want the failure from the cache (RFC 9520)", dns.RcodeToString[got.Rcode], w.asked.Load()-asked)
	}
}
