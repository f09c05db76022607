package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRule_isTheSameInEveryRun(t *testing.T) {
	for i, want := range []string{"live.vabehir0.example", "guzofar1.example"} {
		if got := rule(i); got != want {
			t.Errorf("rule(%d): got %s, want %s", i, got, want)
		}
	}
}

func TestRule_noneIsBelowAnother(t *testing.T) {
	rules := map[string]bool{}
	for i := range 20_000 {
		if rules[rule(i)] {
			t.Fatalf("got %s twice", rule(i))
		}
		rules[rule(i)] = true
	}
	for name := range rules {
		if above := match(rules, parent(name)); above != "" {
			t.Errorf("%s is below %s", name, above)
		}
	}
}

func TestQuery_isUnderOrderAsOftenAsTheWorkloadSays(t *testing.T) {
	rules := map[string]bool{}
	for i := range 20_000 {
		rules[rule(i)] = true
	}
	for _, w := range queryLoads {
		r := rand.New(rand.NewPCG(seed, 0))
		blocked := 0
		for i := range 10_000 {
			if match(rules, w.query(r, 20_000, 1, i)) != "" {
				blocked++
			}
		}
		if got := float64(blocked) / 10_000; got < w.underOrder-0.004 || got > w.underOrder+0.004 {
			t.Errorf("%s: got %.4f of the queries under order, want %.4f", w.name, got, w.underOrder)
		}
	}
}

func TestQuery_missesAreNeverRepeated(t *testing.T) {
	for _, w := range queryLoads {
		if w.name != "miss" {
			continue
		}
		seen := map[string]bool{}
		for round := range 12 {
			for i := range 1000 {
				name := w.query(nil, 0, round, i)
				if seen[name] {
					t.Fatalf("got %s twice", name)
				}
				seen[name] = true
			}
		}
	}
}

// match is the rule that the name is at or below; empty for none.
func match(rules map[string]bool, name string) string {
	for ; name != ""; name = parent(name) {
		if rules[name] {
			return name
		}
	}
	return ""
}

// parent is the name without its first label; empty above a TLD.
func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

func TestPopularity_followsZipf(t *testing.T) {
	r := rand.New(rand.NewPCG(seed, 0))
	const n, draws = 1000, 100_000
	var counts [n]int
	for range draws {
		counts[popularity(r, n)]++ // panics out of range
	}
	if ratio := float64(counts[0]) / float64(counts[9]); ratio < 6 || ratio > 9 { // ln 2 / ln 1.1
		t.Errorf("got the first %.1f times as often as the tenth, want about 7.3", ratio)
	}
}

func TestWriteRules_everyFormHoldsEveryRule(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "rules")
	if err := writeRules(folder, "benchmark", 2, 3); err != nil {
		t.Fatal(err)
	}
	for file, lines := range map[string]int{"names.txt": 1, "rpz.zone": 2, "local-zones.conf": 1} {
		text, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		for i := 2; i < 5; i++ {
			if got := strings.Count(string(text), rule(i)); got != lines {
				t.Errorf("%s: got %s %d times, want %d", file, rule(i), got, lines)
			}
		}
	}
}
