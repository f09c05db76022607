package scenarios

import (
	"cmp"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// chain orders the zone's names for its NSEC or NSEC3 records, once all records
// are there.
func (z *zone) chain() {
	if z.signer == nil || z.setting("no-proofs") != "" {
		return
	}
	z.types = map[string][]uint16{}
	for name := range z.records {
		if cut := z.cut(name); cut != "" && cut != name { // glue
			continue
		}
		isCut := name != z.name && len(z.at(name, dns.TypeNS)) > 0
		if z.nsec3 != nil && z.setting("opt-out") != "" && isCut && len(z.at(name, dns.TypeDS)) == 0 {
			continue // RFC 5155 section 6
		}
		z.link(name, z.typesAt(name, isCut))
		for above := parentOf(name); z.nsec3 != nil && dns.IsSubDomain(z.name, above); above = parentOf(above) {
			if len(z.records[above]) == 0 { // an empty non-terminal
				z.link(above, nil)
			}
			if above == "." {
				break
			}
		}
	}
	for key := range z.types {
		z.names = append(z.names, key)
	}
	slices.SortFunc(z.names, z.compare)
}

// link adds a name to the chain.
func (z *zone) link(name string, types []uint16) { z.types[z.key(name)] = types }

// key is what stands for a name in the chain: its hash or itself.
func (z *zone) key(name string) string {
	if z.nsec3 == nil {
		return name
	}
	return strings.ToLower(dns.HashName(name, z.nsec3.Hash, z.nsec3.Iterations, z.nsec3.Salt))
}

// typesAt are the types for the bitmap: of a delegation, the parent's only.
func (z *zone) typesAt(name string, isCut bool) (types []uint16) {
	signed := !isCut
	for _, rr := range z.records[name] {
		t := rr.Header().Rrtype
		if isCut && t != dns.TypeNS && t != dns.TypeDS {
			continue
		}
		signed = signed || t == dns.TypeDS
		types = append(types, t)
	}
	if z.nsec3 == nil {
		types = append(types, dns.TypeNSEC)
		signed = true
	}
	if signed {
		types = append(types, dns.TypeRRSIG)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// compare is the order of the chain: of hashes, or the canonical one of names
// (RFC 4034 section 6.1).
func (z *zone) compare(a, b string) int {
	if z.nsec3 != nil {
		return cmp.Compare(a, b)
	}
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

// prove adds the proof that the name has not got the type, or is not there.
func (r *reading) prove(name string) {
	if _, there := r.zone.types[r.zone.key(name)]; there || r.zone.nsec3 == nil {
		r.link(name)
		return
	}
	nextCloser := name
	for {
		closest := parentOf(nextCloser)
		if _, there := r.zone.types[r.zone.key(closest)]; there || closest == "." {
			r.link(closest)
			r.link(nextCloser)
			return
		}
		nextCloser = closest
	}
}

// link adds the record of the chain that is at the name or covers it, once.
func (r *reading) link(name string) {
	z := r.zone
	if !r.dnssec || len(z.names) == 0 {
		return
	}
	at, there := slices.BinarySearchFunc(z.names, z.key(name), z.compare)
	if !there {
		at = (at + len(z.names) - 1) % len(z.names)
	}
	rr := z.record(z.names[at], z.names[(at+1)%len(z.names)])
	for _, other := range r.m.Ns {
		if dns.IsDuplicate(other, rr) {
			return
		}
	}
	r.m.Ns = r.append(r.m.Ns, []dns.RR{rr}, rr.Header().Name)
}

// record is the NSEC or NSEC3 record from one key of the chain to the next.
func (z *zone) record(key, next string) dns.RR {
	header := dns.RR_Header{Name: key, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60}
	if z.nsec3 == nil {
		return &dns.NSEC{Hdr: header, NextDomain: next, TypeBitMap: z.types[key]}
	}
	header.Name, header.Rrtype = key+"."+strings.TrimPrefix(z.name, "."), dns.TypeNSEC3
	flags := uint8(0)
	if z.setting("opt-out") != "" {
		flags = 1
	}
	return &dns.NSEC3{
		Hdr: header, Hash: dns.SHA1, Flags: flags, Iterations: z.nsec3.Iterations, SaltLength: z.nsec3.SaltLength, Salt: z.nsec3.Salt,
		HashLength: 20, NextDomain: strings.ToUpper(next), TypeBitMap: z.types[key],
	}
}
