package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// rpzOrders use everything that a response policy zone has words for.
const rpzOrders = `
id: nx
authority: Court
block: [nx.test]
rules:
  - {except: free.nx.test, reason: third party}
  - {except: lifted.nx.test, reason: not of this order}
  - {except: only.deep.nx.test, match: exact, reason: third party}
  - {name: again.free.nx.test}
  - {name: above.test, match: below}
---
id: nodata
authority: Court
answer: {action: nodata}
rules:
  - {name: exact.test, match: exact}
  - {name: nodata.test}
  - {name: deeper.nx.test}
---
id: notice
authority: Court
answer: {action: notice, ttl: 30s, notice: {ipv4: [192.0.2.80, 192.0.2.81], ipv6: ["2001:db8::80"]}}
block: [notice.test, lifted.nx.test, deeper.nodata.test]
---
id: notice4
authority: Court
answer: {action: notice, notice: {ipv4: [192.0.2.84]}}
block: [notice4.test]
---
id: drop
authority: Court
answer: {action: drop}
block: [drop.test]
---
id: address
authority: Court
rules:
  - {address: 198.51.100.66}
  - {address: "2001:db8:66::/48"}
  - {except: excused.test, reason: third party}
`

// rpzZone is the truth.
var rpzZone = []string{
	"free A 198.51.100.1", "free AAAA 2001:db8::1", "a.b.free A 198.51.100.2",
	"nx A 198.51.100.1", "www.nx A 198.51.100.1", "free.nx A 198.51.100.3", "www.free.nx A 198.51.100.4", "again.free.nx A 198.51.100.1",
	"lifted.nx A 198.51.100.1",
	"only.deep.nx A 198.51.100.5", "x.only.deep.nx A 198.51.100.1", "deep.nx A 198.51.100.1", "deeper.nx A 198.51.100.1", "x.deeper.nx A 198.51.100.1",
	"above A 198.51.100.6", "x.above A 198.51.100.1",
	"exact A 198.51.100.1", "exact TXT truth", "x.exact A 198.51.100.7",
	"nodata A 198.51.100.1", "x.nodata A 198.51.100.1", "deeper.nodata A 198.51.100.1", "x.deeper.nodata A 198.51.100.1",
	"notice A 198.51.100.1", "notice TXT truth", "www.notice A 198.51.100.1", "notice4 A 198.51.100.1", "notice4 AAAA 2001:db8::1",
	"drop A 198.51.100.1", "x.drop A 198.51.100.1",
	"address A 198.51.100.66", "address AAAA 2001:db8::1", "both A 198.51.100.66", "both A 198.51.100.1", "six AAAA 2001:db8:66::1",
	"nat64 AAAA 64:ff9b::198.51.100.66", "sixtofour AAAA 2002:c633:6442::1", "excused A 198.51.100.66",
	"to-nx CNAME www.nx", "to-notice CNAME notice", "to-free CNAME free", "to-excepted CNAME free.nx", "to-address CNAME address", "chain CNAME to-nx",
	"via.free.nx CNAME www.notice",
}

// rpzQuestions are asked of every server.
var rpzQuestions = []string{
	"free A", "free AAAA", "free TXT", "a.b.free A", "nothing A", "nothing.b.free A",
	"nx A", "nx TXT", "NX A", "www.nx A", "a.b.c.nx A", "free.nx A", "www.free.nx A", "lifted.nx A", "again.free.nx A", "x.again.free.nx A",
	"deep.nx A", "only.deep.nx A", "x.only.deep.nx A", "other.deep.nx A", "deeper.nx A", "x.deeper.nx A",
	"above A", "x.above A", "exact A", "exact TXT", "x.exact A", "nodata A", "x.nodata A", "deeper.nodata A", "x.deeper.nodata A",
	"notice A", "notice AAAA", "notice TXT", "www.notice A", "notice4 A", "notice4 AAAA", "drop A", "x.drop A",
	"address A", "address AAAA", "both A", "six AAAA", "nat64 AAAA", "sixtofour AAAA", "excused A",
	"to-nx A", "to-notice A", "to-notice AAAA", "to-free A", "to-excepted A", "to-address A", "chain A", "via.free.nx A",
}

// TestExport_realServersEnforceTheSame loads the exported zone into servers of
// other makes and compares what they answer with what bailiff answers. What a
// server does otherwise stands here and in docs/rpz.md.
func TestExport_realServersEnforceTheSame(t *testing.T) {
	authority := nsd(t, rpzZone...)
	orders := write(t, map[string]string{"orders.yaml": rpzOrders})
	zone := exported(t, orders)
	s := bailiff(t, "--orders", orders, "--upstream", unbound(t, authority).address)
	want := map[string]string{}
	for _, question := range rpzQuestions {
		want[question] = replyTo(t, s.address, question)
	}
	for _, c := range []struct {
		name   string
		start  func(*testing.T, source, string) *daemon
		differ map[string]string
	}{
		{"unbound", rpzUnbound, unboundDiffers},
		{"bind", rpzBIND, passthruDiffers},
		{"powerdns", rpzPowerDNS, passthruDiffers},
		{"knot", rpzKnot, knotDiffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := c.start(t, source{authority: authority.address}, zone)
			for _, question := range rpzQuestions {
				got, other := replyTo(t, server.address, question), c.differ[question]
				if got != want[question] && got != other { // a later version may be without the difference
					t.Errorf("%s: got %s, want %s", question, got, want[question])
				}
			}
		})
	}
}

// What other servers answer otherwise, and why.
var (
	// A passthru ends the rules for the whole response, the CNAMEs' targets
	// included; an exception of an order lifts that order only.
	passthruDiffers = map[string]string{"via.free.nx A": "NOERROR 198.51.100.1"}

	// Unbound 1.17 does not look at what a CNAME from its cache leads to.
	unboundDiffers = map[string]string{
		"via.free.nx A":  "NOERROR 198.51.100.1",
		"to-notice AAAA": "NOERROR",
		"chain A":        "NOERROR 198.51.100.1",
	}

	// Knot Resolver 5 knows triggers on QNAME only, answers SERVFAIL for drop,
	// and does not look at what CNAMEs lead to.
	knotDiffers = map[string]string{
		"via.free.nx A": "NOERROR 198.51.100.1",
		"drop A":        "SERVFAIL", "x.drop A": "SERVFAIL",
		"address A": "NOERROR 198.51.100.66", "both A": "NOERROR 198.51.100.1 198.51.100.66", "six AAAA": "NOERROR 2001:db8:66::1",
		"nat64 AAAA": "NOERROR 64:ff9b::c633:6442", "sixtofour AAAA": "NOERROR 2002:c633:6442::1",
		"to-nx A": "NOERROR 198.51.100.1", "to-notice A": "NOERROR 198.51.100.1", "to-notice AAAA": "NOERROR",
		"to-address A": "NOERROR 198.51.100.66", "chain A": "NOERROR 198.51.100.1",
	}
)

// TestExport_realServersKnowNameServers does the same for rules on name
// servers, with servers that follow delegations from a root of our own.
func TestExport_realServersKnowNameServers(t *testing.T) {
	const orders = `
id: servers
authority: Court
rules: [{nameserver: pirate.test}, {nameserver_address: 127.9.9.54}]
overrides: [{guard: prefix, prefix: 127.9.9.54/32, approved_by: Test, reason: servers of this test}]
`
	from := delegating(t)
	folder := write(t, map[string]string{"orders.yaml": orders})
	zone := exported(t, folder)
	s := bailiff(t, "--orders", folder, "--upstream", rpzUnbound(t, from, "").address)
	want := map[string]string{"free A": "NOERROR 198.51.100.1", "www.served A": "NXDOMAIN", "www.housed A": "NXDOMAIN"}
	servers := map[string]*daemon{
		"bailiff": {address: s.address}, "unbound": rpzUnbound(t, from, zone), "bind": rpzBIND(t, from, zone), "powerdns": rpzPowerDNS(t, from, zone),
	}
	for name, server := range servers {
		for question, want := range want {
			if got := replyTo(t, server.address, question); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, question, got, want)
			}
		}
	}
}

// exported is the path of the orders' zone.
func exported(t *testing.T, orders string) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	zone := filepath.Join(write(t, nil), "rpz.zone")
	if out, err := exec.Command(path, "export", "rpz", orders, "--out", zone).CombinedOutput(); err != nil {
		t.Fatalf("export: %v\n%s", err, out)
	}
	return zone
}

// replyTo is what a server answers: the RCODE and the addresses, sorted.
func replyTo(t *testing.T, address, question string) string {
	t.Helper()
	qname, qtype, _ := strings.Cut(question, " ")
	m := new(dns.Msg).SetQuestion(qname+".test.", dns.StringToType[qtype])
	patience := 5 * time.Second
	if strings.Contains(qname, "drop") {
		patience = 300 * time.Millisecond
	}
	reply, _, err := (&dns.Client{Timeout: patience}).Exchange(m, address)
	if err != nil {
		return "no reply"
	}
	var data []string
	for _, rr := range reply.Answer {
		switch rr := rr.(type) {
		case *dns.A:
			data = append(data, rr.A.String())
		case *dns.AAAA:
			data = append(data, rr.AAAA.String())
		case *dns.TXT:
			data = append(data, rr.Txt...)
		}
	}
	slices.Sort(data)
	return strings.Join(append([]string{dns.RcodeToString[reply.Rcode]}, data...), " ")
}
