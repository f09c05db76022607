package metrics

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dashboard is Grafana's, as far as the tests look at it.
type dashboard struct {
	UID, Title, Description string
	Tags                    []string
	SchemaVersion           int
	Links                   []struct {
		Type        string
		Tags        []string
		IncludeVars bool
		KeepTime    bool
	}
	Templating  struct{ List []variable }
	Annotations struct {
		List []struct{ Target target }
	}
	Panels []panel
}

type variable struct {
	Name, Type string
	Query      json.RawMessage
	Current    struct{ Value json.RawMessage }
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               struct{ UID string }
	GridPos                  struct{ H, W, X, Y int }
	Targets                  []target
	FieldConfig              struct {
		Defaults struct {
			Unit  string
			Links []struct{ URL string }
		}
	}
}

type target struct {
	RefID      string
	Expr       string
	Datasource struct{ UID string }
}

// dashboards are those under deploy/grafana.
func dashboards(t *testing.T) map[string]*dashboard {
	t.Helper()
	all := map[string]*dashboard{}
	for _, file := range glob(t, "../deploy/grafana/dashboards/*.json") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d := new(dashboard)
		if err := json.Unmarshal(data, d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[filepath.Base(file)] = d
	}
	return all
}

func TestDashboards_areThreeThatLinkToEachOther(t *testing.T) {
	all := dashboards(t)
	for file, title := range map[string]string{
		"operations.json": "bailiff: Operations", "orders.json": "bailiff: Orders", "order.json": "bailiff: One order",
	} {
		d := all[file]
		if d == nil {
			t.Errorf("%s: is not there", file)
			continue
		}
		if want := "bailiff-" + strings.TrimSuffix(file, ".json"); d.UID != want || d.Title != title || d.Description == "" {
			t.Errorf("%s: got uid %q, title %q", file, d.UID, d.Title)
		}
		if d.SchemaVersion != 42 { // of @grafana/schema 13.2
			t.Errorf("%s: got schemaVersion %d, want 42", file, d.SchemaVersion)
		}
		if len(d.Links) != 1 || d.Links[0].Type != "dashboards" || !slices.Equal(d.Links[0].Tags, d.Tags) ||
			!d.Links[0].IncludeVars || !d.Links[0].KeepTime {
			t.Errorf("%s: got links %+v, want one by the tag that all have", file, d.Links)
		}
	}
	if len(all) != 3 {
		t.Errorf("got %d dashboards, want 3", len(all))
	}
}

func TestDashboards_panelsArePlainDescribedAndInTheirPlace(t *testing.T) {
	plain := []string{"row", "timeseries", "stat", "table", "bargauge"}
	for file, d := range dashboards(t) {
		const columns = 24
		ids, taken := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] || p.ID < 1 {
				t.Errorf("%s: %s: id %d is taken", file, p.Title, p.ID)
			}
			ids[p.ID] = true
			if !slices.Contains(plain, p.Type) {
				t.Errorf("%s: %s: is a %s, want one of %v", file, p.Title, p.Type, plain)
			}
			if p.Title == "" || p.Description == "" && p.Type != "row" {
				t.Errorf("%s: %q: has no title or description", file, p.Title)
			}
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > columns {
				t.Errorf("%s: %s: got place %+v", file, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s covers %s", file, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

func TestDashboards_queriesGoToTheChosenPrometheusForMetricsThatExist(t *testing.T) {
	known := knownMetrics(t)
	for file, d := range dashboards(t) {
		if len(d.Templating.List) < 1 || d.Templating.List[0].Name != "datasource" || d.Templating.List[0].Type != "datasource" {
			t.Errorf("%s: the first variable is no choice of a data source", file)
		}
		for _, v := range d.Templating.List[1:] {
			for _, name := range unknown(known, string(v.Query)) {
				t.Errorf("%s: variable %s: %s does not exist", file, v.Name, name)
			}
		}
		var targets []target
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %s: got no query, or another data source", file, p.Title)
			}
			if p.Type != "table" && p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: %s: has no unit", file, p.Title)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if refs[q.RefID] {
					t.Errorf("%s: %s: two queries %s", file, p.Title, q.RefID)
				}
				refs[q.RefID] = true
			}
			targets = append(targets, p.Targets...)
		}
		for _, a := range d.Annotations.List {
			targets = append(targets, a.Target)
		}
		for _, q := range targets {
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %s: goes to %s", file, q.Expr, q.Datasource.UID)
			}
			for _, name := range unknown(known, q.Expr) {
				t.Errorf("%s: %s: %s does not exist", file, q.Expr, name)
			}
		}
	}
}

var dollarName = regexp.MustCompile(`\$\w+`)

// TestDashboards_variablesAreDefined looks at each $name in a query.
func TestDashboards_variablesAreDefined(t *testing.T) {
	for file, d := range dashboards(t) {
		known := []string{"$__rate_interval", "$__range"}
		for _, v := range d.Templating.List {
			known = append(known, "$"+v.Name)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				for _, used := range dollarName.FindAllString(q.Expr, -1) {
					if !slices.Contains(known, used) {
						t.Errorf("%s: %s: %s is no variable", file, p.Title, used)
					}
				}
			}
		}
	}
}

// TestProvisioning_fitsTheDashboards holds that the data source is the one they
// begin with, and that the folder is the one that the documentation fills.
func TestProvisioning_fitsTheDashboards(t *testing.T) {
	const folder = "../deploy/grafana/provisioning/"
	var sources struct {
		Datasources []struct{ Name, UID, Type, URL string }
	}
	unmarshal(t, folder+"datasources/prometheus.yml", &sources)
	if len(sources.Datasources) != 1 {
		t.Fatalf("got %d data sources, want 1", len(sources.Datasources))
	}
	uid := sources.Datasources[0].UID
	for file, d := range dashboards(t) {
		if got := d.Templating.List[0].Current.Value; string(got) != `"`+uid+`"` {
			t.Errorf("%s: begins with data source %s, want %s", file, got, uid)
		}
	}
	var providers struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	unmarshal(t, folder+"dashboards/bailiff.yml", &providers)
	docs, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers.Providers {
		if p.Type != "file" || !strings.Contains(string(docs), "`"+p.Options.Path+"`") {
			t.Errorf("got %+v, want a folder that docs/metrics.md names", p)
		}
	}
}
