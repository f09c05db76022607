package recurse

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// changed puts a change on what the server at an address says.
func (w *world) changed(address string, change func(q, m *dns.Msg, over exchange.Transport) *dns.Msg) {
	a := netip.MustParseAddr(address)
	before := w.servers[a]
	w.servers[a] = func(q *dns.Msg, over exchange.Transport) *dns.Msg { return change(q, before(q, over), over) }
}

const free = "NOERROR; www.example.test. 300 IN A 192.0.2.1"

func TestResolve_serversOfAllKinds(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(q, m *dns.Msg, over exchange.Transport) *dns.Msg
		want   string
	}{
		{"truncated over UDP: TCP, and nothing of the first", func(_, m *dns.Msg, over exchange.Transport) *dns.Msg {
			if over == exchange.UDP {
				m.Truncated = true
				m.Answer = records(t, "www.example.test. 300 A 192.0.2.66")
			}
			return m
		}, free},
		{"truncated over TCP too", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Truncated = true
			return m
		}, "failure 24: a server of example.test.: truncated over tcp"},
		{"no EDNS: FORMERR", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.IsEdns0() != nil {
				return new(dns.Msg).SetRcodeFormatError(q)
			}
			return m
		}, free},
		{"no EDNS: NOTIMP", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.IsEdns0() != nil {
				return new(dns.Msg).SetRcode(q, dns.RcodeNotImplemented)
			}
			return m
		}, free},
		{"FORMERR whatever is asked", func(q, _ *dns.Msg, _ exchange.Transport) *dns.Msg {
			return new(dns.Msg).SetRcodeFormatError(q)
		}, "failure 22: a server of example.test. says FORMERR"},
		{"REFUSED: lame", func(q, _ *dns.Msg, _ exchange.Transport) *dns.Msg {
			return new(dns.Msg).SetRcode(q, dns.RcodeRefused)
		}, "failure 22: a server of example.test. says REFUSED"},
		{"a referral upward", func(q, _ *dns.Msg, _ exchange.Transport) *dns.Msg {
			away := new(dns.Msg).SetReply(q)
			away.Ns = records(t, ". 300 NS ns.root.test.")
			return away
		}, "failure 24: a server of example.test. says neither an answer nor a referral"},
		{"a referral sideways", func(q, _ *dns.Msg, _ exchange.Transport) *dns.Msg {
			away := new(dns.Msg).SetReply(q)
			away.Ns = records(t, "other.test. 300 NS ns.example.test.")
			return away
		}, "failure 24: a server of example.test. says neither an answer nor a referral"},
		{"a referral to itself", func(q, _ *dns.Msg, _ exchange.Transport) *dns.Msg {
			away := new(dns.Msg).SetReply(q)
			away.Ns = records(t, "example.test. 300 NS ns.example.test.")
			return away
		}, "failure 24: a server of example.test. says neither an answer nor a referral"},
		{"a cache in the place of a server", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Authoritative, m.RecursionAvailable = false, true
			return m
		}, free},
		{"an answer about another name", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Answer = records(t, "victim.test. 300 A 192.0.2.66")
			return m
		}, "NOERROR"},
		{"a chain that leaves the zone is asked for there", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Name == "www.example.test." {
				m.Answer = records(t, "www.example.test. 300 CNAME www.other.test.", "www.other.test. 300 A 192.0.2.66")
			}
			return m
		}, "NOERROR; www.example.test. 300 IN CNAME www.other.test.; www.other.test. 300 IN A 192.0.2.7"},
		{"NXDOMAIN with the records that were asked for", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Rcode = dns.RcodeNameError
			return m
		}, "failure 24: a server of example.test. says NXDOMAIN with records at the name"},
		{"TTLs with the first bit set", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Answer[0].Header().Ttl = 1 << 31
			return m
		}, "NOERROR; www.example.test. 0 IN A 192.0.2.1"},
	} {
		w := small(t)
		w.changed("198.51.100.3", test.change)
		if got := resolve(t, w.recursor(nil), "www.example.test.", dns.TypeA); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestResolve_nothingOutsideTheZoneOfTheServerIsBelieved(t *testing.T) {
	w := small(t)
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "example.test.") {
			m.Answer = append(m.Answer, records(t, "www.victim.test. 300 A 192.0.2.66")...)
			m.Ns = append(m.Ns, records(t, "victim.test. 300 NS ns.example.test.", "test. 300 NS ns.example.test.", ". 300 NS ns.example.test.")...)
			m.Extra = append(m.Extra, records(t, "ns.test. 300 A 192.0.2.66", "ns.victim.test. 300 A 192.0.2.66")...)
		}
		return m
	})
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nvictim NS ns.victim\nns.victim A 198.51.100.4\n")
	w.zone("victim.test.", "198.51.100.4", "@ NS ns\nns A 198.51.100.4\nwww A 192.0.2.8\n")
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	if got, want := resolve(t, r, "www.victim.test.", dns.TypeA), "NOERROR; www.victim.test. 300 IN A 192.0.2.8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestResolve_aDelegationEndsWithTheParentsTTL(t *testing.T) { // ghost domains, CVE-2022-30698
	w := small(t)
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n")
	for range 20 {
		w.pass(29 * time.Second)
		resolve(t, r, "example.test.", dns.TypeNS) // the child's own NS records, again and again
	}
	if got := resolve(t, r, "www.example.test.", dns.TypeA); got != "NXDOMAIN" {
		t.Errorf("got %s, want NXDOMAIN", got)
	}
}

func TestResolve_asksAnotherServerWhereOneFails(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nexample NS ns2.example\nns.example A 198.51.100.3\nns2.example A 198.51.100.99\n")
	r := w.recursor(nil)
	for range 8 {
		w.pass(301 * time.Second)
		if got := resolve(t, r, "www.example.test.", dns.TypeA); got != free {
			t.Errorf("got %s, want %s", got, free)
		}
	}
}

func TestResolve_looksUpServersWithoutGlue(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nother NS srv.example\n")
	w.zone("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nsrv A 198.51.100.5\n")
	w.zone("other.test.", "198.51.100.5", "@ NS srv.example.test.\nwww A 192.0.2.7\n")
	r := w.recursor(nil)
	if got, want := resolve(t, r, "www.other.test.", dns.TypeA), "NOERROR; www.other.test. 300 IN A 192.0.2.7"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{". NS", "www.other.test. A", "www.other.test. A", "srv.example.test. A", "srv.example.test. A", "www.other.test. A"}
	if got := w.questions(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestResolve_addressesOfOurOwnAreNeverAsked(t *testing.T) {
	w := small(t)
	own := netip.MustParseAddr("192.0.2.53")
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS a.example\nexample NS b.example\nexample NS c.example\na.example A 127.0.0.1\nb.example A 192.0.2.53\nc.example A 0.0.0.0\n")
	r := w.recursor(func(c *Config) { c.Own = func(a netip.Addr) bool { return a == own } })
	if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "failure 22: no server") {
		t.Errorf("got %s, want a failure", got)
	}
	for _, a := range w.asked {
		if a.to == own || a.to.IsLoopback() || a.to.IsUnspecified() {
			t.Errorf("%s was asked", a.to)
		}
	}
}

func TestResolve_stubAndForwardZones(t *testing.T) {
	w := small(t)
	w.zone("corp.test.", "198.51.100.7", "@ NS ns\nwww A 192.0.2.9\n")
	w.servers[netip.MustParseAddr("198.51.100.8")] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		m.Answer = records(t, "www.fwd.test. 300 CNAME www.deep.fwd.test.", "www.deep.fwd.test. 300 A 192.0.2.10", "www.victim.test. 300 A 192.0.2.66")
		if !q.RecursionDesired {
			t.Error("a forwarder was asked without RD")
		}
		return m
	}
	stub, forward := netip.MustParseAddrPort("198.51.100.7:53"), netip.MustParseAddrPort("198.51.100.8:53")
	r := w.recursor(func(c *Config) {
		c.Zones = []Zone{{Name: "corp.test", Servers: []netip.AddrPort{stub}}, {Name: "fwd.test", Forward: true, Servers: []netip.AddrPort{forward}}}
	})
	for name, want := range map[string]string{
		"www.corp.test.":    "NOERROR; www.corp.test. 300 IN A 192.0.2.9",
		"www.fwd.test.":     "NOERROR; www.fwd.test. 300 IN CNAME www.deep.fwd.test.; www.deep.fwd.test. 300 IN A 192.0.2.10",
		"www.example.test.": free,
		"www.victim.test.":  "NXDOMAIN",
	} {
		if got := resolve(t, r, name, dns.TypeA); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}
