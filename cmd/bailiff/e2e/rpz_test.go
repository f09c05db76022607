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
	"old DNAME nx", "renamed DNAME notice", "d1 CNAME d2", "d2 CNAME d3", "d3 CNAME d4", "d4 CNAME www.nx",
	"free HTTPS 1 . alpn=h2", "nx HTTPS 1 . alpn=h2", "notice HTTPS 1 . alpn=h2", "nodata HTTPS 1 . alpn=h2", "free MX 10 www.nx",
	"alias HTTPS 0 www.nx", "service HTTPS 1 www.nx alpn=h2", "hint HTTPS 1 . ipv4hint=198.51.100.66",
}

// rpzRows are asked of every server: by section of draft-vixie-dnsop-dns-rpz-00,
// with what bailiff answers.
var rpzRows = []struct{ section, question, want string }{
	{"3.1", "nx A", "NXDOMAIN"},
	{"3.1", "nx TXT", "NXDOMAIN"},
	{"3.1", "nx HTTPS", "NXDOMAIN"},
	{"3.1", "nx ANY", "NXDOMAIN"},
	{"3.1", "NX A", "NXDOMAIN"},
	{"3.1", "www.nx A", "NXDOMAIN"},
	{"3.1", "a.b.c.nx A", "NXDOMAIN"},
	{"3.2", "exact A", "NOERROR"},
	{"3.2", "exact TXT", "NOERROR"},
	{"3.2", "nodata A", "NOERROR"},
	{"3.2", "nodata HTTPS", "NOERROR"},
	{"3.2", "nodata ANY", "NOERROR"},
	{"3.2", "x.nodata A", "NOERROR"},
	{"3.3", "free.nx A", "NOERROR 198.51.100.3"},
	{"3.3", "www.free.nx A", "NOERROR 198.51.100.4"},
	{"3.3", "only.deep.nx A", "NOERROR 198.51.100.5"},
	{"3.4", "drop A", "no reply"},
	{"3.4", "x.drop A", "no reply"},
	{"3.6", "notice A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"3.6", "notice AAAA", "NOERROR 2001:db8::80"},
	{"3.6", "notice TXT", "NOERROR"},
	{"3.6", "notice HTTPS", "NOERROR"},
	{"3.6", "notice ANY", "NOERROR 192.0.2.80 192.0.2.81 2001:db8::80"},
	{"3.6", "www.notice A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"3.6", "notice4 A", "NOERROR 192.0.2.84"},
	{"3.6", "notice4 AAAA", "NOERROR"},
	{"4.2", "free A", "NOERROR 198.51.100.1"},
	{"4.2", "free AAAA", "NOERROR 2001:db8::1"},
	{"4.2", "free TXT", "NOERROR"},
	{"4.2", "free HTTPS", "NOERROR HTTPS ."},
	{"4.2", "free MX", "NOERROR www.nx.test."},
	{"4.2", "a.b.free A", "NOERROR 198.51.100.2"},
	{"4.2", "nothing A", "NXDOMAIN"},
	{"4.2", "nothing.b.free A", "NXDOMAIN"},
	{"4.2", "above A", "NOERROR 198.51.100.6"},
	{"4.2", "x.above A", "NXDOMAIN"},
	{"4.2", "x.exact A", "NOERROR 198.51.100.7"},
	{"4.3", "address A", "NXDOMAIN"},
	{"4.3", "address AAAA", "NOERROR 2001:db8::1"},
	{"4.3", "both A", "NXDOMAIN"},
	{"4.3", "six AAAA", "NXDOMAIN"},
	{"4.3", "nat64 AAAA", "NXDOMAIN"},
	{"4.3", "sixtofour AAAA", "NXDOMAIN"},
	{"4.3", "hint HTTPS", "NXDOMAIN"},
	{"5.1", "to-nx A", "NXDOMAIN"},
	{"5.1", "to-nx CNAME", "NXDOMAIN"},
	{"5.1", "to-notice A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.1", "to-notice AAAA", "NOERROR 2001:db8::80"},
	{"5.1", "to-free A", "NOERROR 198.51.100.1"},
	{"5.1", "to-excepted A", "NOERROR 198.51.100.3"},
	{"5.1", "to-address A", "NXDOMAIN"},
	{"5.1", "chain A", "NXDOMAIN"},
	{"5.1", "d1 A", "NXDOMAIN"},
	{"5.1", "x.old A", "NXDOMAIN"},
	{"5.1", "x.renamed A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.1", "alias HTTPS", "NOERROR"},
	{"5.1", "service HTTPS", "NOERROR"},
	{"5.1", "via.free.nx A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.3", "lifted.nx A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.3", "again.free.nx A", "NXDOMAIN"},
	{"5.3", "x.again.free.nx A", "NXDOMAIN"},
	{"5.3", "deep.nx A", "NXDOMAIN"},
	{"5.3", "x.only.deep.nx A", "NXDOMAIN"},
	{"5.3", "other.deep.nx A", "NXDOMAIN"},
	{"5.3", "deeper.nx A", "NOERROR"},
	{"5.3", "x.deeper.nx A", "NOERROR"},
	{"5.3", "deeper.nodata A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.3", "x.deeper.nodata A", "NOERROR 192.0.2.80 192.0.2.81"},
	{"5.4", "excused A", "NOERROR 198.51.100.66"},
}

// TestExport_realServersEnforceTheSame loads the exported zone into servers of
// other makes and asks them what bailiff is asked. What a server does otherwise
// stands here and in docs/rpz.md.
func TestExport_realServersEnforceTheSame(t *testing.T) {
	authority := nsd(t, rpzZone...)
	orders := write(t, map[string]string{"orders.yaml": rpzOrders})
	zone := exported(t, orders)
	for _, c := range []struct {
		name   string
		start  func(*testing.T, source, string) *daemon
		differ []map[string]string
	}{
		{"bailiff", func(t *testing.T, _ source, _ string) *daemon {
			return &daemon{address: bailiff(t, "--orders", orders, "--upstream", unbound(t, authority).address).address}
		}, nil},
		{"unbound", rpzUnbound, []map[string]string{rpzDiffers, unboundDiffers}},
		{"bind", rpzBIND, []map[string]string{rpzDiffers}},
		{"powerdns", rpzPowerDNS, []map[string]string{rpzDiffers}},
		{"knot", rpzKnot, []map[string]string{rpzDiffers, knotDiffers}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := c.start(t, source{authority: authority.address}, zone)
			awaitReply(t, server.address, "nx A", "NXDOMAIN")
			for _, row := range rpzRows {
				got, known := replyTo(t, server.address, row.question), false
				for _, differ := range c.differ { // a later version may be without the difference
					known = known || got == differ[row.question]
				}
				if got != row.want && !known {
					t.Errorf("section %s: %s: got %s, want %s", row.section, row.question, got, row.want)
				}
			}
		})
	}
}

// What other servers answer otherwise, and why.
var (
	// In every other make a passthru ends the rules for the whole response, the
	// CNAMEs' targets included (an exception of an order lifts that order only),
	// a CNAME that was asked for leads nowhere, and SVCB and HTTPS records are
	// looked at for their owner only.
	rpzDiffers = map[string]string{
		"via.free.nx A": "NOERROR 198.51.100.1", "to-nx CNAME": "NOERROR",
		"alias HTTPS": "NOERROR HTTPS www.nx.test.", "service HTTPS": "NOERROR HTTPS www.nx.test.", "hint HTTPS": "NOERROR HTTPS .",
	}

	// Unbound 1.17 does not look at what a CNAME from its cache leads to, has no
	// addresses for what a DNAME leads to, and none for ANY.
	unboundDiffers = map[string]string{
		"to-notice AAAA": "NOERROR", "chain A": "NOERROR 198.51.100.1", "d1 A": "NOERROR 198.51.100.1",
		"x.renamed A": "NOERROR", "notice ANY": "NOERROR",
	}

	// Knot Resolver 5 knows triggers on QNAME only, answers SERVFAIL for drop and
	// ANY, and does not look at what CNAMEs and DNAMEs lead to.
	knotDiffers = map[string]string{
		"drop A": "SERVFAIL", "x.drop A": "SERVFAIL", "nx ANY": "SERVFAIL", "nodata ANY": "SERVFAIL", "notice ANY": "SERVFAIL",
		"address A": "NOERROR 198.51.100.66", "both A": "NOERROR 198.51.100.1 198.51.100.66", "six AAAA": "NOERROR 2001:db8:66::1",
		"nat64 AAAA": "NOERROR 64:ff9b::c633:6442", "sixtofour AAAA": "NOERROR 2002:c633:6442::1",
		"to-nx A": "NOERROR 198.51.100.1", "to-notice A": "NOERROR 198.51.100.1", "to-notice AAAA": "NOERROR",
		"to-address A": "NOERROR 198.51.100.66", "chain A": "NOERROR 198.51.100.1", "d1 A": "NOERROR 198.51.100.1", "x.renamed A": "NXDOMAIN",
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
		awaitReply(t, server.address, "www.served A", "NXDOMAIN")
		for question, want := range want {
			if got := replyTo(t, server.address, question); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, question, got, want)
			}
		}
	}
}

// awaitReply waits until a server answers so: BIND answers before it has loaded
// its policy zone.
func awaitReply(t *testing.T, address, question, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = replyTo(t, address, question); got == want {
			return
		}
	}
	t.Fatalf("%s: got %s for 10 seconds, want %s", question, got, want)
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
		case *dns.MX:
			data = append(data, rr.Mx)
		case *dns.HTTPS:
			data = append(data, "HTTPS "+rr.Target)
		}
	}
	slices.Sort(data)
	return strings.Join(append([]string{dns.RcodeToString[reply.Rcode]}, data...), " ")
}
