package recurse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// response is what one server's response comes to: facts about the name that
// was asked and those it leads to, or a referral, or why it is of no use.
type response struct {
	facts []*fact // along the chain; the last may be an alias whose target is asked for next
	child *cut    // a referral
	ds    *fact   // what the referral says of the child's DS records; nil: nothing
	apex  *cut    // the zone itself, as its NS records say, which were asked for

	useless string // why; "" if it is of use
	lame    bool   // the server does not serve the zone
	resort  bool   // of use if no other server is: it is not authoritative
}

// reader reads one response, of a server of a zone.
type reader struct {
	j     *job
	zone  *cut
	from  *server
	name  string // that was asked
	qtype uint16
	m     *dns.Msg
	now   time.Time

	answer, authority []dnssec.Set // within the zone, owners in lower case
}

// read judges a response to a question that fits (RFC 1034 section 5.3.3, RFC
// 2308 section 2). Nothing outside the zone of the server is believed: not an
// answer, not a referral, not an address (bailiwick).
func (j *job) read(z *cut, from *server, name string, qtype uint16, m *dns.Msg) *response {
	rd := reader{j: j, zone: z, from: from, name: name, qtype: qtype, m: m, now: j.r.now()}
	switch m.Rcode {
	case dns.RcodeSuccess, dns.RcodeNameError, dns.RcodeYXDomain:
	default:
		return &response{useless: dns.RcodeToString[m.Rcode], lame: m.Rcode == dns.RcodeRefused || m.Rcode == dns.RcodeNotAuth}
	}
	if len(m.Answer)+len(m.Ns)+len(m.Extra) > maxRecords {
		j.hit(LimitRecords)
		return &response{useless: "too many records"}
	}
	var err error
	if rd.answer, err = rd.group(m.Answer); err == nil {
		rd.authority, err = rd.group(m.Ns)
	}
	if err != nil {
		return &response{useless: err.Error()}
	}
	return rd.read()
}

// read follows the chain from the name that was asked as far as the zone and
// the response go.
func (rd *reader) read() *response {
	res := new(response)
	if rd.notOwn() {
		res.resort = true
	}
	defer func() {
		for i, f := range res.facts {
			f.tail = i > 0
		}
	}()
	name := rd.name
	for range upstream.MaxLinks + 1 {
		alias, err := rd.alias(name)
		if err != nil {
			return &response{useless: err.Error()}
		}
		if alias == nil {
			rd.last(res, name)
			return res
		}
		res.facts = append(res.facts, alias)
		if alias.kind == isTooLong {
			return res
		}
		if name = alias.target(); !rd.j.r.speaksFor(rd.zone, name) {
			return res
		}
		if slices.ContainsFunc(res.facts, func(f *fact) bool { return f.name == name }) {
			return &response{useless: "the chain of CNAMEs comes back to " + name}
		}
	}
	rd.j.hit(LimitLinks)
	return &response{useless: fmt.Sprintf("a chain of more than %d CNAMEs", upstream.MaxLinks)}
}

// notOwn reports a response from a cache: the server recurses, and is not
// authoritative for what it says.
func (rd *reader) notOwn() bool {
	return rd.zone.role == authoritative && !rd.m.Authoritative && rd.m.RecursionAvailable && len(rd.m.Answer) > 0
}

// fact starts a fact of this response.
func (rd *reader) fact(name string, qtype uint16, kind kind, ttl uint32) *fact {
	return &fact{name: name, qtype: qtype, kind: kind, zone: rd.zone, from: rd.from, ttl: ttl, stored: rd.now}
}

// alias is the CNAME at a name, or the one that follows from a DNAME above it
// (RFC 6672 section 3); nil if there is none, or if it is what was asked for.
func (rd *reader) alias(name string) (*fact, error) {
	for _, s := range rd.answer {
		dname, ok := s.RRs[0].(*dns.DNAME)
		if !ok || !below(name, dname.Hdr.Name) {
			continue
		}
		if len(s.RRs) > 1 {
			return nil, fmt.Errorf("several DNAME records at %s", dname.Hdr.Name)
		}
		f := synthesize(name, rd.factOf(dname.Hdr.Name, s))
		if cname := find(rd.answer, name, dns.TypeCNAME); cname != nil && f.kind == isAlias && canonical(cname.RRs[0].(*dns.CNAME).Target) != f.target() {
			return nil, fmt.Errorf("the CNAME at %s does not follow from the DNAME above it", name)
		}
		f.authority = rd.wildcardProofs(s)
		return f, nil
	}
	if rd.qtype == dns.TypeCNAME || rd.qtype == dns.TypeANY {
		return nil, nil
	}
	s := find(rd.answer, name, dns.TypeCNAME)
	if s == nil {
		return nil, nil
	}
	if len(s.RRs) > 1 {
		return nil, fmt.Errorf("several CNAME records at %s", name)
	}
	f := rd.factOf(name, *s)
	f.authority = rd.wildcardProofs(*s)
	return f, nil
}

// factOf is the fact that there is this RRset.
func (rd *reader) factOf(name string, s dnssec.Set) *fact {
	f := rd.fact(name, s.RRs[0].Header().Rrtype, isData, min(s.RRs[0].Header().Ttl, maxTTL))
	if f.qtype == dns.TypeCNAME {
		f.kind = isAlias
	}
	f.sets = []dnssec.Set{s}
	return f
}

// synthesize makes the alias of a name below a DNAME.
func synthesize(name string, dname *fact) *fact {
	d := dname.sets[0].RRs[0].(*dns.DNAME)
	target := strings.TrimSuffix(name, d.Hdr.Name)
	if d.Hdr.Name == "." {
		target = name
	}
	if d.Target != "." {
		target += d.Target
	}
	f := &fact{name: name, qtype: dns.TypeCNAME, kind: isAlias, zone: dname.zone, from: dname.from, ttl: dname.ttl, stored: dname.stored}
	f.dname = &dname.sets[0]
	if exchange.Name(target) == nil {
		f.kind = isTooLong
		return f
	}
	cname := &dns.CNAME{
		Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.Hdr.Ttl},
		Target: target,
	}
	f.sets = []dnssec.Set{{RRs: []dns.RR{cname}}}
	return f
}

// last reads what the response says of the last name of the chain: data, that
// there is none, that others know, or nothing at all.
func (rd *reader) last(res *response, name string) {
	if f := rd.data(name); f != nil {
		if rd.m.Rcode == dns.RcodeNameError {
			*res = response{useless: "NXDOMAIN with records at the name"}
			return
		}
		res.facts = append(res.facts, f)
		if rd.qtype == dns.TypeNS && name == rd.zone.zone {
			res.apex = rd.cut(name, f.sets[0])
		}
		return
	}
	soa := rd.soa(name)
	switch {
	case rd.m.Rcode == dns.RcodeYXDomain: // without the DNAME
		*res = response{useless: "YXDOMAIN"}
	case rd.m.Rcode == dns.RcodeNameError:
		res.facts = append(res.facts, rd.denial(name, isNXDomain, soa))
	case soa != nil && !rd.delegates(name, soa):
		res.facts = append(res.facts, rd.denial(name, isNoData, soa))
	case len(res.facts) > 0: // the alias alone: its target is asked for
	default:
		rd.referral(res, name)
	}
}

// data is the RRset that was asked for at a name, nil if there is none.
func (rd *reader) data(name string) *fact {
	var f *fact
	if rd.qtype == dns.TypeRRSIG {
		return rd.signatures(name)
	}
	for _, s := range rd.answer {
		owner, rrtype := setKey(s)
		if owner != name || rrtype != rd.qtype && rd.qtype != dns.TypeANY {
			continue
		}
		if f == nil {
			f = rd.factOf(name, s)
			f.qtype, f.sets = rd.qtype, nil
		}
		f.ttl = min(f.ttl, s.RRs[0].Header().Ttl)
		f.sets = append(f.sets, s)
		f.authority = append(f.authority, rd.wildcardProofs(s)...)
	}
	return f
}

// signatures is the fact that these are the signatures at a name, which nothing
// signs; nil if there are none.
func (rd *reader) signatures(name string) *fact {
	var all dnssec.Set
	for _, rr := range rd.m.Answer {
		if _, ok := rr.(*dns.RRSIG); ok && rr.Header().Name == name && within(name, rd.zone.zone) {
			all.RRs = append(all.RRs, rr)
		}
	}
	if len(all.RRs) == 0 || len(all.RRs) > maxSet {
		return nil
	}
	levelTTLs(all)
	return rd.factOf(name, all)
}

// soa is the SOA of a denial about a name: of a zone that it is in. The parent
// answers for DS records, so a child's SOA denies none.
func (rd *reader) soa(name string) *dnssec.Set {
	for i, s := range rd.authority {
		owner, rrtype := setKey(s)
		if rrtype == dns.TypeSOA && within(name, owner) && (rd.qtype != dns.TypeDS || owner != name || name == ".") {
			return &rd.authority[i]
		}
	}
	return nil
}

// denial is the fact that there is no such name, or no such RRset. Without a
// SOA it is told but not kept (RFC 2308 section 5).
func (rd *reader) denial(name string, kind kind, soa *dnssec.Set) *fact {
	f := rd.fact(name, rd.qtype, kind, 0)
	if soa != nil {
		record := soa.RRs[0].(*dns.SOA)
		f.ttl = min(record.Hdr.Ttl, record.Minttl, maxNegativeTTL)
		f.authority = append(f.authority, *soa)
	}
	f.authority = append(f.authority, rd.proofs()...)
	return f
}

// proofs are the NSEC and NSEC3 records of the response.
func (rd *reader) proofs() (proofs []dnssec.Set) {
	for _, s := range rd.authority {
		if _, t := setKey(s); (t == dns.TypeNSEC || t == dns.TypeNSEC3) && len(s.Sigs) > 0 {
			proofs = append(proofs, s)
		}
	}
	return proofs
}

// wildcardProofs are the proofs that go with an RRset made from a wildcard
// (RFC 4035 section 3.1.3.3).
func (rd *reader) wildcardProofs(s dnssec.Set) []dnssec.Set {
	for _, sig := range s.Sigs {
		if int(sig.Labels) < dns.CountLabel(sig.Hdr.Name) {
			return rd.proofs()
		}
	}
	return nil
}
