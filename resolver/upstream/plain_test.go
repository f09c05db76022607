package upstream

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// packet is the wire form of a response to q, compressed, with a bare OPT.
func (r response) packet(t testing.TB, q Question) []byte {
	t.Helper()
	qname, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, RecursionAvailable: true, Rcode: r.rcode, Authoritative: r.aa}, Compress: true}
	m.Question = []dns.Question{{Name: qname, Qtype: q.Type, Qclass: dns.ClassINET}}
	m.Answer, m.Ns = records(t, r.answer), records(t, r.ns)
	m.Extra = records(t, r.extra)
	m.SetEdns0(1232, false)
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

// long is a name of 201 octets.
func long(letter string) string {
	return strings.Repeat(strings.Repeat(letter, 49)+".", 4)
}

func TestPlain_takesWhatIsUsual(t *testing.T) {
	tests := []struct {
		name  string
		qtype uint16
		in    response
		want  bool
	}{
		{"addresses", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "www.test. 60 IN A 192.0.2.2"}}, true},
		{"IPv6 addresses", dns.TypeAAAA, response{answer: []string{"www.test. 60 IN AAAA 2001:db8::1"}}, true},
		{"unequal TTLs", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "www.test. 50 IN A 192.0.2.2"}}, true},
		{"a chain", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME a.example.", "a.example. 60 IN CNAME test.", "test. 60 IN A 192.0.2.1"}}, true},
		{"a chain to what is not there", dns.TypeA, response{rcode: dns.RcodeNameError, answer: []string{"www.test. 60 IN CNAME a.test."}, ns: []string{soa}}, true},
		{"a chain to capitals, which answer nothing", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME a.TEST."}, ns: []string{soa}}, true},
		{"a CNAME that was asked for", dns.TypeCNAME, response{answer: []string{"www.test. 60 IN CNAME www.test."}}, true},
		{"a PTR", dns.TypePTR, response{answer: []string{"www.test. 60 IN PTR a.test."}}, true},
		{"NXDOMAIN", dns.TypeMX, response{rcode: dns.RcodeNameError, ns: []string{soa}}, true},
		{"NODATA", dns.TypeHTTPS, response{ns: []string{soa}}, true},
		{"NODATA without a SOA", dns.TypeA, response{}, true},
		{"name servers beside an answer", dns.TypeA, response{answer: addresses(2), ns: []string{"test. 60 IN NS ns.test.", "test. 60 IN NS NS.example."}}, true},
		{"name servers beside a chain to an answer", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME a.test.", "a.test. 50 IN A 192.0.2.1"}, ns: []string{"test. 60 IN NS ns.test."}}, true},
		{"as many name servers as addresses", dns.TypeA, response{answer: addresses(maxPlainRecords), ns: slices.Repeat([]string{"test. 60 IN NS ns.test."}, maxPlainRecords)}, true},
		{"the SOA of the root", dns.TypeA, response{rcode: dns.RcodeNameError, ns: []string{". 60 IN SOA a. b. 1 2 3 4 5"}}, true},

		{"capitals", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME A.test.", "A.test. 60 IN A 192.0.2.1"}}, false},
		{"another record", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "www.test. 60 IN AAAA 2001:db8::1"}}, false},
		{"another owner", dns.TypeA, response{answer: []string{"a.test. 60 IN A 192.0.2.1"}}, false},
		{"another class", dns.TypeA, response{answer: []string{"www.test. 60 CH A 192.0.2.1"}}, false},
		{"the same record twice", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1", "www.test. 60 IN A 192.0.2.1"}}, false},
		{"two names", dns.TypePTR, response{answer: []string{"www.test. 60 IN PTR a.test.", "www.test. 60 IN PTR b.test."}}, false},
		{"a chain of long names", dns.TypeA, response{answer: []string{
			"www.test. 60 IN CNAME " + long("a"), long("a") + " 60 IN CNAME " + long("b"), long("b") + " 60 IN CNAME " + long("c")}}, false},
		{"a chain in another order", dns.TypeA, response{answer: []string{"a.test. 60 IN A 192.0.2.1", "www.test. 60 IN CNAME a.test."}}, false},
		{"a loop", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME a.test.", "a.test. 60 IN CNAME www.test."}}, false},
		{"a DNAME", dns.TypeA, response{answer: []string{"test. 60 IN DNAME example.", "www.test. 60 IN CNAME www.example."}}, false},
		{"another type", dns.TypeTXT, response{answer: []string{`www.test. 60 IN TXT "x"`}}, false},
		{"ANY", dns.TypeANY, response{answer: []string{"www.test. 60 IN CNAME a.test."}}, false},
		{"records beside an answer", dns.TypeA, response{answer: []string{"www.test. 60 IN A 192.0.2.1"}, ns: []string{soa}}, false},
		{"name servers of another class", dns.TypeA, response{answer: addresses(1), ns: []string{"test. 60 CH NS ns.test."}}, false},
		{"name servers beside a chain to nothing", dns.TypeA, response{answer: []string{"www.test. 60 IN CNAME a.test."}, ns: []string{"test. 60 IN NS ns.test."}}, false},
		{"NXDOMAIN with data and name servers", dns.TypeA, response{rcode: dns.RcodeNameError, answer: addresses(1), ns: []string{"test. 60 IN NS ns.test."}}, false},
		{"more name servers than a screenful", dns.TypeA, response{answer: addresses(1), ns: slices.Repeat([]string{"test. 60 IN NS ns.test."}, maxPlainRecords+1)}, false},
		{"name servers", dns.TypeA, response{ns: []string{"test. 60 IN NS ns.test."}}, false},
		{"a SOA below", dns.TypeA, response{ns: []string{"a.www." + soa}}, false},
		{"a SOA elsewhere", dns.TypeA, response{ns: []string{strings.ReplaceAll(soa, "test.", "est.")}}, false},
		{"NXDOMAIN with data", dns.TypeA, response{rcode: dns.RcodeNameError, answer: []string{"www.test. 60 IN A 192.0.2.1"}}, false},
		{"YXDOMAIN", dns.TypeA, response{rcode: dns.RcodeYXDomain, ns: []string{soa}}, false},
		{"SERVFAIL", dns.TypeA, response{rcode: dns.RcodeServerFailure}, false},
		{"more than a screenful", dns.TypeA, response{answer: addresses(maxPlainRecords + 1)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, "www.test")
			q.Type = tt.qtype
			packet := tt.in.packet(t, q)
			if _, got := plain(q, bytes.Clone(packet)); got != tt.want {
				t.Errorf("got %v, want %v for % x", got, tt.want, packet)
			}
			checkPlain(t, q, packet)
		})
	}
}

// aRecord is an A record of www.test, but for its RDATA.
const aRecord = "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c"

func TestPlain_octetByOctet(t *testing.T) {
	label := "\x3f" + strings.Repeat("x", 63)
	cname := func(ttl, target string) string {
		return "\xc0\x0c\x00\x05\x00\x01" + ttl + "\x00" + string([]byte{byte(len(target))}) + target
	}
	const ttl = "\x00\x00\x00\x3c"
	tests := []struct {
		name   string
		header string // from the third octet on
		rest   string // one answer record
		want   bool
	}{
		{"an address", "", aRecord + "\x00\x04abcd", true},
		{"a target that ends at the question's", "", cname(ttl, "\x01a\xc0\x0c"), true},
		{"a target through a pointer to a pointer", "", cname(ttl, "\x01a\xc0\x1a"), true},
		{"a target that is the question's zero octet", "", cname(ttl, "\xc0\x15"), true},
		{"a target of 255 octets", "", cname(ttl, label+label+label+"\x34"+strings.Repeat("y", 52)+"\xc0\x0c"), true},
		{"a target of 256 octets", "", cname(ttl, label+label+label+"\x35"+strings.Repeat("y", 53)+"\xc0\x0c"), false},
		{"truncated", "\x82", aRecord + "\x00\x04abcd", false},
		{"an address of five octets", "", aRecord + "\x00\x05abcde", false},
		{"an address that is cut off", "", aRecord + "\x00\x04abc", false},
		{"an IPv6 address of four octets", "", strings.Replace(aRecord, "\x01", "\x1c", 1) + "\x00\x04abcd", false},
		{"a record that is cut off", "", aRecord, false},
		{"a target that leaves octets over", "", cname(ttl, "\x01a\x00a"), false},
		{"a target beyond its record", "", cname(ttl, "\x01a") + "\x00", false},
		{"a target that leads to itself", "", cname(ttl, "\xc0\x26"), false},
		{"a target that leads forward", "", cname(ttl, "\xc0\x28\x00"), false},
		{"a target that leads to the header", "", cname(ttl, "\x01a\xc0\x0a"), false},
		{"a target that ends in a TTL", "", cname("\x01x\x00\x00", "\x01a\xc0\x20"), false},
		{"a target that leads on through a TTL", "", cname("\x01x\xc0\x0c", "\x01a\xc0\x20"), false},
		{"a label of 64 octets", "", cname(ttl, "\x40"+strings.Repeat("x", 64)+"\x00"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, "www.test")
			if tt.rest[3] != byte(dns.TypeA) {
				q.Type = dns.TypeAAAA
			}
			packet := respondTo(q, []byte("\x07\x07"+tt.header), []byte(tt.rest))
			packet[anCount+1] = 1
			copy(packet[headerOctets+1:], "WwW")
			if _, got := plain(q, bytes.Clone(packet)); got != tt.want {
				t.Errorf("got %v, want %v for %q", got, tt.want, packet)
			}
			checkPlain(t, q, packet)
		})
	}
}

func TestPlain_nameServersOctetByOctet(t *testing.T) {
	const ns = "\xc0\x10\x00\x02\x00\x01\x00\x00\x00\x3c"
	for _, tt := range []struct {
		name, record string
		want         bool
	}{
		{"a name server", ns + "\x00\x04\x01a\xc0\x10", true},
		{"an owner in what is not kept", "\x01b\x00\x00\x02\x00\x01\x00\x00\x00\x3c" + "\x00\x02\xc0\x2a", true},
		{"a name that leaves octets over", ns + "\x00\x04\x01a\x00a", false},
		{"a name beyond its record", ns + "\x00\x02\x01a\x00", false},
		{"a name that leads to itself", ns + "\x00\x02\xc0\x36", false},
		{"a name that is cut off", ns + "\x00\x04\x01a", false},
		{"no name", ns + "\x00\x00", false},
		{"another type", strings.Replace(ns, "\x02", "\x0c", 1) + "\x00\x04\x01a\xc0\x10", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, "www.test")
			packet := respondTo(q, []byte("\x07\x07"), []byte(aRecord+"\x00\x04abcd"+tt.record))
			packet[anCount+1], packet[nsCount+1] = 1, 1
			a, got := plain(q, bytes.Clone(packet))
			if got != tt.want {
				t.Fatalf("got %v, want %v for %q", got, tt.want, packet)
			}
			if got && !bytes.HasSuffix(a.Message, []byte("abcd")) {
				t.Errorf("got %q, want nothing behind the address", a.Message)
			}
			checkPlain(t, q, packet)
		})
	}
}

func TestPlain_followsElevenLinks(t *testing.T) {
	for links, want := range map[int]bool{MaxLinks: true, MaxLinks + 1: false} {
		q := ask(t, "n0.test")
		if _, got := plain(q, response{answer: chainOf(links)}.packet(t, q)); got != want {
			t.Errorf("%d links: got %v, want %v", links, got, want)
		}
	}
}

func TestPlain_additionalRecords(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(m *dns.Msg)
		want   bool
	}{
		{"a bare OPT", func(*dns.Msg) {}, true},
		{"none", func(m *dns.Msg) { m.Extra = nil }, true},
		{"an extended error", func(m *dns.Msg) {
			m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 3}}
		}, false},
		{"an extended RCODE", func(m *dns.Msg) { m.Rcode = dns.RcodeBadVers }, false},
		{"an address, and no OPT", func(m *dns.Msg) { m.Extra = records(t, []string{"www.test. 60 IN A 192.0.2.1"}) }, true},
		{"addresses before the OPT and behind it", func(m *dns.Msg) {
			m.Extra = slices.Concat(records(t, []string{"ns.test. 60 IN A 192.0.2.1"}), m.Extra, records(t, []string{"ns.test. 60 IN AAAA 2001:db8::1"}))
		}, true},
		{"an address of another class", func(m *dns.Msg) { m.Extra = records(t, []string{"www.test. 60 CH A 192.0.2.1"}) }, false},
		{"text", func(m *dns.Msg) { m.Extra = records(t, []string{`www.test. 60 IN TXT "x"`}) }, false},
		{"two OPTs", func(m *dns.Msg) { m.Extra = append(m.Extra, m.Extra[0]) }, false},
		{"more than a screenful", func(m *dns.Msg) { m.Extra = records(t, addresses(maxPlainRecords+1)) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := ask(t, "www.test")
			m := new(dns.Msg)
			if err := m.Unpack(response{answer: addresses(1)}.packet(t, q)); err != nil {
				t.Fatal(err)
			}
			tt.change(m)
			packet, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			if _, got := plain(q, bytes.Clone(packet)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if _, got := plain(q, append(bytes.Clone(packet), 0)); got {
				t.Errorf("got true with an octet behind the records")
			}
			if _, got := plain(q, packet[:len(packet)-1]); got {
				t.Errorf("got true with the last octet cut off")
			}
			checkPlain(t, q, packet)
		})
	}
}

func TestRepack_whatDoesNotFitAMessageIsAFailure(t *testing.T) {
	m := &dns.Msg{}
	for i := range maxRecords { // a few octets each where the upstream compresses their targets
		target := strings.Repeat(strings.Repeat("x", 59)+".", 4)
		m.Answer = append(m.Answer, &dns.SRV{
			Hdr:  dns.RR_Header{Name: "big.test.", Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: 300},
			Port: uint16(i), Target: target,
		})
	}
	q := ask(t, "big.test")
	q.Type = dns.TypeSRV
	a, err := repack(q, m)
	if _, ok := err.(*Failure); !ok {
		t.Errorf("got a message of %d octets, error %v, want a *Failure", len(a.Message), err)
	}
}

// checkPlain compares the short way with the general one. It changes nothing.
func checkPlain(t *testing.T, q Question, packet []byte) {
	t.Helper()
	short, ok := plain(q, bytes.Clone(packet))
	if !ok {
		return
	}
	m, err := exchange.Parse(bytes.Clone(packet))
	if err != nil {
		t.Fatalf("plain takes what the library refuses (%v): % x", err, packet)
	}
	long, err := repack(q, m)
	if err != nil {
		t.Fatalf("plain takes what is to be refused (%v): % x", err, packet)
	}
	if got, want := describe(t, short), describe(t, long); got != want {
		t.Fatalf("of % x\nplain makes\n%s\nrepack\n%s", packet, got, want)
	}
	again, ok := plain(q, bytes.Clone(short.Message))
	if !ok || !bytes.Equal(again.Message, short.Message) {
		t.Fatalf("got % x, and % x of that", short.Message, again.Message)
	}
	checkFrozen(t, q, short.Message)
}

// describe prints what an answer means.
func describe(t *testing.T, a Answer) string {
	t.Helper()
	m := unpacked(t, a)
	m.MsgHdr = dns.MsgHdr{Rcode: m.Rcode, AuthenticatedData: m.AuthenticatedData}
	if len(a.EDE) > 0 {
		t.Errorf("got extended errors %v of a response without any", a.EDE)
	}
	return m.String()
}

// checkFrozen overwrites all that a reply may change, and expects the same
// names.
func checkFrozen(t *testing.T, q Question, message []byte) {
	t.Helper()
	names := func(message []byte) string {
		m := unpacked(t, Answer{Message: message})
		m.MsgHdr = dns.MsgHdr{}
		for _, rr := range slices.Concat(m.Answer, m.Ns) {
			rr.Header().Ttl = 0
		}
		return strings.ToLower(m.String())
	}
	aged := bytes.Clone(message)
	copy(aged[:4], []byte{7, 7, bitQR, aged[3] & maskRcode})
	for i, c := range aged[headerOctets : headerOctets+len(q.Name)] {
		if 'a' <= c && c <= 'z' {
			aged[headerOctets+i] = c - 'a' + 'A'
		}
	}
	r := plainReader{packet: message, at: headerOctets + len(q.Name) + 4}
	if !r.answer(q) || !r.authority() {
		t.Fatalf("% x is not plain", message)
	}
	for _, at := range r.ttls[:r.records] {
		copy(aged[at:], "\x00\x00\x00\x07")
	}
	if got, want := names(aged), names(message); got != want {
		t.Fatalf("aged, % x reads\n%s\nwant\n%s", message, got, want)
	}
}

// Bits of the third octet of a header that a response has set, and clear.
const (
	bitQR      = 0x80
	maskOpcode = 0x78
)

// respondTo puts q's question into a packet of any octets.
func respondTo(q Question, header, rest []byte) []byte {
	packet := make([]byte, headerOctets, headerOctets+len(q.Name)+4+len(rest))
	copy(packet, header)
	packet[2] = packet[2]&^maskOpcode | bitQR
	packet[4], packet[5] = 0, 1
	packet = append(packet, q.Name...)
	packet = binary.BigEndian.AppendUint16(packet, q.Type)
	packet = binary.BigEndian.AppendUint16(packet, dns.ClassINET)
	return append(packet, rest...)
}

func FuzzPlain(f *testing.F) {
	q := ask(f, "www.some-zone.test")
	for _, r := range []response{
		{answer: []string{"www.some-zone.test. 60 IN A 192.0.2.1", "www.some-zone.test. 50 IN A 192.0.2.2"}},
		{answer: []string{"www.some-zone.test. 60 IN CNAME some-zone.test.", "some-zone.test. 60 IN CNAME x.example.", "x.example. 9 IN A 192.0.2.1"}},
		{rcode: dns.RcodeNameError, ns: []string{strings.ReplaceAll(soa, "test.", "some-zone.test.")}},
		{answer: []string{"www.some-zone.test. 60 IN A 192.0.2.1"}, ns: []string{"some-zone.test. 60 IN NS ns.some-zone.test."}, extra: []string{"ns.some-zone.test. 60 IN A 192.0.2.2"}},
	} {
		packet := r.packet(f, q)
		f.Add(packet[:headerOctets], packet[headerOctets+len(q.Name)+4:], dns.TypeA, true)
		f.Add(packet[:headerOctets], packet[headerOctets+len(q.Name)+4:], dns.TypeCNAME, false)
	}
	f.Fuzz(func(t *testing.T, header, rest []byte, qtype uint16, do bool) {
		q := q
		q.Type, q.DO = qtype, do
		checkPlain(t, q, respondTo(q, header, rest))
	})
}

// TestPlain_isTheGeneralWayOnRandomResponses goes where fuzzing seldom comes:
// well-formed responses with one thing wrong.
func TestPlain_isTheGeneralWayOnRandomResponses(t *testing.T) {
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	names := []string{"www.some-zone.test.", "some-zone.test.", "a.some-zone.test.", "x.example.", "X.example.", "."}
	types := []uint16{dns.TypeA, dns.TypeA, dns.TypeAAAA, dns.TypeCNAME, dns.TypePTR, dns.TypeANY}
	taken := 0
	for range 80000 {
		q := ask(t, names[random.IntN(3)])
		q.Type, q.DO = types[random.IntN(len(types))], random.IntN(2) == 0
		var r response
		owner := pick(names[:3]...)
		if random.IntN(3) > 0 {
			owner, _, _ = dns.UnpackDomainName(q.Name, 0)
		}
		for range random.IntN(4) {
			target := pick(names...)
			r.answer = append(r.answer, owner+pick(" 60", " 4000000000", " 0")+" IN "+pick("CNAME", "CNAME", "CNAME", "PTR", "NS")+" "+target)
			if random.IntN(4) > 0 {
				owner = target
			}
		}
		for range random.IntN(4) {
			r.answer = append(r.answer, owner+pick(" 60", " 70", " 4000000000")+" IN "+pick("A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", "AAAA ::ffff:192.0.2.1"))
		}
		if random.IntN(2) > 0 {
			r.ns = append(r.ns, pick(names...)+" 60 IN SOA "+pick(names...)+" "+pick(names...)+" 1 2 3 4 5")
		}
		for range max(0, random.IntN(7)-4) {
			r.ns = append(r.ns, pick(names...)+" 60 IN NS "+pick(names...))
		}
		for range max(0, random.IntN(7)-4) {
			r.extra = append(r.extra, pick(names...)+" 60 IN "+pick("A 192.0.2.1", "AAAA 2001:db8::1", "NS "+pick(names...)))
		}
		r.rcode = []int{0, 0, 0, dns.RcodeNameError, dns.RcodeYXDomain, dns.RcodeRefused}[random.IntN(6)]
		packet := r.packet(t, q)
		for range random.IntN(3) {
			if at := random.IntN(len(packet)); at >= headerOctets+len(q.Name)+4 || at == 3 || at == 7 || at == 9 || at == 11 {
				packet[at] = byte(random.IntN(256))
			}
		}
		if _, ok := plain(q, bytes.Clone(packet)); ok {
			taken++
		}
		checkPlain(t, q, packet)
	}
	if taken < 1000 {
		t.Errorf("got %d plain responses, want many: the test shows nothing", taken)
	}
	t.Logf("%d plain", taken)
}
