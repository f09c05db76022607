package e2e

import (
	"fmt"
	"net"
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
		start  func(*testing.T, *daemon, string) *daemon
		differ map[string]string
	}{
		{"unbound", rpzUnbound, unboundDiffers},
		{"bind", rpzBIND, passthruDiffers},
		{"powerdns", rpzPowerDNS, passthruDiffers},
		{"knot", rpzKnot, knotDiffers},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := c.start(t, authority, zone)
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

// rpzUnbound starts an Unbound that enforces the zone.
func rpzUnbound(t *testing.T, authority *daemon, zone string) *daemon {
	t.Helper()
	path, port := program(t, "unbound"), freePort(t)
	conf := write(t, map[string]string{"unbound.conf": fmt.Sprintf(`server:
	interface: 127.0.0.1
	port: %s
	username: ""
	chroot: ""
	directory: "/"
	pidfile: ""
	use-syslog: no
	num-threads: 1
	do-not-query-localhost: no
	module-config: "respip iterator"
	local-zone: test. nodefault
stub-zone:
	name: test.
	stub-addr: %s
rpz:
	name: rpz.bailiff.test
	zonefile: %q
`, port, strings.Replace(authority.address, ":", "@", 1), zone)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-d", "-p", "-c", filepath.Join(conf, "unbound.conf"))
}

// rpzBIND starts a BIND that enforces the zone.
func rpzBIND(t *testing.T, authority *daemon, zone string) *daemon {
	t.Helper()
	path, port := program(t, "named"), freePort(t)
	_, upstream, _ := net.SplitHostPort(authority.address)
	folder := write(t, nil)
	conf := write(t, map[string]string{"named.conf": fmt.Sprintf(`options {
	directory %q;
	listen-on port %s { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	dnssec-validation no;
	qname-minimization off;
	response-policy { zone "rpz.bailiff.test"; } qname-wait-recurse no;
};
controls { };
zone "test" { type forward; forward only; forwarders { 127.0.0.1 port %s; }; };
zone "rpz.bailiff.test" { type primary; file %q; allow-query { none; }; };
`, folder, port, upstream, zone)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-g", "-c", filepath.Join(conf, "named.conf"))
}

// rpzPowerDNS starts a PowerDNS Recursor that enforces the zone.
func rpzPowerDNS(t *testing.T, authority *daemon, zone string) *daemon {
	t.Helper()
	path, port, folder := program(t, "pdns_recursor"), freePort(t), write(t, nil)
	conf := write(t, map[string]string{
		"rpz.lua": fmt.Sprintf("rpzFile(%q, {policyName=\"bailiff\"})\n", zone),
	})
	overwrite(t, filepath.Join(conf, "recursor.conf"), fmt.Sprintf(`daemon=no
config-dir=%[1]s
socket-dir=%[2]s
local-address=127.0.0.1
local-port=%[3]s
dont-query=
security-poll-suffix=
dnssec=off
threads=1
forward-zones=test=%[4]s
lua-config-file=%[1]s/rpz.lua
`, conf, folder, port, authority.address))
	return start(t, "127.0.0.1:"+port, "test.", path, "--config-dir="+conf)
}

// rpzKnot starts a Knot Resolver that enforces the zone. There a passthru ends
// the rules, the one that asks our authority included, so it is put in its
// place.
func rpzKnot(t *testing.T, authority *daemon, zone string) *daemon {
	t.Helper()
	path, port, folder := program(t, "kresd"), freePort(t), write(t, nil)
	conf := write(t, map[string]string{"kresd.conf": fmt.Sprintf(`net.listen('127.0.0.1', %s, { kind = 'dns' })
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('priming')
cache.size = 10 * MB
local ask = policy.STUB({'%s'})
local orders = policy.rpz(policy.DENY, '%s', false)
policy.add(function (request, query)
	local action = orders(request, query)
	if action == policy.PASS then return ask end
	return action
end)
policy.add(policy.suffix(ask, {todname('test.')}))
`, port, strings.Replace(authority.address, ":", "@", 1), zone)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-n", "-c", filepath.Join(conf, "kresd.conf"), folder)
}
