package main

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"bailiff/metrics/querylog"
	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// update rewrites the *.bad.txt beside the fixtures; read the difference
// before you believe it.
var update = flag.Bool("update", false, "rewrite testdata/config/*.bad.txt")

// fixtures returns the config files of testdata with this ending.
func fixtures(t *testing.T, ending string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/config/*" + ending)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures *%s: %v", ending, err)
	}
	return paths
}

// text is every problem, one a line.
func text(problems *problem.List) string {
	var b strings.Builder
	printProblems(&b, problems)
	return b.String()
}

func TestReadConfig_everyProblemOfABadFileIsReported(t *testing.T) {
	for _, path := range fixtures(t, ".bad.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var problems problem.List
			readConfig(path, &problems)
			got := text(&problems)
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !problems.Refused() {
				t.Error("got no refusal")
			}
		})
	}
}

// read reads a config file that must be without a problem.
func read(t *testing.T, path string) *config {
	t.Helper()
	var problems problem.List
	c := readConfig(path, &problems)
	if got := text(&problems); got != "" {
		t.Fatalf("got problems\n%s", got)
	}
	return c
}

func TestReadConfig_takesEveryKey(t *testing.T) {
	got := read(t, "testdata/config/all.good.yaml")
	var upstreams []string
	for _, u := range got.upstreams {
		upstreams = append(upstreams, u.source.Place+" "+u.address.String())
	}
	if want := []string{
		"upstreams 1 198.51.100.53:53", "upstreams 2 198.51.100.54:5353",
		"upstreams 3 [2001:db8::54]:53", "upstreams 4 [2001:db8::55]:5353",
	}; !reflect.DeepEqual(upstreams, want) {
		t.Errorf("got upstreams %q, want %q", upstreams, want)
	}
	got.upstreams = nil
	want := trialConfig() // its notice addresses are those of the file
	want.listen = []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.53:53"), netip.MustParseAddrPort("[2001:db8::53]:53"),
		netip.MustParseAddrPort("127.0.0.1:0"), netip.MustParseAddrPort("[fe80::1%eth0]:53"),
	}
	want.clients = []netip.Prefix{
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("198.51.100.7/32"),
	}
	want.orders = []string{"testdata/config/orders.d", "/srv/orders", "testdata/config/more/a.yaml"}
	want.protected = guard.Config{
		Names:     []name.Name{name.MustParse("example.org"), name.MustParse("bank.example"), name.MustParse("gov")},
		NameFiles: []string{"testdata/config/protected.txt", "/srv/protected.txt"},
		Prefixes:  []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8::/48")}, PrefixFiles: []string{"testdata/config/cdn.txt"},
		Popular: guard.Popular{File: "testdata/config/lists/top.csv", Top: 50_000},
	}
	want.caseRandomisation = false
	want.cache = cacheConfig{octets: 1 << 30}
	want.metrics = netip.MustParseAddrPort("[::1]:9153")
	want.api = apiConfig{
		listen: netip.MustParseAddrPort("192.0.2.53:9154"), tokenFile: "testdata/config/token",
		certificate: "testdata/config/api.pem", key: "/srv/api.key", clientCA: "testdata/config/ca.pem",
	}
	want.log = logConfig{level: -4, json: true}
	want.structured = structuredErrors{65400, &policy.StructuredErrors{
		Contact: []string{"mailto:legal@isp.example", "tel:+390000000000"}, Organisation: "Example ISP", Language: "it", Databases: true,
	}}
	want.queries = querylog.Config{
		JSONFile: "testdata/config/log/queries.jsonl", DnstapSocket: "/run/dnstap.sock", OnlyMatches: true, Sample: 100, Clients: querylog.Digest,
	}
	want.infoURL, want.watch, want.state = "https://isp.example/dns", true, "testdata/config/state"
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadConfig_takesEveryKeyOfRecursion(t *testing.T) {
	got := read(t, "testdata/config/recursion.good.yaml")
	want := defaultConfig()
	want.orders = []string{"testdata/config/orders.d"}
	want.resolution, want.validate, want.cache.prefetch = byRecursion, true, false
	want.nat64 = netip.MustParsePrefix("64:ff9b::/96")
	want.recursion = recursionConfig{
		rootHints: "testdata/config/named.root", trustAnchors: []string{"testdata/config/root.key", "/etc/anchors"},
		insecure: []string{"broken.example.", "test."},
		zones:    []zoneConfig{{name: "example.org."}, {name: "2.0.192.in-addr.arpa.", forward: true}, {name: "home.example.", local: "testdata/config/home.zone"}},
		families: families{ipv6: true},
		source:   []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")},

		queryLoopback: true, mixedCase: true,
	}
	var servers []string
	for i, z := range got.recursion.zones {
		for _, s := range z.servers {
			servers = append(servers, s.source.Place+" "+s.address.String())
		}
		got.recursion.zones[i].servers = nil
	}
	if want := []string{
		"recursion zones 1 stub 1 192.0.2.1:53", "recursion zones 1 stub 2 [2001:db8::1]:5353", "recursion zones 2 forward 1 192.0.2.2:54",
	}; !reflect.DeepEqual(servers, want) {
		t.Errorf("got servers %q, want %q", servers, want)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadConfig_validatesWhereItRecurses(t *testing.T) {
	for _, tt := range []struct {
		in             string
		recurses, want bool
	}{
		{"log: {level: info}", false, false},
		{"resolution: forward", false, false},
		{"resolution: recurse", true, true},
		{"{dnssec: off, resolution: recurse}", true, false},
		{"{dnssec: validate, resolution: forward}", false, true},
	} {
		t.Run(tt.in, func(t *testing.T) {
			c := read(t, written(t, tt.in))
			if got := c.resolution == byRecursion; got != tt.recurses || c.validate != tt.want {
				t.Errorf("got recursion %v and validation %v, want %v and %v", got, c.validate, tt.recurses, tt.want)
			}
		})
	}
}

// written is a config file with this text.
func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadConfig_aKeyMayRestBesideTheWordThatSaysSo holds that one word changed,
// in a hurry perhaps, does not refuse the keys of before.
func TestReadConfig_aKeyMayRestBesideTheWordThatSaysSo(t *testing.T) {
	idle, err := os.ReadFile("testdata/config/recursion-idle.bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		in   string
		want string // places with a note
	}{
		{"resolution: forward\ndnssec: off\n" + string(idle), "root_hints, trust_anchors, insecure, zones 1 stub, families, source, query_loopback, qname_minimisation, case_randomisation, aggressive_nsec, sha1"},
		{"resolution: recurse\ndnssec: off\n" + string(idle), "trust_anchors, insecure, aggressive_nsec, sha1"},
		{"resolution: forward\ndnssec: validate\n" + string(idle), "root_hints, qname_minimisation, case_randomisation"},
		{"resolution: recurse\n" + string(idle), ""},
		{"resolution: recurse\ncase_randomisation: true", "case_randomisation"},
		{"{case_randomisation: false, resolution: recurse}", ""},
		{"recursion: {zones: [{name: test, local: test.zone}]}", ""},                                  // whoever resolves the rest
		{"recursion: {query_loopback: false, qname_minimisation: false, aggressive_nsec: false}", ""}, // off anyway
	} {
		t.Run(tt.in, func(t *testing.T) {
			var problems problem.List
			readConfig(written(t, tt.in), &problems)
			var got []string
			for _, p := range problems.Sorted() {
				if p.Severity != problem.Note {
					t.Errorf("got %v, want notes only", p)
				}
				got = append(got, strings.TrimPrefix(p.Place, "recursion "))
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got notes on %v, want %s", got, tt.want)
			}
		})
	}
}

func TestReadConfig_whatIsLeftOutKeepsItsDefault(t *testing.T) {
	got := read(t, "testdata/config/part.good.yaml")
	want := defaultConfig()
	want.orders = []string{"testdata/config/orders.d"}
	want.cache.stale = 7 * 24 * time.Hour
	want.log.json = true
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestReadConfig_theCommentedFileHasTheDefaults holds that deploy/bailiff.yaml
// says of each key what holds without it.
func TestReadConfig_theCommentedFileHasTheDefaults(t *testing.T) {
	const path = "../../deploy/bailiff.yaml"
	got := read(t, path)
	want := trialConfig()
	want.orders = []string{"../../deploy/examples"}
	for _, c := range []*config{got, want} {
		serve := map[netip.Prefix]bool{} // in whatever order
		for _, p := range c.clients {
			serve[p] = true
		}
		if len(serve) != len(privateNetworks()) {
			t.Errorf("got %d networks, want %d", len(serve), len(privateNetworks()))
		}
		c.clients = nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	written, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range knownKeys(t, "") {
		if !strings.Contains(string(written), "\n"+key+":") && !strings.Contains(string(written), "\n# "+key+":") {
			t.Errorf("%s has no %s", path, key)
		}
	}
}

func TestReadConfig_theUnreadableFileIsNamed(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"missing", "testdata/no.yaml", "testdata/no.yaml: cannot be read (no such file or directory); check the path, or remove what names it\n"},
		{"a folder", "testdata", "testdata: is a directory; name a file in it\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems problem.List
			readConfig(tt.in, &problems)
			if got := text(&problems); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadConfig_withoutAFileOnlyPrivateNetworksAreServed(t *testing.T) {
	for _, p := range readConfig("", nil).clients {
		a := p.Addr()
		carrier := p.String() == "100.64.0.0/10"
		if !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !carrier {
			t.Errorf("got %s served", p)
		}
	}
}
