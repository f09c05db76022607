package querylog

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestVeil_aDigestIsTheSameForADayAndOfItsKind(t *testing.T) {
	v, now := newVeil(Digest), time.Now()
	v.rotate(now)
	first := v.client(client)
	if v.client(client.Next()) == first || v.digest(digestName, client.AsSlice()) == first {
		t.Error("different things have the same digest")
	}
	v.rotate(now.Add(keyLifetime - time.Second))
	if got := v.client(client); got != first || len(got) != 16 {
		t.Errorf("got %s within the day, want %s", got, first)
	}
	v.rotate(now.Add(keyLifetime))
	if got := v.client(client); got == first {
		t.Errorf("got %s the day after too", got)
	}
}

func TestVeil_truncatesToTheNetwork(t *testing.T) {
	v := newVeil(Truncate)
	for in, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1::/48", "::1": "::/48",
	} {
		a := netip.MustParseAddr(in)
		if got := v.client(a); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
		if got := v.address(a).String(); got+"/24" != want && got+"/48" != want {
			t.Errorf("%s: got %s, want that of %s", in, got, want)
		}
	}
}

func TestClients_hasAWordForEach(t *testing.T) {
	for c := Truncate; c <= Full; c++ {
		if got := c.String(); strings.Contains(got, "Clients") {
			t.Errorf("got %s", got)
		}
	}
}
