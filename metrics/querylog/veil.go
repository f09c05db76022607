package querylog

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"
)

// Clients says how a query log shows clients.
type Clients uint8

// The ways to show clients.
const (
	Truncate Clients = iota // the network: /24, or /48 of IPv6
	Digest                  // a keyed digest of the address, see veil
	None                    // not at all
	Full                    // the address
)

// String is the word of the config file.
func (c Clients) String() string {
	switch c {
	case Truncate:
		return "truncate"
	case Digest:
		return "digest"
	case None:
		return "none"
	case Full:
		return "full"
	}
	return fmt.Sprintf("Clients(%d)", uint8(c))
}

// Networks that clients are truncated to: what one site mostly has.
const (
	ipv4Network = 24
	ipv6Network = 48
)

// keyLifetime is how long two digests of the same address or name are the same.
const keyLifetime = 24 * time.Hour

// veil hides clients and names. A digest is the first 8 octets of an
// HMAC-SHA256 under a key that is never written down and replaced every day: it
// tells equal from different for a day, and later not even we can find out what
// it stood for. It is the encoder's alone.
type veil struct {
	clients Clients
	key     [sha256.Size]byte
	until   time.Time
}

func newVeil(clients Clients) *veil { return &veil{clients: clients} }

// rotate replaces the key if its time is over.
func (v *veil) rotate(now time.Time) {
	if now.Before(v.until) {
		return
	}
	_, _ = rand.Read(v.key[:]) // never fails
	v.until = now.Add(keyLifetime)
}

// What a digest is of: equal octets must not give equal digests.
const (
	digestClient = 'c'
	digestName   = 'n'
)

// digest is 16 hexadecimal digits.
func (v *veil) digest(kind byte, octets []byte) string {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write([]byte{kind})
	mac.Write(octets)
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// name is the digest of a name in wire format, empty for none.
func (v *veil) name(wire []byte) string {
	if wire == nil {
		return ""
	}
	return v.digest(digestName, wire)
}

// client is how a client is shown in text, empty if it is not.
func (v *veil) client(a netip.Addr) string {
	switch v.clients {
	case Truncate:
		return networkOf(a).String()
	case Digest:
		return v.digest(digestClient, a.AsSlice())
	case Full:
		return a.String()
	}
	return ""
}

// address is how a client is shown where only an address may stand; invalid if
// it is not shown.
func (v *veil) address(a netip.Addr) netip.Addr {
	switch v.clients {
	case Truncate:
		return networkOf(a).Addr()
	case Full:
		return a
	}
	return netip.Addr{}
}

func networkOf(a netip.Addr) netip.Prefix {
	bits := ipv6Network
	if a.Is4() {
		bits = ipv4Network
	}
	network, _ := a.Prefix(bits) // fits every address; the zero prefix for none
	return network
}
