package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"bailiff/metrics"
	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/resolver"
	"bailiff/resolver/listen"
	"bailiff/resolver/sketch"
)

// startedAPI is the API of a server with these orders, which answers no query.
// Its journal ends with a signed head.
func startedAPI(t *testing.T, orders string) *api {
	t.Helper()
	folder, log := t.TempDir(), slog.New(slog.DiscardHandler)
	cfg := defaultConfig()
	cfg.orders, cfg.state, cfg.watch = []string{filepath.Join(folder, "orders.yaml")}, filepath.Join(folder, "state"), true
	cfg.notice = order.Addresses{IPv4: []netip.Addr{netip.MustParseAddr("192.0.2.80")}}
	cfg.protected.Names = []name.Name{name.MustParse("www.a.example")}
	cfg.upstreams = []upstreamServer{{address: netip.MustParseAddrPort("192.0.2.53:53")}}
	write(t, cfg.orders[0], orders)
	law := policy.NewStore()
	audit, err := openAudit(cfg, law, log)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeper(cfg, law, log)
	k.audit = audit
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	audit.close()
	counters := metrics.NewCounters(nil)
	answering := resolver.New(resolverConfig(cfg, law, nil, counters, nil, log))
	t.Cleanup(answering.Close)
	dns, err := listen.Listen(listen.Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Resolver: answering, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dns.Shutdown(context.Background()) })
	return &api{
		keeper: k, counters: counters, meter: newMeter(time.Now()), resolver: answering, listeners: dns,
		journal: audit.writer(), config: cfg, metrics: cfg.metrics,
	}
}

// asked is the answer to a GET.
func asked(t *testing.T, h http.Handler, path string) (status int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if got := w.Header().Get("Content-Type"); got != "application/json" && got != "application/jsonl" {
		t.Errorf("%s: got type %s, want JSON", path, got)
	}
	for header, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s: got %s: %q, want %s", path, header, got, want)
		}
	}
	return w.Code, w.Body.String()
}

const fullOrders = `
id: full
revision: 3
title: Everything
jurisdiction: IT
category: gambling
authority: {kind: court, name: Court}
legal_basis: [art. 1]
reference: {case: R.G. 1, issued: 2026-01-01, document: a.pdf}
received: 2026-01-01T00:00:00Z
deadline: {block: 24h, unblock: 48h}
valid: {from: 2026-01-01T00:00:00Z, until: 2090-01-01T00:00:00Z, review: 2089-01-01}
clients: [198.51.100.0/24]
answer: {action: notice, ttl: 30s}
block: [a.example]
rules:
  - {address: 198.51.100.44}
  - {label: brand, match: any-tld}
  - {name: n.example, notice: n1}
  - {except: free.a.example, reason: test}
notices: [{id: n1, at: 2026-02-01T00:00:00Z, kind: addition, by: counsel, document: n1.pdf}]
overrides: [{guard: protected, name: a.example, approved_by: Somebody, reason: test, at: 2026-01-01T00:00:00Z}]
---
id: plain
authority: Test
block: [b.example]
`

// described are requests for each path of the API.
var described = map[string][]string{
	"/api/v1/status":       {"/api/v1/status"},
	"/api/v1/orders":       {"/api/v1/orders", "/api/v1/orders?limit=1", "/api/v1/orders?after=zzz"},
	"/api/v1/orders/{id}":  {"/api/v1/orders/full", "/api/v1/orders/plain"},
	"/api/v1/explain":      {"/api/v1/explain?name=www.a.example&client=198.51.100.7&type=AAAA", "/api/v1/explain?name=example.org"},
	"/api/v1/journal/head": {"/api/v1/journal/head"},
	"/api/v1/sketch":       {"/api/v1/sketch"},
}

func TestAPI_answersAreAsTheDescriptionSays(t *testing.T) {
	a := startedAPI(t, fullOrders)
	paths, schemaOf := readOpenAPI(t)
	if got, want := slices.Sorted(maps.Keys(a.routes())), slices.Sorted(maps.Keys(paths)); !slices.Equal(got, want) {
		t.Errorf("got paths %v, described are %v", got, want)
	}
	seen := name.MustParse("seen.example")
	a.resolver.Sketch().Note(sketch.Sight{Name: seen, Target: seen, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.1")}, Servers: []name.Name{seen}})
	before := a.keeper.law.Load().Orders()[0].Tally.LastMatch()
	for path, kind := range paths {
		valid := schemaOf("paths", path, "get", "responses", "200", "content", kind, "schema")
		for _, request := range described[path] {
			status, body := asked(t, a.handler(), request)
			if status != http.StatusOK {
				t.Errorf("%s: got %d %s", request, status, body)
			}
			for line := range strings.Lines(body) {
				if kind == "application/json" {
					line = body
				}
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
				if err == nil {
					err = valid.Validate(value)
				}
				if err != nil {
					t.Errorf("%s: %v\n%s", request, err, body)
				}
			}
		}
	}
	if got := a.keeper.law.Load().Orders()[0].Tally.LastMatch(); got != before {
		t.Error("explain counted a match")
	}
}

// readOpenAPI returns the paths described with the media type of their answers,
// and what makes the schema at a place.
func readOpenAPI(t *testing.T) (paths map[string]string, schemaOf func(place ...string) *jsonschema.Schema) {
	t.Helper()
	data, err := os.ReadFile("../../deploy/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := yaml.Unmarshal(data, &parsed); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	var outline struct {
		Paths map[string]struct {
			Get struct {
				Responses map[string]struct{ Content map[string]any }
			}
		}
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil || json.Unmarshal(text, &outline) != nil {
		t.Fatal(err)
	}
	paths = map[string]string{}
	for path, item := range outline.Paths {
		for kind := range item.Get.Responses["200"].Content {
			paths[path] = kind
		}
	}
	return paths, func(place ...string) *jsonschema.Schema {
		t.Helper()
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		if err := c.AddResource("openapi.json", doc); err != nil {
			t.Fatal(err)
		}
		pointer := ""
		for _, step := range place {
			pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(step)
		}
		s, err := c.Compile("openapi.json#" + pointer)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func TestAPI_refusesWithAReason(t *testing.T) {
	a := startedAPI(t, fullOrders)
	_, schemaOf := readOpenAPI(t)
	valid := schemaOf("components", "schemas", "Error")
	for _, tt := range []struct {
		path   string
		status int
		want   string
	}{
		{"/api/v1/orders?limit=0", 400, "limit 0: is not between 1 and 1000"},
		{"/api/v1/orders?limit=x", 400, "limit x: is not"},
		{"/api/v1/orders/none", 404, "no order of that id"},
		{"/api/v1/explain", 400, "is empty"},
		{"/api/v1/explain?name=a%20b", 400, "write one name"},
		{"/api/v1/explain?name=a.example&type=NONSENSE", 400, "NONSENSE: is no RR type"},
		{"/api/v1/explain?name=a.example&client=me", 400, "client me: is no address"},
		{"/api/v1/explain?name=a.example&at=yesterday", 400, "at yesterday: is no time"},
		{"/api/v1/explain?name=a.example&at=2095-01-01T00:00:00Z", 409, "bailiff explain --at"},
		{"/api/v1/nonsense", 404, "deploy/openapi.yaml"},
		{"/", 404, "deploy/openapi.yaml"},
	} {
		status, body := asked(t, a.handler(), tt.path)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
		if err != nil || valid.Validate(value) != nil || status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: got %d %s, want %d … %s", tt.path, status, body, tt.status, tt.want)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		w := httptest.NewRecorder()
		a.handler().ServeHTTP(w, httptest.NewRequest(method, "/api/v1/status", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d, want 405", method, w.Code)
		}
	}
}

func TestAPI_ordersComeInPages(t *testing.T) {
	var orders strings.Builder
	for i := range 250 {
		fmt.Fprintf(&orders, "---\nid: o-%03d\nauthority: Test\nblock: [n%d.example]\n", i, i)
	}
	h := startedAPI(t, orders.String()).handler()
	var ids []string
	after, pages := "", 0
	for {
		_, body := asked(t, h, "/api/v1/orders?after="+after)
		var page orderPage
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Orders {
			ids = append(ids, o.ID)
		}
		if pages++; page.Next == "" {
			break
		}
		after = page.Next
	}
	if len(ids) != 250 || pages != 3 || !slices.IsSorted(ids) || len(slices.Compact(ids)) != 250 {
		t.Errorf("got %d orders on %d pages, want 250 on 3", len(ids), pages)
	}
}

func TestAPI_aHiddenOrderTellsCountsOnly(t *testing.T) {
	const hidden = `
id: hidden
title: about secret.example
jurisdiction: FR
authority: {kind: police, name: secret-office}
legal_basis: [secret]
reference: {case: secret, document: secret.pdf}
publicity: hidden
answer: {action: nodata, text: {en: secret}}
block: [secret.example, a.example]
rules: [{name: n.secret.example, notice: n1}]
notices: [{id: n1, at: 2026-02-01T00:00:00Z, kind: addition, by: secret, document: secret.pdf}]
overrides: [{guard: protected, name: a.example, approved_by: secret, reason: secret}]
`
	a := startedAPI(t, hidden)
	for _, path := range []string{
		"/api/v1/status", "/api/v1/orders", "/api/v1/orders/hidden", "/api/v1/explain?name=www.a.example", "/api/v1/journal/head", "/api/v1/sketch",
	} {
		if _, body := asked(t, a.handler(), path); strings.Contains(body, "secret") {
			t.Errorf("%s tells of a hidden order:\n%s", path, body)
		}
	}
	_, body := asked(t, a.handler(), "/api/v1/orders/hidden")
	for _, want := range []string{`"name": 3`, `"kind": "police"`, `"state": "in-force"`, `"guard": "protected"`} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s, want %s in it", body, want)
		}
	}
}

func TestStatus_saysWhatIsWrong(t *testing.T) {
	a := startedAPI(t, fullOrders)
	if got := a.status(time.Now()); len(got.Wrong) != 0 || !got.Reload.OK {
		t.Errorf("got %q wrong, want nothing", got.Wrong)
	}
	write(t, a.keeper.paths[0], "nonsense")
	a.keeper.reload()
	got := a.status(time.Now())
	if want := []string{"the last reload was rejected (1 problems): older orders stay in force"}; !slices.Equal(got.Wrong, want) || got.Reload.OK || got.Reload.Problems != 1 {
		t.Errorf("got %q wrong and %+v, want %q", got.Wrong, got.Reload, want)
	}
	got.Upstreams = []upstreamStatus{{Up: true}, {}}
	got.Journal, got.Wrong = &journalStatus{Failing: true, Lost: 3}, nil
	got.findWrong()
	if len(got.Wrong) != 4 || got.Wrong[1] != "1 of 2 upstreams do not answer" {
		t.Errorf("got %q wrong, want 4 things", got.Wrong)
	}
}

func TestMeter_remembersAMinute(t *testing.T) {
	start := time.Now()
	m := newMeter(start)
	for i := range 100 {
		m.add(sample{metrics.Totals{Queries: uint64(10 * i)}, start.Add(time.Duration(i) * meterPause)})
	}
	if got := m.oldest(); len(m.samples) != meterSamples || got.Queries != uint64(10*(100-meterSamples)) {
		t.Errorf("got %d samples, the oldest %+v; want %d", len(m.samples), got, meterSamples)
	}
}

func TestStatus_fitsOneScreen(t *testing.T) {
	s := startedAPI(t, fullOrders).status(time.Now())
	for i := range 32 {
		s.Upstreams = append(s.Upstreams, upstreamStatus{Server: netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:1234:5678]:53"), Up: i%2 == 0, RTTSeconds: 0.02})
		s.Listen = append(s.Listen, netip.MustParseAddrPort("192.0.2.53:53"))
		s.Wrong = append(s.Wrong, strings.Repeat("something is wrong ", 10))
	}
	lines := strings.Split(strings.TrimSuffix(s.screen(), "\n"), "\n")
	if len(lines) > screenLines {
		t.Errorf("got %d lines, want at most %d", len(lines), screenLines)
	}
	for _, line := range lines {
		if n := len([]rune(line)); n > screenColumns {
			t.Errorf("got %d columns, want at most %d: %s", n, screenColumns, line)
		}
	}
	if !strings.Contains(s.screen(), "DOWN") || !strings.HasPrefix(lines[1], "  ! something is wrong") {
		t.Errorf("got\n%s\nwant what is wrong first", s.screen())
	}
}
