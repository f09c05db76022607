package local

import (
	"slices"

	"github.com/miekg/dns"

	"bailiff/policy/name"
)

// Zone is a zone served here. Immutable once it is read.
type Zone struct {
	apex  name.Name
	soa   dns.RR // as negative responses have it: RFC 2308 section 3
	nodes map[name.Name]node
}

// node is the RRsets at one name, by type. One without any is an empty
// non-terminal: names below it exist.
type node map[uint16][]dns.RR

const wildcardLabel = "\x01*"

// look adds to m what the zone says of a name that lies in it (RFC 1034 section
// 4.3.2, step 3). next is the target of an alias that is to be followed, "" if
// there is none.
func (z *Zone) look(m *dns.Msg, at name.Name, qtype uint16) (next name.Name) {
	found, exists := z.nodes[at]
	if !exists {
		found, exists = z.wildcard(at)
	}
	alias, isAlias := found[dns.TypeCNAME]
	switch {
	case !exists:
		m.Rcode = dns.RcodeNameError
	case isAlias && qtype != dns.TypeCNAME && qtype != dns.TypeANY:
		m.Answer = append(m.Answer, owned(alias, at)...)
		return wire(alias[0].(*dns.CNAME).Target)
	case qtype == dns.TypeANY:
		for _, set := range found {
			m.Answer = append(m.Answer, owned(set, at)...)
		}
	default:
		m.Answer = append(m.Answer, owned(found[qtype], at)...)
	}
	if !exists || len(found) == 0 || qtype != dns.TypeANY && len(found[qtype]) == 0 {
		m.Ns = []dns.RR{z.soa}
	}
	return ""
}

// wildcard is the node from which the records of a name that does not exist
// are made: the asterisk below its closest encloser (RFC 4592 section 3.3.1).
func (z *Zone) wildcard(at name.Name) (found node, exists bool) {
	for {
		at = at.Parent() // reaches the apex, which exists
		if _, encloses := z.nodes[at]; encloses {
			found, exists = z.nodes[wildcardLabel+at]
			return found, exists
		}
	}
}

// owned is an RRset with the owner that was asked for, which is another where a
// wildcard stands for it.
func owned(set []dns.RR, owner name.Name) []dns.RR {
	if len(set) == 0 || wire(set[0].Header().Name) == owner {
		return set
	}
	text, _, err := dns.UnpackDomainName([]byte(owner), 0)
	if err != nil {
		return nil
	}
	set = slices.Clone(set)
	for i := range set {
		set[i] = dns.Copy(set[i])
		set[i].Header().Name = text
	}
	return set
}
