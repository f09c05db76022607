package journal

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bailiff/policy/problem"
)

// PublicKeyFile is the file, beside the journal, of the key that its heads are
// verified with: PKIX in PEM, what openssl takes.
const PublicKeyFile = "journal.pub"

// The files of the secret keys.
const (
	privateKeyFile = "journal.key" // PKCS #8 in PEM
	namesKeyFile   = "names.key"   // 64 hexadecimal digits
)

const (
	privateKeyType = "PRIVATE KEY"
	publicKeyType  = "PUBLIC KEY"
)

// maxKeyOctets bounds a file of a key: they take 120.
const maxKeyOctets = 4096

// keys are the secrets of one state folder.
type keys struct {
	heads ed25519.PrivateKey
	names []byte // of the digests that stand for hidden names
}

// newKeys makes keys that nobody else has.
func newKeys() (k keys, err error) {
	k.names = make([]byte, sha256.Size)
	_, _ = rand.Read(k.names) // never fails
	_, k.heads, err = ed25519.GenerateKey(nil)
	return k, err
}

// openKeys reads the keys; those that are not there become the ones given.
func openKeys(folder string, given keys) (k keys, err error) {
	if k.heads, err = openPrivateKey(filepath.Join(folder, privateKeyFile), given.heads); err != nil {
		return keys{}, err
	}
	if err := checkPublicKey(filepath.Join(folder, PublicKeyFile), k.heads); err != nil {
		return keys{}, err
	}
	k.names, err = openNamesKey(filepath.Join(folder, namesKeyFile), given.names)
	return k, err
}

func openPrivateKey(path string, given ed25519.PrivateKey) (ed25519.PrivateKey, error) {
	der, err := x509.MarshalPKCS8PrivateKey(given)
	if err != nil {
		return nil, err
	}
	text, err := openOrMake(path, modePrivate, pem.EncodeToMemory(&pem.Block{Type: privateKeyType, Bytes: der}))
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(text); block != nil && block.Type == privateKeyType {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if private, ok := key.(ed25519.PrivateKey); ok {
				return private, nil
			}
		}
	}
	return nil, problem.Problem{File: path, Text: "is no ed25519 key", Remedy: "bring it back from a copy, or move the whole folder away"}
}

// checkPublicKey holds that the file has the public half of the key.
func checkPublicKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	if _, err := openOrMake(path, modePublic, pem.EncodeToMemory(&pem.Block{Type: publicKeyType, Bytes: der})); err != nil {
		return err
	}
	public, err := ReadPublicKey(path)
	if err == nil && !public.Equal(key.Public()) {
		err = problem.Problem{
			File: path, Text: "is not the public half of " + privateKeyFile,
			Remedy: "keep the file as that of the older entries under another name, and start again",
		}
	}
	return err
}

// ReadPublicKey reads the key that heads are verified with, as Open wrote it.
// The error is a problem.Problem.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	text, err := readSmall(path)
	if err != nil {
		return nil, unreadable(err)
	}
	if block, _ := pem.Decode(text); block != nil && block.Type == publicKeyType {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if public, ok := key.(ed25519.PublicKey); ok {
				return public, nil
			}
		}
	}
	return nil, problem.Problem{File: path, Text: "is no ed25519 public key in PEM", Remedy: "name the journal.pub of the server"}
}

func openNamesKey(path string, given []byte) ([]byte, error) {
	text, err := openOrMake(path, modePrivate, []byte(hex.EncodeToString(given)))
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(string(text))
	if err != nil || len(key) != sha256.Size {
		return nil, problem.Problem{File: path, Text: "is no key of 64 hexadecimal digits", Remedy: "bring it back from a copy, or move the file away"}
	}
	return key, nil
}

// openOrMake reads a file, or writes text to it where there is none: whole or
// not at all. The error is a problem.Problem.
func openOrMake(path string, mode os.FileMode, text []byte) ([]byte, error) {
	found, err := readSmall(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, unreadable(err)
		}
		return found, nil
	}
	if err := writeWhole(path, mode, text); err != nil {
		return nil, unwritable(path, err)
	}
	return text, nil
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeyOctets {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("no regular file of at most %d octets", maxKeyOctets)}
	}
	return os.ReadFile(path)
}

// digest stands for a name that nobody may know: equal names have equal ones,
// and without the key nobody finds out which.
func (k keys) digest(name string) string {
	mac := hmac.New(sha256.New, k.names)
	mac.Write([]byte(name))
	return hex.EncodeToString(mac.Sum(nil))
}

// sign is the detail of a Head after the entry with that seq and hash.
func (k keys) sign(seq uint64, hash string, at time.Time) Signature {
	public, _ := k.heads.Public().(ed25519.PublicKey)
	return Signature{PublicKey: public, Signature: ed25519.Sign(k.heads, headText(seq, hash, at))}
}

// headText is what is signed: the entry before the head by its seq and its
// SHA-256, hexadecimal, and the head's own time.
func headText(seq uint64, hash string, at time.Time) []byte {
	return fmt.Appendf(nil, "bailiff journal head v1\n%d\n%s\n%s", seq, hash, at.UTC().Format(time.RFC3339Nano))
}
