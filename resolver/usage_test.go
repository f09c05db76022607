package resolver

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"
)

func TestUsage_countsWhatWaitsAndWhatFindsNoPlace(t *testing.T) {
	w := newWorld(t, oneOrder)
	join := func(i int, waits purpose) {
		q := prepared(t, fmt.Sprintf("n%d.test", i), dns.TypeA, false)
		q.Client = netip.MustParseAddr("192.0.2.9")
		q.parse(0)
		w.flights.join(q.key(), q, waits, nil)
	}
	for i := range maxWaitingFlight {
		join(i%2, forAnswer)
	}
	join(2, forCache)
	want := w.Usage()
	want.Questions, want.Waiting, want.Shed = 3, maxWaitingFlight, 0
	if got := w.Usage(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for range maxWaitingClient {
		join(0, forAnswer)
	}
	join(0, forCache) // a refresh without a place is no query lost
	want.Waiting += maxWaitingFlight / 2
	want.Shed = maxWaitingClient - maxWaitingFlight/2
	if got := w.Usage(); got != want {
		t.Errorf("beyond the places for a question: got %+v, want %+v", got, want)
	}
}

func TestUsage_theCacheFillsUpToItsLimit(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	before := w.Usage()
	w.ask(t, question("free.test", dns.TypeA))
	after := w.Usage()
	if before.Cache != 0 || after.Cache <= 0 || after.Cache > after.CacheLimit {
		t.Errorf("got %d, then %d of %d octets, want 0, then some", before.Cache, after.Cache, after.CacheLimit)
	}
}
