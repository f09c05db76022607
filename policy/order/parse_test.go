package order

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// at is a time of the fixtures.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func TestLoad_theLongFormIsReadInFull(t *testing.T) {
	const path, hash = "testdata/long.good.yaml", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	var problems problem.List
	set := Load([]string{path}, &problems)
	if len(set.Orders) != 1 {
		t.Fatalf("got %d orders, want 1", len(set.Orders))
	}
	got := *set.Orders[0]
	rules := got.Rules
	got.Rules = nil
	want := Order{
		ID: "long.form_2021-00001", Revision: 3, Title: "Rights holders v. unknown: EXAMPLE",
		Jurisdiction: "GB-SCT", Category: "copyright-live",
		Authority:  Authority{KindCourt, "Court of Example"},
		LegalBasis: []string{"Example Act s. 97A", "Other Act s. 37(1)"},
		Reference:  Reference{Case: "No. 00000/2020", Issued: "2021-02-15", Document: "docs/order.pdf", SHA256: hash, Databases: []DatabaseEntry{{"lumen", "12345"}}},
		Received:   at(t, "2021-02-16T09:12:00+01:00"),
		Deadline:   Deadline{Block: 24 * time.Hour, Unblock: 48 * time.Hour},
		Valid:      Valid{at(t, "2021-02-16T09:12:00+01:00"), at(t, "2022-06-30T23:59:59+02:00"), "2021-08-15"},
		Clients: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("192.0.2.7/32"),
			netip.MustParsePrefix("2001:db8:1::/48")},
		Mode: Observe, Priority: -5,
		Answer: Answer{
			Action: ActionNotice, TTL: 90 * time.Second,
			Notice: Addresses{[]netip.Addr{netip.MustParseAddr("192.0.2.80")}, []netip.Addr{netip.MustParseAddr("2001:db8::80")}},
			Text: map[string]string{"en": "Blocked by order of the Court of Example",
				"de-AT": "Gesperrt auf Anordnung\ndes Court of Example"},
		},
		Publicity: Summary,
		Notices: []Notice{{"notice-2", at(t, "2021-03-02T17:55:00+01:00"), "addition", "applicants' counsel",
			"docs/notice-2.pdf", hash}},
		Source: Source{path, 1, set.Files[0].SHA256},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	checkLongRules(t, rules)
}

// checkLongRules compares the rules of long.good.yaml as people read them.
func checkLongRules(t *testing.T, rules []Rule) {
	t.Helper()
	const order, mirrors = "testdata/long.good.yaml", "testdata/lists/mirrors.txt"
	wantRules := []struct {
		rule  Rule
		names string
	}{
		{Rule{Place: "block", File: order, Line: 30}, "30 subtree www.example.org"},
		{Rule{Place: "rule 1", File: order, Line: 32}, "32 exact panel.example.net"},
		{Rule{Place: "rule 2", File: order, Line: 33, Note: "from the first annex"}, "33 below example.com"},
		{Rule{Place: "rule 3", File: order, Line: 36, Notice: "notice-2",
			From: at(t, "2021-03-02T18:00:00Z"), Until: at(t, "2021-12-31T00:00:00Z")}, "36 subtree mirror.example.net"},
		{Rule{Place: "rule 4 (lists/mirrors.txt)", File: mirrors, Line: 40, Notice: "notice-2"},
			"2 subtree mirror1.example.net, 3 below mirror2.example.net, 4 subtree mirror3.example.net"},
		{Rule{Place: "rule 5", File: order, Line: 44, Except: true, Reason: "third party's status page"},
			"44 exact status.example.com"},
	}
	if len(rules) != len(wantRules) {
		t.Fatalf("got %d rules, want %d", len(rules), len(wantRules))
	}
	for i, want := range wantRules {
		if names := printNames(rules[i].Names); names != want.names {
			t.Errorf("%s: got %s, want %s", want.rule.Place, names, want.names)
		}
		rules[i].Names = list.Names{}
		if !reflect.DeepEqual(rules[i], want.rule) {
			t.Errorf("got %+v, want %+v", rules[i], want.rule)
		}
	}
}

// printNames prints line, match and name of each.
func printNames(names list.Names) string {
	var all []string
	for e := range names.All() {
		all = append(all, fmt.Sprintf("%d %s %s", e.Line, e.Match, name.Name(e.Name)))
	}
	return strings.Join(all, ", ")
}

func TestLoad_theShortFormHasTheDefaults(t *testing.T) {
	var problems problem.List
	set := Load([]string{"testdata/short.good.yaml"}, &problems)
	got := set.Orders[0]
	if got.Answer.Action != ActionNXDOMAIN || got.Answer.TTL != time.Minute || got.Mode != Enforce ||
		got.Publicity != Public || got.Authority != (Authority{KindUnstated, "Court of Example"}) {
		t.Errorf("got %+v", got)
	}
	if names := printNames(got.Rules[0].Names); names != "4 subtree www.example.org, 5 subtree example.net" {
		t.Errorf("got names %s", names)
	}
}

func TestEnums_everyValueHasItsWord(t *testing.T) {
	for _, tt := range []struct {
		unknown fmt.Stringer
		words   []fmt.Stringer
	}{
		{AuthorityKind(99), []fmt.Stringer{KindUnstated, KindCourt, KindRegulator, KindPolice, KindMinistry, KindOperator}},
		{Action(99), []fmt.Stringer{ActionPass, ActionNXDOMAIN, ActionNODATA, ActionNotice, ActionRefuse, ActionDrop}},
		{Trigger(99), []fmt.Stringer{TriggerName, TriggerAnyTLD, TriggerAddress, TriggerNameserver, TriggerNameserverAddress}},
		{Mode(99), []fmt.Stringer{Enforce, Observe}},
		{Publicity(99), []fmt.Stringer{Public, Summary, Hidden}},
	} {
		for _, word := range tt.words {
			if strings.Contains(word.String(), "(") {
				t.Errorf("%s has no word", word)
			}
		}
		if next := reflect.ValueOf(len(tt.words)).Convert(reflect.TypeOf(tt.unknown)).Interface().(fmt.Stringer); !strings.Contains(next.String(), "(") {
			t.Errorf("%s is missing in this test", next)
		}
	}
}
