package dnssec

import (
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestVerify_everyAlgorithmIsChecked(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0") // to make the short key
	for _, tt := range []struct {
		name      string
		algorithm uint8
		bits      int
	}{
		{"RSASHA1", dns.RSASHA1, 1024},
		{"RSASHA1-NSEC3-SHA1", dns.RSASHA1NSEC3SHA1, 1024},
		{"RSASHA256", dns.RSASHA256, 2048},
		{"RSASHA256, shortest key", dns.RSASHA256, 512},
		{"RSASHA256, shorter than crypto/rsa takes", dns.RSASHA256, 1016},
		{"RSASHA256, a long key", dns.RSASHA256, 2056},
		{"RSASHA512", dns.RSASHA512, 1280},
		{"ECDSAP256SHA256", dns.ECDSAP256SHA256, 256},
		{"ECDSAP384SHA384", dns.ECDSAP384SHA384, 384},
		{"ED25519", dns.ED25519, 256},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newSizedKey(t, "example.", tt.algorithm, zoneKey, tt.bits)
			keys := trusted(t, key)
			s := set(t, "www.example. 300 IN A 192.0.2.1\nwww.example. 300 IN A 192.0.2.2", key)
			if _, f := keys.Verify(s, noon, NewBudget()); f != nil {
				t.Errorf("got %v, want no fault", f)
			}
			slices.Reverse(s.RRs)
			if _, f := keys.Verify(s, noon, NewBudget()); f != nil {
				t.Errorf("other order: got %v, want no fault", f)
			}
			s.RRs = append(s.RRs, s.RRs[0])
			if _, f := keys.Verify(s, noon, NewBudget()); f != nil {
				t.Errorf("a record twice: got %v, want no fault", f)
			}
			s.RRs = s.RRs[:1]
			if _, f := keys.Verify(s, noon, NewBudget()); edeOf(f) != 6 {
				t.Errorf("a record missing: got %v, want EDE 6", f)
			}
		})
	}
}

// The examples of RFC 5702 section 6, RFC 6605 section 6 and RFC 8080 section 6.
func TestVerify_examplesOfTheRFCs(t *testing.T) {
	for _, tt := range []struct{ name, zone, anchor, key, data, sig string }{
		{
			"RSASHA256", "example.net.", "", "example.net. 3600 IN DNSKEY 256 3 8 AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/DlUmObdk=",
			"www.example.net. 3600 IN A 192.0.2.91",
			"www.example.net. 3600 IN RRSIG A 8 3 3600 20300101000000 20000101000000 9033 example.net. kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==",
		},
		{
			"ECDSAP256SHA256", "example.net.", "example.net. 3600 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
			"example.net. 3600 IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
			"www.example.net. 3600 IN A 192.0.2.1",
			"www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
		},
		{
			"ECDSAP384SHA384", "example.net.", "example.net. 3600 IN DS 10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
			"example.net. 3600 IN DNSKEY 257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX45NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
			"www.example.net. 3600 IN A 192.0.2.1",
			"www.example.net. 3600 IN RRSIG A 14 3 3600 20100909102025 20100812102025 10771 example.net. /L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzusdnI0RSMROxxwGipWcJm",
		},
		{
			"ED25519", "example.com.", "example.com. 3600 IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b",
			"example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
			"example.com. 3600 IN MX 10 mail.example.com.",
			"example.com. 3600 IN RRSIG MX 15 2 3600 20150819220000 20150729220000 3613 example.com. oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k, _ := newKeys(tt.zone)
			record := records(t, tt.key)[0].(*dns.DNSKEY)
			rdata := keyRDATA(record)
			parsed, ok := newKey(record, rdata)
			if !ok {
				t.Fatal("got no key")
			}
			k.add(parsed)
			sig := records(t, tt.sig)[0].(*dns.RRSIG)
			at := time.Unix(int64(sig.Inception)+1, 0)
			if _, f := k.Verify(Set{RRs: records(t, tt.data), Sigs: []*dns.RRSIG{sig}}, at, NewBudget()); f != nil {
				t.Errorf("signature: got %v, want no fault", f)
			}
			if tt.anchor != "" && !newVouchers(k, records(t, tt.anchor)).standFor(record, rdata) {
				t.Error("DS: got no match with the key")
			}
		})
	}
}

// TestVerify_signatureRules has the conditions of RFC 4035 section 5.3.1.
func TestVerify_signatureRules(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	other := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	unix := func(offset time.Duration) uint32 { return uint32(noon.Add(offset).Unix()) }
	day := 24 * time.Hour
	for _, tt := range []struct {
		name   string
		lines  string
		change func(*dns.RRSIG) // before it is signed
		mangle func(*Set)       // afterwards
		want   int              // EDE; -1: no fault
	}{
		{"as it should be", "", nil, nil, -1},
		{"capitals in owner and signer", "WWW.Example. 300 IN A 192.0.2.1", func(s *dns.RRSIG) { s.SignerName = "EXAMPLE." }, nil, -1},
		{"no signatures", "", nil, func(s *Set) { s.Sigs = nil }, 10},
		{"no records", "", nil, func(s *Set) { s.RRs = nil }, 6},
		{"type covered is another", "", nil, func(s *Set) { s.Sigs[0].TypeCovered = dns.TypeAAAA }, 10},
		{"owner is another", "", nil, func(s *Set) { s.Sigs[0].Hdr.Name = "www2.example." }, 10},
		{"class is another", "", nil, func(s *Set) { s.Sigs[0].Hdr.Class = dns.ClassCHAOS }, 10},
		{"signer is another zone", "", func(s *dns.RRSIG) { s.SignerName = "test." }, nil, 10},
		{"record without an owner", "", nil, func(s *Set) { s.RRs[0].Header().Name, s.Sigs[0].Hdr.Name = "", "" }, 6},
		{"records of two owners", "", nil, func(s *Set) { s.RRs = append(s.RRs, records(t, "a.example. 300 IN A 192.0.2.1")...) }, 6},
		{"records of two types", "", nil, func(s *Set) { s.RRs = append(s.RRs, records(t, "www.example. 300 IN AAAA 2001:db8::1")...) }, 6},
		{"owner outside the zone", "www.test. 300 IN A 192.0.2.1", nil, nil, 6},
		{"owner that ends like the zone", "www.notexample. 300 IN A 192.0.2.1", nil, nil, 6},
		{"more labels than the owner has", "", nil, func(s *Set) { s.Sigs[0].Labels = 3 }, 6},
		{"fewer labels than the zone has", "", nil, func(s *Set) { s.Sigs[0].Labels = 0 }, 6},
		{"labels lowered", "a.b.example. 300 IN A 192.0.2.1", nil, func(s *Set) { s.Sigs[0].Labels = 2 }, 6},
		{"key tag of no key", "", nil, func(s *Set) { s.Sigs[0].KeyTag++ }, 9},
		{"algorithm of no key", "", nil, func(s *Set) { s.Sigs[0].Algorithm = dns.ECDSAP256SHA256 }, 9},
		{"key of nobody", "", nil, func(s *Set) { s.Sigs = []*dns.RRSIG{other.sign(t, s.RRs, nil)} }, 9},
		{"signature changed", "", nil, func(s *Set) { s.Sigs[0].Signature = other.sign(t, s.RRs, nil).Signature }, 6},
		{"signature cut short", "", nil, func(s *Set) { s.Sigs[0].Signature = s.Sigs[0].Signature[:8] }, 6},
		{"signature not base64", "", nil, func(s *Set) { s.Sigs[0].Signature = "?" }, 6},
		{"original TTL changed", "", nil, func(s *Set) { s.Sigs[0].OrigTtl++ }, 6},
		{"TTL lower than the original", "", nil, func(s *Set) { s.RRs[0].Header().Ttl = 1 }, -1},
		{"expired", "", func(s *dns.RRSIG) { s.Expiration = unix(-61 * time.Minute) }, nil, 7},
		{"expired within the hour", "", func(s *dns.RRSIG) { s.Expiration = unix(-59 * time.Minute) }, nil, -1},
		{"not yet valid", "", func(s *dns.RRSIG) { s.Inception = unix(61 * time.Minute) }, nil, 8},
		{"not yet valid, within the hour", "", func(s *dns.RRSIG) { s.Inception = unix(59 * time.Minute) }, nil, -1},
		{"expires before it is valid", "", func(s *dns.RRSIG) { s.Inception, s.Expiration = unix(day), unix(-day) }, nil, 25},
		{"a wrong one first, then a good one", "", nil, func(s *Set) {
			wrong := *s.Sigs[0]
			wrong.Signature = other.sign(t, s.RRs, nil).Signature
			s.Sigs = []*dns.RRSIG{&wrong, s.Sigs[0]}
		}, -1},
		{"one wrong, one expired", "", nil, func(s *Set) {
			s.Sigs[0].Signature = other.sign(t, s.RRs, nil).Signature
			s.Sigs = append(s.Sigs, key.sign(t, s.RRs, func(s *dns.RRSIG) { s.Expiration = unix(-25 * time.Hour) }))
		}, 6},
		{"one of an unknown key, one expired", "", nil, func(s *Set) {
			s.Sigs = []*dns.RRSIG{other.sign(t, s.RRs, nil), key.sign(t, s.RRs, func(s *dns.RRSIG) { s.Expiration = unix(-25 * time.Hour) })}
		}, 7},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := tt.lines
			if lines == "" {
				lines = "www.example. 300 IN A 192.0.2.1"
			}
			s := Set{RRs: records(t, lines)}
			s.Sigs = []*dns.RRSIG{key.sign(t, s.RRs, tt.change)}
			if tt.mangle != nil {
				tt.mangle(&s)
			}
			if _, f := keys.Verify(s, noon, NewBudget()); edeOf(f) != tt.want {
				t.Errorf("got EDE %d (%v), want %d", edeOf(f), f, tt.want)
			}
		})
	}
}

func TestVerify_timesWrapAround(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	s := Set{RRs: records(t, "www.example. 300 IN A 192.0.2.1")}
	s.Sigs = []*dns.RRSIG{key.sign(t, s.RRs, func(sig *dns.RRSIG) { sig.Inception, sig.Expiration = 1<<32-86400, 86400 })}
	wrap := time.Unix(1<<32, 0) // RFC 4034 section 3.1.5
	for _, at := range []time.Time{wrap.Add(-time.Hour), wrap, wrap.Add(time.Hour)} {
		if _, f := keys.Verify(s, at, NewBudget()); f != nil {
			t.Errorf("at %v: got %v, want no fault", at, f)
		}
	}
	if _, f := keys.Verify(s, wrap.Add(48*time.Hour), NewBudget()); edeOf(f) != 7 {
		t.Errorf("afterwards: got %v, want EDE 7", f)
	}
}

func TestVerify_lifeEndsWithTheSignature(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	for _, tt := range []struct {
		name string
		left time.Duration
		want time.Duration
	}{
		{"original TTL", time.Hour, 300 * time.Second},
		{"expires before", 20 * time.Second, 20 * time.Second},
		{"has expired, within the skew", -20 * time.Second, 300 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Set{RRs: records(t, "www.example. 300 IN A 192.0.2.1")}
			s.Sigs = []*dns.RRSIG{key.sign(t, s.RRs, func(sig *dns.RRSIG) { sig.Expiration = uint32(noon.Add(tt.left).Unix()) })}
			v, f := keys.Verify(s, noon, NewBudget())
			if f != nil || v.Life != tt.want || v.Encloser != "" {
				t.Errorf("got %+v %v, want a life of %v", v, f, tt.want)
			}
		})
	}
}

func TestVerify_wildcardsTellTheirEncloser(t *testing.T) {
	for _, tt := range []struct{ name, zone, wildcard, owner, record, want string }{
		{"below the wildcard", "example.", "*.w.example.", "a.b.w.example.", "A 192.0.2.1", "w.example."},
		{"with capitals", "example.", "*.w.example.", "A.B.W.Example.", "A 192.0.2.1", "W.Example."},
		{"at the apex", "example.", "*.example.", "a.example.", "A 192.0.2.1", "example."},
		{"escaped dot", "example.", `*.a\.b.example.`, `x.a\.b.example.`, "A 192.0.2.1", `a\.b.example.`},
		{"an asterisk in place of the asterisk", "example.", "*.example.", "*.w.example.", "A 192.0.2.1", "example."},
		{"the wildcard itself", "example.", "*.w.example.", "*.w.example.", "A 192.0.2.1", ""},
		{"NSEC", "example.", "*.w.example.", "a.w.example.", "NSEC b.example. A", "bogus"},
		{"NSEC3", "example.", "*.w.example.", "a.w.example.", "NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A", "bogus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := newTestKey(t, tt.zone, dns.ED25519, zoneKey)
			keys := trusted(t, key)
			s := set(t, tt.wildcard+" 300 IN "+tt.record, key)
			s.RRs[0].Header().Name, s.Sigs[0].Hdr.Name = tt.owner, tt.owner
			v, f := keys.Verify(s, noon, NewBudget())
			if tt.want == "bogus" {
				if edeOf(f) != 6 {
					t.Errorf("got %+v %v, want EDE 6", v, f)
				}
				return
			}
			if f != nil || v.Encloser != tt.want {
				t.Errorf("got %+v %v, want encloser %q", v, f, tt.want)
			}
		})
	}
}

// TestVerify_wildcardOfTheRoot is signed here: the library cannot.
func TestVerify_wildcardOfTheRoot(t *testing.T) {
	key := newTestKey(t, ".", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	s := set(t, "a.example. 300 IN A 192.0.2.1", key)
	s.Sigs[0].Labels = 0
	b := NewBudget()
	b.form.load(s.RRs)
	signature, err := key.private.Sign(nil, b.form.signedData(s.Sigs[0], keys.wire), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	s.Sigs[0].Signature = base64.StdEncoding.EncodeToString(signature)
	if v, f := keys.Verify(s, noon, b); f != nil || v.Encloser != "." {
		t.Errorf("got %+v %v, want encloser .", v, f)
	}
}

// TestVerify_namesInRDATAAreFolded has the types of RFC 4034 section 6.2 as RFC 6840
// section 5.1 corrects it, in capitals after they were signed in lower case.
func TestVerify_namesInRDATAAreFolded(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	for _, tt := range []struct {
		lower, upper string
		folded       bool
	}{
		{"NS ns.test.", "NS NS.Test.", true},
		{"MD ns.test.", "MD NS.Test.", true},
		{"MF ns.test.", "MF NS.Test.", true},
		{"CNAME ns.test.", "CNAME NS.Test.", true},
		{"SOA ns.test. admin.test. 1 2 3 4 5", "SOA NS.Test. Admin.Test. 1 2 3 4 5", true},
		{"MB ns.test.", "MB NS.Test.", true},
		{"MG ns.test.", "MG NS.Test.", true},
		{"MR ns.test.", "MR NS.Test.", true},
		{"PTR ns.test.", "PTR NS.Test.", true},
		{"MINFO a.test. b.test.", "MINFO A.Test. B.Test.", true},
		{"MX 10 mx.test.", "MX 10 MX.Test.", true},
		{"RP a.test. b.test.", "RP A.Test. B.Test.", true},
		{"AFSDB 1 a.test.", "AFSDB 1 A.Test.", true},
		{"RT 1 a.test.", "RT 1 A.Test.", true},
		{"PX 1 a.test. b.test.", "PX 1 A.Test. B.Test.", true},
		{"NAPTR 1 2 \"u\" \"sip\" \"\" a.test.", "NAPTR 1 2 \"u\" \"sip\" \"\" A.Test.", true},
		{"KX 1 a.test.", "KX 1 A.Test.", true},
		{"SRV 1 2 3 a.test.", "SRV 1 2 3 A.Test.", true},
		{"DNAME a.test.", "DNAME A.Test.", true},
		{"NXT b.test. A", "NXT B.Test. A", true},
		{"SIG A 8 2 300 20300101000000 20000101000000 1 a.test. QUJD", "SIG A 8 2 300 20300101000000 20000101000000 1 A.Test. QUJD", true},
		{"NSEC b.example. A", "NSEC B.Example. A", false},
		{"HINFO cpu os", "HINFO CPU OS", false},
		{"SVCB 1 a.test.", "SVCB 1 A.Test.", false},
		{"TXT abc", "TXT ABC", false},
		{"NAPTR 1 2 \"u\" \"sip\" \"\" a.test.", "NAPTR 1 2 \"U\" \"sip\" \"\" a.test.", false},
		{"LP 10 a.test.", "LP 10 A.Test.", false},
		{`TYPE65280 \# 4 61626364`, `TYPE65280 \# 4 41424344`, false},
	} {
		t.Run(tt.upper, func(t *testing.T) {
			s := set(t, "a.example. 300 IN "+tt.lower, key)
			s.RRs = records(t, "a.example. 300 IN "+tt.upper)
			if _, f := keys.Verify(s, noon, NewBudget()); (f == nil) != tt.folded {
				t.Errorf("got %v, want folded: %t", f, tt.folded)
			}
		})
	}
}

// TestVerify_canonicalFormIsTheLibrarys compares with another implementation.
func TestVerify_canonicalFormIsTheLibrarys(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	for _, lines := range []string{
		"a.example. 300 IN TXT b\na.example. 300 IN TXT a\na.example. 300 IN TXT \"\"\na.example. 300 IN TXT aa",
		"a.example. 300 IN MX 10 z.test.\na.example. 300 IN MX 10 a.test.\na.example. 300 IN MX 9 zz.test.\na.example. 300 IN MX 10 z.test.",
		`a\000b.example. 300 IN A 192.0.2.1`,
		"a.example. 300 IN TYPE65280 \\# 0\na.example. 300 IN TYPE65280 \\# 1 00",
	} {
		s := set(t, lines, key)
		b := NewBudget()
		if !b.form.load(s.RRs) {
			t.Fatalf("%s: got no RRset", lines)
		}
		k, _ := newKeys("example.")
		signed := b.form.signedData(s.Sigs[0], k.wire)
		sig := *s.Sigs[0]
		if err := sig.Verify(key.DNSKEY, s.RRs); err != nil {
			t.Fatal(err)
		}
		if !parseKey(key.Algorithm, keyRDATA(key.DNSKEY)[fixedKey:]).verify(signed, decode(t, sig.Signature)) {
			t.Errorf("%s: got other signed data than the library", lines)
		}
	}
}

// TestVerify_workIsBounded is KeyTrap: CVE-2023-50387.
func TestVerify_workIsBounded(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	for range 2 * maxSameTag { // keys that collide
		k := keys.keys[0]
		k.public = ed25519Key(make([]byte, 32))
		keys.add(k)
	}
	if len(keys.keys) != maxSameTag {
		t.Errorf("got %d keys of one tag, want %d", len(keys.keys), maxSameTag)
	}
	keys.keys = keys.keys[1:] // none is right
	b := NewBudget()
	s := set(t, "www.example. 300 IN A 192.0.2.1", key)
	for range 500 {
		s.Sigs = append(s.Sigs, s.Sigs[0])
	}
	if _, f := keys.Verify(s, noon, b); edeOf(f) != 6 || b.Limit() != FailedSignatures {
		t.Errorf("got %v and limit %v, want EDE 6 and %v", f, b.Limit(), FailedSignatures)
	}
	if done := maxSignatureChecks - b.left[SignatureChecks]; done != maxFailedSignatures+1 {
		t.Errorf("got %d checks, want %d", done, maxFailedSignatures+1)
	}
	good := set(t, "www.example. 300 IN A 192.0.2.1", key)
	if _, f := trusted(t, key).Verify(good, noon, b); edeOf(f) != 6 {
		t.Errorf("after a limit was reached: got %v, want EDE 6", f)
	}
}

func TestVerify_triesEightSignatures(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, key)
	for _, tt := range []struct{ before, want int }{{7, -1}, {8, 6}} {
		t.Run(fmt.Sprint(tt.before), func(t *testing.T) {
			s := set(t, "www.example. 300 IN A 192.0.2.1", key)
			wrong := *s.Sigs[0]
			wrong.OrigTtl++
			for range tt.before {
				s.Sigs = slices.Insert(s.Sigs, 0, &wrong)
			}
			if _, f := keys.Verify(s, noon, NewBudget()); edeOf(f) != tt.want {
				t.Errorf("got %v, want EDE %d", f, tt.want)
			}
		})
	}
}

func TestVerify_checksOfOneQuestionAreCounted(t *testing.T) {
	key := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys, b := trusted(t, key), NewBudget()
	s := set(t, "www.example. 300 IN A 192.0.2.1", key)
	for range maxSignatureChecks {
		if _, f := keys.Verify(s, noon, b); f != nil {
			t.Fatal(f)
		}
	}
	if _, f := keys.Verify(s, noon, b); edeOf(f) != 6 || b.Limit() != SignatureChecks || !b.Exceeded() {
		t.Errorf("got %v and limit %v, want EDE 6 and %v", f, b.Limit(), SignatureChecks)
	}
}

func TestVerify_hugeRRsetIsRefused(t *testing.T) {
	keys := trusted(t, newTestKey(t, "example.", dns.ED25519, zoneKey))
	one := records(t, "a.example. 300 IN TXT a")[0].(*dns.TXT)
	one.Txt = slices.Repeat([]string{strings.Repeat("a", 48)}, 1000)
	if _, f := keys.Verify(Set{RRs: []dns.RR{one, one, one, one}}, noon, NewBudget()); edeOf(f) != 6 {
		t.Errorf("got %v, want EDE 6", f)
	}
}

func TestLimit_everyValueHasItsWord(t *testing.T) {
	for l, want := range map[Limit]string{
		NoLimit: "no limit", SignatureChecks: "signature checks", FailedSignatures: "failed signatures", NSEC3Hashes: "NSEC3 hashes", 9: "Limit(9)",
	} {
		if got := l.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
