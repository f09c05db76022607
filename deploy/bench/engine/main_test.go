package main

import (
	"testing"

	"bailiff/policy/name"
)

func TestRun_measuresNamesAndPrefixes(t *testing.T) {
	for _, tt := range []struct {
		name            string
		names, prefixes int
	}{{"names", 1000, 0}, {"prefixes", 0, 1000}} {
		got, err := run(tt.names, tt.prefixes, 10_000)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got.LoadSeconds <= 0 || got.MatchNanoseconds <= 0 || got.FreeNanoseconds <= 0 {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

func TestRun_wantsNamesOrPrefixes(t *testing.T) {
	for _, in := range [][2]int{{0, 0}, {1, 1}, {-1, 0}, {20_000_001, 0}} {
		if _, err := run(in[0], in[1], 1); err == nil {
			t.Errorf("%v: got no error", in)
		}
	}
}

func TestEntries_areUnderOrderAndOthersAreNot(t *testing.T) {
	seen := map[string]bool{}
	for i := range 10_000 {
		seen[entry("n", i)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("got %d names, want 10000", len(seen))
	}
	if _, err := name.Parse(entry("free", 1)); err != nil {
		t.Error(err)
	}
	if seen[entry("free", 1)] || prefix(0, 70_000).String() != "2001:db8:1:1170::1" || prefix(1, 0) == prefix(0, 0) {
		t.Errorf("got %s, %s", entry("free", 1), prefix(0, 70_000))
	}
}
