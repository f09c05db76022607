package scenarios

import (
	"cmp"
	"crypto"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// signer signs a zone with one key.
type signer struct {
	zone    *zone
	key     *dns.DNSKEY
	private crypto.Signer
}

// algorithms are the values of the setting "sign".
var algorithms = map[string]struct {
	number uint8
	bits   int
}{
	"rsasha1": {dns.RSASHA1, 1024}, "rsasha256": {dns.RSASHA256, 1024}, "rsasha512": {dns.RSASHA512, 1024},
	"ecdsap256": {dns.ECDSAP256SHA256, 256}, "ecdsap384": {dns.ECDSAP384SHA384, 384}, "ed25519": {dns.ED25519, 256},
	"unknown": {dns.ED25519, 256}, // signed, but under the number of an algorithm that nobody has
}

const unknownAlgorithm = 200 // RFC 8624 and its registry have none of that number

// newSigner makes the zone's key, as the setting "sign" has it, and puts it in.
func newSigner(z *zone) (*signer, error) {
	algorithm, ok := algorithms[z.setting("sign")]
	if !ok {
		return nil, fmt.Errorf("zone %s: sign: %s: no algorithm of ours", z.name, z.setting("sign"))
	}
	s := &signer{zone: z, key: &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: z.name, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm.number,
	}}
	private, err := s.key.Generate(algorithm.bits)
	if err != nil {
		return nil, err
	}
	s.private = private.(crypto.Signer)
	if z.setting("sign") == "unknown" {
		s.key.Algorithm = unknownAlgorithm
	}
	z.add(s.key)
	z.add(s.twins()...)
	return s, nil
}

// twins are the keys of the setting "keytrap": all of the true key's tag
// (CVE-2023-50387).
func (s *signer) twins() (keys []dns.RR) {
	octets, err := base64.StdEncoding.DecodeString(s.key.PublicKey)
	if err != nil {
		panic(err) // the library's own
	}
	for i := range s.trap(0) {
		twin := dns.Copy(s.key).(*dns.DNSKEY)
		changed := slices.Clone(octets)
		// The tag is a sum of pairs of octets: what one gains another loses.
		changed[2], changed[4] = changed[2]+byte(i+1), changed[4]-byte(i+1)
		if twin.PublicKey = base64.StdEncoding.EncodeToString(changed); twin.KeyTag() == s.key.KeyTag() {
			keys = append(keys, twin)
		}
	}
	return keys
}

// trap is the number at a place of the setting "keytrap": of keys, of signatures.
func (s *signer) trap(place int) (n int) {
	if numbers := strings.Fields(s.zone.setting("keytrap")); place < len(numbers) {
		_, _ = fmt.Sscan(numbers[place], &n)
	}
	return n
}

// ds are the DS records for the parent, as the setting "ds" has them.
func (z *zone) ds() []dns.RR {
	if z.signer == nil || z.setting("ds") == "none" {
		return nil
	}
	digest := map[string]uint8{"sha1": dns.SHA1, "sha384": dns.SHA384}[z.setting("ds")]
	ds := z.signer.key.ToDS(cmp.Or(digest, dns.SHA256))
	switch z.setting("ds") {
	case "wrong": // of another key
		ds.Digest = strings.Repeat("00", len(ds.Digest)/2)
	case "unknown-digest":
		ds.DigestType = 200
	}
	return []dns.RR{ds}
}

// sign makes the RRSIGs of a set (RFC 4034 section 3), owned by from in the
// zone. Those that the setting "keytrap" asks for, all wrong, come first.
func (s *signer) sign(set []dns.RR, from string, now time.Time) (signatures []dns.RR) {
	inception, expiration := s.validity(now)
	sig := &dns.RRSIG{
		Algorithm: s.key.Algorithm, KeyTag: s.key.KeyTag(), SignerName: s.zone.name,
		Inception: uint32(inception.Unix()), Expiration: uint32(expiration.Unix()),
	}
	if sig.Algorithm == unknownAlgorithm {
		sig.Algorithm = dns.ED25519
	}
	if err := sig.Sign(s.private, as(set, from)); err != nil {
		panic(err) // the key is ours, the set was read
	}
	sig.Hdr.Name, sig.Algorithm = set[0].Header().Name, s.key.Algorithm
	if s.zone.lists("forge", sig.TypeCovered) {
		spoil(sig, 0)
	}
	for i := range s.trap(1) {
		wrong := dns.Copy(sig).(*dns.RRSIG)
		spoil(wrong, i+1)
		signatures = append(signatures, wrong)
	}
	return append(signatures, sig)
}

// validity is that of the zone's signatures.
func (s *signer) validity(now time.Time) (inception, expiration time.Time) {
	const day = 24 * time.Hour
	switch s.zone.setting("validity") {
	case "expired":
		return now.Add(-4 * day), now.Add(-3 * day)
	case "future":
		return now.Add(3 * day), now.Add(4 * day)
	}
	return now.Add(-day), now.Add(13 * day)
}

// spoil changes a signature, each number another way.
func spoil(sig *dns.RRSIG, number int) {
	octets, err := base64.StdEncoding.DecodeString(sig.Signature)
	if err != nil {
		panic(err) // the library's own
	}
	octets[number%len(octets)] ^= byte(1 + number/len(octets))
	sig.Signature = base64.StdEncoding.EncodeToString(octets)
}
