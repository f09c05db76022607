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

// Ways around validation, and ways to make it fail for others.

// unchecked asks with CD, and gives RCODE and AD, or the failure.
func unchecked(t testing.TB, r *Recursor, name string, qtype uint16) string {
	t.Helper()
	a, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(name), Type: qtype, DO: true, CD: true})
	if err != nil {
		return "failure: " + err.Error()
	}
	text := dns.RcodeToString[int(a.Message[3]&0xf)]
	if a.Message[3]&0x20 != 0 {
		text += " AD"
	}
	return text
}

// forged is a change that answers one question with a lie in bare records.
func forged(t testing.TB, name string, qtype uint16, rcode int, answer ...string) func(q, m *dns.Msg, over exchange.Transport) *dns.Msg {
	return func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Name != name || q.Question[0].Qtype != qtype {
			return m
		}
		m.Rcode, m.Answer, m.Ns, m.Extra = rcode, records(t, answer...), nil, nil
		if len(answer) == 0 {
			m.Ns = records(t, "example.test. 300 SOA ns.example.test. h.example.test. 1 3600 600 86400 300")
		}
		return m
	}
}

func TestBogus_aLieOnSignaturesIsNoneOnOtherTypes(t *testing.T) {
	w, _ := signedWorld(t)
	w.changed("198.51.100.3", forged(t, "www.example.test.", dns.TypeRRSIG, dns.RcodeNameError))
	r := w.validating(nil)
	validated(t, r, "www.example.test.", dns.TypeRRSIG)
	if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

func TestBogus_aParentThatDeniesAnAnchoredZoneIsNotHeard(t *testing.T) {
	w, example := signedWorld(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\n")
	w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDS {
			m.Rcode, m.Ns = dns.RcodeNameError, records(t, "test. 300 SOA ns.test. h.test. 1 3600 600 86400 300")
		}
		return m
	})
	r := w.validating(func(c *Config) { c.Anchors = func() []dns.RR { return []dns.RR{example.key} } })
	if got := validated(t, r, "example.test.", dns.TypeDS); got != "NXDOMAIN" {
		t.Fatalf("DS: got %s, want NXDOMAIN", got)
	}
	if got := validated(t, r, "example.test.", dns.TypeSOA); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

func TestValidate_aZoneOfTheOperatorsBelowOneThatDeniesIt(t *testing.T) {
	for name, before := range map[string]func(r *Recursor){
		"at once":                    func(*Recursor) {},
		"after its neighbours":       func(r *Recursor) { validated(t, r, "coro.example.test.", 1); validated(t, r, "corq.example.test.", 1) },
		"after its DS records":       func(r *Recursor) { validated(t, r, "corp.example.test.", dns.TypeDS) },
		"after what follows in NSEC": func(r *Recursor) { validated(t, r, "d.example.test.", 1) },
	} {
		w, _ := signedWorld(t)
		r := w.validating(func(c *Config) {
			withStub(w, c)
			c.Insecure, c.AggressiveNSEC = []string{"corp.example.test"}, true
		})
		before(r)
		for qname, want := range map[string]string{"www.corp.example.test.": "NOERROR", "corp.example.test.": "NOERROR", "none.corp.example.test.": "NXDOMAIN"} {
			if got := validated(t, r, qname, dns.TypeA); got != want {
				t.Errorf("%s: %s: got %s, want %s", name, qname, got, want)
			}
		}
	}
}

func TestValidate_rootHasNoDS(t *testing.T) {
	w, _ := signedWorld(t)
	root := w.signed(".", "198.51.100.1", "@ NS ns.root.test.\n")
	w.changed("198.51.100.1", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeDS {
			m.Rcode, m.Authoritative, m.Ns = 0, true, root.sign([]dns.RR{root.records[0], root.covering(".")})
		}
		return m
	})
	r := w.validating(nil)
	a, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name("."), Type: dns.TypeDS, DO: true})
	if err != nil {
		t.Fatal(err)
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatal(err)
	}
	hasSOA := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA && rr.Header().Ttl > 0 })
	if m.Rcode != dns.RcodeSuccess || !m.AuthenticatedData || !hasSOA {
		t.Errorf("got %v, want NODATA with AD and a SOA", m)
	}
}

func TestBogus_whatWasLearntUncheckedIsValidatedForOthers(t *testing.T) {
	for _, test := range []struct {
		name  string
		qtype uint16
		lie   []string
		rcode int
		want  string
	}{
		{"www.example.test.", dns.TypeA, []string{"www.example.test. 300 A 192.0.2.66"}, 0, "bogus: RRSIGs Missing"},
		{"www.example.test.", dns.TypeA, []string{"www.example.test. 300 CNAME www.other.test."}, 0, "bogus: RRSIGs Missing"},
		{"www.example.test.", dns.TypeA, []string{"example.test. 300 DNAME other.test."}, 0, "bogus: RRSIGs Missing"},
		{"www.example.test.", dns.TypeA, nil, dns.RcodeNameError, "bogus: RRSIGs Missing"},
		{"www.example.test.", dns.TypeA, nil, 0, "bogus: RRSIGs Missing"},
		{"www.example.test.", dns.TypeANY, []string{"www.example.test. 300 A 192.0.2.66", "www.example.test. 300 TXT x"}, 0, "bogus: RRSIGs Missing"},
	} {
		w, _ := signedWorld(t)
		w.changed("198.51.100.3", forged(t, test.name, test.qtype, test.rcode, test.lie...))
		r := w.validating(nil)
		for range 2 {
			if got := unchecked(t, r, test.name, test.qtype); strings.HasPrefix(got, "failure") || strings.Contains(got, "AD") {
				t.Errorf("%v with CD: got %s, want the answer without AD", test.lie, got)
			}
			if got := validated(t, r, test.name, test.qtype); got != test.want {
				t.Errorf("%v: got %s, want %s", test.lie, got, test.want)
			}
		}
	}
}

func TestBogus_oneForgedRefusalOfEDNSIsForgotten(t *testing.T) { // CVE-2026-52690
	w, _ := signedWorld(t)
	lies := 1
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		switch {
		case q.IsEdns0() == nil: // without DO there are no signatures
			isSig := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeRRSIG }
			m.Answer, m.Ns = slices.DeleteFunc(m.Answer, isSig), slices.DeleteFunc(m.Ns, isSig)
		case lies > 0 && strings.HasPrefix(q.Question[0].Name, "www."):
			lies--
			return new(dns.Msg).SetRcodeFormatError(q)
		}
		return m
	})
	r := w.validating(nil)
	validated(t, r, "www.example.test.", dns.TypeA)
	if got := validated(t, r, "alias.example.test.", dns.TypeA); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

// withLiar has test. name another server of example.test. beside the honest one.
func withLiar(w *world, lie func(q, m *dns.Msg) *dns.Msg) {
	honest := w.servers[netip.MustParseAddr("198.51.100.3")]
	w.servers[netip.MustParseAddr("198.51.100.66")] = func(q *dns.Msg, over exchange.Transport) *dns.Msg { return lie(q, honest(q, over)) }
	w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if strings.HasSuffix(q.Question[0].Name, "example.test.") && len(m.Extra) > 0 {
			m.Extra = append(m.Extra, records(w.t, "ns.example.test. 300 A 198.51.100.66")...)
		}
		return m
	})
}

func TestBogus_aSignatureByNobodyIsNotTheLastWord(t *testing.T) {
	for name, lie := range map[string]func(m *dns.Msg){
		"by the name itself": func(m *dns.Msg) {
			m.Answer = records(t, "www.example.test. 300 A 192.0.2.66", "www.example.test. 300 RRSIG A 13 3 300 20300101000000 20200101000000 1 www.example.test. AAAA")
		},
		"by the TLD": func(m *dns.Msg) {
			m.Answer = records(t, "www.example.test. 300 A 192.0.2.66", "www.example.test. 300 RRSIG A 13 3 300 20300101000000 20200101000000 1 test. AAAA")
		},
		"none": func(m *dns.Msg) { m.Answer = records(t, "www.example.test. 300 A 192.0.2.66") },
	} {
		for range 8 {
			w, _ := signedWorld(t)
			withLiar(w, func(q, m *dns.Msg) *dns.Msg {
				if q.Question[0].Name == "www.example.test." && q.Question[0].Qtype == dns.TypeA {
					lie(m)
				}
				return m
			})
			if got := validated(t, w.validating(nil), "www.example.test.", dns.TypeA); got != "NOERROR AD" {
				t.Errorf("%s: got %s, want NOERROR AD", name, got)
				break
			}
		}
	}
}

func TestBogus_aSignedChildCannotBeMadeInsecure(t *testing.T) {
	soa := "test. 300 SOA ns.test. h.test. 1 3600 600 86400 60"
	for name, lie := range map[string]func(w *world, q, m *dns.Msg) *dns.Msg{
		"no DS, no proof": func(_ *world, _, m *dns.Msg) *dns.Msg {
			m.Answer, m.Ns = nil, slices.DeleteFunc(m.Ns, func(rr dns.RR) bool {
				sig, ok := rr.(*dns.RRSIG)
				return rr.Header().Rrtype == dns.TypeDS || ok && sig.TypeCovered == dns.TypeDS
			})
			return m
		},
		"no DS, the proof of another": func(w *world, q, m *dns.Msg) *dns.Msg {
			return signedReplay(w, q, m, "other.test.")
		},
		"an unsigned denial": func(_ *world, q, m *dns.Msg) *dns.Msg {
			if q.Question[0].Qtype == dns.TypeDS {
				m.Answer, m.Ns = nil, records(t, soa)
			}
			return m
		},
	} {
		w, _ := signedWorld(t)
		honest := w.servers[netip.MustParseAddr("198.51.100.2")]
		w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if within(q.Question[0].Name, "example.test.") {
				w.t = t
				return lie(&world{servers: map[netip.Addr]answerer{{}: honest}}, q, m)
			}
			return m
		})
		w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Name == "www.example.test." {
				m.Answer, m.Ns = records(t, "www.example.test. 300 A 192.0.2.66"), nil
			}
			return m
		})
		got := validated(t, w.validating(nil), "www.example.test.", dns.TypeA)
		if !strings.HasPrefix(got, "bogus") {
			t.Errorf("%s: got %s, want it bogus", name, got)
		}
	}
}

// signedReplay puts the proof about another name in the place of the DS records.
func signedReplay(w *world, _, m *dns.Msg, other string) *dns.Msg {
	proof := w.servers[netip.Addr{}](new(dns.Msg).SetQuestion(other, dns.TypeDS), exchange.UDP)
	m.Answer = nil
	m.Ns = slices.DeleteFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeNS })
	m.Ns = append(m.Ns, proof.Ns...)
	return m
}

func TestBogus_theParentsNSECDeniesNothingInTheChild(t *testing.T) {
	w, _ := signedWorld(t)
	parent := w.servers[netip.MustParseAddr("198.51.100.2")]
	for name, of := range map[string]string{"the delegation's own": "example.test.", "the one before": "a.test."} {
		w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if q.Question[0].Qtype != dns.TypeA {
				return m
			}
			m.Rcode, m.Answer = dns.RcodeNameError, nil
			m.Ns = parent(new(dns.Msg).SetQuestion(of, dns.TypeTXT), exchange.UDP).Ns
			return m
		})
		if got := validated(t, w.validating(nil), "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "bogus") {
			t.Errorf("%s: got %s, want it bogus", name, got)
		}
	}
}

// wildcard has the zone answer below *.wild with a CNAME made from it, with the
// proof or without.
func wildcard(t *testing.T, w *world, z *signedZone, proof bool) {
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		name := q.Question[0].Name
		if !below(name, "wild.example.test.") {
			return m
		}
		m.Rcode, m.Ns = 0, nil
		m.Answer = z.sign(records(t, "*.wild.example.test. 300 CNAME www.example.test."))
		for _, rr := range m.Answer {
			rr.Header().Name = name
		}
		m.Answer = append(m.Answer, z.sign(records(t, "www.example.test. 300 A 192.0.2.1"))...)
		if proof {
			m.Ns = z.sign([]dns.RR{z.covering(name)})
		}
		return m
	})
}

func TestValidate_aCNAMEMadeFromAWildcardNeedsItsProof(t *testing.T) {
	for proof, want := range map[bool]string{true: "NOERROR AD", false: "bogus: NSEC Missing"} {
		w, _ := signedWorld(t)
		z := w.signed("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nwww A 192.0.2.1\n*.wild CNAME www\n")
		test := w.signed("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\n"+z.ds().String()+"\n")
		w.signed(".", "198.51.100.1", "@ NS ns.root.test.\ntest. NS ns.test.\nns.test. A 198.51.100.2\n"+test.ds().String()+"\n")
		wildcard(t, w, z, proof)
		r := w.validating(nil)
		for range 2 {
			if got := validated(t, r, "x.wild.example.test.", dns.TypeA); got != want {
				t.Errorf("proof %v: got %s, want %s", proof, got, want)
			}
		}
	}
}

func TestValidate_aZoneThatBecomesSecureIsValidatedInAnHour(t *testing.T) {
	w, example := signedWorld(t)
	parent := w.servers[netip.MustParseAddr("198.51.100.2")]
	test := w.signed("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\n")
	w.signed(".", "198.51.100.1", "@ NS ns.root.test.\ntest. NS ns.test.\nns.test. A 198.51.100.2\n"+test.ds().String()+"\n")
	r := w.validating(nil)
	if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR" {
		t.Fatalf("got %s, want NOERROR", got)
	}
	_ = parent
	test.records = slices.DeleteFunc(test.records, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNSEC })
	test.records = append(test.records, example.ds())
	test.chain()
	w.pass(time.Hour + time.Second)
	if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

func TestValidate_signaturesAreComparedWithTheClock(t *testing.T) {
	for _, jump := range []time.Duration{-87600 * time.Hour, 87600 * time.Hour} {
		w, _ := signedWorld(t)
		r := w.validating(nil)
		w.pass(jump)
		if got := validated(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "bogus: Signature") {
			t.Errorf("after a jump of %v: got %s, want it bogus", jump, got)
		}
	}
}

func TestBogus_aForgedDelegationGoesWithTheAnswersThatItLedTo(t *testing.T) {
	for _, cut := range []string{"www.example.test.", "example.test."} {
		w, _ := signedWorld(t)
		w.zone(cut, "198.51.100.66", "@ NS ns.evil.test.\n@ A 192.0.2.66\nwww A 192.0.2.66\n")
		lies := 1
		w.changed("198.51.100.2", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
			if lies == 0 || q.Question[0].Name != "www.example.test." {
				return m
			}
			lies--
			m.Ns, m.Extra = records(t, cut+" 86400 NS ns.evil.test."), records(t, "ns.evil.test. 86400 A 198.51.100.66")
			return m
		})
		r := w.validating(nil)
		first := validated(t, r, "www.example.test.", dns.TypeA)
		w.pass(revalidateAfter + time.Second)
		validated(t, r, "www.example.test.", dns.TypeA)
		w.pass(bogusTrust + time.Second)
		if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR AD" {
			t.Errorf("%s: got %s, then %s; want NOERROR AD in the end", cut, first, got)
		}
	}
}

func TestValidate_aProvenDNAMEAnswersForAllNamesBelow(t *testing.T) {
	w, _ := signedWorld(t)
	z := w.signed("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\n")
	test := w.signed("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\n"+z.ds().String()+"\n")
	w.signed(".", "198.51.100.1", "@ NS ns.root.test.\ntest. NS ns.test.\nns.test. A 198.51.100.2\n"+test.ds().String()+"\n")
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if below(q.Question[0].Name, "old.example.test.") {
			m.Rcode, m.Ns, m.Answer = 0, nil, z.sign(records(t, "old.example.test. 300 DNAME example.test."))
		}
		return m
	})
	r := w.validating(nil)
	if got, want := validated(t, r, "ns.old.example.test.", dns.TypeA), "NOERROR AD"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.questions()
	if got, want := validated(t, r, "none.old.example.test.", dns.TypeA), "NXDOMAIN AD"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := w.questions(), []string{"none.example.test. A"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
