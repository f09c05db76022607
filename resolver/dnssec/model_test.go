package dnssec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// model is a zone, slow and plain: what it knows of a name it finds by looking at
// all names. It answers with the truth and with NSEC and NSEC3 records.
type model struct {
	apex  string
	names map[string][]uint16 // owner: types, without those of DNSSEC but DS
}

// newModel takes the types at each name.
func newModel(apex string, names map[string]string) *model {
	m := &model{apex: apex, names: map[string][]uint16{}}
	for name, list := range names {
		for _, word := range strings.Fields(list) {
			m.names[name] = append(m.names[name], dns.StringToType[word])
		}
	}
	return m
}

// truth is what a question has for an answer in the zone.
type truth uint8

const (
	hasData truth = iota
	hasNoData
	isNXDomain
	isElsewhere // below a delegation or a DNAME, or at a delegation
)

func (m *model) has(name string, rrtype uint16) bool { return slices.Contains(m.names[name], rrtype) }

func (m *model) delegated(name string) bool { return name != m.apex && m.has(name, dns.TypeNS) }

// occluded reports whether the zone has no say below this name's ancestors.
func (m *model) occluded(name string) bool {
	for name != m.apex {
		name = above(name)
		if m.delegated(name) || m.has(name, dns.TypeDNAME) {
			return true
		}
	}
	return false
}

// exists counts empty non-terminals.
func (m *model) exists(name string) bool {
	for other := range m.names {
		if dns.IsSubDomain(name, other) {
			return true
		}
	}
	return false
}

// encloser is the closest encloser of a name that does not exist.
func (m *model) encloser(name string) string {
	for !m.exists(name) {
		name = above(name)
	}
	return name
}

func (m *model) truth(qname string, qtype uint16) truth {
	switch {
	case m.occluded(qname):
		return isElsewhere
	case qname == m.apex && qtype == dns.TypeDS: // the parent's
		return isElsewhere
	case m.delegated(qname) && qtype != dns.TypeDS:
		return isElsewhere
	case m.exists(qname):
		return m.truthAt(qname, qtype)
	}
	wildcard := "*." + m.encloser(qname)
	if !m.exists(wildcard) {
		return isNXDomain
	}
	return m.truthAt(wildcard, qtype)
}

func (m *model) truthAt(name string, qtype uint16) truth {
	if m.has(name, qtype) || m.has(name, dns.TypeCNAME) || qtype == dns.TypeANY && len(m.names[name]) > 0 {
		return hasData
	}
	return hasNoData
}

// delegation is the truth about a zone cut at a name without DS records.
func (m *model) delegation(name string) Cut {
	switch {
	case m.occluded(name) || name == m.apex || m.has(name, dns.TypeDS):
		return CutBogus
	case m.delegated(name):
		return CutInsecure
	}
	return CutNone
}

// above is the parent of a name.
func above(name string) string {
	next, end := dns.NextLabel(name, 0)
	if end {
		return "."
	}
	return name[next:]
}

// bitmap is the types that an NSEC or NSEC3 record lists.
func (m *model) bitmap(name string, more ...uint16) []uint16 {
	list := slices.Concat(m.names[name], more)
	slices.Sort(list)
	return list
}

// nsec is the zone's NSEC records.
func (m *model) nsec() (sets []Set) {
	owners := slices.DeleteFunc(slices.Collect(maps.Keys(m.names)), m.occluded)
	slices.SortFunc(owners, compareNames)
	for i, owner := range owners {
		sets = append(sets, Set{RRs: []dns.RR{&dns.NSEC{
			Hdr:        dns.RR_Header{Name: owner, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
			NextDomain: owners[(i+1)%len(owners)],
			TypeBitMap: m.bitmap(owner, dns.TypeRRSIG, dns.TypeNSEC),
		}}})
	}
	return sets
}

// compareNames is RFC 4034 section 6.1, label for label.
func compareNames(a, b string) int {
	x, y := labelsOf(a), labelsOf(b)
	for i := 0; i < len(x) && i < len(y); i++ {
		if c := strings.Compare(x[len(x)-1-i], y[len(y)-1-i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

// labelsOf is the labels of a name, as octets.
func labelsOf(name string) (labels []string) {
	wire := make([]byte, 256)
	n, err := dns.PackDomainName(name, wire, 0, nil, false)
	if err != nil {
		panic(err)
	}
	for at := 0; at < n-1; at += int(wire[at]) + 1 {
		labels = append(labels, string(wire[at+1:at+1+int(wire[at])]))
	}
	return labels
}

// nsec3 is the zone's NSEC3 records, with empty non-terminals. With opt-out, those
// of unsigned delegations are left out, and of names that exist for their sake.
func (m *model) nsec3(optOut bool, iterations uint16) (sets []Set) {
	const salt = "ABCD"
	types := map[string][]uint16{}
	for name := range m.names {
		unsigned := m.delegated(name) && !m.has(name, dns.TypeDS)
		if m.occluded(name) || optOut && unsigned {
			continue
		}
		types[name] = m.bitmap(name)
		if !unsigned {
			types[name] = m.bitmap(name, dns.TypeRRSIG)
		}
		for up := name; up != m.apex; {
			up = above(up)
			if _, ok := types[up]; !ok {
				types[up] = m.names[up]
			}
		}
	}
	hashes := map[string]string{}
	for name := range types {
		hashes[dns.HashName(name, dns.SHA1, iterations, salt)] = name
	}
	order := slices.Sorted(maps.Keys(hashes))
	flags := uint8(0)
	if optOut {
		flags = 1
	}
	for i, h := range order {
		name := hashes[h]
		sets = append(sets, Set{RRs: []dns.RR{&dns.NSEC3{
			Hdr:  dns.RR_Header{Name: strings.ToLower(h) + "." + strings.TrimPrefix(m.apex, "."), Rrtype: dns.TypeNSEC3, Class: dns.ClassINET, Ttl: 300},
			Hash: dns.SHA1, Flags: flags, Iterations: iterations, SaltLength: 2, Salt: salt,
			HashLength: 20, NextDomain: order[(i+1)%len(order)], TypeBitMap: types[name],
		}}})
	}
	return sets
}

// String is the zone's names and types.
func (m *model) String() string {
	var out strings.Builder
	for _, name := range slices.SortedFunc(maps.Keys(m.names), compareNames) {
		fmt.Fprint(&out, name)
		for _, rrtype := range m.names[name] {
			fmt.Fprint(&out, " ", dns.Type(rrtype))
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}
