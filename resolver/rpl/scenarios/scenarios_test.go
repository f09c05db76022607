// Package scenarios plays scenarios (package rpl) against the whole resolver:
// clients' packets go in at resolver.Respond, the network is the scenario's, and
// time is a bubble's, so that hours of silence take no time.
//
// Our own are in testdata, named after the RFC whose rule they state. Another
// suite in the same language is played with
//
//	BAILIFF_SCENARIOS=/folder[:/file.rpl] go test -run TestScenarios_outside -v ./resolver/rpl/scenarios
//
// Start reading at run.round; setup_test.go says what a scenario's settings mean
// for bailiff, authority_test.go serves whole zones.
package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"bailiff/policy/problem"
	"bailiff/resolver/rpl"
)

// verdict is what comes of a file: why it was skipped or failed, or neither.
type verdict struct {
	skipped, failed string
	happened        []string
}

// trace is what happened, a line each.
func (v verdict) trace() string { return "\n\t" + strings.Join(v.happened, "\n\t") }

// playFile reads and plays a scenario.
func playFile(t *testing.T, file string) (v verdict) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	s := rpl.Read(filepath.Base(file), string(text), &problems)
	c := newSetup(s)
	if unsupported := append(s.Unsupported, c.unsupported...); len(unsupported) > 0 {
		return verdict{skipped: "unsupported: " + strings.Join(unsupported, ", ")}
	}
	if problems.Refused() {
		return verdict{failed: problems.Sorted()[0].Error()}
	}
	translate(s, c.anchors)
	zones, err := newAuthority(s)
	if err != nil {
		return verdict{failed: err.Error()}
	}
	c.addZones(zones)
	synctest.Test(t, func(*testing.T) { v.failed, v.happened = play(s, c, zones) })
	return v
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.rpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if v := playFile(t, file); v.failed != "" || v.skipped != "" {
				t.Errorf("%s%s%s", v.failed, v.skipped, v.trace())
			}
		})
	}
}

func TestScenarios_outside(t *testing.T) {
	places := filepath.SplitList(os.Getenv("BAILIFF_SCENARIOS"))
	if len(places) == 0 {
		t.Skip("BAILIFF_SCENARIOS names no folder")
	}
	var passed, failed, skipped int
	for _, place := range places {
		for _, file := range scenariosIn(t, place) {
			switch v := playFile(t, file); {
			case v.failed != "":
				failed++
				t.Errorf("%s: FAIL: %s", filepath.Base(file), v.failed)
				if file == place {
					t.Log(v.trace())
				}
			case v.skipped != "":
				skipped++
				t.Logf("%s: skipped: %s", filepath.Base(file), v.skipped)
			default:
				passed++
				t.Logf("%s: pass", filepath.Base(file))
			}
		}
	}
	t.Logf("%d passed, %d failed, %d skipped", passed, failed, skipped)
}

// scenariosIn are the scenarios of a folder, or the one file.
func scenariosIn(t *testing.T, place string) []string {
	if strings.HasSuffix(place, ".rpl") {
		return []string{place}
	}
	files, err := filepath.Glob(filepath.Join(place, "*.rpl"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}
