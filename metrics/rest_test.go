package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"bailiff/resolver"
)

const fiveOrders = `
id: a
authority: Test
received: 2020-11-01T00:00:00Z
deadline: {block: 24h}
valid: {review: 2020-11-01}
block: [a.example, aa.example]
rules: [{name: na.example, notice: n1}, {name: nb.example, notice: n2}, {name: nc.example, notice: n3}]
notices: [{id: n1, at: 2026-11-01T00:00:00Z}, {id: n2, at: 2026-11-01T00:00:00Z}, {id: n3, at: 2026-11-01T00:00:00Z}]
---
id: b
authority: Test
block: [b.example]
---
id: c
authority: Test
received: 2020-11-01T00:00:00Z
deadline: {block: 24h}
valid: {review: 2020-11-01}
block: [c.example, cc.example]
---
id: d
authority: Test
valid: {from: 2199-01-01T00:00:00Z}
block: [d.example]
rules: [{label: pirate, match: any-tld}]
---
id: other
authority: Test
mode: observe
block: [o.example]
`

func TestCollect_ordersBeyondTheLimitShareSeriesThatAddUp(t *testing.T) {
	c := newCollector(t, fiveOrders)
	c.maxOrders = 2
	for _, asked := range []string{"a.example", "c.example", "cc.example", "o.example"} {
		c.ask(asked, time.Now())
	}
	expect(t, c, `
bailiff_order_deadline_missed{order="a"} 0
bailiff_order_deadline_missed{order="b"} 0
bailiff_order_deadline_missed{order="other"} 0
bailiff_order_deadline_timestamp_seconds{order="a"} 1.6042752e+09
bailiff_order_deadline_timestamp_seconds{order="b"} 0
bailiff_order_info{authority="",category="",jurisdiction="",order="other",revision="",state="in-force"} 2
bailiff_order_info{authority="",category="",jurisdiction="",order="other",revision="",state="lapsed"} 0
bailiff_order_info{authority="",category="",jurisdiction="",order="other",revision="",state="pending"} 1
bailiff_order_info{authority="Test",category="",jurisdiction="",order="a",revision="0",state="in-force"} 1
bailiff_order_info{authority="Test",category="",jurisdiction="",order="b",revision="0",state="in-force"} 1
bailiff_order_matches_total{action="nxdomain",order="a",outcome="enforced",trigger="name"} 1
bailiff_order_matches_total{action="nxdomain",order="b",outcome="enforced",trigger="name"} 0
bailiff_order_matches_total{action="nxdomain",order="other",outcome="enforced",trigger="any-tld"} 0
bailiff_order_matches_total{action="nxdomain",order="other",outcome="enforced",trigger="name"} 2
bailiff_order_matches_total{action="nxdomain",order="other",outcome="observed",trigger="name"} 1
bailiff_order_review_due{order="a"} 1
bailiff_order_review_due{order="b"} 0
bailiff_order_review_due{order="other"} 1
bailiff_order_rules{order="a",trigger="name"} 5
bailiff_order_rules{order="b",trigger="name"} 1
bailiff_order_rules{order="other",trigger="address"} 0
bailiff_order_rules{order="other",trigger="any-tld"} 1
bailiff_order_rules{order="other",trigger="name"} 4
bailiff_order_rules{order="other",trigger="nameserver"} 0
bailiff_order_rules{order="other",trigger="nameserver-address"} 0
`, "bailiff_order_info", "bailiff_order_rules", "bailiff_order_matches_total",
		"bailiff_order_deadline_missed", "bailiff_order_deadline_timestamp_seconds", "bailiff_order_review_due")
}

func TestCollect_anOrderMayBeCalledOther(t *testing.T) {
	for limit := range 7 {
		c := newCollector(t, fiveOrders)
		c.maxOrders = limit
		if got := testutil.CollectAndCount(c, "bailiff_order_deadline_timestamp_seconds"); limit < 5 && got != min(limit, 4) || limit >= 5 && got != 5 {
			t.Errorf("limit %d: got %d orders with series of their own", limit, got)
		}
	}
}

func TestCollect_noticesBeyondTheLimitShareTheLongestDelay(t *testing.T) {
	c := newCollector(t, fiveOrders)
	for i, asked := range []string{"na.example", "nb.example", "nc.example"} {
		c.ask(asked, time.Date(2026, 11, 1, 0, 1+i, 0, 0, time.UTC))
	}
	c.maxOrders = 1
	expect(t, c, `
bailiff_notice_enforcement_delay_seconds{notice="n1",order="a"} 60
bailiff_notice_enforcement_delay_seconds{notice="other",order="other"} 180
`, "bailiff_notice_enforcement_delay_seconds")
}

// BenchmarkCollect scrapes as many orders as have series of their own.
func BenchmarkCollect(b *testing.B) {
	var orders strings.Builder
	for i := range maxOrders {
		fmt.Fprintf(&orders, "---\nid: o%d\nauthority: Test\nblock: [n%d.example]\n", i, i)
	}
	c := newCollector(b, orders.String())
	c.Counters.Observe(resolver.Event{})
	series := 0
	for b.Loop() {
		series = testutil.CollectAndCount(c)
	}
	b.ReportMetric(float64(series), "series")
}
