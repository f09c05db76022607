package metrics

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"bailiff/metrics/querylog"
	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/resolver"
	"bailiff/resolver/anchor"
	"bailiff/resolver/listen"
	"bailiff/resolver/recurse"
	"bailiff/resolver/upstream"
)

const twoOrders = `
id: it-test
revision: 3
jurisdiction: IT
category: gambling
authority: Tribunale di "Test"
received: 2026-11-01T00:00:00Z
valid: {until: 2199-01-01T00:00:00Z}
block: [a.example, b.example]
rules:
  - {except: www.a.example, reason: test}
---
id: op-test
authority: {kind: operator, name: Test}
mode: observe
answer: {action: nodata}
block: [c.example]
`

// upstreamOfTests is configured twice, and never asked.
const upstreamOfTests = "192.0.2.53:53"

// newCollector returns a collector over orders written as YAML.
func newCollector(t testing.TB, orders string) *Collector {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	program := policy.Compile(order.Load([]string{file}, &problems), policy.Options{}, &problems)
	if problems.Refused() {
		t.Fatal(problems.Sorted())
	}
	store := policy.NewStore()
	store.Install(program, time.Now())
	upstreams := slices.Repeat([]netip.AddrPort{netip.MustParseAddrPort(upstreamOfTests)}, 2)
	counters := NewCounters(upstreams)
	r := resolver.New(resolver.Config{
		Policy: store, Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		CacheBytes: 1 << 20, Upstream: upstream.Config{Servers: upstreams},
		Observer: counters,
	})
	t.Cleanup(r.Close)
	listeners, err := listen.Listen(listen.Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Resolver: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listeners.Shutdown(t.Context()) })
	recursor := recurse.New(recurse.Config{CacheBytes: 1 << 20})
	t.Cleanup(recursor.Close)
	return NewCollector(Config{
		Counters: counters, Reloads: NewReloads(time.Unix(1000, 0)),
		Policy: store, Resolver: r, Recursor: recursor, Anchors: anchor.New(anchor.Config{Anchors: anchor.Root()}),
		Listeners: listeners, Version: "v1", Revision: "abc",
	})
}

// ask counts one query for a name at an instant.
func (c *Collector) ask(text string, at time.Time) {
	var qname name.Buffer
	qname.Set([]byte(name.MustParse(text)))
	matches, _ := c.Policy.Load().Match(&qname, netip.MustParseAddr("192.0.2.1"), nil)
	for i := range matches {
		matches[i].Count(at.UnixNano())
	}
}

// expect compares the series of these names, sorted, without their help.
func expect(t *testing.T, c *Collector, want string, names ...string) {
	t.Helper()
	text, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, names...)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			got.WriteString(line)
		}
	}
	if want = strings.TrimPrefix(want, "\n"); got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestCollect_everyLoadedOrderHasItsSeriesAtZero(t *testing.T) {
	expect(t, newCollector(t, twoOrders), `
bailiff_order_enforcement_delay_seconds{order="it-test"} 0
bailiff_order_enforcement_delay_seconds{order="op-test"} 0
bailiff_order_info{authority="Test",category="",jurisdiction="",order="op-test",revision="0",state="in-force"} 1
bailiff_order_info{authority="Tribunale di \"Test\"",category="gambling",jurisdiction="IT",order="it-test",revision="3",state="in-force"} 1
bailiff_order_matches_total{action="nodata",order="op-test",outcome="observed",trigger="name"} 0
bailiff_order_matches_total{action="nxdomain",order="it-test",outcome="enforced",trigger="name"} 0
bailiff_order_rules{order="it-test",trigger="name"} 2
bailiff_order_rules{order="op-test",trigger="name"} 1
bailiff_order_valid_until_timestamp_seconds{order="it-test"} 7.2265824e+09
bailiff_order_valid_until_timestamp_seconds{order="op-test"} 0
`, "bailiff_order_enforcement_delay_seconds", "bailiff_order_info", "bailiff_order_matches_total",
		"bailiff_order_rules", "bailiff_order_valid_until_timestamp_seconds")
}

func TestCollect_matchesCountByOrder(t *testing.T) {
	c := newCollector(t, twoOrders)
	for _, asked := range []string{"a.example", "x.b.example", "c.example", "www.a.example", "example.org"} {
		c.ask(asked, time.Date(2026, 11, 1, 0, 1, 30, 0, time.UTC))
	}
	expect(t, c, `
bailiff_order_enforcement_delay_seconds{order="it-test"} 90
bailiff_order_enforcement_delay_seconds{order="op-test"} 0
bailiff_order_matches_total{action="nodata",order="op-test",outcome="observed",trigger="name"} 1
bailiff_order_matches_total{action="nxdomain",order="it-test",outcome="enforced",trigger="name"} 2
`, "bailiff_order_enforcement_delay_seconds", "bailiff_order_matches_total")
}

func TestCollect_queriesCountByProtoFamilyTypeRcodeAndSource(t *testing.T) {
	c := newCollector(t, twoOrders)
	for _, e := range []resolver.Event{
		{Worker: 0, Type: 1, Rcode: 3, Source: resolver.SourceOrder, Took: 2 * time.Microsecond},
		{Worker: 1, Type: 1, Rcode: 3, Source: resolver.SourceOrder, Took: 2 * time.Microsecond},
		{Worker: 2, Transport: resolver.TCP, IPv6: true, Type: 65, Source: resolver.SourceUpstream},
		{Type: 4711, Rcode: 23, Source: resolver.SourceError},
		{Type: 257, Rcode: -1, Source: resolver.SourceOrder},
	} {
		c.Counters.Observe(e)
	}
	expect(t, c, `
bailiff_dns_requests_total{family="1",proto="udp",type="A"} 2
bailiff_dns_requests_total{family="1",proto="udp",type="CAA"} 1
bailiff_dns_requests_total{family="1",proto="udp",type="other"} 1
bailiff_dns_requests_total{family="2",proto="tcp",type="HTTPS"} 1
bailiff_dns_responses_total{rcode="NOERROR",source="upstream"} 1
bailiff_dns_responses_total{rcode="NXDOMAIN",source="order"} 2
bailiff_dns_responses_total{rcode="other",source="error"} 1
`, "bailiff_dns_requests_total", "bailiff_dns_responses_total")
}

func TestCollect_aRejectedReloadShowsUntilOneSucceeds(t *testing.T) {
	c := newCollector(t, twoOrders)
	for _, tt := range []struct {
		name   string
		record func()
		want   []any
	}{
		{"after the start", func() {}, []any{1000, 1, 0, 0}},
		{"after a rejection", func() { c.Reloads.Record(ResultRejected, time.Unix(2000, 0)) }, []any{1000, 0, 0, 1}},
		{"after a success", func() { c.Reloads.Record(ResultOK, time.Unix(3000, 0)) }, []any{3000, 1, 1, 1}},
	} {
		tt.record()
		t.Run(tt.name, func(t *testing.T) {
			expect(t, c, fmt.Sprintf(`
bailiff_orders_last_reload_success_timestamp_seconds %d
bailiff_orders_last_reload_successful %d
bailiff_orders_reloads_total{result="ok"} %d
bailiff_orders_reloads_total{result="rejected"} %d
`, tt.want...), "bailiff_orders_last_reload_successful", "bailiff_orders_last_reload_success_timestamp_seconds", "bailiff_orders_reloads_total")
		})
	}
}

// busyCollector is a collector with at least one series of every metric.
func busyCollector(t *testing.T) *Collector {
	c := newCollector(t, twoOrders+"---"+noticed)
	c.Counters.Observe(resolver.Event{Type: 1, Source: resolver.SourceCache})
	c.Counters.Exchanged(upstream.Exchange{To: netip.MustParseAddrPort("192.0.2.53:53")})
	queries, err := querylog.Start(querylog.Config{JSONFile: filepath.Join(t.TempDir(), "queries.jsonl"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(queries.Close)
	c.QueryLog = queries
	return c
}

func TestCollect_passesTheLint(t *testing.T) {
	problems, err := testutil.CollectAndLint(busyCollector(t))
	if err != nil || len(problems) > 0 {
		t.Errorf("got %v, %v", problems, err)
	}
}

var (
	tableRow = regexp.MustCompile("(?m)^\\| `(bailiff_\\w+)` \\| (\\w+) \\|([^|]*)\\| [^|]+ \\|$")
	word     = regexp.MustCompile("`(\\w+)`")
)

// documented are the metrics of docs/metrics.md: the type and the labels, sorted.
func documented(t *testing.T) map[string]string {
	t.Helper()
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(string(docs), -1) {
		labels := []string{}
		for _, l := range word.FindAllStringSubmatch(row[3], -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		want[row[1]] = row[2] + " " + strings.Join(labels, " ")
	}
	return want
}

func TestDocs_haveEveryMetricWithTypeAndLabels(t *testing.T) {
	want := documented(t)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(busyCollector(t))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		labels := []string{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		got := strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, " ")
		if got != want[f.GetName()] {
			t.Errorf("%s: got %s, docs/metrics.md says %q", f.GetName(), got, want[f.GetName()])
		}
		delete(want, f.GetName())
	}
	for name := range want {
		t.Errorf("%s: in docs/metrics.md, not collected", name)
	}
}

func TestCollect_theAuthorityOfAHiddenOrderIsItsKind(t *testing.T) {
	c := newCollector(t, "id: a\npublicity: hidden\nauthority: {kind: police, name: Test}\nblock: [a.example]\n")
	expect(t, c, `
bailiff_order_info{authority="police",category="",jurisdiction="",order="a",revision="0",state="in-force"} 1
`, "bailiff_order_info")
}
