package dnssec

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 9905 section 2: validators must go on supporting it
	"crypto/sha256"
	"crypto/sha512"
	"math/big"

	"github.com/miekg/dns"
)

// publicKey checks signatures of one algorithm. Immutable.
type publicKey interface {
	verify(signed, signature []byte) bool
}

// supported reports whether signatures of an algorithm can be checked: those that
// RFC 8624 section 3.1 and since RFC 9904 the IANA registry want validated, but for
// Ed448, which the standard library does not have.
func supported(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512,
		dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

// parseKey reads the Public Key field of a DNSKEY record. It is nil if the
// algorithm is not supported or the key is malformed.
func parseKey(algorithm uint8, field []byte) publicKey {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1:
		return parseRSA(field, rsaSHA1)
	case dns.RSASHA256:
		return parseRSA(field, rsaSHA256)
	case dns.RSASHA512:
		return parseRSA(field, rsaSHA512)
	case dns.ECDSAP256SHA256:
		return parseECDSA(field, elliptic.P256(), sha256Sum)
	case dns.ECDSAP384SHA384:
		return parseECDSA(field, elliptic.P384(), sha384Sum)
	case dns.ED25519:
		if len(field) == ed25519.PublicKeySize {
			return ed25519Key(field)
		}
	}
	return nil
}

// digest appends the hash of octets to dst.
type digest func(dst, octets []byte) []byte

func sha1Sum(dst, octets []byte) []byte {
	sum := sha1.Sum(octets) //nolint:gosec // see the import
	return append(dst, sum[:]...)
}

func sha256Sum(dst, octets []byte) []byte {
	sum := sha256.Sum256(octets)
	return append(dst, sum[:]...)
}

func sha384Sum(dst, octets []byte) []byte {
	sum := sha512.Sum384(octets)
	return append(dst, sum[:]...)
}

func sha512Sum(dst, octets []byte) []byte {
	sum := sha512.Sum512(octets)
	return append(dst, sum[:]...)
}

// rsaHash is what RSA signatures are made with.
type rsaHash struct {
	id     crypto.Hash
	sum    digest
	prefix string // DER of the DigestInfo before the digest: RFC 8017 section 9.2
}

var (
	rsaSHA1   = rsaHash{crypto.SHA1, sha1Sum, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"}
	rsaSHA256 = rsaHash{crypto.SHA256, sha256Sum, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"}
	rsaSHA512 = rsaHash{crypto.SHA512, sha512Sum, "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"}
)

// rsaKey is a key of RFC 3110 and RFC 5702 as crypto/rsa checks it.
type rsaKey struct {
	public *rsa.PublicKey
	hash   rsaHash
}

func (k *rsaKey) verify(signed, signature []byte) bool {
	var room [sha512.Size]byte
	return rsa.VerifyPKCS1v15(k.public, k.hash.id, k.hash.sum(room[:0], signed), signature) == nil
}

// plainRSAKey is a key of the same that math/big checks. crypto/rsa has assembly for
// 1024, 1536 and 2048 bits and takes a quarter less there; for 1280 bits it takes
// twice as long, for 4096 four times (BenchmarkRSA), and keys below 1024 bits and
// exponents above 31 it refuses. There is no secret here that simple arithmetic could
// leak.
type plainRSAKey struct {
	modulus, exponent *big.Int
	size              int // octets of the modulus
	hash              rsaHash
}

// Bounds of RSA keys.
const (
	minModulus  = 512 / 8  // octets: RFC 5702 section 2.1; RFC 3110 has no lower
	maxModulus  = 4096 / 8 // the same, and RFC 3110 section 2
	maxExponent = 5        // octets: 1<<32 + 1 is the largest in use; RFC 3110 would allow a modulus's size, and its work
)

// parseRSA reads a key of RFC 3110 section 2.
func parseRSA(field []byte, hash rsaHash) publicKey {
	if len(field) < 3 {
		return nil
	}
	size, rest := int(field[0]), field[1:]
	if size == 0 {
		size, rest = int(field[1])<<8|int(field[2]), field[3:]
	}
	if size == 0 || size > maxExponent || len(rest) < size+minModulus || len(rest) > size+maxModulus {
		return nil
	}
	exponent, modulus := new(big.Int).SetBytes(rest[:size]), new(big.Int).SetBytes(rest[size:])
	octets := len(rest) - size
	// An even modulus or exponent, and 1, belong to no key pair.
	if rest[size] == 0 || modulus.Bit(0) == 0 || exponent.Bit(0) == 0 || exponent.BitLen() == 1 {
		return nil
	}
	switch modulus.BitLen() {
	case 1024, 1536, 2048:
		if exponent.BitLen() < 32 {
			return &rsaKey{&rsa.PublicKey{N: modulus, E: int(exponent.Int64())}, hash}
		}
	}
	return &plainRSAKey{modulus, exponent, octets, hash}
}

// verify is RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): the encoded message is
// made anew and compared as a whole.
func (k *plainRSAKey) verify(signed, signature []byte) bool {
	if len(signature) != k.size {
		return false
	}
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(k.modulus) >= 0 {
		return false
	}
	var wantRoom, gotRoom [maxModulus]byte
	var sumRoom [sha512.Size]byte
	sum := k.hash.sum(sumRoom[:0], signed)
	padding := k.size - 3 - len(k.hash.prefix) - len(sum)
	if padding < 8 {
		return false
	}
	want := append(wantRoom[:0], 0, 1)
	for range padding {
		want = append(want, 0xff)
	}
	want = append(want, 0)
	want = append(want, k.hash.prefix...)
	want = append(want, sum...)
	got := s.Exp(s, k.exponent, k.modulus).FillBytes(gotRoom[:k.size])
	return bytes.Equal(got, want)
}

// ecdsaKey is a key of RFC 6605.
type ecdsaKey struct {
	public *ecdsa.PublicKey
	size   int // octets of a coordinate, and of each half of a signature
	sum    digest
}

// parseECDSA reads a key of RFC 6605 section 4: the two coordinates of a point on
// the curve.
func parseECDSA(field []byte, curve elliptic.Curve, sum digest) publicKey {
	size := (curve.Params().BitSize + 7) / 8
	const uncompressed = 4 // SEC 1 section 2.3.3
	public, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{uncompressed}, field...))
	if err != nil {
		return nil
	}
	return &ecdsaKey{public, size, sum}
}

func (k *ecdsaKey) verify(signed, signature []byte) bool {
	if len(signature) != 2*k.size {
		return false
	}
	var room [sha512.Size]byte
	r, s := new(big.Int).SetBytes(signature[:k.size]), new(big.Int).SetBytes(signature[k.size:])
	return ecdsa.Verify(k.public, k.sum(room[:0], signed), r, s)
}

// ed25519Key is a key of RFC 8080.
type ed25519Key []byte

func (k ed25519Key) verify(signed, signature []byte) bool {
	return ed25519.Verify(ed25519.PublicKey(k), signed, signature)
}
