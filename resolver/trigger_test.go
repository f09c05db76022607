package resolver

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/order"
)

// triggerZone is the truth that every trigger finds something in.
var triggerZone = []string{
	"www.direct.test. 300 IN A 198.51.100.1",
	"alias.free.test. 300 IN CNAME target.linked.test.", "target.linked.test. 300 IN A 198.51.100.2",
	"old.free.test. 300 IN DNAME linked.test.",
	"pirate.test. 300 IN A 198.51.100.3",
	"host.free.test. 300 IN A 198.51.100.66", "host.free.test. 300 IN A 198.51.100.4",
	"hint.free.test. 300 IN HTTPS 1 . alpn=h2 ipv4hint=198.51.100.66",
	"nat64.free.test. 300 IN AAAA 64:ff9b::c633:6442",
	"sixtofour.free.test. 300 IN AAAA 2002:c633:6442::1",
	"hosted.test. 300 IN SOA a.ns.pirates.test. admin.hosted.test. 1 3600 600 86400 60",
	"hosted.test. 300 IN NS a.ns.pirates.test.", "hosted.test. 300 IN A 198.51.100.5", "www.hosted.test. 300 IN A 198.51.100.5",
	"to-hosted.free.test. 300 IN CNAME www.hosted.test.", "a.ns.pirates.test. 300 IN A 198.51.100.53",
}

// triggerCases are the triggers, each with a question that it decides.
var triggerCases = []struct {
	name, rule, qname string
	qtype             uint16
	soaOwner          string // of negative answers
	chain             int    // CNAMEs and DNAMEs that stay
}{
	{"name", "{name: direct.test}", "www.direct.test.", dns.TypeA, "direct.test.", 0},
	{"name, below", "{name: direct.test, match: below}", "www.direct.test.", dns.TypeA, "direct.test.", 0},
	{"name, exact", "{name: www.direct.test, match: exact}", "www.direct.test.", dns.TypeA, "www.direct.test.", 0},
	{"name of a target", "{name: linked.test}", "alias.free.test.", dns.TypeA, "linked.test.", 1},
	{"name behind a DNAME", "{name: linked.test}", "target.old.free.test.", dns.TypeA, "linked.test.", 2},
	{"any-tld", "{label: pirate, match: any-tld}", "pirate.test.", dns.TypeA, "pirate.test.", 0},
	{"any-tld below a suffix of two labels", "{label: pirate, match: any-tld}", "www.pirate.co.uk.", dns.TypeA, "pirate.co.uk.", 0},
	{"address", "{address: 198.51.100.66}", "host.free.test.", dns.TypeA, "host.free.test.", 0},
	{"address prefix", "{address: 198.51.100.64/28}", "host.free.test.", dns.TypeA, "host.free.test.", 0},
	{"address in a hint", "{address: 198.51.100.66}", "hint.free.test.", dns.TypeHTTPS, "hint.free.test.", 0},
	{"address in NAT64 form", "{address: 198.51.100.66}", "nat64.free.test.", dns.TypeAAAA, "nat64.free.test.", 0},
	{"name server", "{nameserver: ns.pirates.test}", "www.hosted.test.", dns.TypeA, "www.hosted.test.", 0},
	{"name server, at the apex", "{nameserver: a.ns.pirates.test}", "hosted.test.", dns.TypeA, "hosted.test.", 0},
	{"name server, no such name", "{nameserver: pirates.test}", "nothing.hosted.test.", dns.TypeA, "nothing.hosted.test.", 0},
	{"name server of a target", "{nameserver: ns.pirates.test}", "to-hosted.free.test.", dns.TypeA, "to-hosted.free.test.", 0},
	{"name server's address", "{nameserver_address: 198.51.100.48/28}", "www.hosted.test.", dns.TypeA, "www.hosted.test.", 0},
	{"address in 6to4 form", "{address: 198.51.100.66}", "sixtofour.free.test.", dns.TypeAAAA, "sixtofour.free.test.", 0},
}

// phases are when an order meets the truth: before it is fetched, once it is
// cached, and when the order comes only then.
var phases = []string{"fresh", "cached", "order comes later"}

// askWhen asks in one of the phases with these orders in force.
func (w *world) askWhen(t *testing.T, phase, orders string, m *dns.Msg) *dns.Msg {
	t.Helper()
	if phase != "order comes later" {
		w.reload(t, orders)
	}
	got := w.ask(t, m.Copy())
	if phase == "fresh" {
		return got
	}
	w.reload(t, orders)
	return w.ask(t, m)
}

func TestRespond_everyTriggerWithEveryAction(t *testing.T) {
	t.Parallel()
	for _, tr := range triggerCases {
		for action := order.ActionNXDOMAIN; action <= order.ActionDrop; action++ {
			for _, phase := range phases {
				t.Run(fmt.Sprintf("%s, %s, %s", tr.name, action, phase), func(t *testing.T) {
					text := fmt.Sprintf("id: o\nauthority: Court\nanswer: {action: %s}\nrules: [%s]\n", action, tr.rule)
					got := newWorld(t, noOrder, triggerZone...).askWhen(t, phase, text, question(tr.qname, tr.qtype))
					checkAnswer(t, got, action, tr.qtype, tr.soaOwner, tr.chain)
				})
			}
		}
	}
}

// TestRespond_noTriggerTouchesTheTruthOfOthers: an order that only observes, that
// excepts the name asked, that is for other clients, or that has ended answers
// nothing; only what is observed is counted.
func TestRespond_noTriggerTouchesTheTruthOfOthers(t *testing.T) {
	t.Parallel()
	for _, tr := range triggerCases {
		truth := newWorld(t, noOrder, triggerZone...).ask(t, question(tr.qname, tr.qtype))
		for _, c := range []struct {
			name, order string
			counted     bool
		}{
			{"observed", "mode: observe\nrules: [" + tr.rule + "]\n", true},
			{"excepted", "rules: [" + tr.rule + ", {except: " + excepted(tr.qname, tr.chain) + ", match: exact, reason: third party}, {name: other.test}]\n", false},
			{"other clients", "clients: [198.51.100.0/24]\nrules: [" + tr.rule + "]\n", false},
			{"ended", "valid: {until: 2026-01-01T00:00:00Z}\nrules: [" + tr.rule + "]\n", false},
		} {
			if c.name == "excepted" && tr.name == "name, exact" {
				continue // the same name both ways is refused
			}
			for _, phase := range phases {
				t.Run(tr.name+", "+c.name+", "+phase, func(t *testing.T) {
					w := newWorld(t, noOrder, triggerZone...)
					got := w.askWhen(t, phase, "id: o\nauthority: Court\n"+c.order, question(tr.qname, tr.qtype))
					if got.Rcode != truth.Rcode || !slices.Equal(lines(got.Answer), lines(truth.Answer)) || len(errorsOf(got)) != 0 {
						t.Errorf("got %v, want the truth %v", got, truth)
					}
					if counted := observed(w); counted != c.counted {
						t.Errorf("got counted %v, want %v", counted, c.counted)
					}
				})
			}
		}
	}
}

// observed reports whether a match of the only order was counted and no more.
func observed(w *world) (counted bool) {
	tally := w.store.Load().Orders()[0].Tally
	for trigger := range order.Trigger(order.Triggers) {
		counted = counted || tally.Matches(trigger, order.ActionNXDOMAIN, policy.Observed) > 0
	}
	return counted
}

// excepted is the name that frees a question: that asked, or the target where
// the rule is about it.
func excepted(qname string, chain int) string {
	if chain > 0 {
		return "target.linked.test"
	}
	return qname
}

const noOrder = "id: none\nauthority: Court\nblock: [nobody.example]\n"

// checkAnswer compares a reply with what the interfaces say of the action.
func checkAnswer(t *testing.T, got *dns.Msg, action order.Action, qtype uint16, soaOwner string, chain int) {
	t.Helper()
	if action == order.ActionDrop {
		if got != nil {
			t.Errorf("got %v, want no reply", got)
		}
		return
	}
	rcode := map[order.Action]int{order.ActionNXDOMAIN: dns.RcodeNameError, order.ActionRefuse: dns.RcodeRefused}[action]
	notice := map[uint16]string{dns.TypeA: "192.0.2.80", dns.TypeAAAA: "2001:db8::80"}[qtype]
	records, soas := chain, []string{soaOwner}
	switch {
	case action == order.ActionRefuse:
		records, soas = 0, nil
	case action == order.ActionNotice && notice != "":
		records, soas = chain+1, nil
		if n := len(got.Answer); n == 0 || !strings.HasSuffix(got.Answer[n-1].String(), "\t"+notice) {
			t.Errorf("got answer %v, want it to end in %s", got.Answer, notice)
		}
	}
	var owners []string
	for _, rr := range got.Ns {
		owners = append(owners, rr.Header().Name)
	}
	if got.Rcode != rcode || len(got.Answer) != records || !slices.Equal(owners, soas) {
		t.Errorf("got %v, want %s with %d records and SOA of %v", got, dns.RcodeToString[rcode], records, soas)
	}
	if wantAA := action != order.ActionRefuse && chain == 0; got.Authoritative != wantAA {
		t.Errorf("got AA %v, want %v", got.Authoritative, wantAA)
	}
}

func TestRespond_anExceptionLiftsItsOwnOrdersAddressRules(t *testing.T) {
	w := newWorld(t, `
id: one
authority: Court
rules:
  - {address: 198.51.100.66}
  - {except: third.test, match: exact, reason: shares the address}
`, "third.test. 300 IN A 198.51.100.66", "pirate.test. 300 IN A 198.51.100.66")
	for qname, want := range map[string]int{"third.test": dns.RcodeSuccess, "pirate.test": dns.RcodeNameError} {
		for range 2 {
			if got := w.ask(t, question(qname, dns.TypeA)); got.Rcode != want {
				t.Errorf("%s: got %s, want %s", qname, dns.RcodeToString[got.Rcode], dns.RcodeToString[want])
			}
		}
	}
}

func TestRespond_aNameRuleBeatsAnAddressRule(t *testing.T) {
	w := newWorld(t, `
id: by-address
priority: 100
authority: Court
answer: {action: refuse}
rules: [{address: 198.51.100.0/24}]
---
id: by-name
authority: Court
block: [linked.test]
`, "alias.free.test. 300 IN CNAME linked.test.", "linked.test. 300 IN A 198.51.100.66")
	if got := w.ask(t, question("alias.free.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %s, want NXDOMAIN of the name rule", dns.RcodeToString[got.Rcode])
	}
}

func TestRespond_negativeTruthHoldsNoAddress(t *testing.T) {
	w := newWorld(t, "id: o\nauthority: Court\nrules: [{address: 198.51.100.66}]\n", "ns.test. 300 IN A 198.51.100.66")
	for range 2 {
		if got := w.ask(t, question("nothing.test", dns.TypeA)); got.Rcode != dns.RcodeNameError || got.Authoritative {
			t.Errorf("got %v, want the truth", got)
		}
	}
}

func TestRespond_nameServersAreAskedForOncePerZone(t *testing.T) {
	w := newWorld(t, "id: o\nauthority: Court\nrules: [{nameserver: ns.pirates.test}]\n",
		"free.test. 300 IN SOA ns.free.test. admin.free.test. 1 3600 600 86400 60", "free.test. 300 IN NS ns.free.test.",
		"a.free.test. 300 IN A 198.51.100.1", "b.free.test. 300 IN A 198.51.100.2")
	for _, c := range []struct {
		qname string
		asked int64 // in all
	}{{"a.free.test", 3}, {"a.free.test", 3}, {"b.free.test", 5}, {"b.free.test", 5}} {
		if got := w.ask(t, question(c.qname, dns.TypeA)); got.Rcode != dns.RcodeSuccess || w.asked.Load() != c.asked {
			t.Errorf("%s: got %s after %d questions, want NOERROR after %d", c.qname, dns.RcodeToString[got.Rcode], w.asked.Load(), c.asked)
		}
	}
}

func TestRespond_aRuleOnServersAddressesReachesServersLearntByName(t *testing.T) {
	w := newWorld(t, "id: o\nauthority: Court\nrules: [{nameserver: other.test}]\n", triggerZone...)
	if got := w.ask(t, question("www.hosted.test", dns.TypeA)); got.Rcode != dns.RcodeSuccess {
		t.Fatalf("got %s, want the truth", dns.RcodeToString[got.Rcode])
	}
	w.reload(t, "id: o\nauthority: Court\nrules: [{nameserver_address: 198.51.100.53}]\n")
	if got := w.ask(t, question("www.hosted.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
}

func TestRespond_nameServersThatCannotBeLearntBlockNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, noOrder, "free.test. 300 IN A 198.51.100.1")
	w.ask(t, question("free.test", dns.TypeA))
	w.down.Store(true)
	w.reload(t, "id: o\nauthority: Court\nrules: [{nameserver: ns.pirates.test}]\nblock: [blocked.test]\n")
	if got := w.ask(t, question("blocked.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("a name decided already: got %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
	if got := w.ask(t, question("free.test", dns.TypeA)); len(got.Answer) != 1 {
		t.Errorf("got %v, want the cached truth", got)
	}
}
