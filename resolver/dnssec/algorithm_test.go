package dnssec

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"math/big"
	"testing"
)

// bothWays are the two ways to check signatures of one key.
func bothWays(private *rsa.PrivateKey, hash rsaHash) (*rsaKey, *plainRSAKey) {
	return &rsaKey{&private.PublicKey, hash},
		&plainRSAKey{private.N, big.NewInt(int64(private.E)), private.Size(), hash}
}

// RFC 8017 section 8.2.2: crypto/rsa and math/big must say the same of every
// signature.
func TestRSA_bothWaysOfCheckingAgree(t *testing.T) {
	for _, bits := range []int{1024, 1280, 1536, 2048} {
		private, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []rsaHash{rsaSHA1, rsaSHA256, rsaSHA512} {
			text, good, above := signTwice(t, private, hash)
			altered := append([]byte(nil), good...)
			altered[len(good)/2] ^= 1
			noPrefix, err := rsa.SignPKCS1v15(nil, private, crypto.Hash(0), hash.sum(nil, text))
			if err != nil {
				t.Fatal(err)
			}
			standard, plain := bothWays(private, hash)
			for _, tt := range []struct {
				name            string
				text, signature []byte
				want            bool
			}{
				{"the right one", text, good, true},
				{"another text", []byte("what was not signed"), good, false},
				{"one bit altered", text, altered, false},
				{"an octet short", text, good[:len(good)-1], false},
				{"a zero before it", text, append([]byte{0}, good...), false},
				{"the modulus added to it", text, above, false},
				{"no DigestInfo", text, noPrefix, false},
				{"zero", text, make([]byte, len(good)), false},
				{"nothing", text, nil, false},
			} {
				if got := standard.verify(tt.text, tt.signature); got != tt.want {
					t.Errorf("%d bits, %s, %s: crypto/rsa says %t", bits, hash.id, tt.name, got)
				}
				if got := plain.verify(tt.text, tt.signature); got != tt.want {
					t.Errorf("%d bits, %s, %s: math/big says %t", bits, hash.id, tt.name, got)
				}
			}
		}
	}
}

// signTwice finds a text whose signature plus the modulus is as long as the
// signature: the same number to simple arithmetic, which must not take it.
func signTwice(t *testing.T, private *rsa.PrivateKey, hash rsaHash) (text, signature, above []byte) {
	t.Helper()
	for i := range 10000 {
		text = fmt.Appendf(nil, "text %d", i)
		signature, err := rsa.SignPKCS1v15(nil, private, hash.id, hash.sum(nil, text))
		if err != nil {
			t.Fatal(err)
		}
		sum := new(big.Int).SetBytes(signature)
		if sum.Add(sum, private.N).BitLen() <= 8*len(signature) {
			return text, signature, sum.Bytes()
		}
	}
	t.Fatal("no such text")
	return nil, nil, nil
}

// What crypto/rsa would refuse or be slow with must not get there.
func TestRSA_aKeyIsCheckedTheWayThatSuitsIt(t *testing.T) {
	for _, tt := range []struct {
		bits     uint
		exponent uint64
		standard bool
	}{
		{512, 65537, false},
		{1023, 65537, false},
		{1024, 65537, true},
		{1280, 65537, false},
		{1536, 3, true},
		{2048, 1<<31 - 1, true},
		{2048, 1<<31 + 1, false},
		{2048, 1<<32 + 1, false},
		{2049, 65537, false},
		{4096, 65537, false},
	} {
		modulus := new(big.Int).Lsh(big.NewInt(1), tt.bits-1)
		modulus.SetBit(modulus, 0, 1)
		exponent := binary.BigEndian.AppendUint64(nil, tt.exponent)[8-maxExponent:]
		field := append([]byte{maxExponent}, exponent...)
		key := parseRSA(append(field, modulus.Bytes()...), rsaSHA256)
		if key == nil {
			t.Errorf("%d bits, exponent %d: refused", tt.bits, tt.exponent)
		}
		if _, standard := key.(*rsaKey); standard != tt.standard {
			t.Errorf("%d bits, exponent %d: by crypto/rsa: %t, want %t", tt.bits, tt.exponent, standard, tt.standard)
		}
	}
}
