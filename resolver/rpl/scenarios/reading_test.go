package scenarios

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// reading answers one query from a zone, as RFC 1034 section 4.3.2 and RFC 4035
// section 3.1 say.
type reading struct {
	zone   *zone
	m      *dns.Msg
	qtype  uint16
	dnssec bool
	now    time.Time
}

// answer puts into the message what the zone has of the name.
func (r *reading) answer(name string) {
	z := r.zone
	switch cut, dname := z.cut(name), r.dnameAbove(name); {
	case cut != "" && (cut != name || r.qtype != dns.TypeDS):
		r.refer(cut)
	case dname != nil:
		r.substitute(name, dname)
	case len(z.records[name]) > 0:
		r.at(name, name)
	case z.exists(name): // an empty non-terminal
		r.deny(name)
	default:
		r.beyond(name)
	}
}

// refer points to the servers of a zone below.
func (r *reading) refer(cut string) {
	r.m.Authoritative = len(r.m.Answer) > 0
	ns := r.zone.at(cut, dns.TypeNS)
	r.m.Ns = append(r.m.Ns, ns...)
	if ds := r.zone.at(cut, dns.TypeDS); len(ds) > 0 && r.dnssec {
		r.m.Ns = r.append(r.m.Ns, ds, cut)
	} else {
		r.prove(cut)
	}
	r.addresses(ns)
}

// addresses adds those that the zone knows of name servers.
func (r *reading) addresses(ns []dns.RR) {
	for _, rr := range ns {
		for _, glue := range r.zone.records[rr.(*dns.NS).Ns] {
			if isAddress(glue) {
				r.m.Extra = append(r.m.Extra, glue)
			}
		}
	}
}

// dnameAbove is the closest DNAME above the name, nil if there is none.
func (r *reading) dnameAbove(name string) *dns.DNAME {
	for name != r.zone.name {
		name = parentOf(name)
		if set := r.zone.at(name, dns.TypeDNAME); len(set) > 0 {
			return set[0].(*dns.DNAME)
		}
	}
	return nil
}

// substitute answers with a DNAME and the CNAME that follows (RFC 6672 section 3).
func (r *reading) substitute(name string, dname *dns.DNAME) {
	r.m.Answer = r.append(r.m.Answer, []dns.RR{dname}, dname.Hdr.Name)
	target := strings.TrimSuffix(name, dname.Hdr.Name) + dname.Target
	if _, ok := dns.IsDomainName(target); !ok {
		r.m.Rcode = dns.RcodeYXDomain
		return
	}
	header := dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: dname.Hdr.Ttl}
	r.m.Answer = append(r.m.Answer, &dns.CNAME{Hdr: header, Target: target})
	r.follow(target)
}

// at answers from the records of one owner, as those of name.
func (r *reading) at(owner, name string) {
	if set := r.zone.at(owner, r.qtype); len(set) > 0 {
		r.m.Answer = r.append(r.m.Answer, as(set, name), owner)
		if r.qtype == dns.TypeNS {
			r.addresses(set)
		}
		return
	}
	if set := r.zone.at(owner, dns.TypeCNAME); len(set) > 0 {
		r.m.Answer = r.append(r.m.Answer, as(set, name), owner)
		r.follow(set[0].(*dns.CNAME).Target)
		return
	}
	r.deny(name)
}

// follow goes on at the target of a CNAME, within the zone.
func (r *reading) follow(target string) {
	const longest = 40 // records: CNAMEs may lead round in circles
	if target = strings.ToLower(target); dns.IsSubDomain(r.zone.name, target) && len(r.m.Answer) < longest {
		r.answer(target)
	}
}

// beyond answers for a name that the zone has not: from a wildcard, or not.
func (r *reading) beyond(name string) {
	closest, nextCloser := r.zone.encloser(name)
	wildcard := "*." + strings.TrimPrefix(closest, ".")
	if len(r.zone.records[wildcard]) == 0 {
		r.m.Rcode = dns.RcodeNameError
		r.deny(name)
		r.link(wildcard)
		return
	}
	before := len(r.m.Answer)
	if r.at(wildcard, name); len(r.m.Answer) == before { // at has denied the type
		r.link(wildcard)
		return
	}
	r.link(nextCloser)
}

// deny says that the zone has no such records at the name.
func (r *reading) deny(name string) {
	r.m.Ns = r.append(r.m.Ns, r.zone.at(r.zone.name, dns.TypeSOA), r.zone.name)
	r.prove(name)
}

// as is an RRset with another owner: expanded from a wildcard.
func as(set []dns.RR, owner string) []dns.RR {
	if set[0].Header().Name == owner {
		return set
	}
	expanded := make([]dns.RR, len(set))
	for i, rr := range set {
		expanded[i] = dns.Copy(rr)
		expanded[i].Header().Name = owner
	}
	return expanded
}

// append adds an RRset and, where they are wanted, its signatures. from is the
// owner in the zone: a wildcard, where the set has been expanded from one.
func (r *reading) append(section, set []dns.RR, from string) []dns.RR {
	section = append(section, set...)
	if !r.dnssec || r.zone.signer == nil || r.zone.lists("unsigned", set[0].Header().Rrtype) {
		return section
	}
	return append(section, r.zone.signer.sign(set, from, r.now)...)
}
