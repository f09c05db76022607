package order

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiff/policy/problem"
)

func TestLoad_aListBecomesARuleForEachSpanAndTrigger(t *testing.T) {
	const (
		csv  = "rule 1 (lists/register.csv) "
		rpz  = "rule 2 (lists/policy.rpz) "
		span = "2026-04-01T00:00:00Z to 2026-05-01T00:00:00Z "
	)
	var problems problem.List
	set := Load([]string{"testdata/formats.good.yaml"}, &problems)
	var got []string
	for _, r := range set.Orders[0].Rules {
		got = append(got, printRule(r))
	}
	want := []string{
		csv + span + "name: 2 subtree one.example, 4 subtree three.example",
		csv + span + "name: 3 subtree two.example",
		rpz + "name: 3 subtree pirate.example",
		rpz + "address: 6 192.0.2.44/32",
		rpz + "nameserver: 7 exact ns1.pirate.test",
		rpz + "nameserver-address: 8 2001:db8:53::/48",
		rpz + "except (excepted in the list) name: 5 exact status.pirate.example",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// printRule prints what a rule made of a list holds.
func printRule(r Rule) string {
	text := r.Place + " "
	if !r.From.IsZero() || !r.Until.IsZero() {
		text += r.From.Format(time.RFC3339) + " to " + r.Until.Format(time.RFC3339) + " "
	}
	if r.Except {
		text += "except (" + r.Reason + ") "
	}
	text += r.Trigger.String() + ": " + printNames(r.Names)
	for _, p := range r.Prefixes {
		text += fmt.Sprintf("%d %s", p.Line, p.Prefix)
	}
	return text
}

func TestLoad_entriesThatAreSkippedAreNoted(t *testing.T) {
	write(t, map[string]string{
		"a.yaml":    "id: a\nauthority: Court of Example\nrules: [{list: list.txt, format: domains, on_error: skip, max_errors: 1}]\n",
		"list.txt":  "one.example\nhttps://two.example/\n",
		"b.yaml":    "id: b\nauthority: Court of Example\npublicity: hidden\nrules: [{list: list2.txt, format: domains, on_error: skip, max_errors: 1}]\n",
		"list2.txt": "one.example\nhttps://two.example/\n",
	})
	ids, got := loaded("a.yaml", "b.yaml")
	const what = "is a URL, not a name; write the name alone if the order covers all of it\n"
	want := "list.txt:2: note: \"https://two.example/\": " + what + "list2.txt:2: note: " + what
	if got != want || len(ids) != 2 {
		t.Errorf("got %v with problems\n%swant\n%s", ids, got, want)
	}
}

func TestLaterAndEarlier_noTimeIsOpen(t *testing.T) {
	first, second, none := at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-02T00:00:00Z"), time.Time{}
	for _, tt := range []struct{ a, b, later, earlier time.Time }{
		{first, second, second, first},
		{second, first, second, first},
		{first, none, first, first},
		{none, first, first, first},
		{none, none, none, none},
	} {
		if got := later(tt.a, tt.b); got != tt.later {
			t.Errorf("later of %s and %s: got %s", tt.a, tt.b, got)
		}
		if got := earlier(tt.a, tt.b); got != tt.earlier {
			t.Errorf("earlier of %s and %s: got %s", tt.a, tt.b, got)
		}
	}
}
