package dnssec

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

// BenchmarkVerify is one RRset of two addresses, with the memory of the question
// already there.
func BenchmarkVerify(b *testing.B) {
	b.Setenv("GODEBUG", "rsa1024min=0")
	for _, bb := range []struct {
		name      string
		algorithm uint8
		bits      int
	}{
		{"RSA-1024", dns.RSASHA256, 1024},
		{"RSA-2048", dns.RSASHA256, 2048},
		{"P-256", dns.ECDSAP256SHA256, 256},
		{"P-384", dns.ECDSAP384SHA384, 384},
		{"Ed25519", dns.ED25519, 256},
	} {
		b.Run(bb.name, func(b *testing.B) {
			key := newSizedKey(b, "example.", bb.algorithm, zoneKey, bb.bits)
			keys := trusted(b, key)
			s := set(b, "www.example. 300 IN A 192.0.2.1\nwww.example. 300 IN A 192.0.2.2", key)
			budget := NewBudget()
			b.ReportAllocs()
			for b.Loop() {
				budget.left[SignatureChecks] = 2
				if _, f := keys.Verify(s, noon, budget); f != nil {
					b.Fatal(f)
				}
			}
		})
	}
}

// BenchmarkRSA is why parseRSA chooses as it does.
func BenchmarkRSA(b *testing.B) {
	text := []byte("what was signed")
	for _, bits := range []int{1024, 1280, 1536, 2048, 4096} {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			b.Fatal(err)
		}
		signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, sha256Sum(nil, text))
		if err != nil {
			b.Fatal(err)
		}
		standard, plain := bothWays(private, rsaSHA256)
		for _, bb := range []struct {
			name string
			key  publicKey
		}{{"crypto-rsa", standard}, {"math-big", plain}} {
			b.Run(fmt.Sprintf("%s-%d", bb.name, bits), func(b *testing.B) {
				for b.Loop() {
					if !bb.key.verify(text, signature) {
						b.Fatal("not verified")
					}
				}
			})
		}
	}
}

// BenchmarkTrust is a zone with two keys.
func BenchmarkTrust(b *testing.B) {
	ksk, zsk := newTestKey(b, "example.", dns.ECDSAP256SHA256, zoneKey|secureEntryPoint), newTestKey(b, "example.", dns.ECDSAP256SHA256, zoneKey)
	anchors, keys := []dns.RR{ksk.ToDS(dns.SHA256)}, keySet(b, ksk, zsk)
	b.ReportAllocs()
	for b.Loop() {
		if _, f := Trust("example.", anchors, keys, noon, NewBudget()); f != nil {
			b.Fatal(f)
		}
	}
}

// BenchmarkDenial is an NXDOMAIN response with NSEC3, without the signatures.
func BenchmarkDenial(b *testing.B) {
	z := newModel("example.", map[string]string{"example.": "SOA NS", "www.example.": "A", "b.example.": "A", "c.example.": "TXT"})
	for _, bb := range []struct {
		name string
		sets []Set
	}{{"NSEC", z.nsec()}, {"NSEC3", z.nsec3(false, 0)}, {"NSEC3, 50 iterations", z.nsec3(false, 50)}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p, f := NewDenial("example.", bb.sets).NXDOMAIN("a.b.example.", NewBudget()); p != ProofSecure {
					b.Fatal(p, f)
				}
			}
		})
	}
}
