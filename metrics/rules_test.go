package metrics

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// ruleFiles are Prometheus rules, as far as the tests look at them.
type ruleFiles struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

// rules are all rules under deploy/prometheus.
func rules(t *testing.T) (all []rule) {
	t.Helper()
	for _, file := range glob(t, "../deploy/prometheus/rules/*.yml") {
		var read ruleFiles
		unmarshal(t, file, &read)
		for _, g := range read.Groups {
			all = append(all, g.Rules...)
		}
	}
	return all
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got no file, %v", pattern, err)
	}
	return files
}

func unmarshal(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// promtool runs the real one in deploy/prometheus; without it the test is
// skipped, or fails in CI.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("BAILIFF_CI") != "" {
			t.Fatal("promtool is not installed, and in CI it must be")
		}
		t.Skip("promtool is not installed: deploy/test-deps.sh installs it")
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = "../deploy/prometheus"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestRules_passPromtool(t *testing.T) {
	promtool(t, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
}

func TestRules_passTheirOwnTests(t *testing.T) {
	for _, file := range glob(t, "../deploy/prometheus/tests/*.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			promtool(t, "test", "rules", "tests/"+filepath.Base(file))
		})
	}
}

func TestRules_eachAlertIsTestedFiringAndNot(t *testing.T) {
	firing, silent := map[string]bool{}, map[string]bool{}
	for _, file := range glob(t, "../deploy/prometheus/tests/*.yml") {
		var read struct {
			Tests []struct {
				Alerts []struct {
					Name     string `yaml:"alertname"`
					Expected []any  `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		unmarshal(t, file, &read)
		for _, test := range read.Tests {
			for _, a := range test.Alerts {
				firing[a.Name] = firing[a.Name] || len(a.Expected) > 0
				silent[a.Name] = silent[a.Name] || len(a.Expected) == 0
			}
		}
	}
	for _, r := range rules(t) {
		if r.Alert != "" && (!firing[r.Alert] || !silent[r.Alert]) {
			t.Errorf("%s: got firing %v, not firing %v, want both tested", r.Alert, firing[r.Alert], silent[r.Alert])
		}
	}
}

func TestRules_eachAlertHasSeveritySummaryAndRunbook(t *testing.T) {
	guide, err := os.ReadFile("../docs/operator.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
			t.Errorf("%s: got severity %q, want page or ticket", r.Alert, r.Labels["severity"])
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s: has no summary", r.Alert)
		}
		if want := "docs/operator.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want {
			t.Errorf("%s: got runbook %q, want %q", r.Alert, r.Annotations["runbook"], want)
		}
		if !strings.Contains(string(guide), "\n### "+r.Alert+"\n") {
			t.Errorf("%s: docs/operator.md has no section of that name", r.Alert)
		}
	}
}

func TestRules_nameMetricsThatExist(t *testing.T) {
	known := knownMetrics(t)
	for _, r := range rules(t) {
		for _, name := range unknown(known, r.Expr) {
			t.Errorf("%s%s: %s is neither in docs/metrics.md nor recorded", r.Alert, r.Record, name)
		}
	}
}

var (
	metricName   = regexp.MustCompile(`\bbailiff[_:][a-z0-9_:]+`)
	histogramEnd = regexp.MustCompile(`_(bucket|sum|count)$`)
)

// knownMetrics are those of docs/metrics.md, and the recorded ones.
func knownMetrics(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for name := range documented(t) {
		known[name] = true
	}
	for _, r := range rules(t) {
		known[r.Record] = true
	}
	return known
}

// unknown are the names in a query that are none of the known.
func unknown(known map[string]bool, expr string) (names []string) {
	for _, name := range metricName.FindAllString(expr, -1) {
		if !known[name] && !known[histogramEnd.ReplaceAllString(name, "")] {
			names = append(names, name)
		}
	}
	return names
}
