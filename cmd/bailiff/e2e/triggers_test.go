package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

const everyTrigger = `
id: triggers
authority: {kind: court, name: Court}
rules:
  - {name: linked.test}
  - {label: pirate, match: any-tld}
  - {address: 198.51.100.66/32}
  - {nameserver: dns.pirates.test}
  - {nameserver_address: "2001:db8:53::/64"}
  - {except: third.test, match: exact, reason: shares the address}
`

func TestTriggers_beyondNames(t *testing.T) {
	t.Parallel()
	authority := nsdZones(t, map[string][]string{
		"test.": {
			"@ NS ns", "ns A 127.0.0.1", "pirate A 198.51.100.1", "pirates A 198.51.100.2",
			"host A 198.51.100.66", "host A 198.51.100.3", "third A 198.51.100.66", "hint HTTPS 1 . alpn=h2 ipv4hint=198.51.100.66",
			"mapped AAAA 64:ff9b::198.51.100.66", "alias CNAME www.hosted", "free A 198.51.100.4",
			"linked A 198.51.100.7", "x.linked A 198.51.100.7", "to-linked CNAME linked", "old DNAME linked",
			"service HTTPS 1 linked alpn=h2", "free HTTPS 1 . alpn=h2",
			"hosted NS ns1.dns.pirates", "ns1.dns.pirates A 127.0.0.1", "bad-net NS ns.bad-net", "ns.bad-net AAAA 2001:db8:53::1",
		},
		"hosted.test.":  {"@ NS ns1.dns.pirates.test.", "www A 198.51.100.5"},
		"bad-net.test.": {"@ NS ns", "ns AAAA 2001:db8:53::1", "www A 198.51.100.6"},
	})
	orders := filepath.Join(write(t, map[string]string{"orders.yaml": everyTrigger}), "orders.yaml")
	s := bailiff(t, "--orders", orders, "--upstream", authority.address)
	block := []string{"status: NXDOMAIN", "flags: qr aa rd ra;", "EDE: 16 (Censored): (triggers: Court)"}
	rows := []struct {
		name, dig string
		want      []string
	}{
		{"name", "linked.test A", block},
		{"target of a CNAME", "to-linked.test A", []string{"status: NXDOMAIN", "flags: qr rd ra;", "CNAME\tlinked.test.", "linked.test.\t\t60\tIN\tSOA"}},
		{"target of a DNAME", "x.old.test A", []string{"status: NXDOMAIN", "flags: qr rd ra;", "DNAME\tlinked.test.", "CNAME\tx.linked.test.", "linked.test.\t\t60\tIN\tSOA"}},
		{"target of an HTTPS record", "service.test HTTPS", []string{"status: NOERROR", "ANSWER: 0", "service.test.\t\t60\tIN\tSOA", "EDE: 16"}},
		{"HTTPS record of nobody's order", "free.test HTTPS", []string{"status: NOERROR", "HTTPS\t1 . alpn=\"h2\""}},
		{"label under a top-level domain", "pirate.test A", block},
		{"label under a suffix of two", "www.pirate.co.uk A", block},
		{"a longer label is free", "pirates.test A", []string{"198.51.100.2"}},
		{"address", "host.test A", append(block, "host.test.\t\t60\tIN\tSOA")},
		{"address in a hint", "hint.test HTTPS", block},
		{"address in NAT64 form", "mapped.test AAAA", block},
		{"excepted name at the address", "third.test A", []string{"status: NOERROR", "198.51.100.66"}},
		{"name server's name", "www.hosted.test A", append(block, "www.hosted.test.\t60\tIN\tSOA")},
		{"name server of a target", "alias.test A", block},
		{"name server's address", "www.bad-net.test A", block},
		{"free", "free.test A", []string{"status: NOERROR", "198.51.100.4"}},
	}
	for _, when := range []string{"fresh", "cached", "lifted", "order comes again"} {
		switch when {
		case "lifted":
			overwrite(t, orders, "id: other\nauthority: Court\nblock: [other.test]\n")
			s.reload("ok")
		case "order comes again":
			overwrite(t, orders, everyTrigger)
			s.reload("ok")
		}
		for _, row := range rows {
			out := s.dig(append([]string{"+noidnin"}, strings.Fields(row.dig)...)...)
			if when == "lifted" {
				if strings.Contains(out, "EDE: 16") {
					t.Errorf("%s, %s: got an order's answer:\n%s", row.name, when, out)
				}
				continue
			}
			for _, want := range row.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s, %s: no %q in:\n%s", row.name, when, want, out)
				}
			}
		}
	}
	for _, trigger := range []string{"any-tld", "address", "nameserver", "nameserver-address"} {
		series := `bailiff_order_matches_total{action="nxdomain",order="triggers",outcome="enforced",trigger="` + trigger + `"}`
		if got := s.metric(series); got == "" || got == "0" {
			t.Errorf("%s: got %q, want the matches counted", series, got)
		}
	}
}
