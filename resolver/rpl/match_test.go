package rpl

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// entry reads an entry.
func entry(t testing.TB, lines ...string) *Entry {
	t.Helper()
	text := "CONFIG_END\nSCENARIO_BEGIN x\nSTEP 1 REPLY\nENTRY_BEGIN\n" + strings.Join(lines, "\n") + "\nENTRY_END\nSCENARIO_END\n"
	return read(t, text).Steps[0].Entry
}

// message is an entry's.
func message(t testing.TB, lines ...string) *dns.Msg { return entry(t, lines...).Message }

func TestMismatch(t *testing.T) {
	const (
		question = "SECTION QUESTION\nwww.example.test. IN A"
		answer   = "SECTION ANSWER\nwww.example.test. 60 IN A 192.0.2.1"
	)
	for _, tt := range []struct {
		name  string
		entry []string
		got   []string
		want  string
	}{
		{"no line says what matters", []string{question}, []string{"REPLY REFUSED"}, ""},
		{"opcode", []string{"MATCH opcode", "REPLY NOTIFY"}, nil, "opcode: got QUERY, want NOTIFY"},
		{"rcode", []string{"MATCH rcode", "REPLY NXDOMAIN"}, nil, "rcode: got NOERROR, want NXDOMAIN"},
		{"flags", []string{"MATCH flags", "REPLY QR AA"}, []string{"REPLY QR RD"}, "flags: got QR RD, want QR AA"},
		{"qtype", []string{"MATCH qtype", question}, []string{"SECTION QUESTION\nother.test. IN MX"}, "qtype: got MX, want A"},
		{"qname in any case", []string{"MATCH qname", question}, []string{"SECTION QUESTION\nWWW.example.test. IN MX"}, ""},
		{"qcase", []string{"MATCH qcase", question}, []string{"SECTION QUESTION\nWWW.example.test. IN A"}, "qcase: got WWW.example.test., want www.example.test."},
		{"a name below", []string{"MATCH subdomain", "SECTION QUESTION\ntest. IN A"}, []string{question}, ""},
		{"a name above", []string{"MATCH subdomain", question}, []string{"SECTION QUESTION\ntest. IN A"}, "qname: got test., want one below www.example.test."},
		{"class", []string{"MATCH question", question}, []string{"SECTION QUESTION\nwww.example.test. CH A"}, "question: got www.example.test. CH A, want www.example.test. IN A"},
		{"TTLs do not matter", []string{"MATCH answer", answer}, []string{strings.ReplaceAll(answer, "60", "30")}, ""},
		{"TTLs matter", []string{"MATCH answer ttl", answer}, []string{strings.ReplaceAll(answer, "60", "30")}, "answer: got [www.example.test. 30 IN A 192.0.2.1], want [www.example.test. 60 IN A 192.0.2.1]"},
		{"the order does not matter", []string{"MATCH answer", answer, "www.example.test. A 192.0.2.2"}, []string{"SECTION ANSWER", "www.example.test. A 192.0.2.2", "WWW.example.test. A 192.0.2.1"}, ""},
		{"a record too many", []string{"MATCH all", answer}, []string{answer, "www.example.test. A 192.0.2.2"}, "answer: got [www.example.test. 0 IN A 192.0.2.1; www.example.test. 0 IN A 192.0.2.2], want [www.example.test. 0 IN A 192.0.2.1]"},
		{"names in RDATA in any case", []string{"MATCH answer", "SECTION ANSWER\na.test. MX 1 B.test."}, []string{"SECTION ANSWER\na.test. MX 1 b.test."}, ""},
		{"DO", []string{"MATCH DO"}, nil, "no DO bit"},
		{"no EDNS", []string{"MATCH noedns"}, []string{"REPLY DO"}, "an OPT record"},
		{"transport", []string{"MATCH TCP"}, nil, "transport: got udp, want tcp"},
		{"serial", []string{"MATCH serial=7"}, []string{"SECTION AUTHORITY\ntest. SOA a. b. 8 0 0 0 0"}, "no SOA of serial 7"},
		{"any extended error", []string{"MATCH ede=any"}, nil, "no extended error"},
		{"name servers are not promised", []string{"MATCH all", "SECTION AUTHORITY\ntest. NS ns.test.", "SECTION ADDITIONAL\nns.test. A 192.0.2.1"}, nil, ""},
		{"the SOA of a negative answer is", []string{"MATCH all", question, "SECTION AUTHORITY\ntest. SOA a. b. 1 2 3 4 5"}, []string{question}, "authority: got [], want [test. 0 IN SOA a. b. 1 2 3 4 5]"},
		{"that of a positive one is not", []string{"MATCH all", question, answer, "SECTION AUTHORITY\ntest. SOA a. b. 1 2 3 4 5"}, []string{question, answer}, ""},
		{"proofs are promised", []string{"MATCH all", "SECTION AUTHORITY\na.test. NSEC b.test. A"}, nil, "authority: got [], want [a.test. 0 IN NSEC b.test. A]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := entry(t, tt.entry...).Mismatch(message(t, tt.got...), exchange.UDP); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMismatch_anExtendedErrorMayBeACaseOfTheOneExpected(t *testing.T) {
	for _, tt := range []struct {
		want uint16
		got  uint16
		ok   bool
	}{{6, 6, true}, {6, 7, true}, {6, 12, true}, {6, 22, false}, {7, 6, false}, {7, 7, true}} {
		m := new(dns.Msg).SetEdns0(1232, false)
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_EDE{InfoCode: tt.got})
		e := &Entry{Match: MatchEDE, EDE: tt.want, Message: new(dns.Msg)}
		if got := e.Mismatch(m, exchange.UDP); (got == "") != tt.ok {
			t.Errorf("got code %d where %d is expected: %q", tt.got, tt.want, got)
		}
	}
}

func TestResponse_adjusted(t *testing.T) {
	query := new(dns.Msg).SetQuestion("WWW.example.test.", dns.TypeA).SetEdns0(4096, true)
	query.Id = 77
	const question = "SECTION QUESTION\nwww.example.test. IN MX"
	for _, tt := range []struct {
		name     string
		dialect  Dialect
		lines    []string
		id       uint16
		question string
		edns     bool
	}{
		{"testbound does not look at IDs", Testbound, []string{question}, 77, "www.example.test. MX", false},
		{"Deckard does", Deckard, []string{question}, 0, "www.example.test. MX", true},
		{"ID, and with it Deckard's spelling", Deckard, []string{"ADJUST copy_id", question}, 77, "WWW.example.test. MX", true},
		{"question", Testbound, []string{"ADJUST copy_query", question}, 77, "WWW.example.test. A", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packet, err := entry(t, tt.lines...).Response(query, tt.dialect)
			m := new(dns.Msg)
			if err != nil || m.Unpack(packet) != nil {
				t.Fatalf("got %x, %v", packet, err)
			}
			if got := qname(m) + " " + qtype(m); m.Id != tt.id || got != tt.question || (m.IsEdns0() != nil) != tt.edns {
				t.Errorf("got ID %d, question %s, OPT %v", m.Id, got, m.IsEdns0())
			}
		})
	}
}

func TestResponse_octetsAndSilence(t *testing.T) {
	query := new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA)
	query.Id = 0x4d4e
	for _, tt := range []struct {
		lines []string
		want  string
	}{
		{[]string{"RAW", "000180"}, "\x00\x01\x80"},
		{[]string{"ADJUST raw_id", "RAW", "000180"}, "MN\x80"},
		{[]string{"HEX_ANSWER_BEGIN", "00 01 80", "HEX_ANSWER_END"}, "MN\x80"},
		{[]string{"ADJUST do_not_answer"}, ""},
	} {
		if packet, err := entry(t, tt.lines...).Response(query, Testbound); string(packet) != tt.want || err != nil {
			t.Errorf("%v: got %q, %v, want %q", tt.lines, packet, err, tt.want)
		}
	}
}
