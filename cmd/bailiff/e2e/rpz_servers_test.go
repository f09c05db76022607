package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// source is where a resolver finds the truth: at the authority of test., or
// from a root of our own.
type source struct {
	authority string
	hints     string // file; if it is given, authority is not used
}

// delegating starts the root and test. on one address, and two zones that
// test. delegates on others: resolvers see name servers only where they are
// led from one to the next. Delegations lead to port 53.
func delegating(t *testing.T) source {
	t.Helper()
	probe, err := net.ListenPacket("udp4", "127.9.9.53:53")
	if err != nil {
		t.Skipf("port 53 of 127.9.9.53 cannot be used: %v", err)
	}
	_ = probe.Close()
	const soa = "@ 300 SOA x. x. 1 3600 600 86400 60\n"
	nsdAt(t, "127.9.9.53", map[string]string{
		".": soa + "@ 300 NS root.test.\nroot.test. 300 A 127.9.9.53\ntest. 300 NS root.test.\n",
		"test.": soa + "@ 300 NS root\nroot 300 A 127.9.9.53\nfree 300 A 198.51.100.1\n" +
			"served 300 NS ns1.pirate\nns1.pirate 300 A 127.9.9.55\nhoused 300 NS ns.other\nns.other 300 A 127.9.9.54\n",
	})
	nsdAt(t, "127.9.9.54", map[string]string{"housed.test.": soa + "@ 300 NS ns.other.test.\nwww 300 A 198.51.100.2\n"})
	nsdAt(t, "127.9.9.55", map[string]string{"served.test.": soa + "@ 300 NS ns1.pirate.test.\nwww 300 A 198.51.100.3\n"})
	hints := write(t, map[string]string{"hints": ". 3600 NS root.test.\nroot.test. 3600 A 127.9.9.53\n"})
	return source{hints: filepath.Join(hints, "hints")}
}

// nsdAt serves zones on port 53 of an address.
func nsdAt(t *testing.T, address string, zones map[string]string) {
	t.Helper()
	path, folder := program(t, "nsd"), write(t, nil)
	conf := fmt.Sprintf(`server:
	ip-address: %[1]s
	server-count: 1
	username: ""
	chroot: ""
	database: ""
	zonesdir: %[2]q
	pidfile: "%[2]s/pid"
	xfrdfile: "%[2]s/xfrd"
	zonelistfile: "%[2]s/zones"
	cookie-secret-file: ""
remote-control:
	control-enable: no
`, address, folder)
	some := ""
	for name, text := range zones {
		some = name
		file := strings.Trim(name, ".") + ".zone"
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		conf += fmt.Sprintf("zone:\n\tname: %s\n\tzonefile: %q\n", name, file)
	}
	overwrite(t, filepath.Join(folder, "nsd.conf"), conf)
	start(t, address+":53", some, path, "-d", "-c", filepath.Join(folder, "nsd.conf"))
}

// rpzUnbound starts an Unbound that enforces the zone, if one is given.
func rpzUnbound(t *testing.T, from source, zone string) *daemon {
	t.Helper()
	path, port := program(t, "unbound"), freePort(t)
	modules, rest := "iterator", fmt.Sprintf("\troot-hints: %q\n", from.hints)
	if from.hints == "" {
		rest = fmt.Sprintf("stub-zone:\n\tname: test.\n\tstub-addr: %s\n", strings.Replace(from.authority, ":", "@", 1))
	}
	if zone != "" {
		modules = "respip iterator"
		rest += fmt.Sprintf("rpz:\n\tname: rpz.bailiff.test\n\tzonefile: %q\n", zone)
	}
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
	module-config: %q
	local-zone: test. nodefault
%s`, port, modules, rest)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-d", "-p", "-c", filepath.Join(conf, "unbound.conf"))
}

// rpzBIND starts a BIND that enforces the zone.
func rpzBIND(t *testing.T, from source, zone string) *daemon {
	t.Helper()
	path, port := program(t, "named"), freePort(t)
	truth := fmt.Sprintf(`zone "." { type hint; file %q; };`, from.hints)
	if from.hints == "" {
		address, authority, _ := net.SplitHostPort(from.authority)
		truth = fmt.Sprintf(`zone "test" { type forward; forward only; forwarders { %s port %s; }; };`, address, authority)
	}
	conf := write(t, map[string]string{"named.conf": fmt.Sprintf(`options {
	directory %q;
	listen-on port %s { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;
	session-keyfile none;
	dnssec-validation no;
	response-policy { zone "rpz.bailiff.test"; } qname-wait-recurse no;
};
controls { };
%s
zone "rpz.bailiff.test" { type primary; file %q; allow-query { none; }; };
`, write(t, nil), port, truth, zone)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-g", "-c", filepath.Join(conf, "named.conf"))
}

// rpzPowerDNS starts a PowerDNS Recursor that enforces the zone.
func rpzPowerDNS(t *testing.T, from source, zone string) *daemon {
	t.Helper()
	path, port := program(t, "pdns_recursor"), freePort(t)
	truth := "hint-file=" + from.hints
	if from.hints == "" {
		truth = "forward-zones=test=" + from.authority
	}
	conf := write(t, map[string]string{"rpz.lua": fmt.Sprintf("rpzFile(%q, {policyName=\"bailiff\"})\n", zone)})
	overwrite(t, filepath.Join(conf, "recursor.conf"), fmt.Sprintf(`daemon=no
config-dir=%[1]s
socket-dir=%[1]s
lua-config-file=%[1]s/rpz.lua
local-address=127.0.0.1
local-port=%[2]s
dont-query=
security-poll-suffix=
dnssec=off
threads=1
%[3]s
`, conf, port, truth))
	return start(t, "127.0.0.1:"+port, "test.", path, "--config-dir="+conf)
}

// rpzKnot starts a Knot Resolver that enforces the zone. There a passthru ends
// the rules, the one that asks the authority included, so that stands in for
// it.
func rpzKnot(t *testing.T, from source, zone string) *daemon {
	t.Helper()
	path, port := program(t, "kresd"), freePort(t)
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
`, port, strings.Replace(from.authority, ":", "@", 1), zone)})
	return start(t, "127.0.0.1:"+port, "test.", path, "-n", "-c", filepath.Join(conf, "kresd.conf"), write(t, nil))
}
