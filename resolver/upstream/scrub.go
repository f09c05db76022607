package upstream

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Bounds of what is kept of a response. More is an error: an RRset cut short
// would be a lie.
const (
	maxRecords = 256 // of one RRset with its RRSIGs (PowerDNS max-rrset-size)
	maxProofs  = 64  // NSEC and NSEC3 RRsets: three for each name of the longest chain, and room
)

// scrubbed is what is kept of a response: see Answer.Message for the records.
type scrubbed struct {
	Rcode              int
	AuthenticData      bool
	Records, Authority []dns.RR
	EDE                []dns.EDNS0_EDE
}

// scrub keeps of a response what answers the question and nothing else; the
// error is a *Failure. It takes m's records over: they are not copied, and
// their owner names and TTLs are changed.
func scrub(q Question, m *dns.Msg) (scrubbed, error) {
	a := scrubbed{Rcode: m.Rcode, AuthenticData: m.AuthenticatedData, EDE: extendedErrors(m)}
	if f := refused(a.Rcode, a.EDE); f != nil {
		return scrubbed{}, f
	}
	if isLame(m) {
		return scrubbed{}, &Failure{EDE: dns.ExtendedErrorCodeNoReachableAuthority, Cause: "a referral: the server does not recurse"}
	}
	c, err := follow(q, m)
	if err != nil {
		return scrubbed{}, &Failure{EDE: dns.ExtendedErrorCodeOther, Cause: err.Error()}
	}
	a.Records = c.records
	if a.Authority, err = c.authority(lowerOwners(m.Ns)); err != nil {
		return scrubbed{}, &Failure{EDE: dns.ExtendedErrorCodeOther, Cause: err.Error()}
	}
	return a, nil
}

// isLame reports whether the response only points elsewhere, upwards mostly: a
// server that neither knows nor recurses.
func isLame(m *dns.Msg) bool {
	if m.Rcode != dns.RcodeSuccess || m.Authoritative || m.RecursionAvailable || len(m.Answer) > 0 {
		return false
	}
	hasType := func(rrtype uint16) bool {
		return slices.ContainsFunc(m.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype })
	}
	return hasType(dns.TypeNS) && !hasType(dns.TypeSOA)
}

// authority picks from the authority section: for a negative response the SOA
// of a zone that holds the chain's last name (RFC 2308 section 2); with DO the
// proofs.
func (c *chain) authority(section []dns.RR) ([]dns.RR, error) {
	var kept []dns.RR
	for _, rr := range section {
		owner := rr.Header().Name
		if c.positive || rr.Header().Rrtype != dns.TypeSOA || !within(c.last(), owner) {
			continue
		}
		soa, err := c.rrset(section, owner, dns.TypeSOA)
		if err != nil {
			return nil, err
		}
		if len(soa) > 0 { // class IN
			kept = soa
			break
		}
	}
	if !c.do {
		return kept, nil
	}
	proofs, err := c.proofs(section)
	return append(kept, proofs...), err
}

// proofs are the NSEC and NSEC3 RRsets that a zone of the chain has signed:
// of a negative response, or of a wildcard (RFC 4035 section 3.1.3).
func (c *chain) proofs(section []dns.RR) ([]dns.RR, error) {
	type key struct {
		owner  string
		rrtype uint16
	}
	var kept []dns.RR
	var seen []key
	for _, rr := range section {
		k := key{rr.Header().Name, rr.Header().Rrtype}
		if k.rrtype != dns.TypeNSEC && k.rrtype != dns.TypeNSEC3 || slices.Contains(seen, k) {
			continue
		}
		if seen = append(seen, k); len(seen) > maxProofs {
			return nil, fmt.Errorf("more than %d NSEC and NSEC3 RRsets", maxProofs)
		}
		set, err := c.rrset(section, k.owner, k.rrtype)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(set, c.isSignedByZone) {
			kept = append(kept, set...)
		}
	}
	return kept, nil
}

// isSignedByZone reports whether rr is an RRSIG of a zone that holds a name of
// the chain as well as rr's owner.
func (c *chain) isSignedByZone(rr dns.RR) bool {
	sig, ok := rr.(*dns.RRSIG)
	if !ok {
		return false
	}
	zone := strings.ToLower(sig.SignerName)
	return within(sig.Hdr.Name, zone) &&
		slices.ContainsFunc(c.names, func(name string) bool { return within(name, zone) })
}

// rrset picks the RRset of owner and type, its RRSIGs behind it where DO wants
// them; RRSIGs of nothing are dropped. For ANY it picks all there is at owner,
// RRset by RRset.
func (c *chain) rrset(section []dns.RR, owner string, rrtype uint16) ([]dns.RR, error) {
	var set []dns.RR
	for _, rr := range section {
		if h := rr.Header(); h.Class != dns.ClassINET || h.Name != owner || !c.wants(rr, rrtype) {
			continue
		}
		if set = append(set, rr); len(set) > maxRecords {
			return nil, fmt.Errorf("more than %d records in one RRset", maxRecords)
		}
	}
	slices.SortStableFunc(set, func(a, b dns.RR) int {
		return cmp.Or(cmp.Compare(covered(a), covered(b)), cmp.Compare(isSignature(a), isSignature(b)))
	})
	if len(set) > 0 && rrtype != dns.TypeANY && set[0].Header().Rrtype != rrtype {
		return nil, nil
	}
	return levelled(distinct(set)), nil
}

// wants reports whether a record of the right owner is part of an answer for
// rrtype.
func (c *chain) wants(rr dns.RR, rrtype uint16) bool {
	t := rr.Header().Rrtype
	switch {
	case t == rrtype:
		return true
	case rrtype == dns.TypeANY:
		return t != dns.TypeOPT && !(128 <= t && t <= 255) // meta types: RFC 6895 section 3.1
	}
	return c.do && covered(rr) == rrtype
}

// covered is the type whose RRset a record goes with: its own, or the one its
// signature is for.
func covered(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}

// isSignature is 1 for an RRSIG and 0 for data, to sort by.
func isSignature(rr dns.RR) int {
	if rr.Header().Rrtype == dns.TypeRRSIG {
		return 1
	}
	return 0
}

// distinct drops, in place, records that are there already.
func distinct(set []dns.RR) []dns.RR {
	kept := set[:0]
	for _, rr := range set {
		if !slices.ContainsFunc(kept, func(k dns.RR) bool { return dns.IsDuplicate(k, rr) }) {
			kept = append(kept, rr)
		}
	}
	return kept
}

// levelled gives all records of an RRset and its RRSIGs the smallest TTL among
// them (RFC 2181 section 5.2); one with its first bit set counts as 0 (section
// 8). Different RRsets follow each other in set.
func levelled(set []dns.RR) []dns.RR {
	for start := 0; start < len(set); {
		end, ttl := start, uint32(math.MaxInt32)
		for ; end < len(set) && covered(set[end]) == covered(set[start]); end++ {
			ttl = min(ttl, effectiveTTL(set[end].Header().Ttl))
		}
		for ; start < end; start++ {
			set[start].Header().Ttl = ttl
		}
	}
	return set
}

func effectiveTTL(ttlSeconds uint32) uint32 {
	if ttlSeconds > math.MaxInt32 {
		return 0
	}
	return ttlSeconds
}

// lowerOwners puts the owner names of a section into canonical case, which is
// how they are compared and how the answer is given.
func lowerOwners(section []dns.RR) []dns.RR {
	for _, rr := range section {
		rr.Header().Name = strings.ToLower(rr.Header().Name)
	}
	return section
}
