package resolver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// asking is a query that asks for structured errors, with room for size octets.
func asking(qname string, qtype uint16, size uint16) *dns.Msg {
	m := question(qname, qtype)
	opt := m.IsEdns0()
	opt.SetUDPSize(size)
	opt.Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: structuredOption}}
	return m
}

const structuredOrders = `
id: plain
authority: {kind: court, name: Court of <Milan> & "Co"}
block: [plain.test]
---
id: text
authority: {kind: court, name: Court}
reference: {databases: [{db: lumen, id: "12345"}]}
answer: {action: notice, text: {it: Bloccato, en: "Blocked by order"}}
block: [text.test]
---
id: hidden
authority: {kind: police, name: Police}
publicity: hidden
reference: {databases: [{db: lumen, id: "6"}]}
answer: {action: refuse, text: {en: hidden.test is blocked}}
block: [hidden.test]
---
id: own
authority: {kind: operator, name: Ourselves}
answer: {action: nodata}
block: [own.test]
`

func TestRespond_clientsThatAskGetStructuredErrors(t *testing.T) {
	w := newWorld(t, structuredOrders, "www.free.test. 300 IN CNAME plain.test.", "svc.free.test. 300 IN HTTPS 1 text.test.")
	const contact = `{"c":["mailto:legal@isp.example"],`
	plain := `16 ` + contact + `"j":"plain: Court of <Milan> & \"Co\"","o":"Example ISP","l":"en"}`
	text := `16 ` + contact + `"j":"Blocked by order","o":"Example ISP","l":"en","fdbs":[{"db":"lumen","id":"12345"}]}`
	cases := []struct {
		name, qname string
		qtype       uint16
		want        string
	}{
		{"nxdomain", "www.plain.test", dns.TypeA, plain},
		{"notice without Forged Answer", "text.test", dns.TypeA, text},
		{"notice without an address of the family", "text.test", dns.TypeMX, text},
		{"refuse, hidden: the authority's kind alone", "hidden.test", dns.TypeA, `16 ` + contact + `"j":"police","o":"Example ISP","l":"en"}`},
		{"operator's own: a sub-error", "own.test", dns.TypeA, `15 ` + contact + `"j":"own: Ourselves","s":5,"o":"Example ISP","l":"en"}`},
		{"at the end of a chain", "www.free.test", dns.TypeA, plain},
		{"an SVCB target", "svc.free.test", dns.TypeHTTPS, text},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := w.ask(t, asking(c.qname, c.qtype, 1232))
			if !slices.Equal(errorsOf(got), []string{c.want}) {
				t.Errorf("got EDE\n%q, want\n%q", errorsOf(got), c.want)
			}
		})
	}
}

func TestRespond_structuredErrorsAreForWhoAsksOnly(t *testing.T) {
	w := newWorld(t, structuredOrders)
	plain := []string{"4 text: Court", "16 text: Court"}
	withOption := func(options ...dns.EDNS0) *dns.Msg {
		m := question("text.test", dns.TypeA)
		m.IsEdns0().Option = options
		return m
	}
	cases := []struct {
		name       string
		query      *dns.Msg
		structured bool
	}{
		{"no option", withOption(), false},
		{"with data, which is to be ignored", withOption(&dns.EDNS0_LOCAL{Code: structuredOption, Data: []byte{0}}), false},
		{"another option", withOption(&dns.EDNS0_LOCAL{Code: structuredOption + 1}), false},
		{"option 0", withOption(&dns.EDNS0_LOCAL{Code: 0}), false},
		{"behind another option", withOption(&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"},
			&dns.EDNS0_LOCAL{Code: structuredOption}), true},
		{"twice, once with data", withOption(&dns.EDNS0_LOCAL{Code: structuredOption, Data: []byte{0}},
			&dns.EDNS0_LOCAL{Code: structuredOption}), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := errorsOf(w.ask(t, c.query))
			if structured := len(got) == 1 && strings.HasPrefix(got[0], "16 {"); structured != c.structured || !structured && !slices.Equal(got, plain) {
				t.Errorf("got %q, want structured: %v", got, c.structured)
			}
		})
	}
	w.structuredOption = 0
	for _, code := range []uint16{structuredOption, 0} {
		if got := errorsOf(w.ask(t, withOption(&dns.EDNS0_LOCAL{Code: code}))); !slices.Equal(got, plain) {
			t.Errorf("switched off, option %d: got %q, want %q", code, got, plain)
		}
	}
}

func TestRespond_structuredErrorsShrinkToTheReply(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("because ", 60))
	w := newWorld(t, fmt.Sprintf(`
id: long
authority: Court
answer: {text: {en: %[1]q}, action: notice, notice: {ipv4: [%[2]s]}}
block: [long.test]
---
id: own
authority: {kind: operator, name: Ourselves}
answer: {text: {en: %[1]q}}
block: [own.test]
`, long, strings.Repeat("192.0.2.1, ", 15)+"192.0.2.2"))
	cases := []struct {
		name, qname string
		size        uint16
		answers     int
		want        string
	}{
		{"everything fits", "long.test", 1232, 16, `16 {"c":["mailto:legal@isp.example"],"j":"` + long + `","o":"Example ISP","l":"en"}`},
		{"without j, o and l", "long.test", 512, 16, `16 {"c":["mailto:legal@isp.example"]}`},
		{"the sub-error stays", "own.test", 512, 0, `15 {"c":["mailto:legal@isp.example"],"s":5}`},
		{"without text", strings.Repeat("a.", 102) + "long.test", 512, 16, "16 "},
		{"truncated", strings.Repeat("a.", 118) + "long.test", 512, 0, "16 "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := w.ask(t, asking(c.qname, dns.TypeA, c.size))
			if !slices.Equal(errorsOf(got), []string{c.want}) || len(got.Answer) != c.answers {
				t.Errorf("got %d answers and EDE\n%q, want %d and\n%q", len(got.Answer), errorsOf(got), c.answers, c.want)
			}
			if want := c.name == "truncated"; got.Truncated != want {
				t.Errorf("got TC %v, want %v", got.Truncated, want)
			}
		})
	}
}

// withErrors is a reply that passes on these errors of an upstream.
func withErrors(t *testing.T, q *dns.Msg, errors ...dns.EDNS0_EDE) *dns.Msg {
	t.Helper()
	packet, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	query := &Query{Packet: packet}
	if code := query.parse(structuredOption); code != rcodeNoError {
		t.Fatalf("got RCODE %d, want none", code)
	}
	w := query.begin(rcodeNoError)
	reply := new(dns.Msg)
	if err := reply.Unpack(w.finish(rcodeNoError, packEDE(errors))); err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestFinish_rfc8914DroppedErrorsSetTC(t *testing.T) {
	for _, c := range []struct {
		name string
		text int
		want int
	}{{"fits", 200, 2}, {"does not fit", 300, 0}} {
		t.Run(c.name, func(t *testing.T) {
			e := dns.EDNS0_EDE{InfoCode: 6, ExtraText: strings.Repeat("x", c.text)}
			q := question("free.test", dns.TypeA)
			q.IsEdns0().SetUDPSize(512)
			got := withErrors(t, q, e, e)
			if len(errorsOf(got)) != c.want || got.Truncated != (c.want == 0) {
				t.Errorf("got %d errors, TC %v, want %d, TC %v", len(errorsOf(got)), got.Truncated, c.want, c.want == 0)
			}
		})
	}
}

func TestFinish_forgedAnswerIsNotPassedOnToWhoAsksForStructuredErrors(t *testing.T) {
	forged, blocked := dns.EDNS0_EDE{InfoCode: 4, ExtraText: "f"}, dns.EDNS0_EDE{InfoCode: 15, ExtraText: "b"}
	if got, want := errorsOf(withErrors(t, asking("free.test", dns.TypeA, 1232), forged, blocked, forged)), []string{"15 b"}; !slices.Equal(got, want) {
		t.Errorf("asked for: got %q, want %q", got, want)
	}
	if got, want := errorsOf(withErrors(t, question("free.test", dns.TypeA), forged, blocked)), []string{"4 f", "15 b"}; !slices.Equal(got, want) {
		t.Errorf("not asked for: got %q, want %q", got, want)
	}
}

// TestRESINFO_listsEveryErrorGivenHere reads exterr as RFC 9606 section 5 has
// it: single codes and ranges.
func TestRESINFO_listsEveryErrorGivenHere(t *testing.T) {
	var got []int
	for part := range strings.SplitSeq(edeGiven, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, _ := strconv.Atoi(first)
		to, _ := strconv.Atoi(last)
		for code := from; code <= to; code++ {
			got = append(got, code)
		}
	}
	want := []int{edeOther, edeStaleAnswer, edeForgedAnswer, edeCachedError, edeBlocked, edeCensored, edeProhibited,
		edeStaleNXDomain, edeNotAuthoritative, edeNoReachableAuthority, edeNetworkError}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRespond_resinfoNeedsNoRD(t *testing.T) {
	w := newWorld(t, everyAction)
	m := question("resolver.arpa", dns.TypeRESINFO)
	m.RecursionDesired = false // RFC 9606 section 3: clients clear it, and want AA
	got := w.ask(t, m)
	if got.Rcode != dns.RcodeSuccess || !got.Authoritative || len(got.Answer) != 1 {
		t.Errorf("got %v, want one record and AA", got)
	}
}

func TestResolverInfo_theLongestURLFits(t *testing.T) {
	rdata := resolverInfo(strings.Repeat("u", MaxInfoURL))
	if last := rdata[1+int(rdata[0]):]; int(last[0]) != len(last)-1 {
		t.Errorf("got a string of %d octets with length %d", len(last)-1, last[0])
	}
}
