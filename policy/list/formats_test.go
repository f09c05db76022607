package list

import "testing"

func TestDomains_everySpellingIsRead(t *testing.T) {
	names, problems := read("\ufeff# gambling, 2026-11-01\r\n"+
		"ads.example\r\n"+
		"\r\n"+
		"  WWW.Ads.Example.\t\n"+
		"*.tracker.test # everything below\n"+
		"\t# a comment after a blank\n"+
		"bücher.example\n"+
		"xn--bcher-kva.example#glued.example\n"+ // refused
		"_sip.ads-1.example\n"+
		"ads.example", Domains)
	equal(t, names, []string{
		"2 subtree ads.example",
		"4 subtree www.ads.example",
		"5 below tracker.test",
		"7 subtree xn--bcher-kva.example",
		"9 subtree _sip.ads-1.example",
		"10 subtree ads.example",
	})
	equal(t, problems, []string{
		"a.txt:8: xn--bcher-kva.example#glued.example: has a path, not only a name; write the name alone if the order covers all of it",
	})
}

func TestDomains_whatIsNoNameIsRefusedWithItsLine(t *testing.T) {
	const (
		oneLabel = "has one label only: a word or a top-level domain, not a name under one; write the whole name, or remove the line"
		asterisk = "has an asterisk, which no plain name has; write the name that the asterisk stands below"
		words    = "is more than one word; write one name a line; a list of addresses with names has the format hosts"
		url      = "write the name alone if the order covers all of it"
	)
	for _, tt := range []struct{ name, in, want string }{
		{"URL", "https://ads.example/play", `"https://ads.example/play": is a URL, not a name; ` + url},
		{"path", "ads.example/play", "ads.example/play: has a path, not only a name; " + url},
		{"port", "ads.example:8080", `"ads.example:8080": has a port, not only a name; ` + url},
		{"leading dot", ".ads.example", ".ads.example: begins with a dot; write the name without it"},
		{"inner asterisk", "ads.*.example", "ads.*.example: " + asterisk},
		{"partial asterisk", "ads*.example", "ads*.example: " + asterisk},
		{"two asterisks", "*.*.example", "*.*.example: " + asterisk},
		{"asterisk alone", "*", "*: " + asterisk},
		{"asterisk above nothing", "*.", "*.: is empty; write a domain name"},
		{"asterisk above a top-level domain", "*.example", "*.example: " + oneLabel},
		{"escape", `ads\046.example`, `"ads\\046.example": has an escape, which no plain name has; write the name without it`},
		{"two names", "a.example b.example", `"a.example b.example": ` + words},
		{"two names and a tab", "a.example\tb.example", `"a.example\tb.example": ` + words},
		{"hosts line", "0.0.0.0 ads.example", `"0.0.0.0 ads.example": ` + words},
		{"comma", "a.example,b.example",
			"a.example,b.example: has ',', which no name has; write one name in letters, digits, hyphens and dots"},
		{"bare carriage return", "a.example\rb.example",
			`"a.example\rb.example": has '\r', which no name has; write one name in letters, digits, hyphens and dots`},
		{"IPv4 address", "192.0.2.44", "192.0.2.44: is an address, not a name; write it in a rule of its own: {address: …}"},
		{"IPv6 address", "2001:db8::44", `"2001:db8::44": is an address, not a name; write it in a rule of its own: {address: …}`},
		{"numeric last label", "ads.44", "ads.44: ends in a number, which no top-level domain is; correct the name"},
		{"stray word", "nonché", "nonché: " + oneLabel},
		{"stray ASCII word", "<html>", "<html>: has '<', which no name has; write one name in letters, digits, hyphens and dots"},
		{"top-level domain", "test.", "test.: " + oneLabel},
		{"root", ".", ".: " + oneLabel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, problems := read("\n"+tt.in+"\nads.example\n", Domains)
			equal(t, names, []string{"3 subtree ads.example"})
			equal(t, problems, []string{"a.txt:2: " + tt.want})
		})
	}
}

func TestHosts_namesAreExactAndTheMachinesOwnArePassedOver(t *testing.T) {
	names, problems := read("# published daily\r\n"+
		"127.0.0.1 localhost localhost.localdomain local\n"+
		"255.255.255.255\tbroadcasthost\n"+
		"::1 ip6-localhost ip6-loopback\n"+
		"fe80::1%lo0 localhost\n"+
		"fe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\nff02::3 ip6-allhosts\n"+
		"0.0.0.0 0.0.0.0\n"+
		"\n"+
		"0.0.0.0 ads.example#comment\r\n"+
		"  192.0.2.1\tWWW.Ads.Example. bücher.example # two\n"+
		":: tracker.test", Hosts)
	equal(t, names, []string{
		"13 exact ads.example",
		"14 exact www.ads.example",
		"14 exact xn--bcher-kva.example",
		"15 exact tracker.test",
	})
	equal(t, problems, nil)
}

func TestHosts_whatIsNoHostsLineIsRefusedWithItsLine(t *testing.T) {
	const noAddress = "is no address; begin the line with one, or use the format domains"
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"no address", "ads.example", []string{"a.txt:1: ads.example: " + noAddress}},
		{"bad address", "0.0.0 ads.example", []string{"a.txt:1: 0.0.0: " + noAddress}},
		{"prefix", "192.0.2.0/24 ads.example", []string{"a.txt:1: 192.0.2.0/24: " + noAddress}},
		{"local word for an address", "localhost ads.example", []string{"a.txt:1: localhost: " + noAddress}},
		{"no name", " 0.0.0.0 # none", []string{"a.txt:1: 0.0.0.0: is an address without a name; write the name after it, or remove the line"}},
		{"each bad name of a line", "0.0.0.0 http://a.example *.b.example printer", []string{
			`a.txt:1: "http://a.example": is a URL, not a name; write the name alone if the order covers all of it`,
			"a.txt:1: *.b.example: has an asterisk, which no plain name has; write the name that the asterisk stands below",
			"a.txt:1: printer: has one label only: a word or a top-level domain, not a name under one; write the whole name, or remove the line",
		}},
		{"address for a name", "0.0.0.0 192.0.2.1", []string{"a.txt:1: 192.0.2.1: is an address, not a name; write it in a rule of its own: {address: …}"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, problems := read(tt.in+"\n:: ads.example\n", Hosts)
			equal(t, names, []string{"2 exact ads.example"})
			equal(t, problems, tt.want)
		})
	}
}

// TestIT_headersAreTypedByHand: those of ADM and AGCOM as public readers know
// them, of the police to the day, the minute or the second.
func TestIT_headersAreTypedByHand(t *testing.T) {
	for _, tt := range []struct {
		format   Format
		in, want string
	}{
		{ITADM, "0000350_2025.29.08\na.example", "2 subtree a.example"},
		{ITADM, "0000311-2024.06.06\na.example", "2 subtree a.example"},
		{ITADM, " 12 _2023-06-06 \r\n192.0.2.7\r\n", "address 2 192.0.2.7/32"},
		{ITCNCPO, "412;20240521\n;a.example;;", "2 subtree a.example"},
		{ITCNCPO, "412;1716285600;;\n;a.example;;", "2 subtree a.example"},
		{ITCNCPO, "0412 ; 20240521120000 ;\n;a.example;;", "2 subtree a.example"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			entries, problems := read(tt.in, tt.format)
			equal(t, entries, []string{tt.want})
			equal(t, problems, nil)
		})
	}
}

func TestPiracyShield_takesTheServicesListsToo(t *testing.T) {
	for _, tt := range []struct {
		name, in       string
		want, problems []string
	}{
		{"all names", `{"status":"success","data":["iptv.example","IPTV.Test."]}`, []string{"1 subtree iptv.example", "1 subtree iptv.test"}, nil},
		{"all addresses", `["192.0.2.1","2001:db8::1","198.51.100.0/24"]`,
			[]string{"address 1 192.0.2.1/32", "address 1 2001:db8::1/128", "address 1 198.51.100.0/24"}, nil},
		{"an error in words", `{"status":"error","note":"token"}`, nil, []string{
			"a.txt: holds no name; fetch the list again, or remove the rule if that is meant"}},
		{"a text alone", `"iptv.example"`, nil, []string{
			"a.txt:1: is no ticket with fqdn, ipv4 and ipv6, each an array of texts; fetch the ticket again"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entries, problems := readWith(tt.in, Options{Format: PiracyShield, OnError: Skip, MaxErrors: 9})
			equal(t, entries, tt.want)
			if len(problems) > 0 && len(tt.problems) > 0 {
				problems = problems[:1]
			}
			equal(t, problems, tt.problems)
		})
	}
}
