package dnssec

import (
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestTrust_rules has the conditions of RFC 4035 section 5.2.
func TestTrust_rules(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ECDSAP256SHA256, zoneKey|secureEntryPoint)
	zsk := newTestKey(t, "example.", dns.ED25519, zoneKey)
	stranger := newTestKey(t, "example.", dns.ED25519, zoneKey)
	noZone := newTestKey(t, "example.", dns.ED25519, secureEntryPoint)
	revoked := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint|dns.REVOKE)
	wrongProtocol := newTestKey(t, "example.", dns.ED25519, zoneKey)
	wrongProtocol.Protocol = 2
	inTest := newTestKey(t, "test.", dns.ED25519, zoneKey)
	both := keySet(t, ksk, zsk)
	ds := func(k testKey, digest uint8) dns.RR { return k.ToDS(digest) }
	spoilt := func(rr dns.RR) dns.RR {
		d := *rr.(*dns.DS)
		d.Digest = "00" + d.Digest[2:]
		return &d
	}
	for _, tt := range []struct {
		name    string
		anchors []dns.RR
		keys    Set
		want    int // EDE; -1: trusted
	}{
		{"DS by SHA-256", []dns.RR{ds(ksk, dns.SHA256)}, both, -1},
		{"DS by SHA-384", []dns.RR{ds(ksk, dns.SHA384)}, both, -1},
		{"DS by SHA-1 alone", []dns.RR{ds(ksk, dns.SHA1)}, both, -1},
		{"one DS of several", []dns.RR{ds(stranger, dns.SHA256), ds(ksk, dns.SHA256)}, both, -1},
		{"one DS unsupported", []dns.RR{&dns.DS{Algorithm: dns.ED448, DigestType: dns.SHA256}, ds(ksk, dns.SHA256)}, both, -1},
		{"DNSKEY as the anchor", []dns.RR{ksk.DNSKEY}, both, -1},
		{"DNSKEY of another zone", []dns.RR{inTest.DNSKEY}, both, 9},
		{"another DNSKEY", []dns.RR{stranger.DNSKEY}, both, 9},
		{"no anchor", nil, both, 9},
		{"DS of a key that is not there", []dns.RR{ds(stranger, dns.SHA256)}, both, 9},
		{"DS with another digest", []dns.RR{spoilt(ds(ksk, dns.SHA256))}, both, 9},
		{"right DS by SHA-1, wrong one by SHA-256", []dns.RR{ds(ksk, dns.SHA1), spoilt(ds(ksk, dns.SHA256))}, both, 9}, // RFC 4509 section 3
		{"right DS by SHA-1, unsupported one by SHA-256", []dns.RR{ds(ksk, dns.SHA1), &dns.DS{Algorithm: dns.ED448, DigestType: dns.SHA256}}, both, -1},
		{"DS of a key that has not signed", []dns.RR{ds(zsk, dns.SHA256)}, both, 9},
		{"no signature", []dns.RR{ds(ksk, dns.SHA256)}, Set{RRs: both.RRs}, 10},
		{"a key added after it was signed", []dns.RR{ds(ksk, dns.SHA256)}, Set{RRs: append(slices.Clone(both.RRs), stranger.DNSKEY), Sigs: both.Sigs}, 6},
		{"not a zone key", []dns.RR{ds(noZone, dns.SHA256)}, keySet(t, noZone, zsk), 11},
		{"revoked key", []dns.RR{ds(revoked, dns.SHA256)}, keySet(t, revoked, zsk), 9},
		{"wrong protocol", []dns.RR{ds(wrongProtocol, dns.SHA256)}, keySet(t, wrongProtocol, zsk), 9},
		{"keys of another zone", []dns.RR{ds(inTest, dns.SHA256)}, keySet(t, inTest), 9},
		{"no DNSKEY records", []dns.RR{ds(ksk, dns.SHA256)}, set(t, "example. 300 IN A 192.0.2.1", ksk), 9},
		{"no records", []dns.RR{ds(ksk, dns.SHA256)}, Set{}, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			keys, f := Trust("example.", tt.anchors, tt.keys, noon, NewBudget())
			if edeOf(f) != tt.want || (keys == nil) != (f != nil) {
				t.Errorf("got %v %v, want EDE %d", keys, f, tt.want)
			}
		})
	}
}

func TestTrust_needsAZone(t *testing.T) {
	for _, zone := range []string{"", "example", "a..b."} {
		if _, f := Trust(zone, nil, Set{}, noon, NewBudget()); edeOf(f) != 6 {
			t.Errorf("%q: got %v, want EDE 6", zone, f)
		}
	}
}

func TestTrust_expiredKeysAreNoKeys(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint)
	anchors, keys := []dns.RR{ksk.ToDS(dns.SHA256)}, keySet(t, ksk)
	expiration := noon.Add(240 * time.Hour)
	if k, f := Trust("example.", anchors, keys, expiration.Add(-time.Minute), NewBudget()); f != nil || k.Life != time.Minute {
		t.Errorf("a minute before: got %+v (%v), want a life of a minute", k, f)
	}
	if _, f := Trust("example.", anchors, keys, expiration.Add(25*time.Hour), NewBudget()); edeOf(f) != 7 || f.Error() != f.Text {
		t.Errorf("afterwards: got %v, want EDE 7", f)
	}
}

func TestTrust_everyZoneKeyValidates(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ECDSAP256SHA256, zoneKey|secureEntryPoint)
	zsk := newTestKey(t, "example.", dns.ED25519, zoneKey)
	keys := trusted(t, ksk, zsk)
	for _, k := range []testKey{ksk, zsk} {
		if _, f := keys.Verify(set(t, "www.example. 300 IN A 192.0.2.1", k), noon, NewBudget()); f != nil {
			t.Errorf("key %d: got %v, want no fault", k.KeyTag(), f)
		}
	}
}

// A revoked key validates nothing: RFC 5011 section 2.1.
func TestTrust_unfitKeysValidateNothing(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint)
	for _, tt := range []struct {
		name  string
		flags uint16
	}{{"revoked", zoneKey | dns.REVOKE}, {"not a zone key", 0}} {
		t.Run(tt.name, func(t *testing.T) {
			unfit := newTestKey(t, "example.", dns.ED25519, tt.flags)
			keys := trusted(t, ksk, unfit)
			if _, f := keys.Verify(set(t, "www.example. 300 IN A 192.0.2.1", unfit), noon, NewBudget()); edeOf(f) != 9 {
				t.Errorf("got %v, want EDE 9", f)
			}
		})
	}
}

// TestTrust_malformedKeysAreSkipped has keys that must not be used, and must not
// harm: CVE-2025-8677.
func TestTrust_malformedKeysAreSkipped(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint)
	rsa := newTestKey(t, "example.", dns.RSASHA256, zoneKey)
	modulus := decode(t, rsa.PublicKey)[4:]
	for _, tt := range []struct {
		name      string
		algorithm uint8
		field     []byte
		fit       bool
	}{
		{"RSA as it should be", dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, modulus), true},
		{"RSA, exponent of 3", dns.RSASHA256, slices.Concat([]byte{1, 3}, modulus), true},
		{"RSA, exponent of 1<<32 + 1", dns.RSASHA256, slices.Concat([]byte{5, 1, 0, 0, 0, 1}, modulus), true},
		{"RSA, long form of the size", dns.RSASHA256, slices.Concat([]byte{0, 0, 3, 1, 0, 1}, modulus), true},
		{"RSA, empty", dns.RSASHA256, nil, false},
		{"RSA, one octet", dns.RSASHA256, []byte{0}, false},
		{"RSA, size of the exponent alone", dns.RSASHA256, []byte{0, 0, 3}, false},
		{"RSA, no exponent", dns.RSASHA256, slices.Concat([]byte{0, 0, 0}, modulus), false},
		{"RSA, exponent of 1", dns.RSASHA256, slices.Concat([]byte{1, 1}, modulus), false},
		{"RSA, exponent of 0", dns.RSASHA256, slices.Concat([]byte{1, 0}, modulus), false},
		{"RSA, even exponent", dns.RSASHA256, slices.Concat([]byte{1, 4}, modulus), false},
		{"RSA, exponent as long as the modulus", dns.RSASHA256, slices.Concat([]byte{128}, modulus, modulus), false},
		{"RSA, exponent longer than the key", dns.RSASHA256, []byte{0, 255, 255, 1}, false},
		{"RSA, no modulus", dns.RSASHA256, []byte{3, 1, 0, 1}, false},
		{"RSA, modulus of 504 bits", dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, modulus[:63]), false},
		{"RSA, modulus of 4104 bits", dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, slices.Repeat([]byte{255}, 513)), false},
		{"RSA, even modulus", dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, modulus[:127], []byte{2}), false},
		{"RSA, modulus of zeros", dns.RSASHA256, slices.Concat([]byte{3, 1, 0, 1}, make([]byte, 128)), false},
		{"P-256 as it should be", dns.ECDSAP256SHA256, decode(t, newTestKey(t, "example.", dns.ECDSAP256SHA256, zoneKey).PublicKey), true},
		{"P-256, empty", dns.ECDSAP256SHA256, nil, false},
		{"P-256, short", dns.ECDSAP256SHA256, make([]byte, 63), false},
		{"P-256, long", dns.ECDSAP256SHA256, make([]byte, 65), false},
		{"P-256, not on the curve", dns.ECDSAP256SHA256, slices.Repeat([]byte{1}, 64), false},
		{"P-256, the point at infinity", dns.ECDSAP256SHA256, make([]byte, 64), false},
		{"P-384, of the size of P-256", dns.ECDSAP384SHA384, make([]byte, 64), false},
		{"Ed25519, short", dns.ED25519, make([]byte, 31), false},
		{"Ed25519, long", dns.ED25519, make([]byte, 33), false},
		{"unknown algorithm", 200, make([]byte, 32), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := parseKey(tt.algorithm, tt.field)
			if (key != nil) != tt.fit {
				t.Errorf("got key %v, want one: %t", key, tt.fit)
			}
			odd := testKey{DNSKEY: &dns.DNSKEY{Hdr: ksk.Hdr, Flags: zoneKey, Protocol: 3, Algorithm: tt.algorithm, PublicKey: encode(tt.field)}}
			keys := trusted(t, ksk, odd)
			if want := 1 + len(fitKeys(odd)); len(keys.keys) != want {
				t.Errorf("got %d keys, want %d", len(keys.keys), want)
			}
			for _, k := range keys.keys[1:] {
				for _, size := range []int{0, 1, 63, 64, 96, 128, 4096} {
					for _, octet := range []byte{0, 1, 255} {
						if k.public.verify([]byte("signed"), slices.Repeat([]byte{octet}, size)) {
							t.Errorf("got a match with a signature of %d octets of %d", size, octet)
						}
					}
				}
			}
		})
	}
}

func TestTrust_keysThatAreNotBase64AreNoRRset(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint)
	odd := *ksk.DNSKEY
	odd.PublicKey = "?"
	keys := Set{RRs: []dns.RR{&odd, ksk.DNSKEY}}
	if _, f := Trust("example.", []dns.RR{ksk.ToDS(dns.SHA256)}, keys, noon, NewBudget()); edeOf(f) != 6 {
		t.Errorf("got %v, want EDE 6", f)
	}
}

func fitKeys(k testKey) (fit []key) {
	if parsed, ok := newKey(k.DNSKEY, keyRDATA(k.DNSKEY)); ok {
		fit = append(fit, parsed)
	}
	return fit
}

func TestTrust_workIsBounded(t *testing.T) {
	ksk := newTestKey(t, "example.", dns.ED25519, zoneKey|secureEntryPoint)
	right := ksk.ToDS(dns.SHA256)
	wrong := *right
	wrong.Digest = "00" + wrong.Digest[2:]
	var anchors []dns.RR
	for range maxWrongDigests {
		anchors = append(anchors, &wrong)
	}
	if _, f := Trust("example.", append([]dns.RR{right}, anchors...), keySet(t, ksk), noon, NewBudget()); f != nil {
		t.Errorf("right one first: got %v, want no fault", f)
	}
	if _, f := Trust("example.", append(anchors, right), keySet(t, ksk), noon, NewBudget()); edeOf(f) != 9 {
		t.Errorf("right one last: got %v, want EDE 9", f)
	}
	many := []testKey{ksk}
	for range 2 * maxKeys {
		many = append(many, newTestKey(t, "example.", dns.ED25519, zoneKey))
	}
	keys, f := Trust("example.", []dns.RR{right}, keySet(t, many...), noon, NewBudget())
	if f != nil || len(keys.keys) > maxKeys {
		t.Errorf("got %v, %d keys, want at most %d", f, len(keys.keys), maxKeys)
	}
}

func TestTagOf_isTheLibrarys(t *testing.T) {
	for _, algorithm := range []uint8{dns.RSASHA256, dns.ECDSAP256SHA256, dns.ED25519} {
		for _, flags := range []uint16{zoneKey, zoneKey | secureEntryPoint} {
			k := newTestKey(t, "example.", algorithm, flags)
			if got := tagOf(keyRDATA(k.DNSKEY)); got != k.KeyTag() {
				t.Errorf("got %d, want %d", got, k.KeyTag())
			}
		}
	}
}

func TestSupported_saysWhatIsMissing(t *testing.T) {
	ds := func(algorithm, digest uint8) dns.RR { return &dns.DS{Algorithm: algorithm, DigestType: digest} }
	for _, tt := range []struct {
		name    string
		anchors []dns.RR
		want    bool
		ede     uint16
	}{
		{"DS", []dns.RR{ds(dns.ECDSAP256SHA256, dns.SHA256)}, true, 0},
		{"DNSKEY", []dns.RR{&dns.DNSKEY{Algorithm: dns.ED25519}}, true, 0},
		{"one of two", []dns.RR{ds(dns.ED448, dns.SHA256), ds(dns.RSASHA1, dns.SHA1)}, true, 0},
		{"unknown algorithm", []dns.RR{ds(dns.ED448, dns.SHA256)}, false, 1},
		{"DNSKEY of an unknown algorithm", []dns.RR{&dns.DNSKEY{Algorithm: dns.RSAMD5}}, false, 1},
		{"unknown digest", []dns.RR{ds(dns.ED25519, dns.GOST94)}, false, 2},
		{"unknown algorithm, and unknown digest", []dns.RR{ds(dns.ED448, dns.SHA256), ds(dns.ED25519, dns.GOST94)}, false, 2},
		{"none", nil, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if ok, ede := Supported(tt.anchors); ok != tt.want || ede != tt.ede {
				t.Errorf("got %t %d, want %t %d", ok, ede, tt.want, tt.ede)
			}
		})
	}
}

// RFC 9905 section 2.
func TestWithoutSHA1_leavesNoAnchorByIt(t *testing.T) {
	ds := func(algorithm, digest uint8) dns.RR { return &dns.DS{Algorithm: algorithm, DigestType: digest} }
	good := []dns.RR{ds(dns.RSASHA256, dns.SHA256), &dns.DNSKEY{Algorithm: dns.ED25519}}
	all := append(slices.Clone(good), ds(dns.RSASHA1, dns.SHA256), ds(dns.RSASHA1NSEC3SHA1, dns.SHA256), ds(dns.RSASHA256, dns.SHA1), &dns.DNSKEY{Algorithm: dns.RSASHA1})
	if got := WithoutSHA1(all); !slices.Equal(got, good) {
		t.Errorf("got %v, want %v", got, good)
	}
	if len(all) != 6 || all[5] == nil {
		t.Error("the anchors given were changed")
	}
}
