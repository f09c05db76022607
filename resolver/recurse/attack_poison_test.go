package recurse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// What a server may not say, and where it tries to.

func TestPoison_recordsOfOthersAreBelievedInNoSection(t *testing.T) {
	for _, lie := range []string{
		"www.other.test. 300 A 192.0.2.66", "other.test. 300 NS ns.example.test.", "test. 300 NS ns.example.test.", ". 300 NS ns.example.test.",
		"other.test. 300 DNAME example.test.", "test. 300 DNAME example.test.", "www.other.test. 300 CNAME www.example.test.",
		"other.test. 300 DS 1 13 2 00", "ns.test. 300 A 198.51.100.66", "ns.root.test. 300 A 198.51.100.66", "other.test. 300 SOA ns.example.test. h.example.test. 1 2 3 4 5",
	} {
		for section, of := range map[string]func(*dns.Msg) *[]dns.RR{
			"answer":     func(m *dns.Msg) *[]dns.RR { return &m.Answer },
			"authority":  func(m *dns.Msg) *[]dns.RR { return &m.Ns },
			"additional": func(m *dns.Msg) *[]dns.RR { return &m.Extra },
		} {
			w := small(t)
			w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nother NS ns.other\nns.other A 198.51.100.4\n")
			w.zone("other.test.", "198.51.100.4", "@ NS ns\nns A 198.51.100.4\nwww A 192.0.2.7\n")
			w.servers[netip.MustParseAddr("198.51.100.66")] = func(*dns.Msg, exchange.Transport) *dns.Msg {
				t.Errorf("%q in %s: a server of the liar was asked", lie, section)
				return nil
			}
			w.changed("198.51.100.3", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
				*of(m) = append(*of(m), records(t, lie)...)
				return m
			})
			r := w.recursor(nil)
			for _, name := range []string{"www.example.test.", "none.example.test.", "alias.example.test.", "a.b.c.example.test."} {
				resolve(t, r, name, dns.TypeA)
			}
			for name, want := range map[string]string{
				"www.other.test.": "NOERROR; www.other.test. 300 IN A 192.0.2.7", "example.test.": "NOERROR", "none.test.": "NXDOMAIN", "none.": "NXDOMAIN",
			} {
				if got := resolve(t, r, name, dns.TypeA); got != want {
					t.Errorf("%q in %s: %s: got %s, want %s", lie, section, name, got, want)
				}
			}
		}
	}
}

func TestPoison_whatCameBesideAnAnswerDoesNotReplaceWhatIsKnown(t *testing.T) { // RFC 2181 section 5.4.1
	w := small(t)
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if name := q.Question[0].Name; strings.HasPrefix(name, "guess") {
			m.Rcode, m.Ns = 0, nil
			m.Answer = records(t, name+" 300 CNAME www.example.test.", "www.example.test. 300 A 192.0.2.66")
		}
		return m
	})
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	resolve(t, r, "guess1.example.test.", dns.TypeA)
	if got := resolve(t, r, "www.example.test.", dns.TypeA); got != free {
		t.Errorf("got %s, want %s", got, free)
	}
}

func TestPoison_anUnprovenDNAMESpeaksForNoOtherName(t *testing.T) {
	w := small(t)
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if strings.HasPrefix(q.Question[0].Name, "guess") {
			m.Rcode, m.Ns = 0, nil
			m.Answer = records(t, "example.test. 300 DNAME other.test.")
		}
		return m
	})
	r := w.recursor(nil)
	resolve(t, r, "guess1.example.test.", dns.TypeA)
	if got := resolve(t, r, "www.example.test.", dns.TypeA); got != free {
		t.Errorf("got %s, want %s", got, free)
	}
}

// withStub has a zone of the operator's below example.test., at 198.51.100.7.
func withStub(w *world, c *Config) {
	w.zone("corp.example.test.", "198.51.100.7", "@ NS ns\nwww A 192.0.2.9\n")
	c.Zones = []Zone{{Name: "corp.example.test", Servers: []netip.AddrPort{netip.MustParseAddrPort("198.51.100.7:53")}}}
}

const ofStub = "NOERROR; www.corp.example.test. 300 IN A 192.0.2.9"

func TestPoison_onlyItsServersSpeakForAConfiguredZone(t *testing.T) {
	for name, lie := range map[string][]string{
		"the end of a chain":  {"alias.example.test. 300 CNAME www.corp.example.test.", "www.corp.example.test. 300 A 192.0.2.66"},
		"a link of a chain":   {"alias.example.test. 300 CNAME www.corp.example.test.", "www.corp.example.test. 300 CNAME www.example.test."},
		"a DNAME above":       {"example.test. 300 DNAME other.test."},
		"a DNAME at the zone": {"alias.example.test. 300 CNAME www.corp.example.test.", "corp.example.test. 300 DNAME other.test."},
	} {
		w := small(t)
		w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Name == "alias.example.test." {
				m.Answer = records(t, lie...)
			}
			return m
		})
		r := w.recursor(func(c *Config) { withStub(w, c) })
		resolve(t, r, "alias.example.test.", dns.TypeA)
		if got := resolve(t, r, "www.corp.example.test.", dns.TypeA); got != ofStub {
			t.Errorf("%s: got %s, want %s", name, got, ofStub)
		}
	}
}

func TestPoison_aForwarderSpeaksForItsZoneOnly(t *testing.T) { // MaginotDNS
	w := small(t)
	forwarder := netip.MustParseAddrPort("198.51.100.8:53")
	w.servers[forwarder.Addr()] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		m.Answer = records(t, q.Question[0].Name+" 300 CNAME www.example.test.", "www.example.test. 300 A 192.0.2.66")
		m.Ns = records(t, "example.test. 300 NS ns.fwd.test.", "test. 300 NS ns.fwd.test.", ". 300 NS ns.fwd.test.")
		m.Extra = records(t, "ns.fwd.test. 300 A 198.51.100.8", "ns.test. 300 A 198.51.100.8")
		return m
	}
	r := w.recursor(func(c *Config) {
		c.Zones = []Zone{{Name: "fwd.test", Forward: true, Servers: []netip.AddrPort{forwarder}}}
	})
	if got, want := resolve(t, r, "www.fwd.test.", dns.TypeA), "NOERROR; www.fwd.test. 300 IN CNAME www.example.test.; www.example.test. 300 IN A 192.0.2.1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, want := range map[string]string{"www.example.test.": free, "none.test.": "NXDOMAIN", "none.": "NXDOMAIN"} {
		if got := resolve(t, r, name, dns.TypeA); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestPoison_glueAndReferralsAreNoAnswers(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nexample NS false.example\nns.example A 198.51.100.3\nfalse.example A 198.51.100.3\n")
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	for _, test := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"false.example.test.", dns.TypeA, "NXDOMAIN"},
		{"example.test.", dns.TypeNS, "NOERROR; example.test. 300 IN NS ns.example.test."},
	} {
		if got := resolve(t, r, test.name, test.qtype); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestPoison_aSubzoneDoesNotOutliveItsParent(t *testing.T) { // phoenix domains
	w := small(t)
	w.zone("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nsub 86400 NS ns.sub\nns.sub 86400 A 198.51.100.5\n")
	w.zone("sub.example.test.", "198.51.100.5", "@ NS ns\nns A 198.51.100.5\nwww 60 A 192.0.2.5\ndeep 86400 NS ns.deep\nns.deep 86400 A 198.51.100.6\n")
	w.zone("deep.sub.example.test.", "198.51.100.6", "@ NS ns\nns A 198.51.100.6\nwww 60 A 192.0.2.6\n")
	r := w.recursor(nil)
	resolve(t, r, "www.sub.example.test.", dns.TypeA)
	w.pass(250 * time.Second)
	resolve(t, r, "www.deep.sub.example.test.", dns.TypeA)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n")
	for range 10 {
		w.pass(61 * time.Second)
		resolve(t, r, "www.sub.example.test.", dns.TypeA)
		resolve(t, r, "www.deep.sub.example.test.", dns.TypeA)
		resolve(t, r, "deep.sub.example.test.", dns.TypeNS)
	}
	for _, name := range []string{"www.sub.example.test.", "www.deep.sub.example.test."} {
		if got := resolve(t, r, name, dns.TypeA); got != "NXDOMAIN" {
			t.Errorf("%s: got %s, want NXDOMAIN", name, got)
		}
	}
}

func TestPoison_TTLsOfAllSizes(t *testing.T) {
	for _, test := range []struct {
		ttl         uint32
		want, later string
	}{
		{0, "0", "0"}, {1, "1", "1"}, {86400, "86400", "86399"}, {1<<31 - 1, "86400", "86399"}, {1 << 31, "0", "0"}, {1<<32 - 1, "0", "0"},
	} {
		w := small(t)
		w.changed("198.51.100.3", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			for _, rr := range m.Answer {
				rr.Header().Ttl = test.ttl
			}
			return m
		})
		r := w.recursor(nil)
		for i, want := range []string{test.want, test.later} {
			if got, want := resolve(t, r, "www.example.test.", dns.TypeA), "NOERROR; www.example.test. "+want+" IN A 192.0.2.1"; got != want {
				t.Errorf("TTL %d, question %d: got %s, want %s", test.ttl, i, got, want)
			}
			w.pass(time.Second)
		}
	}
}

func TestPoison_aClockSetBackOrForwardKeepsNothingForLonger(t *testing.T) {
	for _, jump := range []time.Duration{-87600 * time.Hour, 87600 * time.Hour} {
		w := small(t)
		r := w.recursor(nil)
		resolve(t, r, "www.example.test.", dns.TypeA)
		w.pass(jump)
		got := resolve(t, r, "www.example.test.", dns.TypeA)
		if got != free {
			t.Errorf("after a jump of %v: got %s, want %s", jump, got, free)
		}
	}
}

func TestPoison_sectionsOfThousandsOfRecords(t *testing.T) {
	for _, test := range []struct {
		records int
		fails   bool
	}{{maxSet, false}, {maxSet + 1, true}, {3000, true}} {
		w := small(t)
		w.changed("198.51.100.3", func(q, m *dns.Msg, over exchange.Transport) *dns.Msg {
			if over == exchange.UDP {
				m.Answer, m.Truncated = nil, true
				return m
			}
			m.Answer, m.Compress = nil, true
			for i := range test.records {
				m.Answer = append(m.Answer, &dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300}, A: []byte{192, 0, byte(i >> 8), byte(i)}})
			}
			return m
		})
		r := w.recursor(nil)
		got := resolve(t, r, "www.example.test.", dns.TypeA)
		if failed := strings.HasPrefix(got, "failure"); failed != test.fails {
			t.Errorf("%d records: got %.80s", test.records, got)
		}
		if counted := r.Limits()[LimitRecords] > 0; counted != test.fails {
			t.Errorf("%d records: got %v counted, want %v", test.records, counted, test.fails)
		}
	}
}

func TestPoison_ANYOfManyTypes(t *testing.T) {
	w := small(t)
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeANY {
			return m
		}
		m.Answer = records(t, "www.example.test. 300 A 192.0.2.1", "www.example.test. 300 CNAME www.other.test.", "www.other.test. 300 A 192.0.2.66", "www.example.test. 60 TXT x")
		for i := range 900 {
			m.Answer = append(m.Answer, &dns.RFC3597{Hdr: dns.RR_Header{Name: "www.example.test.", Rrtype: uint16(20000 + i), Class: dns.ClassINET, Ttl: 300}, Rdata: "00"})
		}
		return m
	})
	r := w.recursor(nil)
	got := resolve(t, r, "www.example.test.", dns.TypeANY)
	if !strings.HasPrefix(got, "NOERROR; www.example.test. 60 IN A 192.0.2.1; ") || strings.Contains(got, "192.0.2.66") {
		t.Errorf("got %.200s", got)
	}
	if got := resolve(t, r, "www.example.test.", dns.TypeA); got != free {
		t.Errorf("got %s, want %s: ANY answers nothing else", got, free)
	}
}

func TestPoison_DNAMEsThatGrowOrLoop(t *testing.T) {
	for name, test := range map[string]struct{ dname, want string }{
		"growing": {"example.test. 300 DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.test.", "failure"},
		"looping": {"example.test. 300 DNAME example.test.", "failure"},
		"upward":  {"example.test. 300 DNAME test.", "NXDOMAIN"},
	} {
		w := small(t)
		w.changed("198.51.100.3", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Rcode, m.Ns, m.Answer = 0, nil, records(t, test.dname)
			return m
		})
		r := w.recursor(nil)
		got := resolve(t, r, "www.sub.example.test.", dns.TypeA)
		if !strings.HasPrefix(got, test.want) && !strings.HasPrefix(got, "YXDOMAIN") {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
		if asked := len(w.questions()); asked > upstream.MaxLinks+10 {
			t.Errorf("%s: got %d queries, want at most %d", name, asked, upstream.MaxLinks+10)
		}
	}
}

func TestPoison_referralsThatLeadNowhereEnd(t *testing.T) {
	for name, referral := range map[string][]string{
		"down and no further": {"www.example.test. 300 NS ns.www.example.test.", "ns.www.example.test. 300 A 198.51.100.3"},
		"to the root":         {". 300 NS ns.root.test.", "ns.root.test. 300 A 198.51.100.1"},
		"to the parent":       {"test. 300 NS ns.test.", "ns.test. 300 A 198.51.100.2"},
		"to itself":           {"example.test. 300 NS ns.example.test.", "ns.example.test. 300 A 198.51.100.3"},
		"to a sibling":        {"other.test. 300 NS ns.example.test.", "ns.example.test. 300 A 198.51.100.3"},
		"to nobody":           {"www.example.test. 300 NS ."},
		"to an alias":         {"www.example.test. 300 NS loop.example.test."},
	} {
		w := small(t)
		w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if !strings.HasPrefix(q.Question[0].Name, "www.") {
				return m
			}
			m = new(dns.Msg).SetReply(q)
			m.Ns, m.Extra = records(t, referral[0]), records(t, referral[1:]...)
			return m
		})
		r := w.recursor(nil)
		if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "failure") {
			t.Errorf("%s: got %s, want a failure", name, got)
		}
		if asked := len(w.questions()); asked > maxTries+10 {
			t.Errorf("%s: got %d queries, want at most %d", name, asked, maxTries+10)
		}
	}
}

func TestPoison_chainsAcrossZonesEnd(t *testing.T) {
	w := small(t)
	for i, address := range []string{"198.51.100.3", "198.51.100.4"} {
		_ = i
		w.servers[netip.MustParseAddr(address)] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.Authoritative = true
			to := "example.test."
			if within(q.Question[0].Name, to) {
				to = "other.test."
			}
			m.Answer = records(t, fmt.Sprintf("%s 300 CNAME x%s%s", q.Question[0].Name, strings.SplitN(q.Question[0].Name, ".", 2)[0], "."+to))
			return m
		}
	}
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nother NS ns.other\nns.other A 198.51.100.4\n")
	r := w.recursor(nil)
	if got, want := resolve(t, r, "a.example.test.", dns.TypeA), "failure 0: a chain of more than 11 CNAMEs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if asked := w.questions(); len(asked) > upstream.MaxLinks+6 || !slices.Contains(asked, "a.example.test. A") {
		t.Errorf("got %d queries, want at most %d", len(asked), upstream.MaxLinks+6)
	}
}

func TestPoison_whatTheParentSaysOfAServerReplacesNothing(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nlost NS ns.lost\n")
	w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Name == "ns.lost.test." && len(m.Extra) == 0 { // asked for the glue that is missing
			m.Authoritative, m.Ns = true, nil
			m.Answer = records(t, "ns.lost.test. 300 CNAME www.example.test.", "www.example.test. 300 A 192.0.2.66")
		}
		return m
	})
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	resolve(t, r, "www.lost.test.", dns.TypeA)
	if got := resolve(t, r, "www.example.test.", dns.TypeA); got != free {
		t.Errorf("got %s, want %s", got, free)
	}
}
