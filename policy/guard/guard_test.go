package guard

import (
	"net/netip"
	"strings"
	"testing"

	"bailiff/policy"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// full is a guard with everything an operator may give.
func full(t testing.TB) *Guard {
	t.Helper()
	var problems problem.List
	g := New(Config{
		Names: []name.Name{name.MustParse("own.test")}, NameFiles: []string{"testdata/protected.txt"},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.240/28")}, PrefixFiles: []string{"testdata/cdn.txt"},
		Popular: Popular{File: "testdata/popular.csv"},
		Own:     []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("0.0.0.0"), netip.MustParseAddr("2001:db8::53%eth0")},
	}, &problems)
	if got := printed(&problems); got != "" {
		t.Fatalf("got problems\n%s", got)
	}
	return g
}

// printed is every problem, one a line.
func printed(problems *problem.List) string {
	var lines []string
	for _, p := range problems.Sorted() {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

// anOrder is an order with one rule, as Load would have read it, that has
// nothing to note.
func anOrder(rule order.Rule) *order.Order {
	rule.Place, rule.File, rule.Line = "rule 1", "o.yaml", 2
	return &order.Order{
		ID: "o", Valid: order.Valid{Review: "2027-01-01"}, Source: order.Source{File: "o.yaml", Line: 1},
		Rules: []order.Rule{rule},
	}
}

// names is a rule on these names.
func names(match name.Match, texts ...string) order.Rule {
	var r order.Rule
	for i, text := range texts {
		r.Names.Append(name.MustParse(text), match, i+2)
	}
	return r
}

func label(text string) order.Rule {
	r := names(name.Subtree, text)
	r.Trigger = order.TriggerAnyTLD
	return r
}

func nameserver(match name.Match, text string) order.Rule {
	r := names(match, text)
	r.Trigger = order.TriggerNameserver
	return r
}

func address(text string) order.Rule {
	return order.Rule{Trigger: order.TriggerAddress, Prefixes: []list.Prefix{{Prefix: netip.MustParsePrefix(text), Line: 2}}}
}

// checked is what the guard says about orders, one problem a line.
func checked(g *Guard, loaded *policy.Program, orders ...*order.Order) string {
	var problems problem.List
	g.Check(&order.Set{Orders: orders}, loaded, &problems)
	return printed(&problems)
}

// inForce is a program of these orders, which it consumes.
func inForce(t *testing.T, orders ...*order.Order) *policy.Program {
	var problems problem.List
	p := policy.Compile(&order.Set{Orders: orders}, policy.Options{}, &problems)
	if p == nil {
		t.Fatal(printed(&problems))
	}
	return p
}

const (
	orOverride = ", or add an override (guard: %) with approved_by and reason"
	closely    = "; name what the order means more closely" + orOverride
	takeOut    = "; take it out" + orOverride
)

func TestCheck_refusesWhatWouldHitOthers(t *testing.T) {
	const suffix = "is a public suffix: the domains of others below it would be hit; name the service's own domain" + orOverride
	cases := []struct {
		name  string
		rule  order.Rule
		guard string
		want  string
	}{
		// What authorities have really ordered.
		{"Italy, October 2024", names(name.Subtree, "drive.usercontent.google.com"), "popular",
			"drive.usercontent.google.com: would hit drive.usercontent.google.com, rank 6936 of testdata/popular.csv" + closely},
		{"France, May 2023", names(name.Subtree, "t.me"), "popular", "t.me: would hit t.me, rank 10346 of testdata/popular.csv" + closely},
		{"India, 2014, a document store", names(name.Exact, "docs.google.com"), "popular",
			"docs.google.com: would hit docs.google.com, rank 669 of testdata/popular.csv" + closely},
		{"India, 2014, a video host", names(name.Below, "googlevideo.com"), "", ""}, // no listed name below it
		{"India, 2014, a video host and its site", names(name.Subtree, "googlevideo.com"), "popular",
			"googlevideo.com: would hit googlevideo.com, rank 292 of testdata/popular.csv" + closely},
		{"India, 2014, a link shortener", names(name.Subtree, "goo.gl"), "popular", "goo.gl: would hit goo.gl, rank 8598 of testdata/popular.csv" + closely},
		{"France, 2016", names(name.Exact, "fr.wikipedia.org"), "popular",
			"fr.wikipedia.org: would hit fr.wikipedia.org, rank 79886 of testdata/popular.csv" + closely},
		{"Denmark, 2012", names(name.Subtree, "facebook.com"), "popular", "facebook.com: would hit facebook.com, rank 39 of testdata/popular.csv" + closely},
		{"Italy, February 2024", address("104.21.5.7/32"), "protected",
			"104.21.5.7/32: would hit addresses of 104.16.0.0/13, which testdata/cdn.txt:2 protects" + takeOut},

		// Names, as each way of matching hits them.
		{"everything below too", names(name.Subtree, "google.com"), "popular",
			"google.com: would hit google.com, rank 2 of testdata/popular.csv, and 2 more of its names" + closely},
		{"only what is below", names(name.Below, "google.com"), "popular",
			"google.com: would hit docs.google.com, rank 669 of testdata/popular.csv, and 1 more of its names" + closely},
		{"above a popular name, exact", names(name.Exact, "usercontent.google.com"), "", ""},
		{"below a popular name", names(name.Subtree, "pirates.blogspot.com"), "", ""},
		{"beyond the top", names(name.Subtree, "unpopular.test"), "", ""},
		{"a protected name", names(name.Exact, "bank.test"), "protected",
			"bank.test: would hit names of bank.test, which testdata/protected.txt:2 protects" + takeOut},
		{"below a protected name", names(name.Exact, "a.bank.test"), "protected",
			"a.bank.test: would hit names of bank.test, which testdata/protected.txt:2 protects" + takeOut},
		{"above a protected name", names(name.Below, "provider.test"), "protected",
			"provider.test: would hit names of login.provider.test, which testdata/protected.txt:3 protects" + takeOut},
		{"above a protected name, exact", names(name.Exact, "provider.test"), "", ""},
		{"protected in the config", names(name.Subtree, "a.own.test"), "protected",
			"a.own.test: would hit names of own.test, which the config file protects" + takeOut},

		// Whatever overrides say.
		{"a top-level domain", names(name.Subtree, "test"), "", "test: is a top-level domain: everything below it would be hit; name the service's own domain"},
		{"the root", names(name.Below, "."), "", ".: is a top-level domain: everything below it would be hit; name the service's own domain"},
		{"below arpa", names(name.Subtree, "1.0.0.10.in-addr.arpa"), "",
			"1.0.0.10.in-addr.arpa: is arpa or below it, which is never under order; take it out"},
		{"a root server", names(name.Exact, "a.root-servers.net"), "",
			"a.root-servers.net: is root-servers.net or below it, which is never under order; take it out"},

		{"a public suffix", names(name.Subtree, "co.uk"), "public-suffix", "co.uk: " + suffix},
		{"a private public suffix", names(name.Below, "s3.amazonaws.com"), "public-suffix", "s3.amazonaws.com: " + suffix},
		{"what public suffixes stand below", names(name.Subtree, "kawasaki.jp"), "public-suffix",
			"kawasaki.jp: is right above public suffixes: the domains of others below it would be hit; name the service's own domain" + orOverride},
		{"what public suffixes stand below, exact", names(name.Exact, "kawasaki.jp"), "", ""},
		{"a domain below a public suffix", names(name.Subtree, "a.co.uk", "a.github.io", "pirate.test"), "", ""},

		// Labels under every public suffix.
		{"a popular label", label("google"), "popular", "google: would hit google.com, rank 2 of testdata/popular.csv, and 2 more of its names" + closely},
		{"a label below a private suffix", label("shop"), "popular", "shop: would hit shop.github.io, rank 80001 of testdata/popular.csv" + closely},
		{"a label further down", label("www"), "", ""},
		{"a protected label", label("bank"), "protected", "bank: would hit names of bank.test, which testdata/protected.txt:2 protects" + takeOut},
		{"a label of a name that is never under order", label("root-servers"), "",
			"root-servers: would hit a name that is never under order; name the domains that the order means"},

		// Name servers.
		{"a protected name server", nameserver(name.Subtree, "ns.bank.test"), "protected",
			"ns.bank.test: would hit names of bank.test, which testdata/protected.txt:2 protects" + takeOut},
		{"a public suffix of name servers", nameserver(name.Subtree, "co.uk"), "public-suffix", "co.uk: " + suffix},

		// Addresses.
		{"an address", address("198.51.100.44/32"), "", ""},
		{"a wide prefix", address("198.51.96.0/23"), "prefix",
			"198.51.96.0/23: is wider than /24: the services of others would be hit; narrow it" + orOverride},
		{"a prefix that is never under order", address("0.0.0.0/0"), "",
			"0.0.0.0/0: is wider than /8, which is never under order; name the addresses that the order means"},
		{"the same in IPv6", address("2000::/3"), "",
			"\"2000::/3\": is wider than /16, which is never under order; name the addresses that the order means"},
		{"a wide prefix in IPv6", address("2001:db8:2::/47"), "prefix",
			"\"2001:db8:2::/47\": is wider than /48: the services of others would be hit; narrow it" + orOverride},
		{"a private address", address("192.168.1.1/32"), "prefix",
			"192.168.1.1/32: holds addresses of 192.168.0.0/16, which are private" + takeOut},
		{"loopback", address("::1/128"), "prefix", "\"::1/128\": holds addresses of ::1/128, which are loopback" + takeOut},
		{"multicast", address("224.0.0.251/32"), "prefix", "224.0.0.251/32: holds addresses of 224.0.0.0/4, which are multicast" + takeOut},
		{"every IPv4 address behind NAT64", address("64:ff9b::/96"), "prefix",
			"\"64:ff9b::/96\": holds addresses of 64:ff9b::/96, which are IPv4 in IPv6 form" + takeOut},
		{"the server itself", address("192.0.2.48/28"), "prefix", "192.0.2.48/28: holds this server's own address 192.0.2.53" + takeOut},
		{"around a protected prefix", address("198.51.100.128/27"), "protected",
			"198.51.100.128/27: would hit addresses of 198.51.100.128/28, which testdata/cdn.txt:4 protects" + takeOut},
		{"a protected address", address("198.51.100.0/28"), "protected",
			"198.51.100.0/28: would hit addresses of 198.51.100.7/32, which testdata/cdn.txt:6 protects" + takeOut},
		{"protected in the config", address("198.51.100.241/32"), "protected",
			"198.51.100.241/32: would hit addresses of 198.51.100.240/28, which the config file protects" + takeOut},
	}
	g := full(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want := strings.ReplaceAll(c.want, "%", c.guard)
			if want != "" {
				want = "o.yaml:2: rule 1: " + want
			}
			if got := checked(g, nil, anOrder(c.rule)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
