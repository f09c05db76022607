package policy

import (
	"testing"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

func TestMatch_anyTLDHitsTheRegistrableLabelOnly(t *testing.T) {
	o := anOrder("o", name.Subtree, "co", "github", "iptv", "city")
	o.Rules[0].Trigger = order.TriggerAnyTLD
	s := reloaded(t, nil, o).activate(epoch, 1)
	cases := []struct {
		name string
		want bool
	}{
		{"iptv.test", true},
		{"www.iptv.co.uk", true},
		{"iptv.github.io", true},
		{"co.test", true},
		{"iptv.example.co.uk", false}, // what is below others' names
		{"co.uk", false},              // a public suffix is nobody's label
		{"example.co.uk", false},
		{"github.io", false},
		{"iptv.kawasaki.jp", false}, // a suffix of the list's *.kawasaki.jp
		{"www.city.kawasaki.jp", true},
		{"iptv", false},
	}
	for _, c := range cases {
		if got := s.answers(c.name); got != c.want {
			t.Errorf("%s: got under order %v, want %v", c.name, got, c.want)
		}
	}
}
