package recurse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// Each test is a zone that tries to make more work than its limit allows.

func TestLimit_unresolvableServersOfAReferral(t *testing.T) { // NXNSAttack, CVE-2020-8616
	w := small(t)
	var referral strings.Builder
	for i := range 100 {
		fmt.Fprintf(&referral, "attack NS ns%d.victim.test.\n", i)
	}
	w.zone("example.test.", "198.51.100.3", referral.String())
	w.zone("victim.test.", "198.51.100.9", "@ NS ns\n")
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nvictim NS ns.victim\nns.victim A 198.51.100.9\n")
	r := w.recursor(nil)
	got := resolve(t, r, "www.attack.example.test.", dns.TypeA)
	if !strings.HasPrefix(got, "failure") {
		t.Errorf("got %s, want a failure", got)
	}
	if asked := len(w.questions()); asked > 2*maxLookups+5 {
		t.Errorf("got %d queries, want at most %d", asked, 2*maxLookups+5)
	}
	if r.Limits()[LimitLookups] == 0 {
		t.Error("the limit was not counted")
	}
}

func TestLimit_zonesThatDependOnEachOther(t *testing.T) { // TsuNAME
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\na NS ns.b.test.\nb NS ns.a.test.\n")
	r := w.recursor(nil)
	if got := resolve(t, r, "www.a.test.", dns.TypeA); !strings.HasPrefix(got, "failure 22") {
		t.Errorf("got %s, want a failure", got)
	}
	if asked := len(w.questions()); asked > 12 {
		t.Errorf("got %d queries, want at most 12", asked)
	}
}

func TestLimit_chainsOfCNAMEs(t *testing.T) {
	for _, test := range []struct {
		links int
		fails bool
	}{{upstream.MaxLinks, false}, {upstream.MaxLinks + 1, true}, {100, true}} {
		w := small(t)
		var zone strings.Builder
		for i := range test.links {
			fmt.Fprintf(&zone, "c%d CNAME c%d\n", i, i+1)
		}
		fmt.Fprintf(&zone, "c%d A 192.0.2.1\n", test.links)
		w.zone("example.test.", "198.51.100.3", "@ NS ns\n"+zone.String())
		r := w.recursor(nil)
		got := resolve(t, r, "c0.example.test.", dns.TypeA)
		if failed := strings.HasPrefix(got, "failure"); failed != test.fails {
			t.Errorf("%d links: got %s", test.links, got)
		}
		if counted := r.Limits()[LimitLinks] > 0; counted != test.fails {
			t.Errorf("%d links: got %v counted, want %v", test.links, counted, test.fails)
		}
	}
}

func TestLimit_referralsWithoutEnd(t *testing.T) {
	w := newWorld(t)
	// Whatever is asked, the next label is delegated to the same server.
	w.servers[netip.MustParseAddr("198.51.100.1")] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		name := q.Question[0].Name
		if name == "." {
			m.Answer = records(t, ". 300 NS ns.root.test.")
			return m
		}
		depth := 1
		for _, a := range w.asked {
			if strings.EqualFold(a.name, name) {
				depth++
			}
		}
		cut := suffix(name, min(depth, labels(name)))
		m.Ns = records(t, cut+" 300 NS ns."+cut)
		m.Extra = records(t, "ns."+cut+" 300 A 198.51.100.1")
		return m
	}
	r := w.recursor(nil)
	if got := resolve(t, r, strings.Repeat("a.", 100), dns.TypeA); !strings.HasPrefix(got, "failure 0: more than 30 referrals") {
		t.Errorf("got %s, want a failure", got)
	}
	if r.Limits()[LimitReferrals] != 1 {
		t.Errorf("got %v, want the limit counted", r.Limits())
	}
}

func TestLimit_serversThatSayNothing(t *testing.T) {
	w := small(t)
	var zone strings.Builder
	for i := range 13 {
		fmt.Fprintf(&zone, "dead NS ns%d.dead\nns%d.dead A 192.0.2.%d\n", i, i, 100+i)
	}
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n"+zone.String())
	r := w.recursor(nil)
	if got, want := resolve(t, r, "www.dead.test.", dns.TypeA), "failure 22: no response from the servers of dead.test."; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if asked := len(w.questions()); asked > maxTries+3 {
		t.Errorf("got %d queries, want at most %d", asked, maxTries+3)
	}
	for range 30 {
		resolve(t, r, "other.dead.test.", dns.TypeA)
	}
	w.questions()
	resolve(t, r, "more.dead.test.", dns.TypeA)
	if asked := slices.DeleteFunc(w.questions(), func(q string) bool { return q != "more.dead.test. A" }); len(asked) > 3*maxDead {
		t.Errorf("got %q to servers known to be dead, want at most %d", asked, 3*maxDead)
	}
}

// records parses records in zone-file form.
func records(t testing.TB, lines ...string) (rrs []dns.RR) {
	t.Helper()
	for _, line := range lines {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		rrs = append(rrs, rr)
	}
	return rrs
}
