package dnssec

import (
	"bytes"
	"encoding/base64"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxSignatures is how many signatures of one RRset are tried (Unbound
// MAX_VALIDATE_RRSIGS 8; PowerDNS max-rrsigs-per-record 2).
const maxSignatures = 8

// skew widens validity periods at both ends, for clocks that are wrong here or
// there. Unbound grants a tenth of the period, from an hour to a day, BIND and
// Knot Resolver nothing.
const skew = time.Hour

// Verify checks that the zone has signed an RRset: one good signature is enough
// (RFC 4035 section 5.3, RFC 6840 section 5.4). An NSEC or NSEC3 record made from
// a wildcard is bogus.
func (k *Keys) Verify(s Set, now time.Time, b *Budget) (Verified, *Fault) {
	c := &b.form
	if !c.load(s.RRs) {
		return Verified{}, fault(dns.ExtendedErrorCodeDNSBogus, "%s: no RRset that can be signed", k.Zone)
	}
	worst := flaw{dns.ExtendedErrorCodeRRSIGsMissing, "is not signed"}
	for _, sig := range s.Sigs[:min(len(s.Sigs), maxSignatures)] {
		found := k.try(c, sig, now, b)
		if found == (flaw{}) {
			return c.verified(sig, now), nil
		}
		if b.Exceeded() {
			worst = flaw{dns.ExtendedErrorCodeDNSBogus, "takes too many " + b.Limit().String()}
			break
		}
		if found.weight() > worst.weight() {
			worst = found
		}
	}
	return Verified{}, fault(worst.ede, "%s %s in %s %s", c.header.Name, dns.Type(c.header.Rrtype), k.Zone, worst.what)
}

// flaw is what is wrong with a signature; the zero value is nothing.
type flaw struct {
	ede  uint16
	what string
}

// weight orders the flaws of several signatures by how much they tell.
func (f flaw) weight() int {
	switch f.ede {
	case dns.ExtendedErrorCodeDNSBogus:
		return 3
	case dns.ExtendedErrorCodeSignatureExpired, dns.ExtendedErrorCodeSignatureNotYetValid,
		dns.ExtendedErrorCodeSignatureExpiredBeforeValid:
		return 2
	case dns.ExtendedErrorCodeDNSKEYMissing:
		return 1
	}
	return 0
}

// try checks one signature, what costs least first.
func (k *Keys) try(c *canonicalForm, sig *dns.RRSIG, now time.Time, b *Budget) flaw {
	if !k.covers(c, sig) {
		return flaw{dns.ExtendedErrorCodeRRSIGsMissing, "has no signature by the zone"}
	}
	if what := k.misplaced(c, sig); what != "" {
		return flaw{dns.ExtendedErrorCodeDNSBogus, what}
	}
	if f := untimely(sig, now); f != (flaw{}) {
		return f
	}
	return k.match(c, sig, b)
}

// covers reports whether the signature is one of this RRset by this zone.
func (k *Keys) covers(c *canonicalForm, sig *dns.RRSIG) bool {
	return sig.TypeCovered == c.header.Rrtype && sig.Hdr.Class == c.header.Class &&
		strings.EqualFold(sig.Hdr.Name, c.header.Name) && strings.EqualFold(sig.SignerName, k.Zone)
}

// misplaced says why the zone cannot have made this signature, "" if it can
// (RFC 4035 section 5.3.1).
func (k *Keys) misplaced(c *canonicalForm, sig *dns.RRSIG) string {
	labels := int(sig.Labels)
	switch {
	case c.labels < k.labels || !bytes.Equal(c.ancestor(k.labels), k.wire):
		return "is not a name of the zone"
	case labels > c.labels:
		return "has a signature for a longer name"
	case labels < k.labels:
		return "has a signature for a wildcard above the zone"
	case labels < c.labels && (c.header.Rrtype == dns.TypeNSEC || c.header.Rrtype == dns.TypeNSEC3):
		return "is made from a wildcard"
	}
	return ""
}

// untimely says what is wrong with the validity period.
func untimely(sig *dns.RRSIG, now time.Time) flaw {
	period, begun, left := validity(sig, now)
	switch {
	case period < 0:
		return flaw{dns.ExtendedErrorCodeSignatureExpiredBeforeValid, "has a signature that expires before it is valid"}
	case left < -skew:
		return flaw{dns.ExtendedErrorCodeSignatureExpired, "has a signature that expired " + dns.TimeToString(sig.Expiration)}
	case begun < -skew:
		return flaw{dns.ExtendedErrorCodeSignatureNotYetValid, "has a signature that is valid from " + dns.TimeToString(sig.Inception)}
	}
	return flaw{}
}

// validity is the length of the signature's validity period, how long ago it
// began and how long it still lasts, in serial number arithmetic (RFC 4034
// section 3.1.5).
func validity(sig *dns.RRSIG, now time.Time) (period, begun, left time.Duration) {
	between := func(from, to uint32) time.Duration { return time.Duration(int32(to-from)) * time.Second }
	at := uint32(now.Unix())
	return between(sig.Inception, sig.Expiration), between(sig.Inception, at), between(at, sig.Expiration)
}

// match checks the signature with the keys that may have made it.
func (k *Keys) match(c *canonicalForm, sig *dns.RRSIG, b *Budget) flaw {
	var err error
	if c.signature, err = base64.StdEncoding.AppendDecode(c.signature[:0], []byte(sig.Signature)); err != nil {
		return flaw{dns.ExtendedErrorCodeDNSBogus, "has a malformed signature"}
	}
	worst := flaw{dns.ExtendedErrorCodeDNSKEYMissing, "is signed with no key of the zone"}
	var signed []byte
	for i := range k.keys {
		candidate := &k.keys[i]
		if candidate.tag != sig.KeyTag || candidate.algorithm != sig.Algorithm {
			continue
		}
		if signed == nil {
			signed = c.signedData(sig, k.wire)
		}
		if b.Exceeded() {
			break
		}
		at, kept := b.seen.sight(candidate, c, signed)
		if kept && b.seen.has(at) {
			return flaw{}
		}
		if !b.spend(SignatureChecks) {
			break
		}
		if candidate.public.verify(signed, c.signature) {
			if kept {
				b.seen.good.Add(at, struct{}{})
			}
			return flaw{}
		}
		worst = flaw{dns.ExtendedErrorCodeDNSBogus, "has a wrong signature"}
		b.spend(FailedSignatures)
	}
	return worst
}

// verified is what a good signature says of the RRset.
func (c *canonicalForm) verified(sig *dns.RRSIG, now time.Time) Verified {
	_, _, left := validity(sig, now)
	if left <= 0 {
		left += skew
	}
	v := Verified{Life: min(left, time.Duration(sig.OrigTtl)*time.Second)}
	if labels := int(sig.Labels); labels < c.labels {
		v.Encloser = "."
		if labels > 0 {
			at, _ := dns.PrevLabel(c.header.Name, labels)
			v.Encloser = c.header.Name[at:]
		}
	}
	return v
}
