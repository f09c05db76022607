package recurse

import (
	"fmt"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// group sorts the records of a section that lie within the zone into RRsets, in
// the order of their first records, signatures with what they sign.
func (rd *reader) group(section []dns.RR) ([]dnssec.Set, error) {
	var sets []dnssec.Set
	for _, rr := range section {
		h := rr.Header()
		h.Name = canonical(h.Name)
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeOPT || !within(h.Name, rd.zone.zone) {
			continue
		}
		if sig, ok := rr.(*dns.RRSIG); ok {
			sig.SignerName = canonical(sig.SignerName)
			at := place(&sets, h.Name, sig.TypeCovered)
			sets[at].Sigs = append(sets[at].Sigs, sig)
			continue
		}
		at := place(&sets, h.Name, h.Rrtype)
		if !slices.ContainsFunc(sets[at].RRs, func(known dns.RR) bool { return dns.IsDuplicate(known, rr) }) {
			sets[at].RRs = append(sets[at].RRs, rr)
		}
		if len(sets[at].RRs) > maxSet {
			rd.j.hit(LimitRecords)
			return nil, fmt.Errorf("an RRset of more than %d records", maxSet)
		}
	}
	sets = slices.DeleteFunc(sets, func(s dnssec.Set) bool { return len(s.RRs) == 0 })
	for _, s := range sets {
		levelTTLs(s)
	}
	return sets, nil
}

// place is where the RRset of that name and type stands, at the end if it is new.
func place(sets *[]dnssec.Set, name string, rrtype uint16) int {
	for i, s := range *sets {
		if owner, t := setKey(s); owner == name && t == rrtype {
			return i
		}
	}
	*sets = append(*sets, dnssec.Set{})
	return len(*sets) - 1
}

// setKey is the name and type of an RRset of which perhaps only signatures are
// there.
func setKey(s dnssec.Set) (name string, rrtype uint16) {
	switch {
	case len(s.RRs) > 0:
		return s.RRs[0].Header().Name, s.RRs[0].Header().Rrtype
	case len(s.Sigs) > 0:
		return s.Sigs[0].Hdr.Name, s.Sigs[0].TypeCovered
	}
	return "", 0
}

// levelTTLs gives all records of an RRset the smallest of their TTLs (RFC 2181
// section 5.2), one with the first bit set counting as 0 (section 8).
func levelTTLs(s dnssec.Set) {
	ttl := uint32(1<<31 - 1)
	for _, rr := range s.RRs {
		if t := rr.Header().Ttl; t >= 1<<31 {
			ttl = 0
		} else {
			ttl = min(ttl, t)
		}
	}
	for _, rr := range s.RRs {
		rr.Header().Ttl = ttl
	}
	for _, sig := range s.Sigs {
		sig.Hdr.Ttl = ttl
	}
}

// find is the RRset of that name and type, nil if there is none.
func find(sets []dnssec.Set, name string, rrtype uint16) *dnssec.Set {
	for i := range sets {
		if owner, t := setKey(sets[i]); owner == name && t == rrtype {
			return &sets[i]
		}
	}
	return nil
}
