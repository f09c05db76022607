package recurse

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// validated asks with DO, and gives RCODE and AD, or the failure's extended
// error.
func validated(t testing.TB, r *Recursor, name string, qtype uint16) string {
	t.Helper()
	a, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(name), Type: qtype, DO: true})
	if err != nil {
		f := err.(*upstream.Failure)
		text := "failure " + dns.ExtendedErrorCodeToString[f.EDE]
		if f.Bogus {
			text = "bogus: " + dns.ExtendedErrorCodeToString[f.EDE]
		}
		return text
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatalf("the answer to %s: %v", name, err)
	}
	text := dns.RcodeToString[m.Rcode]
	if m.AuthenticatedData {
		text += " AD"
	}
	return text
}

func TestValidate_answersOfSignedAndUnsignedZones(t *testing.T) {
	w, _ := signedWorld(t)
	for _, minimise := range []bool{false, true} {
		r := w.validating(func(c *Config) { c.Minimise = minimise })
		for _, test := range []struct {
			name  string
			qtype uint16
			want  string
		}{
			{"www.example.test.", dns.TypeA, "NOERROR AD"},
			{"alias.example.test.", dns.TypeA, "NOERROR AD"},
			{"www.example.test.", dns.TypeAAAA, "NOERROR AD"},
			{"none.example.test.", dns.TypeA, "NXDOMAIN AD"},
			{"b.c.example.test.", dns.TypeA, "NOERROR AD"},
			{"away.example.test.", dns.TypeA, "NOERROR"}, // half of the chain is unsigned
			{"www.other.test.", dns.TypeA, "NOERROR"},
			{"none.other.test.", dns.TypeA, "NXDOMAIN"},
			{"www.sub.example.test.", dns.TypeA, "NOERROR"}, // unsigned, on the servers of its signed parent
			{"example.test.", dns.TypeDS, "NOERROR AD"},
			{"other.test.", dns.TypeDS, "NOERROR AD"},
			{"example.test.", dns.TypeDNSKEY, "NOERROR AD"},
			{"none.", dns.TypeA, "NXDOMAIN AD"},
			{".", dns.TypeNS, "NOERROR AD"},
		} {
			if got := validated(t, r, test.name, test.qtype); got != test.want {
				t.Errorf("minimise %v: %s %s: got %s, want %s", minimise, test.name, dns.TypeToString[test.qtype], got, test.want)
			}
		}
	}
}

func TestValidate_bogusAnswersAreSERVFAILWithTheReason(t *testing.T) {
	isSig := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }
	for _, test := range []struct {
		name, qname string
		change      func(q, m *dns.Msg, over exchange.Transport) *dns.Msg
		want        string
	}{
		{"changed data", "www.example.test.", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if m.Answer[0].Header().Rrtype == dns.TypeA {
				m.Answer[0] = records(t, "www.example.test. 300 A 192.0.2.66")[0]
			}
			return m
		}, "bogus: DNSSEC Bogus"},
		{"no signatures", "www.example.test.", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Answer, m.Ns = slices.DeleteFunc(m.Answer, isSig), slices.DeleteFunc(m.Ns, isSig)
			return m
		}, "bogus: RRSIGs Missing"},
		{"no signatures but those of keys", "www.example.test.", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Qtype != dns.TypeDNSKEY {
				m.Answer = slices.DeleteFunc(m.Answer, isSig)
			}
			return m
		}, "bogus: RRSIGs Missing"},
		{"no keys", "www.example.test.", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeDNSKEY {
				m.Answer = nil
			}
			return m
		}, "bogus: DNSKEY Missing"},
		{"no proof", "none.example.test.", func(_, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool {
				sig, ok := rr.(*dns.RRSIG)
				return rr.Header().Rrtype == dns.TypeNSEC || ok && sig.TypeCovered == dns.TypeNSEC
			})
			return m
		}, "bogus: NSEC Missing"},
		{"a denial of what is there", "www.example.test.", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeA {
				m.Answer, m.Rcode = nil, dns.RcodeNameError
			}
			return m
		}, "bogus: RRSIGs Missing"},
	} {
		w, _ := signedWorld(t)
		w.changed("198.51.100.3", test.change)
		r := w.validating(nil)
		got := validated(t, r, test.qname, dns.TypeA)
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		a, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(test.qname), Type: dns.TypeA, DO: true, CD: true})
		if err != nil || a.Message[3]&0x20 != 0 {
			t.Errorf("%s: with CD got %v, AD %v; want the answer without AD", test.name, err, err == nil)
		}
	}
}

func TestValidate_signatureTimes(t *testing.T) {
	for _, test := range []struct {
		name  string
		until time.Duration
		want  string
	}{
		{"expired", -2 * 24 * time.Hour, "bogus: Signature Expired"},
		{"expired a moment ago: clocks differ", -time.Minute, "NOERROR AD"},
		{"not yet valid", 20 * 24 * time.Hour, "bogus: Signature Not Yet Valid"},
	} {
		w, example := signedWorld(t)
		example.until = w.now.Add(test.until)
		if got := validated(t, w.validating(nil), "www.example.test.", dns.TypeA); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestValidate_aLyingServerIsNotTheLastWord(t *testing.T) {
	w, _ := signedWorld(t)
	liar := netip.MustParseAddr("198.51.100.66")
	honest := w.servers[netip.MustParseAddr("198.51.100.3")]
	w.servers[liar] = func(q *dns.Msg, over exchange.Transport) *dns.Msg {
		m := honest(q, over)
		if len(m.Answer) > 0 && m.Answer[0].Header().Rrtype == dns.TypeA {
			m.Answer[0] = records(t, "www.example.test. 300 A 192.0.2.66")[0]
		}
		return m
	}
	w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "example.test.") && len(m.Extra) > 0 {
			m.Extra = append(m.Extra, records(t, "ns.example.test. 300 A 198.51.100.66")...)
		}
		return m
	})
	for range 10 {
		if got := validated(t, w.validating(nil), "www.example.test.", dns.TypeA); got != "NOERROR AD" {
			t.Errorf("got %s, want NOERROR AD", got)
		}
	}
}

func TestValidate_negativeTrustAnchors(t *testing.T) {
	w, example := signedWorld(t)
	example.until = w.now.Add(-30 * 24 * time.Hour)
	r := w.validating(func(c *Config) { c.Insecure = []string{"Example.TEST"} })
	if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR" {
		t.Errorf("got %s, want NOERROR", got)
	}
	if got := validated(t, r, "test.", dns.TypeNS); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

func TestValidate_throughAForwarder(t *testing.T) {
	w, _ := signedWorld(t)
	inner := w.recursor(nil)
	forwarder := netip.MustParseAddrPort("198.51.100.53:53")
	w.servers[forwarder.Addr()] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
		m := new(dns.Msg)
		a, err := inner.Resolve(context.Background(), upstream.Question{Name: exchange.Name(strings.ToLower(q.Question[0].Name)), Type: q.Question[0].Qtype, DO: true, CD: true})
		if err != nil || m.Unpack(a.Message) != nil {
			return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		}
		m.Id, m.Question = q.Id, q.Question
		return m
	}
	r := w.validating(func(c *Config) {
		c.Zones = []Zone{{Name: ".", Forward: true, Servers: []netip.AddrPort{forwarder}}}
	})
	for name, want := range map[string]string{
		"www.example.test.": "NOERROR AD", "away.example.test.": "NOERROR", "none.example.test.": "NXDOMAIN AD",
		"www.other.test.": "NOERROR", "www.sub.example.test.": "NOERROR",
	} {
		if got := validated(t, r, name, dns.TypeA); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
