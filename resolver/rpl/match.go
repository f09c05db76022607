package rpl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// Answers reports whether the entry is for a query that bailiff sent.
func (e *Entry) Answers(query *dns.Msg, over exchange.Transport) bool {
	return e.Mismatch(query, over) == ""
}

// Mismatch says in what a message differs from the entry in what its MATCH
// lines name; it is empty where it does not. Names are compared regardless of
// case, records regardless of their order.
func (e *Entry) Mismatch(m *dns.Msg, over exchange.Transport) string {
	for _, c := range comparisons {
		if e.Match&c.of == 0 {
			continue
		}
		if got, want := c.show(e, m), c.show(e, e.Message); got != want {
			return fmt.Sprintf("%s: got %s, want %s", c.name, got, want)
		}
	}
	return e.mismatchElse(m, over)
}

// comparison is something that a message and an entry's message may differ in.
type comparison struct {
	name string
	of   Match // any of these asks for it
	show func(e *Entry, m *dns.Msg) string
}

// comparisons are in the order in which a reader wants to know.
var comparisons = []comparison{
	{"opcode", MatchOpcode | MatchAll, func(_ *Entry, m *dns.Msg) string { return dns.OpcodeToString[m.Opcode] }},
	{"rcode", MatchRcode | MatchAll, func(_ *Entry, m *dns.Msg) string { return dns.RcodeToString[m.Rcode] }},
	{"flags", MatchFlags | MatchAll, func(_ *Entry, m *dns.Msg) string { return flags(m) }},
	{"qtype", MatchQtype, func(_ *Entry, m *dns.Msg) string { return qtype(m) }},
	{"qname", MatchQname, func(_ *Entry, m *dns.Msg) string { return strings.ToLower(qname(m)) }},
	{"qcase", MatchQcase, func(_ *Entry, m *dns.Msg) string { return qname(m) }},
	{"question", MatchQuestion | MatchAll, func(_ *Entry, m *dns.Msg) string { return question(m) }},
	{"answer", MatchAnswer | MatchAll, func(e *Entry, m *dns.Msg) string { return e.records(m.Answer) }},
	{"authority", MatchAuthority | MatchAll, func(e *Entry, m *dns.Msg) string { return e.records(e.promised(m.Ns)) }},
}

// mismatchElse compares what is not in the entry's message.
func (e *Entry) mismatchElse(m *dns.Msg, over exchange.Transport) string {
	opt := m.IsEdns0()
	wants := func(what Match) bool { return e.Match&what != 0 }
	switch {
	case wants(MatchSubdomain) && !dns.IsSubDomain(strings.ToLower(qname(e.Message)), strings.ToLower(qname(m))):
		return fmt.Sprintf("qname: got %s, want one below %s", qname(m), qname(e.Message))
	case wants(MatchDO) && (opt == nil || !opt.Do()):
		return "no DO bit"
	case wants(MatchNoEDNS) && opt != nil:
		return "an OPT record"
	case wants(MatchTransport) && over != e.Transport:
		return fmt.Sprintf("transport: got %v, want %v", over, e.Transport)
	case wants(MatchSerial) && !slices.ContainsFunc(m.Ns, e.hasSerial):
		return fmt.Sprintf("no SOA of serial %d", e.Serial)
	case wants(MatchAnyEDE) && len(extendedErrors(opt)) == 0:
		return "no extended error"
	case wants(MatchEDE) && !slices.ContainsFunc(extendedErrors(opt), e.promisesEDE):
		return fmt.Sprintf("extended errors: got %v, want %d", extendedErrors(opt), e.EDE)
	}
	return ""
}

// hasSerial reports whether a record is the SOA that MATCH serial= asks for.
func (e *Entry) hasSerial(rr dns.RR) bool {
	soa, ok := rr.(*dns.SOA)
	return ok && soa.Serial == e.Serial
}

// qname is the message's QNAME, empty where there is no question.
func qname(m *dns.Msg) string {
	if len(m.Question) == 0 {
		return ""
	}
	return m.Question[0].Name
}

// qtype is the message's QTYPE, empty where there is no question.
func qtype(m *dns.Msg) string {
	if len(m.Question) == 0 {
		return ""
	}
	return dns.Type(m.Question[0].Qtype).String()
}

// question shows the question section, names in lower case.
func question(m *dns.Msg) string {
	var all []string
	for _, q := range m.Question {
		all = append(all, strings.ToLower(q.Name)+" "+dns.Class(q.Qclass).String()+" "+dns.Type(q.Qtype).String())
	}
	return strings.Join(all, ", ")
}

// flags are the flags of the header that are set.
func flags(m *dns.Msg) string {
	var all []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"QR", m.Response}, {"AA", m.Authoritative}, {"TC", m.Truncated}, {"RD", m.RecursionDesired},
		{"RA", m.RecursionAvailable}, {"AD", m.AuthenticatedData}, {"CD", m.CheckingDisabled},
	} {
		if f.set {
			all = append(all, f.name)
		}
	}
	return strings.Join(all, " ")
}

// records shows a section so that equal ones look the same: sorted, in lower
// case where names are, with TTLs where they matter.
func (e *Entry) records(section []dns.RR) string {
	lines := make([]string, len(section))
	for i, rr := range section {
		rr = asSent(rr)
		if e.Match&MatchTTL == 0 {
			rr.Header().Ttl = 0
		}
		rr.Header().Name = strings.ToLower(rr.Header().Name)
		LowerRDATA(rr)
		lines[i] = strings.Join(strings.Fields(rr.String()), " ")
	}
	slices.Sort(lines)
	return "[" + strings.Join(lines, "; ") + "]"
}

// asSent is a copy of a record as it comes out of a packet: what files spell in
// several ways looks the same then.
func asSent(rr dns.RR) dns.RR {
	var packet [dns.MaxMsgSize]byte
	if end, err := dns.PackRR(rr, packet[:], 0, nil, false); err == nil {
		if sent, _, err := dns.UnpackRR(packet[:end], 0); err == nil {
			return sent
		}
	}
	return dns.Copy(rr)
}

// LowerRDATA puts the names in RDATA into lower case, of the types whose names
// servers compress and thereby spell as they like (RFC 3597 section 4).
func LowerRDATA(rr dns.RR) {
	for _, name := range namesIn(rr) {
		*name = strings.ToLower(*name)
	}
}

// namesIn are the names in the RDATA of such a type.
func namesIn(rr dns.RR) []*string {
	switch rr := rr.(type) {
	case *dns.NS:
		return []*string{&rr.Ns}
	case *dns.CNAME:
		return []*string{&rr.Target}
	case *dns.DNAME:
		return []*string{&rr.Target}
	case *dns.PTR:
		return []*string{&rr.Ptr}
	case *dns.MX:
		return []*string{&rr.Mx}
	case *dns.SOA:
		return []*string{&rr.Ns, &rr.Mbox}
	case *dns.SRV:
		return []*string{&rr.Target}
	case *dns.NSEC:
		return []*string{&rr.NextDomain}
	case *dns.RRSIG:
		return []*string{&rr.SignerName}
	}
	return nil
}

// extendedErrors are the INFO-CODEs of an OPT, which may be nil (RFC 8914
// section 2).
func extendedErrors(opt *dns.OPT) (codes []uint16) {
	if opt == nil {
		return nil
	}
	for _, option := range opt.Option {
		if ede, ok := option.(*dns.EDNS0_EDE); ok {
			codes = append(codes, ede.InfoCode)
		}
	}
	return codes
}
