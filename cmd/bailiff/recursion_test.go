package main

import (
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/metrics"
	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/resolver/upstream"
)

// settled is the config that a text amounts to; it must be without a problem.
func settled(t *testing.T, yaml string) *config {
	t.Helper()
	c := read(t, written(t, yaml))
	var problems problem.List
	c.settleResolution("/nonexistent", &problems)
	if got := text(&problems); got != "" {
		t.Fatalf("got problems\n%s", got)
	}
	return c
}

// nameServer is a server on loopback that answers every question with the
// address 192.0.2.1, if RD is as such a server should be asked, and says
// REFUSED if not. It returns its address.
func nameServer(t *testing.T, rd bool) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a, _ := dns.NewRR(q.Question[0].Name + " 60 A 192.0.2.1")
		reply := new(dns.Msg).SetReply(q)
		reply.Authoritative, reply.Answer = !rd, []dns.RR{a}
		if q.RecursionDesired != rd {
			reply.SetRcode(q, dns.RcodeRefused)
		}
		_ = w.WriteMsg(reply)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.ActivateAndServe()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().String()
}

func TestNewRecursion_asksTheServersThatAreConfigured(t *testing.T) {
	stub, forward := nameServer(t, false), nameServer(t, true)
	for _, tt := range []struct{ name, in string }{
		{"recursion", "{resolution: recurse, dnssec: off, recursion: {zones: [{name: test, stub: ['STUB']}, {name: example, forward: ['FORWARD']}]}}"},
		{"forwarding with validation", "{dnssec: validate, upstreams: ['FORWARD'], recursion: {insecure: [test, example], zones: [{name: test, stub: ['STUB']}]}}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := settled(t, strings.NewReplacer("STUB", stub, "FORWARD", forward).Replace(tt.in))
			r := newRecursion(c, policy.NewStore(), metrics.NewCounters(c.resolvers()), slog.New(slog.DiscardHandler))
			t.Cleanup(r.close)
			t.Cleanup(r.recursor.Close)
			for _, qname := range []string{"www.test", "www.example"} {
				q := upstream.Question{Name: []byte(name.MustParse(qname)), Type: dns.TypeA}
				if _, err := r.recursor.Resolve(t.Context(), q); err != nil {
					t.Errorf("%s: got %v, want an answer", qname, err)
				}
			}
		})
	}
}

func TestNewRecursion_isNoneWhereAnswersAreForwardedUnchecked(t *testing.T) {
	if r := newRecursion(settled(t, "upstreams: [192.0.2.1]"), nil, nil, nil); r != nil {
		t.Errorf("got %v, want none", r)
	}
}

func TestOwns_whatWouldComeBackIsNeverAsked(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")}
	for _, tt := range []struct {
		name, in, address string
		want              bool
	}{
		{"an interface's", "listen: ['127.0.0.1:5300']", "192.0.2.53", true},
		{"an interface's, IPv6", "listen: ['127.0.0.1:5300']", "2001:db8::53", true},
		{"another's", "listen: ['127.0.0.1:5300']", "192.0.2.54", false},
		{"one listened on that no interface has yet", "listen: ['192.0.2.99:53']", "192.0.2.99", true},
		{"query_loopback", "{resolution: recurse, listen: ['127.0.0.1:5300'], recursion: {query_loopback: true}}", "192.0.2.53", false},
		{"query_loopback, listened on", "{resolution: recurse, listen: ['192.0.2.53:53'], recursion: {query_loopback: true}}", "192.0.2.53", true},
		{"query_loopback, listened on at all", "{resolution: recurse, listen: ['0.0.0.0:53'], recursion: {query_loopback: true}}", "127.0.0.9", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := read(t, written(t, tt.in)).owns(local)(netip.MustParseAddr(tt.address)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestResolvers_areUpstreamsAndForwardZones(t *testing.T) {
	c := settled(t, "{dnssec: validate, upstreams: [192.0.2.1], recursion: {zones: [{name: test, stub: [192.0.2.2]}, {name: example, forward: [192.0.2.3]}]}}")
	if got := joined(c.resolvers()); got != "192.0.2.1:53,192.0.2.3:53" {
		t.Errorf("got %s, want the upstream and the forward zone's", got)
	}
	if zones := c.allZones(); len(zones) != 3 || zones[2].Name != "." || !zones[2].Forward {
		t.Errorf("got %v, want the root forwarded too", zones)
	}
}

func TestReadAnchors_eachFileCountsAndEachAnchorOnce(t *testing.T) {
	const ds = "example.org. IN DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
	first, second := written(t, ds), written(t, ds+strings.Replace(ds, "org", "net", 1))
	c := settled(t, "{resolution: recurse, recursion: {trust_anchors: ["+first+", "+second+"]}}")
	if len(c.anchors) != 2 {
		t.Errorf("got %v, want two", c.anchors)
	}
}

func TestStatus_aZoneWithoutAnchorsIsWrong(t *testing.T) {
	s := startedAPI(t, fullOrders).status(time.Now())
	s.Resolution = resolutionStatus{Mode: "recurse", Validate: true, TrustAnchors: []anchorStatus{
		{".", 1, "revoked"}, {".", 2, "missing"}, {"test.", 3, "revoked"}, {"test.", 4, "add-pending"},
	}}
	s.Wrong = nil
	s.findWrong()
	if want := "zone test. has no trust anchor left: nothing below it is validated"; len(s.Wrong) != 1 || s.Wrong[0] != want {
		t.Errorf("got %q wrong, want %q", s.Wrong, want)
	}
	if got := s.Resolution.String(); got != "recurse, validating from ./1 ./2 test./3 test./4" {
		t.Errorf("got %q", got)
	}
}
