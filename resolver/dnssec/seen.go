package dnssec

import (
	"crypto/sha256"
	"encoding/binary"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/miekg/dns"
)

// Seen remembers signatures that were good, so that none is checked twice: the
// NSEC3 record of a TLD's apex comes with every referral to an unsigned zone.
// It holds those of NSEC, NSEC3 and SOA records alone, which come with many
// answers; other data is in the cache itself once it is validated. The validity
// period is looked at each time. Safe for concurrent use.
type Seen struct {
	good *lru.Cache[sighting, struct{}]
}

// maxSeen is some 730 KiB.
const maxSeen = 4096

// NewSeen returns one that remembers nothing yet.
func NewSeen() *Seen {
	good, err := lru.New[sighting, struct{}](maxSeen)
	if err != nil {
		panic(err) // the size is a constant above zero
	}
	return &Seen{good}
}

// NewBudget returns a full budget that checks no signature remembered, and adds
// to them.
func (s *Seen) NewBudget() *Budget {
	b := NewBudget()
	b.seen = s
	return b
}

// sighting is what a good signature is known by.
type sighting [sha256.Size]byte

// sight is the sighting of a signature; ok is false if it is not one that is
// remembered.
func (s *Seen) sight(k *key, c *canonicalForm, signed []byte) (at sighting, ok bool) {
	rrtype := c.header.Rrtype
	if s == nil || rrtype != dns.TypeNSEC && rrtype != dns.TypeNSEC3 && rrtype != dns.TypeSOA {
		return at, false
	}
	c.sight = append(c.sight[:0], k.digest[:]...)
	c.sight = binary.BigEndian.AppendUint16(c.sight, uint16(len(c.signature)))
	c.sight = append(append(c.sight, c.signature...), signed...)
	return sha256.Sum256(c.sight), true
}

func (s *Seen) has(at sighting) bool {
	_, ok := s.good.Get(at)
	return ok
}
