package scenarios

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/rpl"
)

// authority are the servers of a scenario's zones.
type authority struct {
	zones   []*zone // the deepest first
	anchors []dns.RR
}

// newAuthority makes the servers. A signed zone's DS records go into its parent,
// or become trust anchors where it has the setting "anchor".
func newAuthority(s *rpl.Scenario) (*authority, error) {
	a := &authority{}
	for _, from := range withRoot(s.Zones) {
		z, err := newZone(from)
		if err != nil {
			return nil, err
		}
		a.zones = append(a.zones, z)
	}
	slices.SortStableFunc(a.zones, func(x, y *zone) int { return cmp.Compare(dns.CountLabel(y.name), dns.CountLabel(x.name)) })
	for _, z := range a.zones {
		if z.setting("anchor") != "" {
			a.anchors = append(a.anchors, z.ds()...)
			continue
		}
		if parent := a.parent(z.name); parent != nil && len(parent.at(z.name, dns.TypeNS)) > 0 {
			parent.add(z.ds()...)
		}
	}
	for _, z := range a.zones {
		z.chain()
	}
	return a, nil
}

// rootAddress is where the root is served that a scenario does not have itself.
var rootAddress = netip.MustParseAddr("198.51.100.1")

// withRoot adds a root zone that delegates the topmost zones, unless there is
// one. It is signed, and the trust anchor, if any zone is signed.
func withRoot(zones []rpl.Zone) []rpl.Zone {
	if len(zones) == 0 || slices.ContainsFunc(zones, func(z rpl.Zone) bool { return z.Name == "." }) {
		return zones
	}
	header := func(name string, rrtype uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 86400}
	}
	root := rpl.Zone{Name: ".", Addresses: []netip.Addr{rootAddress}, Records: []dns.RR{
		&dns.NS{Hdr: header(".", dns.TypeNS), Ns: "ns.root.example."},
		&dns.A{Hdr: header("ns.root.example.", dns.TypeA), A: rootAddress.AsSlice()},
	}}
	for _, z := range zones {
		if slices.ContainsFunc(zones, func(p rpl.Zone) bool { return p.Name != z.Name && dns.IsSubDomain(p.Name, z.Name) }) {
			continue
		}
		for _, rr := range z.Records {
			if h := rr.Header(); h.Name == z.Name && h.Rrtype == dns.TypeNS || isAddress(rr) && isServer(z, h.Name) {
				root.Records = append(root.Records, rr)
			}
		}
	}
	signed := func(z rpl.Zone) bool {
		return slices.ContainsFunc(z.Settings, func(s rpl.Setting) bool { return s.Key == "sign" })
	}
	if slices.ContainsFunc(zones, signed) {
		root.Settings = []rpl.Setting{{Key: "sign", Value: "ecdsap256"}, {Key: "anchor", Value: "yes"}}
	}
	return append(slices.Clone(zones), root)
}

// isAddress reports whether the record is an A or AAAA record.
func isAddress(rr dns.RR) bool {
	return rr.Header().Rrtype == dns.TypeA || rr.Header().Rrtype == dns.TypeAAAA
}

// isServer reports whether the name is that of one of the zone's servers.
func isServer(z rpl.Zone, name string) bool {
	return slices.ContainsFunc(z.Records, func(rr dns.RR) bool {
		ns, ok := rr.(*dns.NS)
		return ok && ns.Hdr.Name == z.Name && ns.Ns == name
	})
}

// zone is the zone of that name, nil if there is none.
func (a *authority) zone(name string) *zone {
	if i := slices.IndexFunc(a.zones, func(z *zone) bool { return z.name == name }); i >= 0 {
		return a.zones[i]
	}
	return nil
}

// parent is the zone above a name, nil if there is none.
func (a *authority) parent(name string) *zone {
	for _, z := range a.zones {
		if z.name != name && dns.IsSubDomain(z.name, name) {
			return z
		}
	}
	return nil
}

// respond is what the server at an address says; nil: nothing.
func (a *authority) respond(to netip.Addr, q *dns.Msg, over exchange.Transport, now time.Time) []byte {
	name, qtype := strings.ToLower(q.Question[0].Name), q.Question[0].Qtype
	var best *zone
	serves := false
	for _, z := range a.zones {
		if !slices.Contains(z.addresses, to) {
			continue
		}
		serves = true
		if dns.IsSubDomain(z.name, name) && (best == nil || best.name == name && qtype == dns.TypeDS) {
			best = z
		}
	}
	if !serves {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.RecursionDesired = false
	if best == nil {
		m.Rcode = dns.RcodeRefused
	} else {
		r := &reading{zone: best, m: m, qtype: qtype, dnssec: q.IsEdns0() != nil && q.IsEdns0().Do(), now: now}
		m.Authoritative = true
		r.answer(name)
		best.misbehave(q, m, over)
	}
	if opt := q.IsEdns0(); opt != nil && m.Rcode != dns.RcodeFormatError {
		m.SetEdns0(1232, opt.Do())
	}
	m.Compress = true
	packet, err := m.Pack()
	if err != nil {
		panic(err) // the zone's records were read
	}
	return packet
}

// misbehave does what is wrong with the zone's servers, if anything is.
func (z *zone) misbehave(q, m *dns.Msg, over exchange.Transport) {
	switch z.setting("server") {
	case "truncates": // whatever it says over UDP
		if over == exchange.UDP {
			m.Truncated, m.Answer, m.Ns, m.Extra = true, nil, nil, nil
		}
	case "formerr": // knows no EDNS
		if q.IsEdns0() != nil {
			*m = dns.Msg{MsgHdr: dns.MsgHdr{Id: q.Id, Response: true, Rcode: dns.RcodeFormatError}, Question: q.Question}
		}
	case "lowercase": // repeats QNAME in a spelling of its own
		m.Question = []dns.Question{{Name: strings.ToLower(q.Question[0].Name), Qtype: q.Question[0].Qtype, Qclass: dns.ClassINET}}
	case "lame":
		m.Rcode, m.Authoritative, m.Answer, m.Ns, m.Extra = dns.RcodeRefused, false, nil, nil, nil
	}
}

// zone is one zone as its servers have it.
type zone struct {
	name      string
	addresses []netip.Addr
	settings  []rpl.Setting
	records   map[string][]dns.RR // by owner
	signer    *signer             // nil: the zone is not signed
	nsec3     *dns.NSEC3PARAM     // nil: NSEC
	names     []string            // owners of NSEC or hashes of NSEC3 records, in their order
	types     map[string][]uint16 // of those; by owner or hash
}

// newZone takes a zone over from the scenario. Without a SOA it gets one.
func newZone(from rpl.Zone) (*zone, error) {
	z := &zone{name: from.Name, addresses: from.Addresses, settings: from.Settings, records: map[string][]dns.RR{}}
	z.add(from.Records...)
	if len(z.at(z.name, dns.TypeSOA)) == 0 {
		soa, err := dns.NewRR(z.name + " 300 IN SOA ns.invalid. hostmaster.invalid. 1 3600 600 86400 60")
		if err != nil {
			return nil, err
		}
		z.add(soa)
	}
	return z, z.configure()
}

// configure reads the settings about signatures.
func (z *zone) configure() error {
	known := strings.Fields("sign nsec3 opt-out ds anchor validity forge unsigned no-proofs server keytrap")
	for _, s := range z.settings {
		if !slices.Contains(known, s.Key) {
			return fmt.Errorf("line %d: %s: no setting of a zone", s.Line, s.Key)
		}
	}
	if z.setting("sign") == "" {
		return nil
	}
	var err error
	if z.signer, err = newSigner(z); err != nil {
		return err
	}
	if parameters := z.setting("nsec3"); parameters != "" {
		rr, err := dns.NewRR(z.name + " 0 IN NSEC3PARAM 1 0 " + parameters)
		if err != nil {
			return err
		}
		z.nsec3 = rr.(*dns.NSEC3PARAM)
		z.add(rr)
	}
	return nil
}

// setting is the value of one, "" where the zone has none.
func (z *zone) setting(key string) string {
	for _, s := range z.settings {
		if s.Key == key {
			return cmp.Or(s.Value, "yes")
		}
	}
	return ""
}

// lists reports whether a setting's value names a type.
func (z *zone) lists(key string, rrtype uint16) bool {
	return slices.Contains(strings.Fields(z.setting(key)), dns.TypeToString[rrtype])
}

// add adds records, whose owners are canonical.
func (z *zone) add(records ...dns.RR) {
	for _, rr := range records {
		z.records[rr.Header().Name] = append(z.records[rr.Header().Name], rr)
	}
}

// at is the RRset at a name.
func (z *zone) at(name string, rrtype uint16) (set []dns.RR) {
	for _, rr := range z.records[name] {
		if t := rr.Header().Rrtype; t == rrtype || rrtype == dns.TypeANY {
			set = append(set, rr)
		}
	}
	return set
}

// exists reports whether there is the name, or one below it (RFC 4592 section 2.2.2).
func (z *zone) exists(name string) bool {
	for owner := range z.records {
		if dns.IsSubDomain(name, owner) {
			return true
		}
	}
	return false
}

// parentOf is a name less its first label.
func parentOf(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// encloser is the closest name above that exists, and the name one label longer.
func (z *zone) encloser(name string) (closest, nextCloser string) {
	for nextCloser = name; ; nextCloser = closest {
		if closest = parentOf(nextCloser); z.exists(closest) {
			return closest, nextCloser
		}
	}
}

// cut is the delegation point at or above a name, "" where it is the zone's own.
func (z *zone) cut(name string) (cut string) {
	for ; name != z.name; name = parentOf(name) {
		if len(z.at(name, dns.TypeNS)) > 0 {
			cut = name
		}
	}
	return cut
}
