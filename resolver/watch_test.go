package resolver

import (
	"reflect"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/sketch"
)

func TestWatch_seesWhatWasAskedUpstream(t *testing.T) {
	w := newWorld(t, oneOrder,
		"www.free.test. 300 IN CNAME edge.cdn.test.", "edge.cdn.test. 300 IN A 198.51.100.1",
		"edge.cdn.test. 300 IN AAAA 2001:db8::1", "edge.cdn.test. 300 IN TXT text")
	w.sketch = sketch.New()
	for _, qname := range []string{"www.free.test", "WWW.free.test", "blocked.test", "nothing.test"} {
		w.ask(t, question(qname, dns.TypeA))
	}
	w.ask(t, question("www.free.test", dns.TypeAAAA))
	w.ask(t, question("edge.cdn.test", dns.TypeTXT))
	want := []sketch.Seen{{Name: "www.free.test", Count: 1, CNAME: "edge.cdn.test", Answers: []string{"198.51.100.1", "2001:db8::1"}}}
	if got := w.Sketch().Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWatch_seesTheNameServersThatRulesAskFor(t *testing.T) {
	w := newWorld(t, "id: o\nauthority: Court\nrules: [{nameserver_address: 192.0.2.53}]\n",
		"free.test. 300 IN NS ns.free.test.", "free.test. 300 IN A 198.51.100.1", "ns.free.test. 300 IN A 192.0.2.54")
	w.sketch = sketch.New()
	w.ask(t, question("free.test", dns.TypeA))
	want := []sketch.Seen{{Name: "free.test", Count: 1, Answers: []string{"198.51.100.1"}, NS: []string{"ns.free.test", "192.0.2.54"}}}
	if got := w.Sketch().Names(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWatch_isOffUnlessAskedFor(t *testing.T) {
	if w := newWorld(t, oneOrder); w.Sketch() != nil {
		t.Error("got a sketch that nobody asked for")
	}
}
