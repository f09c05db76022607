package probing

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// expectation is the answer that an order makes: what a client must see, in
// the words of the order files' documentation and not of the code that writes
// it.
type expectation struct {
	order     *policy.Order // nil: no order answers
	rcode     int
	addresses [][]byte // of the notice, sorted
	soaOwner  string   // of a negative answer; empty: there is none
	ttl       uint32   // no TTL may be longer
	codes     []uint16 // of the extended errors, in their order
}

// longText is from which length on an EXTRA-TEXT may be left out: with 16
// addresses it does not fit 1,232 octets twice.
const longText = 256

// expect is what the law asks for.
func expect(law *policy.Snapshot, client netip.Addr, q *question, now time.Time) expectation {
	var room [8]policy.Match
	matches, answers := law.Match(&q.name, client, room[:0])
	if answers < 0 {
		return expectation{}
	}
	m := &matches[answers]
	e := expectation{order: m.Order, ttl: m.TTLSeconds(now), codes: []uint16{dns.ExtendedErrorCodeCensored}}
	if m.Order.Authority.Kind == order.KindOperator {
		e.codes[0] = dns.ExtendedErrorCodeBlocked
	}
	switch m.Order.Answer.Action {
	case order.ActionRefuse:
		e.rcode = dns.RcodeRefused
		return e
	case order.ActionNXDOMAIN:
		e.rcode = dns.RcodeNameError
	case order.ActionNotice:
		if e.addresses = noticeOf(m.Order, q.qtype); len(e.addresses) > 0 {
			e.codes = append([]uint16{dns.ExtendedErrorCodeForgedAnswer}, e.codes...)
			return e
		}
	}
	e.soaOwner = presentation(q.name.Suffix(m.OwnerLabel))
	return e
}

func noticeOf(o *policy.Order, qtype uint16) [][]byte {
	addresses := o.IPv4
	if qtype == dns.TypeAAAA {
		addresses = o.IPv6
	}
	return slices.SortedFunc(slices.Values(addresses), bytes.Compare)
}

func presentation(wire []byte) string { return name.Name(wire).String() + "." }

const noAnswer = "no order's answer"

// silence reports whether no answer is the answer.
func (e *expectation) silence() bool {
	return e.order != nil && e.order.Answer.Action == order.ActionDrop
}

// String says what is expected.
func (e *expectation) String() string {
	if e.order == nil {
		return noAnswer
	}
	return fmt.Sprintf("%s by order %s", e.order.Answer.Action, e.order.ID)
}

// differs says in what a reply is not the answer expected, "" if it is. It
// tells no name.
func (e *expectation) differs(q *question, reply *dns.Msg) string {
	soaOwner, addresses, longest, strange := content(q, reply)
	codes, texts := extendedErrors(reply)
	switch {
	case reply.Rcode != e.rcode:
		return "another RCODE"
	case reply.Authoritative != (e.rcode != dns.RcodeRefused):
		return "another AA bit"
	case strange:
		return "records that are no order's"
	case !slices.EqualFunc(addresses, e.addresses, bytes.Equal):
		return "other addresses"
	case soaOwner != e.soaOwner:
		return "no SOA, or one of another owner"
	case longest > e.ttl:
		return fmt.Sprintf("a TTL of %d s, over %d s", longest, e.ttl)
	case !slices.Equal(codes, e.codes):
		return "other extended errors"
	}
	for _, text := range texts {
		if text != e.order.ExtraText && (text != "" || len(e.order.ExtraText) < longText) {
			return "another EXTRA-TEXT"
		}
	}
	return ""
}

// content reads the records of a reply: the owner of its SOA, the addresses for
// QNAME, sorted, and the longest TTL. Anything else is strange.
func content(q *question, reply *dns.Msg) (soaOwner string, addresses [][]byte, longest uint32, strange bool) {
	qname := presentation(q.name.Wire())
	for _, rr := range reply.Answer {
		h := rr.Header()
		longest = max(longest, h.Ttl)
		address := addressOf(rr)
		strange = strange || h.Rrtype != q.qtype || !address.IsValid() || !strings.EqualFold(h.Name, qname)
		addresses = append(addresses, address.AsSlice())
	}
	slices.SortFunc(addresses, bytes.Compare)
	for _, rr := range reply.Ns {
		soa, isSOA := rr.(*dns.SOA)
		if !isSOA || soaOwner != "" {
			return "", addresses, longest, true
		}
		soaOwner, longest = strings.ToLower(soa.Hdr.Name), max(longest, soa.Hdr.Ttl, soa.Minttl)
	}
	return soaOwner, addresses, longest, strange
}

// addressOf is the address of an A or AAAA record, else the zero one.
func addressOf(rr dns.RR) (a netip.Addr) {
	switch rr := rr.(type) {
	case *dns.A:
		a, _ = netip.AddrFromSlice(rr.A)
	case *dns.AAAA:
		a, _ = netip.AddrFromSlice(rr.AAAA)
		return a
	}
	return a.Unmap() // miekg/dns holds IPv4 in 16 octets
}

func extendedErrors(reply *dns.Msg) (codes []uint16, texts []string) {
	if opt := reply.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			if e, ok := o.(*dns.EDNS0_EDE); ok {
				codes, texts = append(codes, e.InfoCode), append(texts, e.ExtraText)
			}
		}
	}
	return codes, texts
}

// blocked is what orders' answers are known by.
type blocked struct {
	texts   map[string]bool // EXTRA-TEXT
	notices map[netip.Addr]bool
}

func newBlocked(orders []*policy.Order) blocked {
	b := blocked{map[string]bool{}, map[netip.Addr]bool{}}
	for _, o := range orders {
		b.texts[o.ExtraText] = true
		for _, address := range slices.Concat(o.IPv4, o.IPv6) {
			a, _ := netip.AddrFromSlice(address)
			b.notices[a] = true
		}
	}
	return b
}

// differs says by what a reply looks like an order's answer, "" if it does not.
// Errors of an upstream that blocks by itself have another text.
func (b blocked) differs(reply *dns.Msg) string {
	for _, rr := range reply.Answer {
		if b.notices[addressOf(rr)] {
			return "a notice's address"
		}
	}
	codes, texts := extendedErrors(reply)
	for i, code := range codes {
		switch code {
		case dns.ExtendedErrorCodeForgedAnswer, dns.ExtendedErrorCodeBlocked, dns.ExtendedErrorCodeCensored:
			if b.texts[texts[i]] {
				return "an order's extended error"
			}
		}
	}
	return ""
}

// summary is a reply in a few words. It tells no name.
func summary(reply *dns.Msg) string {
	words := []string{dns.RcodeToString[reply.Rcode]}
	for _, rr := range reply.Answer {
		if a := addressOf(rr); a.IsValid() && len(words) < 4 {
			words = append(words, a.String())
		}
	}
	codes, texts := extendedErrors(reply)
	for i := range min(len(codes), 2) {
		words = append(words, strings.TrimSpace(fmt.Sprintf("EDE %d %.80q", codes[i], texts[i])))
	}
	return strings.Join(words, " ")
}
