package recurse

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// pack makes the answer of a chain of facts: what upstream.Answer asks of a
// message.
func (j *job) pack(chain []*fact, q upstream.Question) (upstream.Answer, error) {
	m := new(dns.Msg)
	switch chain[len(chain)-1].kind {
	case isNXDomain:
		m.Rcode = dns.RcodeNameError
	case isTooLong:
		m.Rcode = dns.RcodeYXDomain
	}
	outcome := secure
	for _, f := range chain {
		ttl := f.remaining(j.r.now())
		if f.dname != nil {
			m.Answer = addOnce(m.Answer, *f.dname, ttl, q.DO)
		}
		for _, s := range f.sets {
			m.Answer = add(m.Answer, s, ttl, q.DO)
		}
		for _, s := range f.authority {
			if _, t := setKey(s); t == dns.TypeSOA || q.DO {
				m.Ns = addOnce(m.Ns, s, ttl, q.DO)
			}
		}
		outcome = min(outcome, j.status(f))
	}
	m.AuthenticatedData = outcome == secure
	if !j.unchecked {
		j.r.answers[outcome].Add(1)
	}
	message, err := upstream.Pack(q, m)
	return upstream.Answer{Message: message, EDE: j.notes, Servers: j.servers(chain)}, err
}

// status is that of a fact in the answer.
func (j *job) status(f *fact) status {
	v := f.verdict.Load()
	if v == nil || j.unchecked {
		return insecure
	}
	if v.status == insecure && v.fault != nil {
		j.note(v.fault.EDE, v.fault.Text)
	}
	if v.optOut {
		return insecure
	}
	return v.status
}

// add appends an RRset and, where signatures are wanted, these: copies, with the
// TTL of this moment, for facts are shared.
func add(section []dns.RR, s dnssec.Set, ttl uint32, signed bool) []dns.RR {
	for _, rr := range s.RRs {
		section = append(section, withTTL(rr, ttl))
	}
	if signed {
		for _, sig := range s.Sigs {
			section = append(section, withTTL(sig, ttl))
		}
	}
	return section
}

// addOnce is add for an RRset that may be there already.
func addOnce(section []dns.RR, s dnssec.Set, ttl uint32, signed bool) []dns.RR {
	owner, rrtype := setKey(s)
	if slices.ContainsFunc(section, func(rr dns.RR) bool { return rr.Header().Name == owner && rr.Header().Rrtype == rrtype }) {
		return section
	}
	return add(section, s, ttl, signed)
}

func withTTL(rr dns.RR, ttl uint32) dns.RR {
	c := dns.Copy(rr)
	c.Header().Ttl = ttl
	return c
}

// servers are the name servers of the zones that the answer came from.
func (j *job) servers(chain []*fact) *upstream.Servers {
	if j.r.cfg.WantServers == nil || !j.r.cfg.WantServers() {
		return nil
	}
	found := new(upstream.Servers)
	for _, f := range chain {
		if f.zone == nil || f.zone.role == forwarding {
			return nil
		}
		for _, s := range f.zone.servers {
			if n := exchange.Name(s.name); n != nil && s.name != "" && !slices.ContainsFunc(found.Names, func(k []byte) bool { return string(k) == string(n) }) {
				found.Names = append(found.Names, n)
			}
			for _, a := range j.addressesOf(s) {
				if !slices.Contains(found.Addresses, a) {
					found.Addresses = append(found.Addresses, a)
				}
			}
		}
	}
	return found
}

// addressesOf are the addresses known of a name server.
func (j *job) addressesOf(s nameserver) (addresses []netip.Addr) {
	for _, a := range s.glue {
		addresses = append(addresses, a.addr.Addr())
	}
	for _, qtype := range j.r.addressTypes {
		f := j.address(s.name, qtype)
		if f == nil {
			continue
		}
		for _, rr := range f.sets[0].RRs {
			if a, ok := address(rr); ok {
				addresses = append(addresses, a.Unmap())
			}
		}
	}
	return addresses
}
