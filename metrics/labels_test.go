package metrics

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/resolver"
	"bailiff/resolver/anchor"
	"bailiff/resolver/recurse"
)

// closedSets are the values that each label may have with the orders twoOrders
// and noticed and one upstream: nothing in them comes from a query.
func closedSets() map[string][]string {
	sets := map[string][]string{
		"family":       {"1", "2"},
		"type":         typeNames[:],
		"rcode":        append(slices.Clone(rcodeNames[:]), "none"),
		"to":           {upstreamOfTests, authoritative},
		"order":        {"it-test", "op-test", "a", otherOrders},
		"notice":       {"n1", "n2", otherOrders},
		"revision":     {"3", "0", "abc"},
		"jurisdiction": {"IT", ""},
		"category":     {"gambling", ""},
		"authority":    {`Tribunale di "Test"`, "Test"},
		"version":      {"v1"},
		"goversion":    {runtime.Version()},
		"outcome":      {policy.Enforced.String(), policy.Observed.String()},
		"sink":         {"json", "dnstap"},
		"result":       {"insecure", "secure", "bogus"},
		"zone":         {"."},              // of trust anchors, which are configured
		"tag":          {"20326", "38696"}, // the same
	}
	add := func(label string, value fmt.Stringer) { sets[label] = append(sets[label], value.String()) }
	for t := range resolver.Transports {
		add("proto", resolver.Transport(t))
	}
	for s := range resolver.Sources {
		add("source", resolver.Source(s))
	}
	for t := range order.Triggers {
		add("trigger", order.Trigger(t))
	}
	for a := range order.Actions {
		add("action", order.Action(a))
	}
	for s := range policy.Lapsed + 1 {
		add("state", s)
	}
	for s := range anchor.Removed + 1 {
		add("state", s)
	}
	for l := range recurse.NumLimits {
		add("limit", recurse.Limit(l))
	}
	for r := range results {
		add("result", Result(r))
	}
	for g := range guards {
		sets["guard"] = append(sets["guard"], guardLabel(order.Guard(g)))
	}
	sets["type"] = append(sets["type"], "success", "denial") // of the cache's metrics
	return sets
}

// TestLabels_noQNAMEOrClientReachesOne asks for names under order and free
// ones, over each transport, from many clients, with whatever a packet can say.
func TestLabels_noQNAMEOrClientReachesOne(t *testing.T) {
	c := newCollector(t, twoOrders+"---"+noticed)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		c.Resolver.Respond(randomQuery(t, random))
	}
	sets := closedSets()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := 0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			series++
			for _, l := range m.GetLabel() {
				if !slices.Contains(sets[l.GetName()], l.GetValue()) {
					t.Errorf("%s: got %s=%q, which is in no closed set", f.GetName(), l.GetName(), l.GetValue())
				}
			}
		}
	}
	if series > 1000 {
		t.Errorf("got %d series for 20,000 queries", series)
	}
}

// randomQuery is a query with a name of its own from a client of its own. Some
// are not served, some are no queries, and nothing goes upstream.
func randomQuery(t *testing.T, random *rand.Rand) *resolver.Query {
	m := new(dns.Msg)
	suffix := []string{"a.example.", "b.example.", "c.example.", "localhost.", "free.test."}[random.IntN(5)]
	m.SetQuestion(fmt.Sprintf("qname%d.%s", random.Uint64(), suffix), uint16(random.Uint32()))
	if random.IntN(2) == 0 {
		m.Question[0].Qtype = dns.TypeA
	}
	m.RecursionDesired = false
	if random.IntN(8) == 0 {
		m.Opcode, m.Question[0].Qclass = random.IntN(16), uint16(random.IntN(256))
	}
	if random.IntN(2) == 0 {
		m.SetEdns0(uint16(random.Uint32()), random.IntN(2) == 0)
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if random.IntN(16) == 0 {
		packet[random.IntN(len(packet))] = byte(random.Uint32())
		packet[2] &^= 1 // RD
	}
	client := netip.AddrFrom4([4]byte{192, 0, byte(2 + random.IntN(2)), byte(random.Uint32())})
	if random.IntN(2) == 0 {
		client = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(random.Uint32())})
	}
	return &resolver.Query{
		Packet: packet, Client: client, Transport: resolver.Transport(random.IntN(resolver.Transports)),
		Received: time.Now(), Worker: random.IntN(64), Out: make([]byte, 0, 4096),
	}
}

// TestEvent_holdsNumbersOnly: what a query tells the counters has no room for a
// name or an address.
func TestEvent_holdsNumbersOnly(t *testing.T) {
	for field := range reflect.TypeFor[resolver.Event]().Fields() {
		if kind := field.Type.Kind(); kind != reflect.Bool && !strings.HasPrefix(kind.String(), "int") && !strings.HasPrefix(kind.String(), "uint") {
			t.Errorf("Event.%s is a %s", field.Name, kind)
		}
	}
}
