package recurse

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// How long facts are believed, in seconds: no zone's mistake lasts longer here
// (RFC 8767 section 4, RFC 2308 section 5).
const (
	maxTTL         = 86400
	maxNegativeTTL = 3600
)

// delegates reports whether there are NS records of a zone below the SOA's, which
// makes a referral of what looks like a denial.
func (rd *reader) delegates(name string, soa *dnssec.Set) bool {
	owner, _ := setKey(*soa)
	return slices.ContainsFunc(rd.authority, func(s dnssec.Set) bool {
		n, t := setKey(s)
		return t == dns.TypeNS && below(n, owner) && below(n, rd.zone.zone) && within(name, n)
	})
}

// referral reads the NS records of a zone that name is in, below the server's
// own. One that points to that zone again, upward or sideways is of no use.
func (rd *reader) referral(res *response, name string) {
	for _, s := range rd.authority {
		owner, rrtype := setKey(s)
		if rrtype != dns.TypeNS {
			continue
		}
		if rd.zone.role == forwarding || !below(owner, rd.zone.zone) || !within(name, owner) {
			break
		}
		if rd.qtype == dns.TypeDS && owner == name { // the parent's word on it stands beside the referral
			if ds := rd.dsOf(owner); ds != nil {
				res.facts = append(res.facts, ds)
				return
			}
			break
		}
		res.child = rd.cut(owner, s)
		res.ds = rd.dsOf(owner)
		return
	}
	if rd.zone.role == forwarding || !rd.pointsAway() && (rd.m.Authoritative || !rd.m.RecursionAvailable) {
		res.facts = append(res.facts, rd.denial(name, isNoData, nil))
		return
	}
	*res = response{useless: "neither an answer nor a referral", lame: true}
}

// pointsAway reports whether there are NS records of a zone above or beside, or
// in a response without authority of the zone itself: the server does not know
// it.
func (rd *reader) pointsAway() bool {
	return slices.ContainsFunc(rd.m.Ns, func(rr dns.RR) bool {
		owner := canonical(rr.Header().Name)
		switch {
		case rr.Header().Rrtype != dns.TypeNS || below(owner, rd.zone.zone):
			return false
		case owner == rd.zone.zone:
			return !rd.m.Authoritative
		}
		return len(rd.m.Answer) == 0 || within(rd.zone.zone, owner)
	})
}

// dsOf is what a referral says of DS records: there they are, or a proof that
// there are none (RFC 4035 section 3.1.4.1).
func (rd *reader) dsOf(child string) *fact {
	if s := find(rd.authority, child, dns.TypeDS); s != nil {
		return rd.factOf(child, *s)
	}
	proofs := rd.proofs()
	if len(proofs) == 0 {
		return nil
	}
	f := rd.fact(child, dns.TypeDS, isNoData, min(proofs[0].RRs[0].Header().Ttl, maxNegativeTTL))
	f.authority = proofs
	return f
}

// maxDelegation bounds how long a referral is believed.
const maxDelegation = 24 * time.Hour

// cut is the zone referred to. Its addresses are taken from within the zone that
// refers, and from nowhere else.
func (rd *reader) cut(zone string, ns dnssec.Set) *cut {
	c := &cut{zone: zone, parent: rd.zone.zone, learnt: rd.now}
	c.expires = rd.now.Add(min(time.Duration(ns.RRs[0].Header().Ttl)*time.Second, maxDelegation))
	if labels(rd.zone.zone) > 1 && !rd.zone.expires.IsZero() && rd.zone.expires.Before(c.expires) {
		c.expires = rd.zone.expires // nor can its subzones (Phoenix domains)
	}
	for _, rr := range ns.RRs {
		if len(c.servers) == maxServerNames {
			rd.j.hit(LimitRecords)
			break
		}
		if n := canonical(rr.(*dns.NS).Ns); n != "." {
			c.servers = append(c.servers, nameserver{name: n})
		}
	}
	for _, rr := range rd.m.Extra {
		owner := canonical(rr.Header().Name)
		if !within(owner, rd.zone.zone) || rr.Header().Class != dns.ClassINET {
			continue
		}
		at := slices.IndexFunc(c.servers, func(s nameserver) bool { return s.name == owner })
		a, ok := address(rr)
		if at >= 0 && ok && rd.j.r.usable(a) && len(c.servers[at].glue) < maxServerAddresses {
			c.servers[at].glue = append(c.servers[at].glue, rd.j.r.serverAt(a))
		}
	}
	return c
}

// address is that of an A or AAAA record.
func address(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		return netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}
