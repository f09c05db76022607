package scenarios

import (
	"crypto/dsa" //nolint:staticcheck // SA1019: see dsa_test.go
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/rpl"
)

func TestTranslate_goodSignaturesStayGoodAndWrongOnesWrong(t *testing.T) {
	key, private := dsaKey(t)
	www := record(t, "www.test. 60 IN A 192.0.2.1")
	good := signDSA(t, key, private, www)
	wrong := dns.Copy(good).(*dns.RRSIG)
	spoil(wrong, 20)
	for _, tt := range []struct {
		name string
		sig  *dns.RRSIG
		want bool
	}{{"good", good, true}, {"wrong", wrong, false}} {
		t.Run(tt.name, func(t *testing.T) {
			m := &dns.Msg{Answer: []dns.RR{www, tt.sig, key}}
			anchors := []dns.RR{key.ToDS(dns.SHA1)}
			translate(&rpl.Scenario{Ranges: []rpl.Range{{Entries: []*rpl.Entry{{Message: m}}}}}, anchors)
			sig, newKey := m.Answer[1].(*dns.RRSIG), m.Answer[2].(*dns.DNSKEY)
			if newKey.Algorithm != dns.ED25519 || newKey.ToDS(dns.SHA1).Digest != anchors[0].(*dns.DS).Digest {
				t.Errorf("got key %v, trust anchor %v", newKey, anchors[0])
			}
			if got := sig.Verify(newKey, []dns.RR{www}) == nil; got != tt.want {
				t.Errorf("got a signature that is good: %v, want %v", got, tt.want)
			}
		})
	}
}

// record reads a record.
func record(t *testing.T, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil {
		t.Fatal(err)
	}
	return rr
}

// dsaKey makes a key as RFC 2536 section 2 has it, of 1024 bits: T is 8.
func dsaKey(t *testing.T) (*dns.DNSKEY, *dsa.PrivateKey) {
	t.Helper()
	private := new(dsa.PrivateKey)
	if err := dsa.GenerateParameters(&private.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(private, rand.Reader); err != nil {
		t.Fatal(err)
	}
	octets := slices.Concat([]byte{8}, private.Q.FillBytes(make([]byte, 20)), private.P.FillBytes(make([]byte, 128)),
		private.G.FillBytes(make([]byte, 128)), private.Y.FillBytes(make([]byte, 128)))
	key := record(t, "test. 60 IN DNSKEY 257 3 3 "+base64.StdEncoding.EncodeToString(octets))
	return key.(*dns.DNSKEY), private
}

// signDSA signs a record (RFC 2536 section 3).
func signDSA(t *testing.T, key *dns.DNSKEY, private *dsa.PrivateKey, rr dns.RR) *dns.RRSIG {
	t.Helper()
	now := time.Now()
	sig := &dns.RRSIG{
		Hdr:         dns.RR_Header{Name: rr.Header().Name, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET, Ttl: 60},
		TypeCovered: rr.Header().Rrtype, Algorithm: dns.DSA, Labels: 2, OrigTtl: 60, KeyTag: key.KeyTag(), SignerName: key.Hdr.Name,
		Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(time.Hour).Unix()),
	}
	digest := sha1.Sum(signedData(sig, []dns.RR{rr}))
	r, s, err := dsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	octets := slices.Concat([]byte{8}, r.FillBytes(make([]byte, 20)), s.FillBytes(make([]byte, 20)))
	sig.Signature = base64.StdEncoding.EncodeToString(octets)
	return sig
}
