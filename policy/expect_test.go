package policy

import (
	"net/netip"
	"testing"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

func TestExpect_changesNothingThatMatchSays(t *testing.T) {
	set, all := aMillion(1000)
	var problems problem.List
	store := NewStore()
	var q name.Buffer
	expect := func(n name.Name) {
		q.Set([]byte(n))
		store.Load().Expect(&q)
	}
	expect(name.Root) // of a store without orders
	store.Install(Compile(set, Options{}, &problems), time.Now())
	for _, n := range append(all, name.Root, name.MustParse("test"), name.MustParse("a.b.c.d.e.svc.test")) {
		expect(n)
		_, answers := store.Load().Match(&q, netip.MustParseAddr("192.0.2.9"), nil)
		if got, want := answers >= 0, n.Labels() == 3; got != want {
			t.Errorf("%s: got under order %v, want %v", n, got, want)
		}
	}
}
