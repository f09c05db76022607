package exchange

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// packed is a response to the query with the records, in zone-file form.
func packed(t testing.TB, q Query, answer ...string) []byte {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(q.Message()); err != nil {
		t.Fatal(err)
	}
	reply := new(dns.Msg).SetReply(&m)
	reply.Compress = true
	for _, line := range answer {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		reply.Answer = append(reply.Answer, rr)
	}
	packet, err := reply.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestParse_qnameIsLowerCaseInEveryRecord(t *testing.T) {
	q := Pack(ask(t, "a-name-of-many-letters.example"), Form{MixedCase: true})
	var m dns.Msg
	if err := m.Unpack(q.Message()); err != nil {
		t.Fatal(err)
	}
	spelt := m.Question[0].Name
	got, err := Parse(packed(t, q, spelt+" 60 IN CNAME www."+spelt))
	if err != nil {
		t.Fatal(err)
	}
	if want := "www.a-name-of-many-letters.example."; got.Answer[0].(*dns.CNAME).Target != want {
		t.Errorf("got target %s, want %s", got.Answer[0].(*dns.CNAME).Target, want)
	}
}

func TestParse_ofATruncatedResponseTheHeaderAlone(t *testing.T) {
	packet := packed(t, Pack(ask(t, "n0.test"), Form{}), "n0.test. 60 IN A 192.0.2.1")
	packet[2] |= bitTC
	m, err := Parse(packet[:len(packet)-3])
	if err != nil || !m.Truncated || len(m.Answer) != 0 {
		t.Errorf("got %v, error %v; want TC and no records", m, err)
	}
}

func TestParse_refusesWhatLacksPart(t *testing.T) {
	query := Pack(ask(t, "n0.test"), Form{})
	packet := packed(t, query, "n0.test. 60 IN SOA ns.test. mail.test. 1 2 3 4 0")
	counted := bytes.Clone(packet)
	counted[7] = 2 // ANCOUNT
	for cut := len(query.Message()); cut < len(packet); cut++ {
		if m, err := Parse(bytes.Clone(packet[:cut])); err == nil {
			t.Errorf("got %v of %d octets of %d, want an error", m, cut, len(packet))
		}
	}
	if m, err := Parse(counted); err == nil {
		t.Errorf("got %v of a response that counts one record more, want an error", m)
	}
}

// What is accepted can be parsed without a panic and, where it has a question,
// has ours.
func FuzzAccept(f *testing.F) {
	query := Pack(ask(f, "n0.test"), Form{EDNS: true})
	for _, answer := range [][]string{
		nil,
		{"n0.test. 60 IN CNAME n1.test.", "n1.test. 60 IN A 192.0.2.1"},
		{"n0.test. 60 IN SOA ns.test. mail.test. 1 2 3 4 5"},
	} {
		packet := packed(f, query, answer...)
		f.Add(packet)
		f.Add(packet[:headerOctets])
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) >= 2 {
			copy(packet, query.Message()[:2])
		}
		if query.Fit(packet) != Fits {
			return
		}
		m, err := Parse(packet)
		if err != nil {
			return
		}
		if m.Truncated && len(m.Answer) > 0 {
			t.Fatal("a truncated response was read")
		}
		if len(m.Question) > 0 && !strings.EqualFold(m.Question[0].Name, "n0.test.") {
			t.Fatalf("got question %v", m.Question)
		}
	})
}
