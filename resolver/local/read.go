package local

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/resolver/zonefile"
)

// maxRecords bounds one RRset (BIND max-records-per-type).
const maxRecords = 100

// Read reads the zone of that apex, fully qualified, from a zone file. With a
// refusal among problems the zone must not be used.
func Read(file, apex string, problems *problem.List) *Zone {
	z := &Zone{apex: wire(apex), nodes: map[name.Name]node{}}
	for _, r := range zonefile.Read(file, apex, problems) {
		if err := z.add(r.RR); err != nil {
			value := strings.ReplaceAll(r.RR.String(), "\t", " ")
			problems.Add(problem.Problem{File: file, Line: r.Line, Value: value}.Because(err))
		}
	}
	if z.soa == nil && !problems.Refused() {
		problems.Add(problem.Problem{File: file}.Because(problem.Fault{
			Text: "has no SOA record of " + apex, Remedy: "add one, such as: @ SOA localhost. root.localhost. 1 3600 600 86400 300",
		}))
	}
	return z
}

// add takes one record into the zone. The error is a problem.Fault.
func (z *Zone) add(rr dns.RR) error {
	owner, rrtype := wire(rr.Header().Name), rr.Header().Rrtype
	if owner != z.apex && !owner.IsBelow(z.apex) {
		return problem.Fault{Text: "is outside of the zone", Remedy: "take it out, or make a zone of its own for it"}
	}
	if err := z.serves(owner, rrtype); err != nil {
		return err
	}
	z.exist(owner)
	n := z.nodes[owner]
	set := n[rrtype]
	if slices.ContainsFunc(set, func(known dns.RR) bool { return dns.IsDuplicate(known, rr) }) {
		return nil
	}
	_, isAlias := n[dns.TypeCNAME]
	switch {
	case isAlias, rrtype == dns.TypeCNAME && len(n) > 0:
		return problem.Fault{Text: "stands beside a CNAME", Remedy: "remove one of them: an alias is alone at its name"} // RFC 1034 section 3.6.2
	case rrtype == dns.TypeSOA && len(set) > 0:
		return problem.Fault{Text: "is the second SOA record", Remedy: "remove one of them"}
	case len(set) == maxRecords:
		return problem.Fault{Text: fmt.Sprintf("is one record too many: an RRset holds at most %d here", maxRecords), Remedy: "keep those that are needed"}
	}
	n[rrtype] = levelled(append(set, rr))
	if soa, ok := rr.(*dns.SOA); ok {
		negative := *soa
		negative.Hdr.Ttl = min(soa.Hdr.Ttl, soa.Minttl)
		z.soa = &negative
	}
	return nil
}

// serves reports why a type has no place at a name. The error is a
// problem.Fault.
func (z *Zone) serves(owner name.Name, rrtype uint16) error {
	switch rrtype {
	case dns.TypeNS, dns.TypeDS:
		if rrtype == dns.TypeNS && owner == z.apex {
			return nil
		}
		return problem.Fault{Text: "delegates", Remedy: "name the zone below under recursion zones, with its servers"}
	case dns.TypeDNAME:
		return problem.Fault{Text: "is an alias of many names, which is not served here", Remedy: "write a CNAME for each"}
	case dns.TypeRRSIG, dns.TypeNSEC, dns.TypeNSEC3, dns.TypeNSEC3PARAM, dns.TypeDNSKEY:
		return problem.Fault{Text: "is part of a signed zone", Remedy: "take the zone as it is before it is signed"}
	case dns.TypeSOA:
		if owner != z.apex {
			return problem.Fault{Text: "begins another zone", Remedy: "put it into a file of its own"}
		}
	}
	return nil
}

// exist makes nodes for a name and those above it, up to the apex.
func (z *Zone) exist(n name.Name) {
	for z.nodes[n] == nil {
		z.nodes[n] = node{}
		if n == z.apex {
			return
		}
		n = n.Parent()
	}
}

// levelled gives all records of an RRset the smallest TTL among them (RFC 2181
// section 5.2).
func levelled(set []dns.RR) []dns.RR {
	ttl := set[0].Header().Ttl
	for _, rr := range set {
		ttl = min(ttl, rr.Header().Ttl)
	}
	for _, rr := range set {
		rr.Header().Ttl = ttl
	}
	return set
}
