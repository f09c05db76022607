package recurse

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

func TestLimit_nameServersInZonesOfNameServers(t *testing.T) {
	w := small(t)
	var zone strings.Builder
	for i := range 20 {
		fmt.Fprintf(&zone, "z%d NS ns.z%d\n", i, i+1)
	}
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n"+zone.String())
	r := w.recursor(nil)
	if got := resolve(t, r, "www.z0.test.", dns.TypeA); !strings.HasPrefix(got, "failure 22") {
		t.Errorf("got %s, want a failure", got)
	}
	if r.Limits()[LimitDepth] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

func TestLimit_queriesForOneQuestion(t *testing.T) {
	r := small(t).recursor(nil)
	j := newJob(context.Background(), r, true)
	j.queries = 2
	_, err := j.answer("www.example.test.", upstream.Question{Name: exchange.Name("www.example.test."), Type: dns.TypeA})
	if err == nil || !strings.Contains(err.Error(), "too many queries") {
		t.Errorf("got %v, want the failure that says so", err)
	}
	if r.Limits()[LimitQueries] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

func TestLimit_timeForOneQuestion(t *testing.T) {
	r := small(t).recursor(nil)
	ctx, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := r.Resolve(ctx, upstream.Question{Name: exchange.Name("www.example.test."), Type: dns.TypeA}); err == nil {
		t.Error("got an answer after the deadline")
	}
	if r.Limits()[LimitTime] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

func TestLimit_questionsUnderWayToOneZone(t *testing.T) {
	r := small(t).recursor(nil)
	j := newJob(context.Background(), r, true)
	zone, other := &cut{zone: "example.test."}, &cut{zone: "other.test."}
	for range maxZoneQueries {
		if _, err := j.enter(zone); err != nil {
			t.Fatalf("got %v below the limit", err)
		}
	}
	if _, err := j.enter(zone); err == nil || r.Limits()[LimitZone] != 1 {
		t.Errorf("got %v, %v; want it refused and counted", err, r.Limits())
	}
	if _, err := j.enter(other); err != nil {
		t.Errorf("another zone: got %v", err)
	}
}

func TestLimit_queriesUnderWayToOneServer(t *testing.T) {
	r := small(t).recursor(nil)
	r.hints.servers[0].glue[0].waiting = maxServerQueries
	if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "failure") {
		t.Errorf("got %s, want a failure", got)
	}
	if r.Limits()[LimitServer] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

func TestLimit_signaturesThatFail(t *testing.T) { // KeyTrap, CVE-2023-50387
	w, _ := signedWorld(t)
	w.changed("198.51.100.3", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		for _, rr := range m.Answer {
			sig, ok := rr.(*dns.RRSIG)
			if !ok || sig.TypeCovered != dns.TypeA {
				continue
			}
			for i := range 20 {
				wrong := *sig
				wrong.Expiration -= uint32(i + 1)
				m.Answer = append([]dns.RR{&wrong}, m.Answer...)
			}
			break
		}
		return m
	})
	for _, twin := range []string{"198.51.100.13", "198.51.100.14"} { // who are asked after the first
		w.servers[netip.MustParseAddr(twin)] = w.servers[netip.MustParseAddr("198.51.100.3")]
	}
	w.changed("198.51.100.2", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if len(m.Extra) > 0 {
			m.Extra = append(m.Extra, records(t, "ns.example.test. 300 A 198.51.100.13", "ns.example.test. 300 A 198.51.100.14")...)
		}
		return m
	})
	r := w.validating(nil)
	if got := validated(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "bogus") {
		t.Errorf("got %s, want it bogus", got)
	}
	if r.Limits()[LimitSignatures] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

// refusing is a network in which every port is closed, once the root has been
// asked: what is sent comes back as an ICMP error.
type refusing struct{ *world }

func (n refusing) Exchange(ctx context.Context, to netip.AddrPort, over exchange.Transport, q exchange.Query, _ time.Duration) ([]byte, error) {
	packet, err := n.world.Exchange(ctx, to, over, q, 0)
	if err != nil {
		err = &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNREFUSED}
	}
	return packet, err
}

func TestLimit_queriesThatAreRefusedCount(t *testing.T) {
	w := small(t)
	var zone strings.Builder
	for i := range 12 {
		fmt.Fprintf(&zone, "dead NS ns%d.dead%d\n", i, i)
		for j := range 15 {
			fmt.Fprintf(&zone, "dead%d NS ns%d.dead%d\nns%d.dead%d A 192.0.2.%d\n", i, j, i, j, i, 16*i+j)
		}
	}
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n"+zone.String())
	r := w.recursor(func(c *Config) { c.Network = refusing{w} })
	resolve(t, r, "www.dead.test.", dns.TypeA)
	if asked := len(w.questions()); asked > maxQueries {
		t.Errorf("got %d queries, want at most %d", asked, maxQueries)
	}
}
