// Package anchor keeps the trust anchors that validation starts from: those
// built in for the root, those of files, and what the zones' own roll-overs
// make of them (RFC 5011), kept on disk.
//
// It decides which keys may be trusted and asks nobody itself: the Keeper is
// handed a function that fetches a zone's keys. It imports package dnssec for
// the signatures, and policy's packages for files and problems. Start reading
// at Keeper; zone.go has the rules of RFC 5011.
package anchor

import (
	"strings"

	"github.com/miekg/dns"
)

// Root returns the trust anchors of the root zone, as IANA publishes them
// (RFC 9718): the caller's own.
func Root() []dns.RR {
	return []dns.RR{
		rootDS(20326, "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"), // KSK-2017
		rootDS(38696, "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"), // KSK-2024
	}
}

func rootDS(tag uint16, digest string) *dns.DS {
	const ttlSeconds = 172800 // as the root's DNSKEY
	return &dns.DS{
		Hdr:    dns.RR_Header{Name: ".", Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: ttlSeconds},
		KeyTag: tag, Algorithm: dns.RSASHA256, DigestType: dns.SHA256, Digest: digest,
	}
}

// tag is the key tag of an anchor, a DS or a DNSKEY.
func tag(anchor dns.RR) uint16 {
	switch a := anchor.(type) {
	case *dns.DS:
		return a.KeyTag
	case *dns.DNSKEY:
		return a.KeyTag()
	}
	return 0
}

// stands reports whether an anchor stands for a key. Whether the key is
// revoked makes no difference (RFC 5011 section 2.1: the bit alone changes).
func stands(anchor dns.RR, key *dns.DNSKEY) bool {
	switch a := anchor.(type) {
	case *dns.DS:
		ds := unrevoked(key).ToDS(a.DigestType)
		return ds != nil && ds.KeyTag == a.KeyTag && ds.Algorithm == a.Algorithm && strings.EqualFold(ds.Digest, a.Digest)
	case *dns.DNSKEY:
		return a.Algorithm == key.Algorithm && a.PublicKey == key.PublicKey && a.Flags|dns.REVOKE == key.Flags|dns.REVOKE
	}
	return false
}

// unrevoked is the key without its REVOKE bit: the key itself if it has none.
func unrevoked(key *dns.DNSKEY) *dns.DNSKEY {
	if key.Flags&dns.REVOKE == 0 {
		return key
	}
	k := *key
	k.Flags &^= dns.REVOKE
	return &k
}
