package upstream

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// MaxLinks is how many CNAMEs and DNAMEs lead from QNAME to the answer at most
// (Unbound's max-query-restarts, BIND's max-restarts).
const MaxLinks = 11

// chain is the way from QNAME through an answer section. Names are in
// presentation format and lower case, so that == compares them.
type chain struct {
	do       bool
	rcode    int
	section  []dns.RR // the answer section, owners in lower case
	names    []string // QNAME and every target reached, in order
	records  []dns.RR // what is kept
	positive bool     // there are records at the last name
}

// follow walks from QNAME to the RRset of QTYPE and keeps what it passes.
func follow(q Question, m *dns.Msg) (*chain, error) {
	qname, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		return nil, fmt.Errorf("QNAME: %v", err)
	}
	c := &chain{do: q.DO, rcode: m.Rcode, section: lowerOwners(m.Answer), names: []string{strings.ToLower(qname)}}
	for {
		next, err := c.link(q.Type)
		if err != nil {
			return nil, err
		}
		if next == "" {
			return c, c.finish(q.Type)
		}
		if slices.Contains(c.names, next) {
			return nil, fmt.Errorf("the chain of CNAMEs comes back to %s", next)
		}
		if c.names = append(c.names, next); len(c.names) > MaxLinks+1 {
			return nil, fmt.Errorf("a chain of more than %d CNAMEs", MaxLinks)
		}
	}
}

// errContradiction is a response that both denies and gives what was asked.
var errContradiction = errors.New("NXDOMAIN with records at the name")

// last is the name the chain has reached.
func (c *chain) last() string {
	return c.names[len(c.names)-1]
}

// finish keeps the RRset of QTYPE at the last name.
func (c *chain) finish(qtype uint16) error {
	set, err := c.rrset(c.section, c.last(), qtype)
	if err != nil {
		return err
	}
	if len(set) > 0 && c.rcode == dns.RcodeNameError {
		return errContradiction
	}
	c.records = append(c.records, set...)
	c.positive = len(set) > 0
	return nil
}

// link keeps the CNAME or DNAME at the last name and returns its target, ""
// where the chain ends. A DNAME above hides what is at the name (RFC 6672
// section 2.4); a CNAME hides all but itself (RFC 1034 section 3.6.2).
func (c *chain) link(qtype uint16) (next string, err error) {
	if owner := c.dnameAbove(); owner != "" {
		return c.dnameLink(owner)
	}
	if qtype == dns.TypeCNAME || qtype == dns.TypeANY {
		return "", nil
	}
	set, err := c.rrset(c.section, c.last(), dns.TypeCNAME)
	if err != nil || len(set) == 0 {
		return "", err
	}
	cname, err := single[*dns.CNAME](set)
	if err != nil {
		return "", err
	}
	c.records = append(c.records, set...)
	return strings.ToLower(cname.Target), nil
}

// dnameAbove is the owner of a DNAME that applies to the last name, or "".
func (c *chain) dnameAbove() string {
	for _, rr := range c.section {
		h := rr.Header()
		if h.Rrtype == dns.TypeDNAME && h.Class == dns.ClassINET && h.Name != c.last() && within(c.last(), h.Name) {
			return h.Name
		}
	}
	return ""
}

// dnameLink keeps the DNAME and the CNAME that follows from it, which is made
// where the server left it out and checked where not (RFC 6672 section 3.1).
func (c *chain) dnameLink(owner string) (next string, err error) {
	set, err := c.rrset(c.section, owner, dns.TypeDNAME)
	if err != nil {
		return "", err
	}
	dname, err := single[*dns.DNAME](set)
	if err != nil {
		return "", err
	}
	c.records = append(c.records, set...)
	target, ok := substitute(c.last(), owner, dname.Target)
	if !ok {
		if c.rcode == dns.RcodeYXDomain { // RFC 6672 section 2.2
			return "", nil
		}
		return "", fmt.Errorf("the DNAME at %s makes a name that is too long", owner)
	}
	return strings.ToLower(target), c.keepSynthesized(target, dname.Hdr.Ttl)
}

// keepSynthesized keeps the CNAME from the last name to target.
func (c *chain) keepSynthesized(target string, ttlSeconds uint32) error {
	set, err := c.rrset(c.section, c.last(), dns.TypeCNAME)
	if err != nil {
		return err
	}
	if len(set) == 0 {
		header := dns.RR_Header{Name: c.last(), Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttlSeconds}
		c.records = append(c.records, &dns.CNAME{Hdr: header, Target: target})
		return nil
	}
	cname, err := single[*dns.CNAME](set)
	if err != nil {
		return err
	}
	if !strings.EqualFold(cname.Target, target) {
		return fmt.Errorf("the CNAME at %s does not follow from the DNAME above it", c.last())
	}
	c.records = append(c.records, set...)
	return nil
}

// substitute replaces the suffix owner of name by target (RFC 6672 section
// 2.2); it is not ok where no name is that long.
func substitute(name, owner, target string) (substituted string, ok bool) {
	prefix := name
	if owner != "." {
		prefix = strings.TrimSuffix(name, owner)
	}
	substituted = prefix
	if target != "." {
		substituted += target
	}
	_, ok = dns.IsDomainName(substituted)
	return substituted, ok
}

// single is the one record of an RRset that can hold one only; its RRSIGs may
// stand behind it.
func single[T dns.RR](set []dns.RR) (T, error) {
	var none T
	if len(set) > 1 && isSignature(set[1]) == 0 {
		return none, fmt.Errorf("several %s records at %s", dns.Type(set[1].Header().Rrtype), set[1].Header().Name)
	}
	one, ok := set[0].(T)
	if !ok {
		return none, fmt.Errorf("a record at %s that is not of its type", set[0].Header().Name)
	}
	return one, nil
}

// within reports whether name is zone or below it. Both are in lower case.
func within(name, zone string) bool {
	return strings.HasSuffix(name, zone) && dns.IsSubDomain(zone, name)
}
