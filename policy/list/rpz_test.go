package list

import (
	"net/netip"
	"strings"
	"testing"

	"bailiff/policy/name"
)

func TestRPZ_eachActionBelongsToOrdersWithIt(t *testing.T) {
	for _, tt := range []struct{ record, action string }{
		{"CNAME .", "nxdomain"},
		{"CNAME *.", "nodata"},
		{"CNAME rpz-drop.", "drop"},
		{"IN 300 A 192.0.2.80", "notice"},
		{"300 IN AAAA 2001:db8::80", "notice"},
	} {
		for _, action := range []string{"nxdomain", "nodata", "notice", "refuse", "drop"} {
			entries, problems := readWith("a.example "+tt.record+"\n", Options{Format: RPZ, Action: action})
			if action == tt.action {
				equal(t, entries, []string{"1 exact a.example"})
				equal(t, problems, nil)
				continue
			}
			equal(t, problems, []string{"a.txt:1: a.example: asks for " + tt.action + ", the order for " + action +
				"; split the list: each action needs an order of its own"})
		}
	}
}

func TestRPZ_namesAreRelativeToTheZoneHoweverItIsNamed(t *testing.T) {
	const soa = "SOA localhost. root.localhost. 1 3600 900 604800 60\n"
	for _, tt := range []struct{ name, in string }{
		{"no origin", "@ " + soa + "a.example CNAME .\n"},
		{"no SOA", "a.example CNAME .\n"},
		{"origin and apex", "$ORIGIN rpz.test.\n@ " + soa + "a.example CNAME .\n"},
		{"absolute names", "rpz.test. " + soa + "A.Example.RPZ.test. CNAME .\n"},
		{"origin above the apex", "$ORIGIN test.\nrpz " + soa + "a.example.rpz CNAME .\n"},
		{"origin of the root", "$ORIGIN .\nrpz.test " + soa + "a.example.rpz.test CNAME .\n"},
		{"origin below the apex", "$ORIGIN rpz.test.\n@ " + soa + "$ORIGIN example\na CNAME .\n"},
		{"policy zone at the root", ". " + soa + "a.example. CNAME .\n"},
		{"owner of the record before", "@ " + soa + "a.example CNAME .\n\tCNAME . ; twice\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			entries, problems := readWith(tt.in, Options{Format: RPZ, Action: "nxdomain"})
			equal(t, problems, nil)
			if len(entries) == 0 || !strings.HasSuffix(entries[0], " exact a.example") {
				t.Errorf("got %q, want a.example", entries)
			}
		})
	}
}

func TestRPZ_aNameOutsideTheZoneIsRefused(t *testing.T) {
	_, problems := readWith("rpz.test. SOA a. b. 1 1 1 1 1\na.example. CNAME .\nb.xrpz.test. CNAME .\n",
		Options{Format: RPZ, Action: "nxdomain"})
	const outside = "is not below the name of the zone; correct it: triggers are relative to the zone"
	equal(t, problems, []string{"a.txt:2: a.example.: " + outside, "a.txt:3: b.xrpz.test.: " + outside})
}

func TestPolicyPrefix_readsAddressesBackwards(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"24.0.2.0.192", "192.0.2.0/24"},
		{"0.0.0.0.0", "0.0.0.0/0"},
		{"128.57.zz.1.0.db8.2001", "2001:db8:0:1::57/128"},
		{"48.0.0.0.0.0.1.db8.2001", "2001:db8:1::/48"},
		{"32.zz.db8.2001", "2001:db8::/32"},
		{"128.1.zz", "::1/128"},
		{"0.zz", "::/0"},
		{"8.0.2.0.192", ""},
		{"024.0.2.0.192", ""},
		{"24.0.2.192", ""},
		{"24.0.2.0.192.1", ""},
		{"64.g.zz.2001", ""},
		{"128.zz.1.zz", ""},
		{"zz", ""},
		{"", ""},
		{"128.1.2.ffff.zz", ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := policyPrefix(tt.in)
			if want, parseErr := netip.ParsePrefix(tt.want); got != want && err == nil || (err == nil) != (parseErr == nil) {
				t.Errorf("got %s, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestJoinWildcards_aNameInBothWaysBecomesOneSubtree(t *testing.T) {
	var names Names
	for i, e := range []struct {
		text  string
		match name.Match
	}{
		{"a.example", name.Exact}, {"b.example", name.Below}, {"c.example", name.Exact}, {"d.example", name.Below},
		{"b.example", name.Exact}, {"a.example", name.Below}, {"e.example", name.Subtree},
	} {
		names.Append(name.MustParse(e.text), e.match, i+1)
	}
	names.joinWildcards()
	equal(t, spellNames("", names), []string{
		"1 subtree a.example", "2 subtree b.example", "3 exact c.example", "4 below d.example", "7 subtree e.example",
	})
	if names.Len() != 5 {
		t.Errorf("got %d names, want 5", names.Len())
	}
}
