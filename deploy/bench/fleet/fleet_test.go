package main

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDocument_hasTheTablesOfThisProgram(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "capacity.md"))
	if err != nil {
		t.Fatal(err)
	}
	filled, err := fill(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(filled) != string(document) {
		t.Error("docs/capacity.md is out of date; run go run ./deploy/bench/fleet --write docs/capacity.md")
	}
}

// TestConstants_coverWhatWasMeasured holds that no figure of docs/benchmarks.md is
// above what the arithmetic counts with.
func TestConstants_coverWhatWasMeasured(t *testing.T) {
	document, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, table, row string
		cell             int
		counted          float64
	}{
		{"hitMicroseconds", "hit", "bailiff", 0, hitMicroseconds},
		{"blockMicroseconds", "block", "bailiff", 0, blockMicroseconds},
		{"missMicroseconds", "miss", "bailiff", 0, missMicroseconds},
		{"loadMicroseconds", "engine", "10,000,000 names", 0, loadMicroseconds * 10},
		{"ruleOctets", "engine", "10,000,000 names", 1, ruleOctets * 10e6 / (1 << 20)},
		{"peakOctets", "engine", "10,000,000 names", 2, peakOctets * 10e6 / (1 << 20)},
		{"prefixOctets", "engine", "1,000,000 prefixes", 1, prefixOctets * 1e6 / (1 << 20)},
		{"restartSeconds", "restart", "kept compiled", 0, restartSeconds},
	} {
		cells := rowOf(string(document), c.table, c.row)
		if len(cells) <= c.cell {
			t.Logf("%s: docs/benchmarks.md has no such figure", c.name)
			continue
		}
		measured, err := strconv.ParseFloat(strings.ReplaceAll(strings.Fields(cells[c.cell])[0], ",", ""), 64)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if measured > margin*c.counted {
			t.Errorf("%s: counts with %.3g, where %.3g was measured; change capacity.go", c.name, margin*c.counted, measured)
		}
	}
}

// rowOf are the cells of a row of the table under a heading, without the first.
func rowOf(document, heading, row string) []string {
	_, table, _ := strings.Cut(document, "\n### "+heading+":")
	table, _, _ = strings.Cut(table, "\n#")
	_, cells, found := strings.Cut(table, "\n| "+row+" | ")
	if !found {
		return nil
	}
	cells, _, _ = strings.Cut(cells, " |\n")
	return strings.Split(cells, " | ")
}

func TestFill_aDocumentWithoutAPlaceIsRefused(t *testing.T) {
	if _, err := fill([]byte("# Capacity\n")); err == nil {
		t.Error("got no error")
	}
}

// calm is a fleet in which nothing goes wrong.
func calm() fleet {
	return fleet{
		sites: 10, servers: 4, listOctets: 10e6, linkOctets: 10e6, told: time.Second,
		reload: 2 * time.Second, retry: time.Minute, window: time.Minute, noticed: 30 * time.Second,
	}
}

func draw(f fleet, p plan) course { return f.roll(p, rand.New(rand.NewPCG(1, 2))) }

func TestRoll_aWaveWaitsForTheOneBefore(t *testing.T) {
	p := plan{waves: []float64{0, 0.8, 1}, soak: time.Hour}
	got := draw(calm(), p)
	if got.half < time.Hour || got.half > 2*time.Hour || got.all < 2*time.Hour || got.all > 2*time.Hour+time.Minute {
		t.Errorf("got half after %v and all after %v, want a little over one and two hours", got.half, got.all)
	}
}

func TestRoll_theServersOfASiteShareItsLink(t *testing.T) {
	got := draw(calm(), plan{waves: []float64{1}})
	if got.all < 6*time.Second { // 4 lists of 1 s, the reload
		t.Errorf("got all after %v, want at least 6s", got.all)
	}
}

func TestRoll_badListsStopAtTheFirstServerIfItIsAlone(t *testing.T) {
	alone, together := draw(calm(), plan{waves: []float64{0, 1}, soak: time.Minute}), draw(calm(), plan{waves: []float64{1}})
	if alone.reached <= 0 || alone.reached > 0.2 || math.Abs(together.reached-1) > 1e-9 {
		t.Errorf("got %.2f of clients with one server first, %.2f without", alone.reached, together.reached)
	}
}

func TestRoll_aServerThatRefusesHasTheOrderWithTheNextTry(t *testing.T) {
	f := calm()
	f.rejects = 1
	if got := draw(f, plan{waves: []float64{1}}); got.half < f.retry {
		t.Errorf("got half after %v, want more than %v", got.half, f.retry)
	}
}

func TestRoll_restartsTakeWholeServersAndReloadsOneCore(t *testing.T) {
	f := calm()
	if got, most := draw(f, plan{waves: []float64{1}}).out, 1.0/coresOfServer; got <= 0 || got > most {
		t.Errorf("got %.4f missing for reloads, want up to %.4f", got, most)
	}
	f.restarts, f.down = 1, time.Hour
	if got := draw(f, plan{waves: []float64{1}}).out; got < 0.9 {
		t.Errorf("got %.4f missing while all restart", got)
	}
}

func TestRoll_isTheSameForTheSameSeed(t *testing.T) {
	if a, b := draw(national, plans[3]), draw(national, plans[3]); a != b {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestPlans_endWithEveryServer(t *testing.T) {
	for _, p := range plans {
		if p.waves[len(p.waves)-1] != 1 {
			t.Errorf("%s: ends with %v of the servers", p.name, p.waves)
		}
	}
}

func TestServers_carryTheFailureOfASiteWithOneServerAway(t *testing.T) {
	for _, p := range places {
		left := float64(max(1, p.sites-1) * (p.servers() - 1))
		if have := left * serverQueries(missShare); have < p.queries {
			t.Errorf("%s: got servers for %.0f queries a second, want %.0f", p.name, have, p.queries)
		}
	}
}

func TestCoreQueries_moreMissesAreFewerQueries(t *testing.T) {
	last := math.Inf(1)
	for _, misses := range []float64{0, 0.1, 0.5, 0.99} {
		if got := coreQueries(misses); got >= last {
			t.Errorf("got %.0f queries a second with %v misses, %.0f with fewer", got, misses, last)
		} else {
			last = got
		}
	}
}

func TestFigures_haveTwoDigits(t *testing.T) {
	var got []string
	for _, v := range []float64{0, 0.144, 3.14159, 31.4, 99.9, 314, 1_234_567} {
		got = append(got, figure(v))
	}
	if want := "0.00 0.14 3.1 31 100 310 1,200,000"; strings.Join(got, " ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, " "), want)
	}
}
