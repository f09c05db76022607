package dnssec

import (
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Supported reports whether the anchors, DS and DNSKEY records of one zone, hold
// one that Trust can use. If not, the zone is insecure (RFC 4035 section 5.2), and
// ede says why: 1 or 2 of RFC 8914.
func Supported(anchors []dns.RR) (ok bool, ede uint16) {
	if slices.ContainsFunc(anchors, usable) {
		return true, 0
	}
	for _, rr := range anchors {
		if ds, ok := rr.(*dns.DS); ok && supported(ds.Algorithm) {
			return false, dns.ExtendedErrorCodeUnsupportedDSDigestType
		}
	}
	return false, dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm
}

// usable reports whether an anchor's algorithms are supported.
func usable(anchor dns.RR) bool {
	switch a := anchor.(type) {
	case *dns.DNSKEY:
		return supported(a.Algorithm)
	case *dns.DS:
		return supported(a.Algorithm) && digestOf(a.DigestType) != nil
	}
	return false
}

// digestOf is the digest of a DS digest type (RFC 4034, 4509, 6605), nil if it is
// not supported.
func digestOf(digestType uint8) digest {
	switch digestType {
	case dns.SHA1:
		return sha1Sum
	case dns.SHA256:
		return sha256Sum
	case dns.SHA384:
		return sha384Sum
	}
	return nil
}

// WithoutSHA1 is the anchors less those that rest on SHA-1, for operators who
// treat them as if they were not there (RFC 9905 section 2).
func WithoutSHA1(anchors []dns.RR) []dns.RR {
	return slices.DeleteFunc(slices.Clone(anchors), func(anchor dns.RR) bool {
		switch a := anchor.(type) {
		case *dns.DNSKEY:
			return a.Algorithm == dns.RSASHA1 || a.Algorithm == dns.RSASHA1NSEC3SHA1
		case *dns.DS:
			return a.Algorithm == dns.RSASHA1 || a.Algorithm == dns.RSASHA1NSEC3SHA1 || a.DigestType == dns.SHA1
		}
		return false
	})
}

// maxWrongDigests is how many DS records may name a key by its tag and hold the
// digest of another (Unbound MAX_DS_MATCH_FAILURES 4).
const maxWrongDigests = 4

// vouchers are the anchors of one zone while its keys are looked at.
type vouchers struct {
	zone    *Keys
	anchors []dns.RR
	wrong   int // digests that did not match
}

// newVouchers leaves out what is not supported, and DS records by SHA-1 where
// there are stronger ones (RFC 4509 section 3).
func newVouchers(zone *Keys, anchors []dns.RR) *vouchers {
	stronger := false
	for _, anchor := range anchors {
		ds, ok := anchor.(*dns.DS)
		stronger = stronger || ok && usable(ds) && ds.DigestType != dns.SHA1
	}
	return &vouchers{zone: zone, anchors: slices.DeleteFunc(slices.Clone(anchors), func(anchor dns.RR) bool {
		ds, ok := anchor.(*dns.DS)
		return !usable(anchor) || stronger && ok && ds.DigestType == dns.SHA1
	})}
}

// standFor reports whether one of the anchors is this key, or its digest.
func (v *vouchers) standFor(record *dns.DNSKEY, rdata []byte) bool {
	tag := tagOf(rdata)
	for _, anchor := range v.anchors {
		switch a := anchor.(type) {
		case *dns.DNSKEY:
			if a.Flags == record.Flags && a.Algorithm == record.Algorithm && a.PublicKey == record.PublicKey &&
				strings.EqualFold(a.Hdr.Name, v.zone.Zone) {
				return true
			}
		case *dns.DS:
			if a.KeyTag == tag && a.Algorithm == record.Algorithm && v.digests(a, rdata) {
				return true
			}
		}
	}
	return false
}

// digests reports whether a DS record holds the digest of this RDATA (RFC 4034
// section 5.1.4).
func (v *vouchers) digests(ds *dns.DS, rdata []byte) bool {
	if v.wrong == maxWrongDigests {
		return false
	}
	var room [sha512.Size]byte
	sum := digestOf(ds.DigestType)(room[:0], slices.Concat(v.zone.wire, rdata))
	if strings.EqualFold(hex.EncodeToString(sum), ds.Digest) {
		return true
	}
	v.wrong++
	return false
}
