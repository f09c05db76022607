package dnssec

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

// RFC 8017 section 8.2.2: crypto/rsa and math/big must say the same of every
// signature.
func TestRSA_bothWaysOfCheckingAgree(t *testing.T) {
	const text = "what was signed"
	for _, bits := range []int{1024, 1280, 1536, 2048} {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []rsaHash{rsaSHA1, rsaSHA256, rsaSHA512} {
			good, err := rsa.SignPKCS1v15(nil, private, hash.id, hash.sum(nil, []byte(text)))
			if err != nil {
				t.Fatal(err)
			}
			altered := append([]byte(nil), good...)
			altered[bits/16] ^= 1
			above := new(big.Int).SetBytes(good)
			noPrefix, err := rsa.SignPKCS1v15(nil, private, crypto.Hash(0), hash.sum(nil, []byte(text)))
			if err != nil {
				t.Fatal(err)
			}
			standard := &rsaKey{&private.PublicKey, hash}
			plain := &plainRSAKey{private.N, big.NewInt(int64(private.E)), bits / 8, hash}
			for _, tt := range []struct {
				name, text string
				signature  []byte
				want       bool
			}{
				{"the right one", text, good, true},
				{"another text", "what was not signed", good, false},
				{"one bit altered", text, altered, false},
				{"an octet short", text, good[:len(good)-1], false},
				{"a zero before it", text, append([]byte{0}, good...), false},
				{"above the modulus", text, above.Add(above, private.N).Bytes(), false},
				{"no DigestInfo", text, noPrefix, false},
				{"zero", text, make([]byte, len(good)), false},
				{"nothing", text, nil, false},
			} {
				if got := standard.verify([]byte(tt.text), tt.signature); got != tt.want {
					t.Errorf("%d bits, %s, %s: crypto/rsa says %t", bits, hash.id, tt.name, got)
				}
				if got := plain.verify([]byte(tt.text), tt.signature); got != tt.want {
					t.Errorf("%d bits, %s, %s: math/big says %t", bits, hash.id, tt.name, got)
				}
			}
		}
	}
}
