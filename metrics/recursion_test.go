package metrics

import (
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/anchor"
	"bailiff/resolver/recurse"
)

func TestCollect_recursionHasItsSeriesAtZero(t *testing.T) {
	expect(t, newCollector(t, twoOrders), `
bailiff_dnssec_answers_total{result="bogus"} 0
bailiff_dnssec_answers_total{result="insecure"} 0
bailiff_dnssec_answers_total{result="secure"} 0
bailiff_recursion_memory_bytes 0
bailiff_recursion_memory_limit_bytes 1.048576e+06
bailiff_recursion_servers 0
bailiff_trust_anchor_info{state="valid",tag="20326",zone="."} 1
bailiff_trust_anchor_info{state="valid",tag="38696",zone="."} 1
bailiff_trust_anchor_state_errors_total 0
`, "bailiff_dnssec_answers_total", "bailiff_recursion_memory_bytes", "bailiff_recursion_memory_limit_bytes", "bailiff_recursion_servers",
		"bailiff_trust_anchor_info", "bailiff_trust_anchor_state_errors_total")
}

func TestCollect_whereUpstreamsResolveThereIsNoRecursion(t *testing.T) {
	c := newCollector(t, twoOrders)
	c.Recursor, c.Anchors = nil, nil
	expect(t, c, "", "bailiff_recursion_limit_total", "bailiff_dnssec_answers_total", "bailiff_trust_anchor_info")
}

// TestCollect_anchorsOfOneTagShareASeries: a series told twice would fail the
// whole scrape.
func TestCollect_anchorsOfOneTagShareASeries(t *testing.T) {
	c := newCollector(t, twoOrders)
	sha384 := dns.Copy(anchor.Root()[0]).(*dns.DS)
	sha384.DigestType, sha384.Digest = dns.SHA384, sha384.Digest+sha384.Digest[:32]
	c.Anchors = anchor.New(anchor.Config{Anchors: append(anchor.Root(), sha384)})
	expect(t, c, `
bailiff_trust_anchor_info{state="valid",tag="20326",zone="."} 1
bailiff_trust_anchor_info{state="valid",tag="38696",zone="."} 1
`, "bailiff_trust_anchor_info")
}

func TestDocs_recursionTellsEveryLimit(t *testing.T) {
	docs, err := os.ReadFile("../docs/recursion.md")
	if err != nil {
		t.Fatal(err)
	}
	for l := range recurse.NumLimits {
		if row := "\n| `" + recurse.Limit(l).String() + "` | "; !strings.Contains(string(docs), row) {
			t.Errorf("docs/recursion.md has no row for %s", recurse.Limit(l))
		}
	}
}
