package order

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

func TestLoad_readsLimitsAndOverrides(t *testing.T) {
	var problems problem.List
	o := Load([]string{"testdata/guard.good.yaml"}, &problems).Orders[0]
	if want := (Limits{Names: 5000, Shrink: 20, Grow: 300}); o.Limits != want {
		t.Errorf("got %+v, want %+v", o.Limits, want)
	}
	prefix := netip.MustParsePrefix("192.0.2.0/23")
	want := []Subject{
		{Guard: GuardPublicSuffix, Name: name.MustParse("hosting.example")}, {Guard: GuardPopular, Name: "\x0aexample-tv\x00"},
		{Guard: GuardProtected, Name: name.MustParse("www.example.org")}, {Guard: GuardProtected, Prefix: prefix},
		{Guard: GuardPrefix, Prefix: prefix}, {Guard: GuardSize}, {Guard: GuardGrowth},
	}
	var got []Subject
	for _, override := range o.Overrides {
		got = append(got, override.Subject)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	first := o.Overrides[0]
	first.Subject = Subject{}
	if want := (Override{
		ApprovedBy: "A. Example, legal", Reason: "the order names it", At: at(t, "2026-11-02T10:00:00+01:00"), Place: "override 1", Line: 9,
	}); !reflect.DeepEqual(first, want) {
		t.Errorf("got %+v, want %+v", first, want)
	}
}

func TestGuard_everyValueHasItsWord(t *testing.T) {
	for g := GuardPublicSuffix; g <= GuardGrowth; g++ {
		if strings.Contains(g.String(), "(") {
			t.Errorf("%s has no word", g)
		}
		if needed, _ := g.takes(false, false); needed == "" {
			t.Errorf("%s does not say what it takes", g)
		}
	}
	if next := (GuardGrowth + 1).String(); !strings.Contains(next, "(") {
		t.Errorf("%s is missing in this test", next)
	}
}
