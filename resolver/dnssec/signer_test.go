package dnssec

import (
	"crypto"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// noon is the time in the tests.
var noon = time.Date(2030, time.May, 1, 12, 0, 0, 0, time.UTC)

// testKey is a DNSKEY record and its private key.
type testKey struct {
	*dns.DNSKEY
	private crypto.Signer
}

const zoneKey, secureEntryPoint = dns.ZONE, dns.SEP

// newTestKey makes a key of a zone.
func newTestKey(t testing.TB, zone string, algorithm uint8, flags uint16) testKey {
	t.Helper()
	bits := map[uint8]int{
		dns.RSASHA1: 1024, dns.RSASHA1NSEC3SHA1: 1024, dns.RSASHA256: 1024, dns.RSASHA512: 1024,
		dns.ECDSAP256SHA256: 256, dns.ECDSAP384SHA384: 384, dns.ED25519: 256,
	}[algorithm]
	return newSizedKey(t, zone, algorithm, flags, bits)
}

func newSizedKey(t testing.TB, zone string, algorithm uint8, flags uint16, bits int) testKey {
	t.Helper()
	record := &dns.DNSKEY{
		Hdr:       dns.RR_Header{Name: zone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags:     flags,
		Protocol:  3,
		Algorithm: algorithm,
	}
	private, err := record.Generate(bits)
	if err != nil {
		t.Fatal(err)
	}
	return testKey{record, private.(crypto.Signer)}
}

// sign signs an RRset, valid for ten days on both sides of noon unless change
// says otherwise.
func (k testKey) sign(t testing.TB, rrs []dns.RR, change func(*dns.RRSIG)) *dns.RRSIG {
	t.Helper()
	sig := &dns.RRSIG{
		Algorithm:  k.Algorithm,
		KeyTag:     k.KeyTag(),
		SignerName: k.Hdr.Name,
		Inception:  uint32(noon.Add(-240 * time.Hour).Unix()),
		Expiration: uint32(noon.Add(240 * time.Hour).Unix()),
	}
	if change != nil {
		change(sig)
	}
	if err := sig.Sign(k.private, rrs); err != nil {
		t.Fatal(err)
	}
	return sig
}

// set is an RRset of records in zone-file form, signed with the keys.
func set(t testing.TB, lines string, keys ...testKey) Set {
	t.Helper()
	s := Set{RRs: records(t, lines)}
	for _, k := range keys {
		s.Sigs = append(s.Sigs, k.sign(t, s.RRs, nil))
	}
	return s
}

// records reads records in zone-file form, one a line.
func records(t testing.TB, lines string) (rrs []dns.RR) {
	t.Helper()
	for line := range strings.Lines(lines) {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		if rr != nil {
			rrs = append(rrs, rr)
		}
	}
	return rrs
}

// keySet is the DNSKEY RRset of the keys, signed with the first.
func keySet(t testing.TB, keys ...testKey) Set {
	t.Helper()
	var s Set
	for _, k := range keys {
		s.RRs = append(s.RRs, k.DNSKEY)
	}
	s.Sigs = []*dns.RRSIG{keys[0].sign(t, s.RRs, nil)}
	return s
}

// trusted is the Keys of the zone of these keys.
func trusted(t testing.TB, keys ...testKey) *Keys {
	t.Helper()
	k, f := Trust(keys[0].Hdr.Name, []dns.RR{keys[0].ToDS(dns.SHA256)}, keySet(t, keys...), noon, NewBudget())
	if f != nil {
		t.Fatal(f)
	}
	return k
}

// edeOf is the code of a fault, -1 for none.
func edeOf(f *Fault) int {
	if f == nil {
		return -1
	}
	return int(f.EDE)
}

// decode reads base64.
func decode(t testing.TB, text string) []byte {
	t.Helper()
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// encode writes base64.
func encode(octets []byte) string { return base64.StdEncoding.EncodeToString(octets) }
