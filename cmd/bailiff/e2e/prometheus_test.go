package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// prometheusServer is a real Prometheus.
type prometheusServer struct{ address string }

// prometheus scrapes targets each second with the configuration and the rules
// under deploy, which it evaluates each second too, until the test ends.
func prometheus(t *testing.T, targets ...string) *prometheusServer {
	t.Helper()
	const deployed = "../../../deploy/prometheus"
	config := strings.NewReplacer("15s", "1s", "1m", "1s", "127.0.0.1:9153", strings.Join(targets, `", "`)).Replace(read(t, deployed+"/prometheus.yml"))
	files := map[string]string{"prometheus.yml": config}
	for _, path := range paths(t, deployed+"/rules/*.yml") {
		files["rules/"+filepath.Base(path)] = ruleInterval.ReplaceAllString(read(t, path), "    interval: 1s\n")
	}
	folder, address := write(t, files), "127.0.0.1:"+freePort(t)
	out := new(transcript)
	cmd := exec.Command(program(t, "prometheus"), "--config.file="+filepath.Join(folder, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	out.wait(t, "Server is ready")
	return &prometheusServer{address}
}

var ruleInterval = regexp.MustCompile(`(?m)^    interval: \w+\n`)

func paths(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: got no file, %v", pattern, err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// get decodes the data of an answer of the API.
func (p *prometheusServer) get(path string, parameters url.Values, data any) error {
	response, err := http.Get("http://" + p.address + "/api/v1/" + path + "?" + parameters.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return nil
}

// sample is one series of a result at its last instant.
type sample struct {
	Metric map[string]string
	Value  [2]any // time, value as text
}

// query evaluates an expression now. Samples that are no number do not count.
func (p *prometheusServer) query(expr string) ([]sample, error) {
	var data struct{ Result []sample }
	err := p.get("query", url.Values{"query": {expr}}, &data)
	return slices.DeleteFunc(data.Result, func(s sample) bool { return s.Value[1] == "NaN" }), err
}

// audited are orders of which each has something to show.
func audited(now time.Time) string {
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339) }
	const day = 24 * time.Hour
	return fmt.Sprintf(`
id: full
revision: 2
jurisdiction: IT
category: copyright
authority: {kind: court, name: Tribunale di Milano}
received: %[1]s
deadline: {block: 24h}
valid: {from: %[1]s, until: %[2]s, review: %[3]s}
answer: {action: notice, notice: {ipv4: [192.0.2.80]}}
block: [iptv.test]
rules: [{name: mirror.test, notice: notice-1}]
notices: [{id: notice-1, at: %[1]s}]
---
id: late
authority: {kind: court, name: Tribunal de Paris}
received: %[4]s
deadline: {block: 24h}
valid: {until: %[5]s, review: 2020-11-01}
block: [sport.test]
---
id: coming
authority: Court
mode: observe
received: %[1]s
deadline: {block: 72h}
block: [observed.test]
`, at(-time.Hour), at(60*day), now.Add(30*day).Format(time.DateOnly), at(-2*day), at(3*day))
}

// silentAlerts must not fire here, and why.
var silentAlerts = map[string]string{
	"BailiffDown":               "it runs",
	"BailiffFailing":            "an upstream answers",
	"BailiffAllUpstreamsDown":   "one of two is down",
	"BailiffSaturated":          "a few queries a second",
	"BailiffQueriesLost":        "the same",
	"BailiffPanicked":           "no query panics",
	"BailiffJournalFailing":     "its folder can be written",
	"BailiffJournalGap":         "the same",
	"BailiffMatchesStopped":     "needs eight days of history",
	"BailiffOrderStale":         "needs ninety days of history",
	"BailiffBlockedShareJumped": "needs a day of history",

	"BailiffBogus":                   "nothing is signed",
	"BailiffNoTrustAnchor":           "no key is revoked",
	"BailiffTrustAnchorMissing":      "none is missing",
	"BailiffTrustAnchorStateFailing": "no state is kept",
}

func TestPrometheus_everyRuleAndPanelGetsData(t *testing.T) {
	t.Parallel()
	program(t, "prometheus")
	folder := write(t, map[string]string{
		"orders.d/orders.yaml": audited(time.Now()),
		"bailiff.yaml": fmt.Sprintf("orders: [orders.d]\nstate: state\nupstreams: [%q, %q]\n",
			upstream(t, honest, honest).address, "127.0.0.1:"+freePort(t)), // nobody is at the second
		"validating.yaml": fmt.Sprintf("dnssec: validate\nrecursion: {trust_anchors: anchors}\nupstreams: [%q]\n", upstream(t, honest, honest).address),
		"anchors":         "signed.test. IN DS 12345 13 2 " + strings.Repeat("00", 32) + "\n",
	})
	s := bailiff(t, "--config", filepath.Join(folder, "bailiff.yaml"))
	validating := bailiff(t, "--config", filepath.Join(folder, "validating.yaml"))
	p := prometheus(t, s.pages, validating.pages)
	stop := make(chan struct{})
	var traffic sync.WaitGroup
	traffic.Go(func() { s.traffic(stop) })
	traffic.Go(func() { validating.traffic(stop) })
	defer traffic.Wait()
	defer close(stop)
	overwrite(t, filepath.Join(folder, "orders.d", "bad.yaml"), "id: bad\nauthority: Court\nblock: [co.uk]\n")
	s.reload("rejected")
	if got := s.metric(`bailiff_guard_refusals_total{guard="public-suffix"}`); got != "1" {
		t.Errorf("got %q refusals by the guard, want 1", got)
	}
	t.Run("rules", p.expectRules)
	for _, file := range paths(t, "../../../deploy/grafana/dashboards/*.json") {
		t.Run(filepath.Base(file), func(t *testing.T) { p.expectDashboard(t, file) })
	}
}

// traffic asks for names under order and free ones, some again and again, until
// stop closes.
func (s *server) traffic(stop chan struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(200 * time.Millisecond):
		}
		for _, question := range []string{
			"www.iptv.test A", "mirror.test A", "observed.test A", "+tcp free.test A", "free.test AAAA", fmt.Sprintf("free%d.test A", i),
		} {
			s.dig(append([]string{"+noall"}, strings.Fields(question)...)...)
		}
	}
}
