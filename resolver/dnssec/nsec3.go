package dnssec

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 5155 section 11: the only hash there is
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/miekg/dns"
)

// maxIterations is how many extra times names are hashed for a proof. A zone that
// asks for more is insecure (RFC 9276 section 3.2; BIND, PowerDNS and Knot
// Resolver 50 as well).
const maxIterations = 50

// hash is a hashed owner name.
type hash [sha1.Size]byte

func (h hash) before(other hash) bool { return bytes.Compare(h[:], other[:]) < 0 }

// nsec3 is an NSEC3 record: next is the zone's next hash, or the first.
type nsec3 struct {
	owner, next hash
	optOut      bool
	types       types
}

// nsec3s are NSEC3 records of one zone, with the same parameters. The zero value
// has none and proves nothing.
type nsec3s struct {
	apex       path
	iterations uint16
	salt       []byte
	records    []nsec3
	known      map[path]hash // the names hashed so far
}

// Constants of RFC 5155.
const (
	nsec3SHA1  = 1  // section 11: the hash algorithm
	nsec3Flags = 1  // section 3.1.2: the opt-out flag, the only one
	hashLabel  = 32 // octets of a hash in base32
)

// add takes a record, unless its algorithm or flags are unknown, its parameters
// differ from those of the first, or it is malformed (RFC 5155 sections 8.1 and
// 8.2).
func (c *nsec3s) add(apex path, rr *dns.NSEC3) {
	owner, ok := hashedOwner(apex, rr.Hdr.Name)
	next, valid := parseHash(rr.NextDomain)
	salt, err := hex.DecodeString(rr.Salt)
	if !ok || !valid || rr.Hash != nsec3SHA1 || rr.Flags > nsec3Flags || err != nil && rr.SaltLength > 0 {
		return
	}
	if c.records == nil {
		c.apex, c.iterations, c.salt = apex, rr.Iterations, salt
	}
	if rr.Iterations == c.iterations && bytes.Equal(salt, c.salt) {
		c.records = append(c.records, nsec3{owner, next, rr.Flags == nsec3Flags, rr.TypeBitMap})
	}
}

// hashedOwner reads the owner of an NSEC3 record: a hash right below the apex.
func hashedOwner(apex path, name string) (h hash, ok bool) {
	owner, valid := pathOf(name)
	if !valid || len(name) <= hashLabel || name[hashLabel] != '.' || owner == "" || owner.parent() != apex {
		return hash{}, false
	}
	return parseHash(name[:hashLabel])
}

// parseHash reads a hash in base32 with extended hex alphabet (RFC 5155 section
// 3.3).
func parseHash(text string) (h hash, ok bool) {
	if len(text) != hashLabel {
		return hash{}, false
	}
	octets, err := base32.HexEncoding.DecodeString(strings.ToUpper(text))
	if err != nil {
		return hash{}, false
	}
	return hash(octets), true
}

// like reports whether names hash to the same with others.
func (c *nsec3s) like(other *nsec3s) bool {
	return c.iterations == other.iterations && bytes.Equal(c.salt, other.salt)
}

// tooSlow reports whether hashing takes too many iterations.
func (c *nsec3s) tooSlow() bool { return c.iterations > maxIterations }

// hash hashes a name (RFC 5155 section 5), once. ok is false if the budget does
// not allow it.
func (c *nsec3s) hash(name path, b *Budget) (h hash, ok bool) {
	if h, ok = c.known[name]; ok {
		return h, true
	}
	if !b.spend(NSEC3Hashes) {
		return hash{}, false
	}
	var room [2*maxName + 1]byte
	h = sha1.Sum(append(name.appendWire(room[:0]), c.salt...)) //nolint:gosec // see the import
	for range c.iterations {
		h = sha1.Sum(append(append(room[:0], h[:]...), c.salt...)) //nolint:gosec // see the import
	}
	if c.known == nil {
		c.known = map[path]hash{}
	}
	c.known[name] = h
	return h, true
}

// maxHashedLabels is how deep below the apex a name may be for an answer to be
// looked for among hashes already known: deeper ones are rare, and those who ask
// for them may want work done.
const maxHashedLabels = 8

// hashAll hashes a name and those above it up to the apex. ok is false if there
// are no parameters to do so, or the name is too deep, or the budget is short: it
// is left with what a proof takes.
func (c *nsec3s) hashAll(q path, b *Budget) (ok bool) {
	depth := strings.Count(string(q[len(c.apex):]), string(rune(endOfLabel)))
	if c.known == nil || depth > maxHashedLabels || b.left[NSEC3Hashes] < maxNSEC3Hashes/2 {
		return false
	}
	for c.hash(q, b); q != c.apex; c.hash(q, b) {
		q = q.parent()
	}
	return true
}

// match is the record of a name, nil if there is none.
func (c *nsec3s) match(name path, b *Budget) *nsec3 { return c.find(name, b, (*nsec3).matches) }

// cover is a record that proves that none matches the name, nil if there is none.
func (c *nsec3s) cover(name path, b *Budget) *nsec3 { return c.find(name, b, (*nsec3).covers) }

// find is the record that is right for the name's hash, nil if there is none.
func (c *nsec3s) find(name path, b *Budget, right func(*nsec3, hash) bool) *nsec3 {
	if len(c.records) == 0 {
		return nil
	}
	h, ok := c.hash(name, b)
	if !ok {
		return nil
	}
	for i := range c.records {
		if r := &c.records[i]; right(r, h) {
			return r
		}
	}
	return nil
}

func (r *nsec3) matches(h hash) bool { return r.owner == h }

// covers reports whether the hash is between owner and next, where the last
// record leads back to the first.
func (r *nsec3) covers(h hash) bool {
	after, before := r.owner.before(h), h.before(r.next)
	if r.owner.before(r.next) {
		return after && before
	}
	return after || before
}

// enclose is the closest encloser proof (RFC 5155 section 8.3) for a name that no
// record matches: the closest encloser, and the record that covers the next closer
// name; nil if there is no proof.
func (c *nsec3s) enclose(q path, b *Budget) (encloser path, nextCloser *nsec3) {
	for encloser = q; encloser != c.apex; {
		encloser = encloser.parent()
		if r := c.match(encloser, b); r != nil {
			if r.types.closed() {
				return "", nil
			}
			return encloser, c.cover(encloser.towards(q), b)
		}
	}
	return "", nil
}

// outcome is that of a proof that rests on the record that covers the next
// closer name: an unsigned delegation may be there if it has the opt-out flag (RFC
// 5155 section 9.2).
func (r *nsec3) outcome() Proof {
	if r.optOut {
		return ProofInsecure
	}
	return ProofSecure
}

func (c *nsec3s) nxdomain(q path, b *Budget) Proof {
	if c.tooSlow() {
		return ProofInsecure
	}
	encloser, nextCloser := c.enclose(q, b)
	if nextCloser == nil || c.cover(encloser+wildcardLabel, b) == nil {
		return ProofBogus
	}
	return nextCloser.outcome()
}

func (c *nsec3s) nodata(q path, qtype uint16, b *Budget) Proof {
	if c.tooSlow() {
		return ProofInsecure
	}
	if r := c.match(q, b); r != nil {
		if r.types.lack(qtype, q) {
			return ProofSecure
		}
		return ProofBogus
	}
	encloser, nextCloser := c.enclose(q, b)
	if nextCloser == nil {
		return ProofBogus
	}
	if nextCloser.optOut { // RFC 5155 section 8.6; an unsigned zone may give any NODATA response
		return ProofInsecure
	}
	wildcard := encloser + wildcardLabel
	if r := c.match(wildcard, b); r != nil && r.types.lack(qtype, wildcard) { // section 8.7
		return ProofSecure
	}
	return ProofBogus
}

func (c *nsec3s) noCloser(q, encloser path, b *Budget) Proof {
	if c.tooSlow() {
		return ProofInsecure
	}
	r := c.cover(encloser.towards(q), b)
	if r == nil {
		return ProofBogus
	}
	return r.outcome()
}

func (c *nsec3s) cut(q path, b *Budget) Cut {
	if c.tooSlow() {
		return CutInsecure
	}
	if r := c.match(q, b); r != nil {
		return r.types.delegation()
	}
	switch _, nextCloser := c.enclose(q, b); {
	case nextCloser == nil:
		return CutBogus
	case nextCloser.optOut:
		return CutInsecure
	}
	return CutNone
}
