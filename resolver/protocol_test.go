package resolver

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// packet builds a query from hexadecimal parts; blanks are ignored.
func packet(t testing.TB, parts ...string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	header1     = "beef 0100 0001 0000 0000 0000"
	header1opt  = "beef 0100 0001 0000 0000 0001"
	header2opts = "beef 0100 0001 0000 0000 0002"
	nxTest      = "026e78 0474657374 00"
	aIN         = "0001 0001"
	opt0        = "00 0029 04d0 00 00 0000 0000"
)

func TestRespond_rfc8906(t *testing.T) {
	w := newWorld(t, everyAction)
	const silence = -1
	cases := []struct {
		name   string
		packet []byte
		want   int
	}{
		{"eleven octets", packet(t, "beef 0100 0001 0000 0000 00"), silence},
		{"a response", packet(t, "beef 8100 0001 0000 0000 0000", nxTest, aIN), silence},
		{"header only", packet(t, header1), dns.RcodeFormatError},
		{"no question", packet(t, "beef 0100 0000 0000 0000 0000"), dns.RcodeFormatError},
		{"two questions", packet(t, "beef 0100 0002 0000 0000 0000", nxTest, aIN, nxTest, aIN), dns.RcodeFormatError},
		{"trailing octet", packet(t, header1, nxTest, aIN, "00"), dns.RcodeFormatError},
		{"question cut", packet(t, header1, nxTest, "0001"), dns.RcodeFormatError},
		{"compressed question", packet(t, header1, "c00c", aIN), dns.RcodeFormatError},
		{"label type 0x40", packet(t, header1, "41 61 00", aIN), dns.RcodeFormatError},
		{"label type 0x80", packet(t, header1, "81 61 00", aIN), dns.RcodeFormatError},
		{"name of 256 octets", packet(t, header1, strings.Repeat("01 61", 127)+"01 6100", aIN), dns.RcodeFormatError},
		{"answer without data", packet(t, "beef 0100 0001 0001 0000 0000", nxTest, aIN), dns.RcodeFormatError},
		{"additional without data", packet(t, header1opt, nxTest, aIN), dns.RcodeFormatError},
		{"two OPT records", packet(t, header2opts, nxTest, aIN, opt0, opt0), dns.RcodeFormatError},
		{"OPT below the root", packet(t, header1opt, nxTest, aIN, "0161", opt0), dns.RcodeFormatError},
		{"option past RDLENGTH", packet(t, header1opt, nxTest, aIN, "00 0029 04d0 00 00 0000 0005 000a0008 00"), dns.RcodeFormatError},
		{"opcode STATUS", packet(t, "beef 1100 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNotImplemented},
		{"opcode NOTIFY", packet(t, "beef 2100 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNotImplemented},
		{"opcode UPDATE", packet(t, "beef 2900 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNotImplemented},
		{"opcode 15", packet(t, "beef 7900 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNotImplemented},
		{"class CH", packet(t, header1, nxTest, "0010 0003"), dns.RcodeRefused},
		{"class ANY", packet(t, header1, nxTest, "0001 00ff"), dns.RcodeRefused},
		{"class NONE", packet(t, header1, nxTest, "0001 00fe"), dns.RcodeRefused},
		{"AXFR", packet(t, header1, nxTest, "00fc 0001"), dns.RcodeRefused},
		{"IXFR with its SOA", packet(t, "beef 0100 0001 0000 0001 0000", nxTest, "00fb 0001", "c00c 0006 0001 00000000 0000"), dns.RcodeRefused},
		{"TKEY", packet(t, header1, nxTest, "00f9 0001"), dns.RcodeRefused},
		{"type 0", packet(t, header1, nxTest, "0000 0001"), dns.RcodeRefused},
		{"unknown type", packet(t, header1, nxTest, "fde8 0001"), dns.RcodeNameError},
		{"unknown EDNS option and flag", packet(t, header1opt, nxTest, aIN, "00 0029 04d0 00 00 0040 0008 fde9 0004 00000000"), dns.RcodeNameError},
		{"reserved header bit", packet(t, "beef 0140 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNameError},
		{"TC in the query", packet(t, "beef 0300 0001 0000 0000 0000", nxTest, aIN), dns.RcodeNameError},
		{"the root", packet(t, header1, "00", "fde8 00ff"), dns.RcodeRefused},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := w.askRaw(c.packet, netip.MustParseAddr("192.0.2.9"))
			if c.want == silence {
				if raw != nil {
					t.Errorf("got %x, want silence", raw)
				}
				return
			}
			reply := new(dns.Msg)
			if err := reply.Unpack(raw); err != nil {
				t.Fatalf("%x: %v", raw, err)
			}
			if reply.Rcode != c.want || reply.Id != 0xbeef || !reply.Response {
				t.Errorf("got %s id %x qr %v, want %s id beef", dns.RcodeToString[reply.Rcode], reply.Id, reply.Response, dns.RcodeToString[c.want])
			}
			if got, want := raw[2]&opcodeMask, c.packet[2]&opcodeMask; got != want {
				t.Errorf("got opcode bits %x, want %x as asked", got, want)
			}
		})
	}
	if n := w.asked.Load(); n != 0 {
		t.Errorf("the upstream was asked %d times, want never", n)
	}
}

// seen keeps the last event.
type seen struct{ event Event }

func (s *seen) Observe(e Event) { s.event = e }

func TestRespond_aPacketWithoutAQuestionIsNotCountedUnderTheLastOnesType(t *testing.T) {
	w, last := newWorld(t, everyAction), new(seen)
	w.observer = last
	q := prepared(t, "nx.test", dns.TypeAAAA, false)
	w.Respond(q)
	if last.event.Type != dns.TypeAAAA {
		t.Fatalf("got type %d, want AAAA", last.event.Type)
	}
	q.Packet = packet(t, header1)
	if w.Respond(q); last.event.Type != 0 || last.event.Rcode != dns.RcodeFormatError {
		t.Errorf("got type %d and RCODE %d, want none and FORMERR", last.event.Type, last.event.Rcode)
	}
}

func TestRespond_rfc6891UnknownVersionIsBADVERS(t *testing.T) {
	w := newWorld(t, everyAction)
	reply := new(dns.Msg)
	if err := reply.Unpack(w.askRaw(packet(t, header1opt, nxTest, aIN, "00 0029 04d0 00 01 0000 0000"), netip.MustParseAddr("192.0.2.9"))); err != nil {
		t.Fatal(err)
	}
	if opt := reply.IsEdns0(); opt == nil || opt.Version() != 0 || opt.ExtendedRcode() != dns.RcodeBadVers {
		t.Errorf("got %v, want BADVERS with an OPT record of version 0", reply)
	}
}

func TestRespond_onlyTheAccessListIsServed(t *testing.T) {
	w := newWorld(t, everyAction)
	for _, qname := range []string{"nx.test", "free.test", "localhost"} {
		m := question(qname, dns.TypeA)
		raw, _ := m.Pack()
		reply := new(dns.Msg)
		if err := reply.Unpack(w.askRaw(raw, netip.MustParseAddr("203.0.113.1"))); err != nil {
			t.Fatal(err)
		}
		if reply.Rcode != dns.RcodeRefused || !slices.Equal(errorsOf(reply), []string{"18 "}) {
			t.Errorf("%s: got %s %q, want REFUSED with EDE 18", qname, dns.RcodeToString[reply.Rcode], errorsOf(reply))
		}
	}
}

func TestRespond_withoutRDNothingIsTold(t *testing.T) {
	w := newWorld(t, everyAction, "free.test. 300 IN A 198.51.100.1")
	w.ask(t, question("free.test", dns.TypeA))
	m := question("free.test", dns.TypeA)
	m.RecursionDesired = false
	if got := w.ask(t, m); got.Rcode != dns.RcodeRefused {
		t.Errorf("got %s, want REFUSED: the cache would tell what others asked", dns.RcodeToString[got.Rcode])
	}
}

func TestRespond_localZones(t *testing.T) {
	w := newWorld(t, everyAction)
	cases := []struct {
		qname string
		qtype uint16
		rcode int
		want  string // the answer, or the SOA's owner
	}{
		{"localhost", dns.TypeA, 0, "localhost.\t10800\tIN\tA\t127.0.0.1"},
		{"www.localhost", dns.TypeAAAA, 0, "www.localhost.\t10800\tIN\tAAAA\t::1"},
		{"localhost", dns.TypeMX, 0, "localhost."},
		{"foo.invalid", dns.TypeA, 3, "invalid."},
		{"example.onion", dns.TypeA, 3, "onion."},
		{"_dns.resolver.arpa", dns.TypeSVCB, 0, "resolver.arpa."},
		{"resolver.arpa", dns.TypeRESINFO, 0,
			"resolver.arpa.\t10800\tIN\tRESINFO\t\"exterr=0,3-4,13,15-16,18-20,22-23\" \"infourl=https://isp.example/dns\""},
		{"_dns.resolver.arpa", dns.TypeRESINFO, 0, "resolver.arpa."},
		{"localhost", dns.TypeRESINFO, 0, "localhost."},
		{"1.0.0.10.in-addr.arpa", dns.TypePTR, 3, "10.in-addr.arpa."},
		{"10.in-addr.arpa", dns.TypeSOA, 0, "10.in-addr.arpa."},
		{"5.20.172.in-addr.arpa", dns.TypePTR, 3, "20.172.in-addr.arpa."},
		{"1.0.0.127.in-addr.arpa", dns.TypePTR, 0, "1.0.0.127.in-addr.arpa.\t10800\tIN\tPTR\tlocalhost."},
		{"0.0.127.in-addr.arpa", dns.TypePTR, 0, "127.in-addr.arpa."},
		{"2.0.0.127.in-addr.arpa", dns.TypePTR, 3, "127.in-addr.arpa."},
		{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", dns.TypePTR, 0,
			"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.\t10800\tIN\tPTR\tlocalhost."},
		{"a.d.f.ip6.arpa", dns.TypePTR, 3, "d.f.ip6.arpa."},
	}
	for _, c := range cases {
		got := w.ask(t, question(c.qname, c.qtype))
		var have string
		if len(got.Answer) == 1 {
			have = got.Answer[0].String()
		} else if len(got.Ns) == 1 {
			have = got.Ns[0].Header().Name
		}
		if got.Rcode != c.rcode || have != c.want {
			t.Errorf("%s: got %s %q, want %s %q", c.qname, dns.RcodeToString[got.Rcode], have, dns.RcodeToString[c.rcode], c.want)
		}
	}
	if got := w.ask(t, question("8.8.8.8.in-addr.arpa", dns.TypePTR)); w.asked.Load() != 1 {
		t.Errorf("a public reverse name was answered here: %v", got)
	}
}

func FuzzRespond(f *testing.F) {
	f.Add(packet(f, header1, nxTest, aIN))
	f.Add(packet(f, header1opt, nxTest, aIN, opt0))
	f.Add(packet(f, header2opts, nxTest, aIN, opt0, opt0))
	f.Add(packet(f, header1, "c00c", aIN))
	f.Add(packet(f, header1opt, nxTest, aIN, "00 0029 04d0 00 00 0000 0004 ff78 0000"))
	w := newWorld(f, everyAction)
	w.Resolver.Close() // nothing goes upstream
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		q := &Query{Packet: raw, Client: netip.MustParseAddr("192.0.2.9"), Out: make([]byte, 0, 2048), Late: w}
		reply := w.Respond(q)
		if q.Waits() {
			reply = <-w.late
		}
		if w.Panics() > 0 {
			t.Fatal("panic")
		}
		if !bytes.Equal(raw, before) {
			t.Fatal("the packet was changed")
		}
		if reply == nil {
			return
		}
		if len(reply) > maxUDPPayload || reply[0] != raw[0] || reply[1] != raw[1] || reply[2]&flagQR == 0 {
			t.Fatalf("got %x for %x", reply, raw)
		}
		if err := new(dns.Msg).Unpack(reply); err != nil {
			t.Fatalf("got %x for %x: %v", reply, raw, err)
		}
	})
}
