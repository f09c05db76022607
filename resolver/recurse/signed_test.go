package recurse

import (
	"crypto"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// signedZone is a zone with one key, signed with NSEC.
type signedZone struct {
	w       *world
	apex    string
	key     *dns.DNSKEY
	private crypto.Signer
	records []dns.RR
	until   time.Time
}

// signed serves a zone as zone does, signed.
func (w *world) signed(apex, address, text string) *signedZone {
	key := &dns.DNSKEY{Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 300}, Flags: 257, Protocol: 3, Algorithm: dns.ECDSAP256SHA256}
	private, err := key.Generate(256)
	if err != nil {
		w.t.Fatal(err)
	}
	z := &signedZone{w: w, apex: apex, key: key, private: private.(crypto.Signer), until: w.now.Add(7 * 24 * time.Hour)}
	p := dns.NewZoneParser(strings.NewReader("$ORIGIN "+apex+"\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n"+text), apex, "")
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		z.records = append(z.records, rr)
	}
	if err := p.Err(); err != nil {
		w.t.Fatalf("the zone %s: %v", apex, err)
	}
	z.records = append(z.records, key)
	z.chain()
	a := netip.MustParseAddr(address)
	before := w.servers[a]
	w.servers[a] = func(q *dns.Msg, over exchange.Transport) *dns.Msg {
		name := strings.ToLower(q.Question[0].Name)
		if !within(name, apex) || name == apex && q.Question[0].Qtype == dns.TypeDS {
			if before == nil {
				return new(dns.Msg).SetRcode(q, dns.RcodeRefused)
			}
			return before(q, over)
		}
		m := serve(q, apex, z.records)
		z.prove(m, name)
		m.Answer, m.Ns = z.sign(m.Answer), z.sign(m.Ns)
		return m
	}
	return z
}

// ds is the zone's DS record, for its parent.
func (z *signedZone) ds() dns.RR { return z.key.ToDS(dns.SHA256) }

// isBelowCut reports whether a name is glue's.
func (z *signedZone) isBelowCut(name string) bool {
	return slices.ContainsFunc(z.records, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeNS && rr.Header().Name != z.apex && below(name, rr.Header().Name)
	})
}

// chain adds the NSEC records.
func (z *signedZone) chain() {
	var owners []string
	for _, rr := range z.records {
		if n := rr.Header().Name; !slices.Contains(owners, n) && !z.isBelowCut(n) {
			owners = append(owners, n)
		}
	}
	slices.SortFunc(owners, compareCanonical)
	for i, n := range owners {
		types := []uint16{dns.TypeRRSIG, dns.TypeNSEC}
		for _, rr := range z.records {
			if rr.Header().Name == n && !slices.Contains(types, rr.Header().Rrtype) {
				types = append(types, rr.Header().Rrtype)
			}
		}
		slices.Sort(types)
		hdr := dns.RR_Header{Name: n, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 60}
		z.records = append(z.records, &dns.NSEC{Hdr: hdr, NextDomain: owners[(i+1)%len(owners)], TypeBitMap: types})
	}
}

// compareCanonical is the order of RFC 4034 section 6.1.
func compareCanonical(a, b string) int {
	x, y := dns.SplitDomainName(a), dns.SplitDomainName(b)
	slices.Reverse(x)
	slices.Reverse(y)
	return slices.Compare(x, y)
}

// covering is the NSEC record at a name, or that denies it.
func (z *signedZone) covering(name string) dns.RR {
	var best dns.RR
	for _, rr := range z.records {
		if rr.Header().Rrtype == dns.TypeNSEC && compareCanonical(rr.Header().Name, name) <= 0 &&
			(best == nil || compareCanonical(best.Header().Name, rr.Header().Name) < 0) {
			best = rr
		}
	}
	return best
}

// prove adds what a response needs of NSEC and DS records.
func (z *signedZone) prove(m *dns.Msg, name string) {
	add := func(rr dns.RR) {
		if rr != nil && !slices.Contains(m.Ns, rr) {
			m.Ns = append(m.Ns, rr)
		}
	}
	switch {
	case len(m.Answer) > 0:
	case !m.Authoritative: // a referral
		cut, proven := m.Ns[0].Header().Name, false
		for _, rr := range z.records {
			if rr.Header().Name == cut && rr.Header().Rrtype == dns.TypeDS {
				add(rr)
				proven = true
			}
		}
		if !proven {
			add(z.covering(cut))
		}
	case m.Rcode == dns.RcodeNameError:
		add(z.covering(name))
		encloser := name
		for !slices.ContainsFunc(z.records, func(rr dns.RR) bool { return within(rr.Header().Name, encloser) }) {
			encloser = parent(encloser)
		}
		add(z.covering("*." + strings.TrimPrefix(encloser, ".")))
	default:
		add(z.covering(name))
	}
}

// sign adds the signatures of a section.
func (z *signedZone) sign(section []dns.RR) []dns.RR {
	var sets [][]dns.RR
	for _, rr := range section {
		at := slices.IndexFunc(sets, func(s []dns.RR) bool {
			return s[0].Header().Name == rr.Header().Name && s[0].Header().Rrtype == rr.Header().Rrtype
		})
		if at < 0 {
			sets, at = append(sets, nil), len(sets)
		}
		sets[at] = append(sets[at], rr)
	}
	var out []dns.RR
	for _, s := range sets {
		out = append(out, s...)
		h := s[0].Header()
		if h.Rrtype == dns.TypeNS && h.Name != z.apex || z.isBelowCut(h.Name) {
			continue
		}
		sig := &dns.RRSIG{
			Hdr: dns.RR_Header{Ttl: h.Ttl}, Algorithm: z.key.Algorithm, KeyTag: z.key.KeyTag(), SignerName: z.apex,
			Inception: uint32(z.until.Add(-14 * 24 * time.Hour).Unix()), Expiration: uint32(z.until.Unix()),
		}
		if err := sig.Sign(z.private, s); err != nil {
			z.w.t.Error(err)
		}
		out = append(out, sig)
	}
	return out
}

// signedWorld is a world whose root, test and example.test are signed; other.test
// is not.
func signedWorld(t testing.TB) (*world, *signedZone) {
	w := newWorld(t)
	example := w.signed("example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nwww A 192.0.2.1\nalias CNAME www\naway CNAME www.other.test.\na.b.c A 192.0.2.2\nsub NS ns.sub\nns.sub A 198.51.100.3\n")
	w.zone("other.test.", "198.51.100.3", "@ NS ns.example.test.\nwww A 192.0.2.7\n")
	w.zone("sub.example.test.", "198.51.100.3", "@ NS ns\nns A 198.51.100.3\nwww A 192.0.2.8\n")
	test := w.signed("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\nother NS ns.example\n"+example.ds().String()+"\n")
	w.signed(".", "198.51.100.1", "@ NS ns.root.test.\ntest. NS ns.test.\nns.test. A 198.51.100.2\n"+test.ds().String()+"\n")
	return w, example
}

// validating is a Recursor that trusts the root's key.
func (w *world) validating(change func(*Config)) *Recursor {
	m := w.servers[netip.MustParseAddr("198.51.100.1")](new(dns.Msg).SetQuestion(".", dns.TypeDNSKEY), exchange.UDP)
	return w.recursor(func(c *Config) {
		anchors := []dns.RR{m.Answer[0]}
		c.Anchors = func() []dns.RR { return anchors }
		if change != nil {
			change(c)
		}
	})
}
