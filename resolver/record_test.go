package resolver

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// recorded is what a query log was told of one query.
type recorded struct {
	name, order, subject string
	matches, rcode       int
	source               Source
}

// listen makes the world tell of its queries.
func (w *world) listen() <-chan recorded {
	told := make(chan recorded, 10)
	w.record = func(q *Query, e Event, _ []byte) {
		r := recorded{rcode: e.Rcode, source: e.Source, matches: len(q.Matches())}
		if n := q.Name(); n != nil {
			r.name = name.Name(n).String()
		}
		if m := q.Ruling(); m != nil {
			r.order = m.Order.ID
			if t := m.Trigger(); t == order.TriggerAddress || t == order.TriggerNameserverAddress {
				a, _ := netip.AddrFromSlice(q.Subject())
				r.subject = a.String()
			} else {
				r.subject = name.Name(q.Subject()).String()
			}
		}
		told <- r
	}
	return told
}

func TestRecord_tellsTheNameAndWhatTheRulingIsAbout(t *testing.T) {
	w := newWorld(t, `
id: on-name
authority: Court
block: [named.test]
---
id: seen
authority: Court
mode: observe
block: [named.test, watched.test]
---
id: dropping
authority: Court
answer: {action: drop}
rules: [{address: 198.51.100.64/28}]
---
id: on-server
authority: Court
rules: [{nameserver: ns.pirates.test}]
---
id: on-server-address
authority: Court
rules: [{nameserver_address: 198.51.100.48/28}]
`,
		"free.test. 300 IN A 198.51.100.1", "watched.test. 300 IN A 198.51.100.1",
		"alias.test. 300 IN CNAME www.named.test.",
		"held.test. 300 IN A 198.51.100.2", "held.test. 300 IN A 198.51.100.66",
		"hosted.test. 300 IN NS a.ns.pirates.test.", "hosted.test. 300 IN A 198.51.100.5",
		"housed.test. 300 IN NS ns.housed.test.", "housed.test. 300 IN A 198.51.100.5", "ns.housed.test. 300 IN A 198.51.100.53",
	)
	told := w.listen()
	for _, want := range []recorded{
		{"free.test", "", "", 0, 0, SourceUpstream},
		{"watched.test", "", "", 1, 0, SourceUpstream},
		{"www.named.test", "on-name", "www.named.test", 2, dns.RcodeNameError, SourceOrder},
		{"alias.test", "on-name", "www.named.test", 2, dns.RcodeNameError, SourceOrder},
		{"held.test", "dropping", "198.51.100.66", 1, -1, SourceOrder},
		{"hosted.test", "on-server", "a.ns.pirates.test", 1, dns.RcodeNameError, SourceOrder},
		{"housed.test", "on-server-address", "198.51.100.53", 1, dns.RcodeNameError, SourceOrder},
	} {
		w.ask(t, question(want.name, dns.TypeA))
		if got := <-told; got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	w.Respond(&Query{Packet: packet(t, header1), Client: netip.MustParseAddr("192.0.2.9")})
	if got, want := <-told, (recorded{rcode: dns.RcodeFormatError, source: SourceError}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
