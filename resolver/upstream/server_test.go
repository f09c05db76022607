package upstream

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// clock is a time that moves when told to.
type clock struct{ now time.Time }

func (c *clock) time() time.Time { return c.now }

func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func rosterOf(n int) (*roster, *clock) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	var addrs []netip.AddrPort
	for i := range n {
		addrs = append(addrs, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), 53))
	}
	return newRoster(addrs, c.time), c
}

// order is the last octet of the servers as ranked.
func order(r *roster) []byte {
	var list []byte
	for _, c := range r.ranked() {
		list = append(list, c.addr.Addr().As4()[3])
	}
	return list
}

func TestRanked_unmeasuredThenFastestThenBackedOff(t *testing.T) {
	r, clock := rosterOf(4)
	if got, want := order(r), []byte{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v at the start, want %v", got, want)
	}
	r.unreachable(r.servers[0])
	clock.advance(time.Millisecond)
	r.unreachable(r.servers[3])
	r.responded(r.servers[1], 20*time.Millisecond)
	if got, want := order(r), []byte{2, 1, 0, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRanked_fastestFirstButForExploration(t *testing.T) {
	r, _ := rosterOf(2)
	r.responded(r.servers[0], 30*time.Millisecond)
	r.responded(r.servers[1], 10*time.Millisecond)
	const questions = 100 * exploreOneIn
	explored := 0
	for range questions {
		if order(r)[0] == 0 {
			explored++
		}
	}
	if explored < 50 || explored > 200 {
		t.Errorf("got %d of %d questions at the slower server, want about 100", explored, questions)
	}
}

func TestPatience_isBoundedAndNoLongerThanTheNextServers(t *testing.T) {
	tests := []struct {
		name string
		rtts []time.Duration
		want []time.Duration
	}{
		{"unmeasured", []time.Duration{0}, []time.Duration{unknownPatience}},
		{"fast", []time.Duration{time.Millisecond}, []time.Duration{minPatience}},
		{"slow", []time.Duration{3 * time.Second}, []time.Duration{maxPatience}},
		{"between", []time.Duration{100 * time.Millisecond}, []time.Duration{400 * time.Millisecond}},
	}
	for _, tt := range tests {
		r, _ := rosterOf(len(tt.rtts))
		for i, rtt := range tt.rtts {
			if rtt > 0 {
				r.responded(r.servers[i], rtt)
			}
		}
		for i, c := range r.ranked() {
			if c.patience != tt.want[i] {
				t.Errorf("%s: got patience %v, want %v", tt.name, c.patience, tt.want[i])
			}
		}
	}
	r, _ := rosterOf(2)
	r.servers[0].srtt, r.servers[1].srtt = time.Second, 10*time.Millisecond
	r.unreachable(r.servers[1])
	if got := r.ranked()[0].patience; got != minPatience {
		t.Errorf("got patience %v before a fast server, want %v", got, minPatience)
	}
}

func TestSilent_threeInARowBackOff(t *testing.T) {
	r, _ := rosterOf(1)
	s := r.servers[0]
	for i, want := range []int{1, 1, 0} {
		r.silent(s, minPatience)
		if got := r.healthy(); got != want {
			t.Errorf("after %d silences got %d healthy, want %d", i+1, got, want)
		}
	}
	r.responded(s, time.Millisecond)
	if r.healthy() != 1 || s.failures != 0 || s.srtt != time.Millisecond {
		t.Errorf("got %+v after a response, want a clean slate", s)
	}
}

func TestSilent_aResponseBetweenStartsTheCountAnew(t *testing.T) {
	r, _ := rosterOf(1)
	for range 10 {
		r.silent(r.servers[0], minPatience)
		r.silent(r.servers[0], minPatience)
		r.responded(r.servers[0], time.Millisecond)
	}
	if got := r.healthy(); got != 1 {
		t.Errorf("got %d healthy, want 1", got)
	}
}

func TestUnreachable_backsOffLongerEachTimeUpToFourSeconds(t *testing.T) {
	r, clock := rosterOf(1)
	s := r.servers[0]
	for _, want := range []time.Duration{500, 1000, 2000, 4000, 4000, 4000} {
		for range 50 { // questions under way fail together and count once
			r.unreachable(s)
		}
		if got := s.backedOff.Sub(clock.now); got != want*time.Millisecond {
			t.Errorf("got %v, want %v", got, want*time.Millisecond)
		}
		clock.advance(want * time.Millisecond)
		if got := r.healthy(); got != 1 {
			t.Errorf("got %d healthy after the back-off, want 1", got)
		}
	}
}

func TestGraver_saysMost(t *testing.T) {
	inOrder := []*Failure{
		{EDE: 23, Cause: "dead socket"},
		{EDE: 22, Cause: "silence"},
		{EDE: 0, Cause: "loop"},
		{EDE: 22, Upstream: []dns.EDNS0_EDE{{InfoCode: 23}}, Cause: "its own words"},
		{EDE: 22, Upstream: []dns.EDNS0_EDE{{InfoCode: 6}}, Bogus: true, Cause: "bogus"},
	}
	for i, low := range inOrder {
		for _, high := range inOrder[i+1:] {
			if graver(low, high) != high || graver(high, low) != high {
				t.Errorf("got %v before %v", low, high)
			}
		}
		if later := *low; graver(low, &later) != &later {
			t.Errorf("%v: got the earlier of equals", low)
		}
	}
}
