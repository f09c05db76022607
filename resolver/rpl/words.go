package rpl

import (
	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// Match is a set of what a message must have in common with an entry's.
type Match uint32

// What may be compared. MatchAll is testbound's: header and all sections.
const (
	MatchOpcode Match = 1 << iota
	MatchQtype
	MatchQname
	MatchQcase // the spelling of QNAME too
	MatchSubdomain
	MatchQuestion
	MatchFlags
	MatchRcode
	MatchAnswer
	MatchAuthority
	MatchAdditional
	MatchAll
	MatchTTL // TTLs too, where records are compared
	MatchSerial
	MatchDO
	MatchNoEDNS
	MatchEDE
	MatchAnyEDE
	MatchTransport
)

// matchWords are the words of MATCH lines that have no value.
var matchWords = map[string]Match{
	"opcode": MatchOpcode, "qtype": MatchQtype, "qname": MatchQname, "qcase": MatchQcase,
	"subdomain": MatchSubdomain, "question": MatchQuestion, "flags": MatchFlags, "rcode": MatchRcode,
	"answer": MatchAnswer, "authority": MatchAuthority, "additional": MatchAdditional,
	"all": MatchAll, "all_noedns": MatchAll, "ttl": MatchTTL, "DO": MatchDO, "noedns": MatchNoEDNS,
	"UDP": MatchTransport, "TCP": MatchTransport,
}

// matchTransports are the words of MATCH lines that name one.
var matchTransports = map[string]exchange.Transport{"UDP": exchange.UDP, "TCP": exchange.TCP}

// Adjust is a set of changes to an entry's message before it is sent.
type Adjust uint8

// The changes.
const (
	AdjustID     Adjust = 1 << iota // the query's ID
	AdjustQuery                     // the query's question
	AdjustRawID                     // the query's ID, into raw octets
	AdjustSilent                    // nothing is sent
)

// adjustWords are the words of ADJUST lines.
var adjustWords = map[string]Adjust{
	"copy_id": AdjustID, "copy_query": AdjustQuery, "raw_id": AdjustRawID, "do_not_answer": AdjustSilent,
}

// events are the words behind a step's number. ASSIGN and TRAFFIC are for
// macros and for the order of events inside testbound: nothing happens.
var events = map[string]Event{
	"NOTHING": Nothing, "QUERY": Query, "CHECK_ANSWER": CheckAnswer, "CHECK_OUT_QUERY": CheckOutQuery,
	"REPLY": Reply, "TIMEOUT": Timeout, "ERROR": Failure, "TIME_PASSES": TimePasses,
	"CHECK_UPSTREAM_QUERIES": CheckUpstreams,
}

// hasEntry reports whether an entry follows the step.
func (e Event) hasEntry() bool {
	return e == Query || e == CheckAnswer || e == CheckOutQuery || e == Reply
}

// opcodeWords and rcodeWords are the words of REPLY lines that stand for a number.
var (
	opcodeWords = map[string]int{
		"QUERY": dns.OpcodeQuery, "IQUERY": dns.OpcodeIQuery, "STATUS": dns.OpcodeStatus,
		"NOTIFY": dns.OpcodeNotify, "UPDATE": dns.OpcodeUpdate,
	}
	rcodeWords = map[string]int{
		"NOERROR": dns.RcodeSuccess, "FORMERR": dns.RcodeFormatError, "SERVFAIL": dns.RcodeServerFailure,
		"NXDOMAIN": dns.RcodeNameError, "NOTIMPL": dns.RcodeNotImplemented, "NOTIMP": dns.RcodeNotImplemented,
		"REFUSED": dns.RcodeRefused, "YXDOMAIN": dns.RcodeYXDomain, "YXRRSET": dns.RcodeYXRrset,
		"NXRRSET": dns.RcodeNXRrset, "NOTAUTH": dns.RcodeNotAuth, "NOTZONE": dns.RcodeNotZone, "BADVERS": dns.RcodeBadVers,
	}
)

// setFlag sets the header flag of that name, and reports whether there is one.
func setFlag(m *dns.Msg, name string) bool {
	flag := map[string]*bool{
		"QR": &m.Response, "AA": &m.Authoritative, "TC": &m.Truncated, "RD": &m.RecursionDesired,
		"RA": &m.RecursionAvailable, "AD": &m.AuthenticatedData, "CD": &m.CheckingDisabled,
	}[name]
	if flag != nil {
		*flag = true
	}
	return flag != nil
}
