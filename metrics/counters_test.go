package metrics

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"bailiff/resolver"
	"bailiff/resolver/upstream"
)

func TestObserve_allocatesNothing(t *testing.T) {
	c := NewCounters(nil)
	for _, tt := range []struct {
		name string
		in   resolver.Event
	}{
		{"answered", resolver.Event{Worker: 3, Type: dns.TypeA, Source: resolver.SourceCache, Took: 4 * time.Microsecond}},
		{"dropped by an order", resolver.Event{Type: dns.TypeHTTPS, Rcode: -1, Source: resolver.SourceOrder}},
		{"of unknown type and RCODE", resolver.Event{Type: 65535, Rcode: 4095, Source: resolver.SourceError, Took: time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, func() { c.Observe(tt.in) }); got != 0 {
				t.Errorf("got %v allocations, want 0", got)
			}
		})
	}
}

func TestTypeSlots_eachTypeHasItsOwnName(t *testing.T) {
	c := NewCounters(nil)
	for qtype := range uint16(math.MaxUint16) {
		got := typeNames[c.slot(qtype)]
		if got != "other" && got != dns.TypeToString[qtype] {
			t.Errorf("type %d: got %s, want %s", qtype, got, dns.TypeToString[qtype])
		}
	}
	for _, name := range typeNames[:len(typeNames)-1] {
		if got := typeNames[c.slot(dns.StringToType[name])]; got != name {
			t.Errorf("type %s: got %s", name, got)
		}
	}
}

func TestHistogram_aDurationFallsIntoTheFirstBucketThatHoldsIt(t *testing.T) {
	limits := bounds()
	for i, limit := range limits {
		ns := int64(math.Floor(limit * 1e9))
		for _, tt := range []struct {
			took time.Duration
			want int
		}{{time.Duration(ns), i}, {time.Duration(ns + 1), i + 1}} {
			var h histogram
			h.observe(tt.took)
			if h.counts[tt.want].Load() != 1 {
				t.Errorf("%v: got another bucket than %d (bound %v s)", tt.took, tt.want, limit)
			}
		}
	}
	for took, want := range map[time.Duration]int{-time.Second: 0, 0: 0, time.Hour: buckets} {
		var h histogram
		h.observe(took)
		if h.counts[want].Load() != 1 {
			t.Errorf("%v: got another bucket than %d", took, want)
		}
	}
}

func TestBounds_holdThoseOfCoreDNS(t *testing.T) {
	got := bounds()[buckets-16:]
	want := 0.00025
	for _, b := range got {
		if b != want {
			t.Errorf("got bound %v, want %v", b, want)
		}
		want *= 2
	}
}

func TestExchanged_countsByServerAndRcode(t *testing.T) {
	to := netip.MustParseAddrPort("192.0.2.53:53")
	c := NewCounters([]netip.AddrPort{to})
	for _, rcode := range []int{dns.RcodeSuccess, dns.RcodeServerFailure, dns.RcodeServerFailure, -1} {
		c.Exchanged(upstream.Exchange{To: to, Rcode: rcode, Took: time.Millisecond})
	}
	for rcode, want := range map[string]float64{"NOERROR": 1, "SERVFAIL": 2, "none": 1} {
		if got := testutil.ToFloat64(c.upstreamRequests.WithLabelValues("192.0.2.53:53", rcode)); got != want {
			t.Errorf("%s: got %v, want %v", rcode, got, want)
		}
	}
}

func TestExchanged_serversOfZonesShareOneLabel(t *testing.T) {
	c := NewCounters([]netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")})
	for i := range 100 {
		to := netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), 53)
		c.Exchanged(upstream.Exchange{To: to, Rcode: dns.RcodeSuccess})
	}
	if got := testutil.CollectAndCount(c.upstreamRequests); got != 1 {
		t.Errorf("got %d series, want 1", got)
	}
	if got := testutil.ToFloat64(c.upstreamRequests.WithLabelValues("authoritative", "NOERROR")); got != 100 {
		t.Errorf("got %v, want 100", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	c := NewCounters(nil)
	e := resolver.Event{Type: dns.TypeA, Source: resolver.SourceCache, Took: 4 * time.Microsecond}
	for b.Loop() {
		c.Observe(e)
	}
}
