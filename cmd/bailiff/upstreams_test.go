package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

func TestLeadsTo_findsTheWayBack(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}
	for _, tt := range []struct {
		upstream, listen string
		want             bool
	}{
		{"192.0.2.53:53", "192.0.2.53:53", true},
		{"192.0.2.53:53", "192.0.2.53:5300", false},
		{"192.0.2.53:53", "192.0.2.54:53", false},
		{"192.0.2.53:53", "0.0.0.0:53", true},
		{"127.0.0.53:53", "0.0.0.0:53", true},
		{"192.0.2.54:53", "0.0.0.0:53", false},
		{"192.0.2.53:53", "[::]:53", false},
		{"[2001:db8::53]:53", "[::]:53", true},
		{"[::1]:53", "[::]:53", true},
		{"[fe80::1%eth0]:53", "[fe80::1%eth0]:53", true},
	} {
		t.Run(tt.upstream+" at "+tt.listen, func(t *testing.T) {
			if got := leadsTo(netip.MustParseAddrPort(tt.upstream), netip.MustParseAddrPort(tt.listen), local); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSettleResolution_takesTheSystemsAndRefusesCircles(t *testing.T) {
	const remedy = "name another resolver under upstreams or with --upstream\n"
	for _, tt := range []struct {
		name, resolvConf string
		configured       string // an upstream, or empty
		upstreams        string
		problems         string
	}{
		{"those of the system", "# x\nnameserver 192.0.2.53\noptions edns0\nnameserver\t2001:db8::53 \nnameserver 192.0.2.53\n", "",
			"192.0.2.53:53 [2001:db8::53]:53", ""},
		{"what the C library passes over", "nameserver dns.example\nnameserver 192.0.2.53:54\nnameserver 192.0.2.54", "", "192.0.2.54:53", ""},
		{"configured ones come alone", "nameserver 192.0.2.53", "192.0.2.54", "192.0.2.54:53", ""},
		{"this server itself", "nameserver 192.0.2.53\nnameserver 127.0.0.1\n", "", "192.0.2.53:53 127.0.0.1:53",
			"resolv.conf:2: nameserver: 127.0.0.1: is this server's own address (listen 127.0.0.1:53): queries would go in a circle; " + remedy},
		{"this server itself, configured", "", "127.0.0.1", "127.0.0.1:53",
			"--upstream: 127.0.0.1: is this server's own address (listen 127.0.0.1:53): queries would go in a circle; " + remedy},
		{"none", "search example.org\n", "", "",
			"resolv.conf: names no upstream (no nameserver line with an address); name resolvers under upstreams in the config file or with --upstream\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("resolv.conf", []byte(tt.resolvConf), 0o600); err != nil {
				t.Fatal(err)
			}
			c := &config{listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:53")}}
			if tt.configured != "" {
				a, err := parseUpstream(tt.configured)
				if err != nil {
					t.Fatal(err)
				}
				c.upstreams = []upstreamServer{{a, problem.Problem{File: "--upstream", Value: tt.configured}}}
			}
			var problems problem.List
			c.settleResolution("resolv.conf", &problems)
			var got []string
			for _, u := range c.upstreams {
				got = append(got, u.address.String())
			}
			if strings.Join(got, " ") != tt.upstreams {
				t.Errorf("got upstreams %v, want %s", got, tt.upstreams)
			}
			if got := text(&problems); got != tt.problems {
				t.Errorf("got problems %q, want %q", got, tt.problems)
			}
		})
	}
}

func TestSettleResolution_withoutResolvConfSaysWhatItIsFor(t *testing.T) {
	var problems problem.List
	new(config).settleResolution(filepath.Join("testdata", "no.conf"), &problems)
	const want = "testdata/no.conf: is needed to find an upstream: cannot be read (no such file or directory); name resolvers under upstreams in the config file or with --upstream\n"
	if got := text(&problems); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
