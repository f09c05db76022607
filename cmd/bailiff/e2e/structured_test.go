package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestStructuredErrors_digSeesThemWhereItAsks(t *testing.T) {
	folder := write(t, map[string]string{
		"orders.yaml": court,
		"bailiff.yaml": `
orders: [orders.yaml]
upstreams: [192.0.2.53]
structured_errors: {option: 65400, contact: ["mailto:legal@isp.example"], organization: Example ISP}
resolver_info: {url: "https://isp.example/dns"}
`})
	s := bailiff(t, "--config", filepath.Join(folder, "bailiff.yaml"))
	cases := []struct {
		name      string
		dig       string
		want, not string
	}{
		{"asked for", "+ednsopt=65400 sport.test A",
			`EDE: 16 (Censored): ({"c":["mailto:legal@isp.example"],"j":"fr-paris: Tribunal de Paris","o":"Example ISP","l":"en"})`, "EDE: 4"},
		{"asked for, notice", "+ednsopt=65400 iptv.test A", `"j":"it-milano: Tribunale di Milano"`, "EDE: 4"},
		{"not asked for", "iptv.test A", "EDE: 16 (Censored): (it-milano: Tribunale di Milano)", "{"},
		{"RESINFO", "+norecurse resolver.arpa TYPE261", `"exterr=0,3-4,13,15-16,18-20,22-23" "infourl=https://isp.example/dns"`, "EDE"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := s.dig(strings.Fields(c.dig)...)
			if !strings.Contains(out, c.want) || strings.Contains(out, c.not) {
				t.Errorf("dig %s: want %q and no %q in:\n%s", c.dig, c.want, c.not, out)
			}
		})
	}
}
