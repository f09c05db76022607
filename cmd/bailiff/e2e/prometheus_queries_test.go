package e2e

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// expectData waits until a query has a result, and returns it.
func (p *prometheusServer) expectData(t *testing.T, expr string) []sample {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(500 * time.Millisecond) {
		result, err := p.query(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			return nil
		}
		if len(result) > 0 {
			return result
		}
		if time.Now().After(end) {
			t.Errorf("%s: got no data", expr)
			return nil
		}
	}
}

// expectRules holds that each rule is evaluated without an error, that each
// recording rule has a result, and so has each alert that must fire.
func (p *prometheusServer) expectRules(t *testing.T) {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Query, Type, Health, LastError string }
		}
	}
	if err := p.get("rules", nil, &data); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			seen[r.Name] = true
			result, err := p.query(r.Query)
			switch reason, silent := silentAlerts[r.Name]; {
			case err != nil || r.LastError != "":
				t.Errorf("%s: %v %s", r.Name, err, r.LastError)
			case silent && len(result) > 0:
				t.Errorf("%s: got %v, want silence: %s", r.Name, result, reason)
			case !silent:
				p.expectData(t, r.Query)
			}
		}
	}
	for name := range silentAlerts {
		if !seen[name] {
			t.Errorf("%s: is no alert", name)
		}
	}
	if len(seen) < 20 {
		t.Errorf("got %d rules", len(seen))
	}
}

// grafana is a dashboard as far as its queries go.
type grafana struct {
	Templating struct {
		List []struct {
			Name, Type string
			Query      json.RawMessage
		}
	}
	Annotations struct {
		List []struct{ Target struct{ Expr string } }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr, LegendFormat string }
	}
}

// expectDashboard runs each query of a dashboard. An annotation may have no
// result: it marks what happens seldom.
func (p *prometheusServer) expectDashboard(t *testing.T, file string) {
	var d grafana
	if err := json.Unmarshal([]byte(read(t, file)), &d); err != nil {
		t.Fatal(err)
	}
	for _, v := range d.Templating.List[1:] { // the first is the data source
		p.expectValues(t, string(v.Query))
	}
	for _, panel := range d.Panels {
		for _, q := range panel.Targets {
			result := p.expectData(t, substituted(q.Expr))
			for _, label := range legendLabel.FindAllStringSubmatch(q.LegendFormat, -1) {
				if !slices.ContainsFunc(result, func(s sample) bool { return s.Metric[label[1]] != "" }) {
					t.Errorf("%s: the legend names %s, which no series has", panel.Title, label[1])
				}
			}
		}
	}
	for _, a := range d.Annotations.List {
		if _, err := p.query(substituted(a.Target.Expr)); err != nil {
			t.Errorf("%s: %v", a.Target.Expr, err)
		}
	}
}

var (
	legendLabel = regexp.MustCompile(`\{\{(\w+)\}\}`)
	labelValues = regexp.MustCompile(`label_values\((\w+), (\w+)\)`)
)

// substituted is a query as Grafana sends it.
func substituted(expr string) string {
	return strings.NewReplacer("$__rate_interval", "15s", "$__range", "10m", "$instance", ".*", "$order", "full").Replace(expr)
}

// expectValues runs the query of a variable.
func (p *prometheusServer) expectValues(t *testing.T, query string) {
	m := labelValues.FindStringSubmatch(query)
	if m == nil {
		t.Fatalf("%s: is no label_values(metric, label)", query)
	}
	var values []string
	if err := p.get("label/"+m[2]+"/values", url.Values{"match[]": {m[1]}}, &values); err != nil || len(values) == 0 {
		t.Errorf("%s: got %v, %v", query, values, err)
	}
}
