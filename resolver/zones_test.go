package resolver

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
	"bailiff/resolver/local"
)

// served are zones from zone file lines, by apex, and the names of zones that
// others serve.
func served(t testing.TB, zones map[string]string, elsewhere ...string) Config {
	t.Helper()
	var read []*local.Zone
	for apex, text := range zones {
		file := filepath.Join(t.TempDir(), "zone")
		if err := os.WriteFile(file, []byte("@ SOA localhost. root.localhost. 1 3600 600 86400 60\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		var problems problem.List
		read = append(read, local.Read(file, apex, &problems))
		if len(problems.Sorted()) > 0 {
			t.Fatal(problems.Sorted())
		}
	}
	return Config{Zones: local.New(read, elsewhere)}
}

// told is a reply in short: RCODE, AA, and the data of its answer section.
func told(m *dns.Msg) string {
	words := []string{dns.RcodeToString[m.Rcode]}
	if m.Authoritative {
		words = append(words, "aa")
	}
	for _, rr := range m.Answer {
		words = append(words, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(words, " ")
}

var homeZone = map[string]string{"home.test.": `
www    A     198.51.100.1
alias  CNAME www
out    CNAME free.test.
bad    CNAME blocked.test.
worse  CNAME www.blocked.test.
under  CNAME target
target A     198.51.100.1
held   A     198.51.100.66
loop   CNAME loop
`}

const homeOrders = "id: one\nauthority: Court\nblock: [blocked.test, mine.home.test]\nrules: [{name: target.home.test}, {address: 198.51.100.66/32}]\n"

func TestRespond_aLocalZoneIsServedAfterOrders(t *testing.T) {
	w := newWorldWith(t, served(t, homeZone, "lab.home.test."), homeOrders,
		"free.test. 300 IN A 198.51.100.2", "www.blocked.test. 300 IN A 198.51.100.3", "pc.lab.home.test. 300 IN A 198.51.100.4")
	for _, tt := range []struct {
		name, in string
		want     string
		asked    int64
	}{
		{"a record", "www.home.test", "NOERROR aa 198.51.100.1", 0},
		{"an alias", "alias.home.test", "NOERROR aa www.home.test. 198.51.100.1", 0},
		{"no name", "nobody.home.test", "NXDOMAIN aa", 0},
		{"the name under order", "mine.home.test", "NXDOMAIN aa", 0},
		{"an alias of one under order here", "under.home.test", "NXDOMAIN target.home.test.", 0},
		{"an address under order", "held.home.test", "NXDOMAIN aa", 0},
		{"an alias that leads out", "out.home.test", "NOERROR free.test. 198.51.100.2", 1},
		{"the same from the cache", "out.home.test", "NOERROR free.test. 198.51.100.2", 1},
		{"an alias of one under order out there", "bad.home.test", "NXDOMAIN blocked.test.", 2},
		{"an alias of one below", "worse.home.test", "NXDOMAIN www.blocked.test.", 3},
		{"a zone that others serve", "pc.lab.home.test", "NOERROR 198.51.100.4", 4},
		{"a loop", "loop.home.test", "SERVFAIL", 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.ask(t, question(tt.in, dns.TypeA))
			if told(got) != tt.want || w.asked.Load() != tt.asked || got.AuthenticatedData {
				t.Errorf("got %q, asked %d, AD %v, want %q, %d, clear", told(got), w.asked.Load(), got.AuthenticatedData, tt.want, tt.asked)
			}
			if got.Rcode == dns.RcodeNameError && len(got.Ns) != 1 {
				t.Errorf("got authority section %v, want a SOA", got.Ns)
			}
		})
	}
}

func TestRespond_aLocalZoneIsServedWithoutRecursion(t *testing.T) {
	w := newWorldWith(t, served(t, homeZone), oneOrder)
	for in, want := range map[string]string{"www.home.test": "NOERROR aa 198.51.100.1", "out.home.test": "NOERROR aa free.test.", "free.test": "REFUSED"} {
		m := question(in, dns.TypeA)
		m.RecursionDesired = false
		if got := told(w.ask(t, m)); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

// TestRespond_aCloserZoneTakesTheReverseZoneOver has zones of the operator's
// within those that every resolver serves (RFC 6303).
func TestRespond_aCloserZoneTakesTheReverseZoneOver(t *testing.T) {
	w := newWorldWith(t, served(t, map[string]string{"2.0.192.in-addr.arpa.": "1 PTR www.home.test.\n"}, "1.10.in-addr.arpa.", "168.192.in-addr.arpa.", "arpa."), oneOrder,
		"1.0.1.10.in-addr.arpa. 300 IN PTR a.test.", "1.0.168.192.in-addr.arpa. 300 IN PTR b.test.")
	for _, tt := range []struct{ in, want string }{
		{"1.2.0.192.in-addr.arpa", "NOERROR aa www.home.test."},
		{"2.2.0.192.in-addr.arpa", "NXDOMAIN aa"},
		{"1.0.1.10.in-addr.arpa", "NOERROR a.test."},
		{"1.0.168.192.in-addr.arpa", "NOERROR b.test."},
		{"1.0.2.10.in-addr.arpa", "NXDOMAIN aa"},
		{"1.0.0.127.in-addr.arpa", "NOERROR aa localhost."},
	} {
		if got := told(w.ask(t, question(tt.in, dns.TypePTR))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestRespond_dns64MakesAddresses(t *testing.T) {
	cfg := served(t, homeZone)
	cfg.NAT64 = netip.MustParsePrefix("2001:db8:64::/48")
	w := newWorldWith(t, cfg, homeOrders,
		"four.test. 300 IN A 198.51.100.1", "six.test. 300 IN AAAA 2001:db8::1", "pirate.test. 300 IN A 198.51.100.66",
		"hint.test. 300 IN HTTPS 1 . ipv6hint=2001:db8:64:c633:64:4200::",
		"1.100.51.198.in-addr.arpa. 300 IN PTR four.test.")
	const reverse = "0.0.0.0.0.0.0.0.0.0.1.0.4.6.0.0.3.3.6.c.4.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	for _, tt := range []struct {
		name, in string
		qtype    uint16
		want     string
	}{
		{"made", "four.test", dns.TypeAAAA, "NOERROR 2001:db8:64:c633:64:100::"},
		{"made, from the cache", "four.test", dns.TypeAAAA, "NOERROR 2001:db8:64:c633:64:100::"},
		{"there already", "six.test", dns.TypeAAAA, "NOERROR 2001:db8::1"},
		{"no name", "nobody.test", dns.TypeAAAA, "NXDOMAIN"},
		{"of an address under order", "pirate.test", dns.TypeAAAA, "NXDOMAIN aa"},
		{"a hint that carries one", "hint.test", dns.TypeHTTPS, "NXDOMAIN aa"},
		{"in a zone served here", "www.home.test", dns.TypeAAAA, "NOERROR 2001:db8:64:c633:64:100::"},
		{"behind an alias out of it", "out.home.test", dns.TypeAAAA, "NXDOMAIN free.test."},
		{"the way back", reverse, dns.TypePTR, "NOERROR 1.100.51.198.in-addr.arpa. four.test."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := told(w.ask(t, question(tt.in, tt.qtype))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRespond_dns64LeavesWhoValidatesAlone(t *testing.T) {
	w := newWorldWith(t, Config{NAT64: netip.MustParsePrefix("64:ff9b::/96")}, oneOrder, "four.test. 300 IN A 198.51.100.1")
	m := question("four.test", dns.TypeAAAA)
	m.IsEdns0().SetDo()
	w.ask(t, m)
	m.CheckingDisabled = true
	if got := w.ask(t, m); told(got) != "NOERROR" || len(got.Ns) == 0 {
		t.Errorf("got %q, want the denial", told(got))
	}
}

// TestLayered_questionsDoNotTakeTheShortWay has what a worker's own line to the
// upstream must not answer.
func TestLayered_questionsDoNotTakeTheShortWay(t *testing.T) {
	cfg := served(t, homeZone)
	cfg.NAT64 = netip.MustParsePrefix("64:ff9b::/96")
	w := newWorldWith(t, cfg, oneOrder)
	var got []string
	for _, name := range []string{"free.test", "out.home.test"} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypePTR} {
			packet, _ := question(name, qtype).Pack()
			q := &Query{Packet: packet}
			q.parse(0)
			if w.layered(q) {
				got = append(got, name+" "+dns.Type(qtype).String())
			}
		}
	}
	want := []string{"free.test AAAA", "out.home.test A", "out.home.test AAAA", "out.home.test PTR"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
