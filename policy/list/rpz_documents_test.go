package list

import (
	"regexp"
	"strings"
	"testing"
)

// The documents that say what a response policy zone is.
const (
	draft   = "draft-vixie-dnsop-dns-rpz-00 section "
	arm     = "BIND 9.18 ARM, Response Policy Zone (RPZ) Rewriting"
	unbound = "unbound.conf(5) 1.17, Response Policy Zone Options"
	master  = "RFC 1035 section 5.1"
)

// lineNumber is that of an entry that spell spelt out, with what stands before.
var lineNumber = regexp.MustCompile(`^(\D*)\d+ `)

// TestRPZ_everyFormOfTheDocumentsIsReadOrRefused: what an order has no words for
// is a problem on its line, never passed over.
func TestRPZ_everyFormOfTheDocumentsIsReadOrRefused(t *testing.T) {
	const (
		soa       = "$ORIGIN rpz.test.\n@ SOA localhost. nobody.invalid. 1 3600 900 604800 60\n"
		local     = "has local data other than addresses"
		elsewhere = "leads to another name"
		noPrefix  = "is no prefix length with an address backwards"
	)
	for _, tt := range []struct {
		where, zone, action string
		want                string // entries without their lines; empty: refused
		problem             string // a part of each
	}{
		// Actions.
		{draft + "3.1", "bad.example CNAME .\n*.bad.example CNAME .", "nxdomain", "subtree bad.example", ""},
		{draft + "3.2", "bad.example CNAME *.\n*.bad.example CNAME *.", "nodata", "subtree bad.example", ""},
		{draft + "3.3", "ok.bad.example CNAME rpz-passthru.\nbad.example CNAME .", "nxdomain", "exact bad.example, except exact ok.bad.example", ""},
		{draft + "3.3", "32.1.2.0.192.rpz-client-ip CNAME rpz-passthru.", "nxdomain", "", "is about clients"},
		{draft + "3.4", "bad.example CNAME rpz-drop.", "drop", "exact bad.example", ""},
		{draft + "3.5", "bad.example CNAME rpz-tcp-only.", "nxdomain", "", "asks for a truncated answer"},
		{draft + "3.6", "bad.example CNAME garden.example.", "notice", "", elsewhere},
		{draft + "3.6", "bad.example A garden.example.", "notice", "", "has no address"},
		{draft + "3.6", "bad.example MX 10 garden.example.", "notice", "", local},
		{draft + "3.6", "bad.example CNAME *.garden.example.", "notice", "", elsewhere},
		{draft + "3.6", "bad.example CNAME x.rpz-new.", "nxdomain", "", elsewhere},
		{draft + "3.6", "bad.example NS localhost.", "nxdomain", "", local},
		{draft + "3.6", "bad.example DNAME garden.example.", "nxdomain", "", local},
		{draft + "10", "ok.example CNAME ok.example.\nbad.example CNAME .", "nxdomain", "exact bad.example, except exact ok.example", ""},
		{draft + "10", "*.ok.example CNAME *.ok.example.\nbad.example CNAME .", "nxdomain", "", elsewhere},
		{arm, "bad.example A 192.0.2.1\n\tAAAA 2001:db8::1", "notice", "exact bad.example, exact bad.example", ""},
		{arm, "BAD.Example CNAME .", "nxdomain", "exact bad.example", ""},
		{arm, "bad.example CNAME rpz-drop", "drop", "", elsewhere}, // relative: rpz-drop.rpz.test.
		{unbound, "bad.example TXT \"blocked\"", "notice", "", local},
		// Triggers.
		{draft + "4.1", "24.0.2.0.192.rpz-client-ip CNAME rpz-drop.", "drop", "", "is about clients"},
		{draft + "4.1.1", "24.0.2.0.192.rpz-ip CNAME .", "nxdomain", "address 192.0.2.0/24", ""},
		{draft + "4.1.1", "128.3.zz.db8.2001.rpz-ip CNAME .", "nxdomain", "address 2001:db8::3/128", ""},
		{draft + "4.1.1", "128.8.7.6.5.4.3.db8.2001.rpz-ip CNAME .", "nxdomain", "address 2001:db8:3:4:5:6:7:8/128", ""},
		{draft + "4.1.1", "8.2.0.0.10.rpz-ip CNAME .", "nxdomain", "", noPrefix},
		{draft + "4.1.1", "24.0.2.000.192.rpz-ip CNAME .", "nxdomain", "", noPrefix},
		{draft + "4.1.1", "24.0.2.192.rpz-ip CNAME .", "nxdomain", "", noPrefix},
		{draft + "4.2", "bad.example CNAME .", "nxdomain", "exact bad.example", ""},
		{draft + "4.2", "*.bad.example CNAME .", "nxdomain", "below bad.example", ""},
		{draft + "4.3", "24.0.2.0.192.rpz-ip CNAME .\n32.2.2.0.192.rpz-ip CNAME rpz-passthru.", "nxdomain", "", "excepts more than names"},
		{draft + "4.3", "48.zz.101.db8.2001.rpz-ip CNAME *.", "nodata", "address 2001:db8:101::/48", ""},
		{draft + "4.4", "ns.bad.example.rpz-nsdname CNAME .", "nxdomain", "nameserver exact ns.bad.example", ""},
		{draft + "4.4", "*.ns.bad.example.rpz-nsdname CNAME .", "nxdomain", "nameserver below ns.bad.example", ""},
		{draft + "4.5", "24.0.2.0.192.rpz-nsip CNAME .", "nxdomain", "nameserver address 192.0.2.0/24", ""},
		{draft + "10", "bad.example.rpz-new CNAME .", "nxdomain", "", "is a trigger that is not known"},
		{arm, "48.zz.2.2001.rpz-nsip CNAME .", "nxdomain", "nameserver address 2001:2::/48", ""},
		{arm, "8.0.0.0.127.rpz-ip CNAME .", "nxdomain", "address 127.0.0.0/8", ""}, // the guard refuses it
		{unbound, "24.10.100.51.198.rpz-ip CNAME .", "nxdomain", "", noPrefix},     // bits beyond the length
		{unbound, "32.10.zz.db8.2001.rpz-ip CNAME .", "nxdomain", "", noPrefix},
		// The zone and its file.
		{draft + "2", "@ NS LOCALHOST.\nbad.example CNAME .", "nxdomain", "exact bad.example", ""},
		{draft + "2", "@ TXT \"a \\\"policy (of the court)\" ; zone\nbad.example CNAME .", "nxdomain", "exact bad.example", ""},
		{draft + "2", "bad.example CNAME .\nbad.example RRSIG CNAME 8 2 60 (\n 20270101000000 20260101000000 1 rpz.test. AA== )", "nxdomain", "exact bad.example", ""},
		{master, "bad.example.rpz.test. CNAME .", "nxdomain", "exact bad.example", ""},
		{master, "bad.example. CNAME .", "nxdomain", "", "is not below the name of the zone"},
		{master, "$ORIGIN example\nbad CNAME .", "nxdomain", "exact bad.example", ""},
		{master, "$TTL 2h;\nbad.example 1h30m IN CNAME . ; comment", "nxdomain", "exact bad.example", ""},
		{master, "bad.example IN 60 CNAME (\n . )", "nxdomain", "exact bad.example", ""},
		{master, "bad.example CNAME (\n .", "nxdomain", "", "parenthesis that has no other half"},
		{master, "bad.example CH CNAME .", "nxdomain", "", local},
		{master, "b\\097d.example CNAME .", "nxdomain", "", "has an escape"},
		{master, "bad\\.example.test CNAME .", "nxdomain", "", "has an escape"},
		{master, "bad\\;.example CNAME .", "nxdomain", "", "has an escape"},
		{master, "$INCLUDE other.zone", "nxdomain", "", "is a directive that is not read"},
		{"BIND's " + master, "$GENERATE 1-9 a$.example CNAME .", "nxdomain", "", "is a directive that is not read"},
	} {
		t.Run(tt.where+": "+tt.zone, func(t *testing.T) {
			entries, problems := readWith(soa+tt.zone+"\n", Options{Format: RPZ, Action: tt.action})
			if tt.problem != "" {
				if len(problems) == 0 || !strings.Contains(problems[0], tt.problem) || strings.Contains(problems[0], "note: ") {
					t.Errorf("got %q and problems %q, want a refusal with %q", entries, problems, tt.problem)
				}
				return
			}
			equal(t, problems, nil)
			for i, e := range entries {
				entries[i] = lineNumber.ReplaceAllString(e, "$1")
			}
			equal(t, entries, strings.Split(tt.want, ", "))
		})
	}
}
