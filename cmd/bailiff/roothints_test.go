package main

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

func TestBuiltInHints_areThirteenServersWithBothFamilies(t *testing.T) {
	hints := builtInHints()
	if len(hints) != 13 || hints[0].Name != "a.root-servers.net." || hints[12].Name != "m.root-servers.net." {
		t.Fatalf("got %v, want a to m", hints)
	}
	for _, h := range hints {
		if len(h.Addresses) != 2 || !h.Addresses[0].Is4() || !h.Addresses[1].Is6() {
			t.Errorf("%s: got addresses %v, want one of each family", h.Name, h.Addresses)
		}
	}
	// The address since November 2023.
	if want := netip.MustParseAddr("170.247.170.2"); hints[1].Addresses[0] != want {
		t.Errorf("b.root-servers.net.: got %v, want %v", hints[1].Addresses[0], want)
	}
}

func TestReadHints_takesTheRootsServersAndTheirAddresses(t *testing.T) {
	path := written(t, `; comment
$ORIGIN example.
@ IN NS ns.example.   ; not the root's
.	3600000	NS	NS1
.	NS	(
	ns2.test. )
NS1	A	192.0.2.1
	AAAA	2001:db8::1
	A	192.0.2.2
Ns2.test. 60 IN AAAA 2001:db8::2
other.test. A 192.0.2.3
`)
	var problems problem.List
	got := fmt.Sprint(readHints(path, &problems))
	const want = "[{ns1.example. [192.0.2.1 2001:db8::1 192.0.2.2]} {ns2.test. [2001:db8::2]}]"
	if got != want || text(&problems) != "" {
		t.Errorf("got  %s, problems %q\nwant %s", got, text(&problems), want)
	}
}

func TestReadHints_saysWhatIsWrongWithAFile(t *testing.T) {
	const take = "; take the file that IANA publishes (named.root)\n"
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", ": names no server of the root (no NS record of .)" + take},
		{"another zone's", "example. NS ns.example.\n", ": names no server of the root (no NS record of .)" + take},
		{"no addresses", ". NS a.test.\n\n. NS b.test.\na.test. A 192.0.2.1\n. NS c.test.",
			":3: b.test.: has no address here; add its A or AAAA record, or remove its NS record\n" +
				"PATH:5: c.test.: has no address here; add its A or AAAA record, or remove its NS record\n"},
		{"what is no record", "; a\nhello world\n. NS a.test.\n", ":2: \"hello world\": is no record (not a TTL: \"world\"); write owner name, TTL, class, type and data\n"},
		{"too many servers", strings.Repeat(". NS a.test.\n", maxHints+1), ": names more than 64 servers of the root" + take},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := written(t, tt.in)
			var problems problem.List
			readHints(path, &problems)
			if got := text(&problems); got != path+strings.ReplaceAll(tt.want, "PATH", path) {
				t.Errorf("got  %q\nwant %q", got, path+tt.want)
			}
		})
	}
}
