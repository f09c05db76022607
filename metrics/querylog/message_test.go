package querylog

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// packed is a message with records and options of every kind.
func packed(t testing.TB) []byte {
	t.Helper()
	m := new(dns.Msg).SetQuestion("a.example.", dns.TypeA)
	m.Response, m.Compress = true, true
	for _, text := range []string{"a.example. 60 IN CNAME b.example.", "b.example. 60 IN A 192.0.2.1", "b.example. 60 IN AAAA 2001:db8::1", "b.example. 60 IN TXT x"} {
		m.Answer = append(m.Answer, must(dns.NewRR(text)))
	}
	m.Ns = []dns.RR{must(dns.NewRR("example. 60 IN NS ns.example.")), must(dns.NewRR("example. 60 IN TXT x"))}
	m.Extra = []dns.RR{must(dns.NewRR("ns.example. 60 IN A 192.0.2.2"))}
	m.SetEdns0(1232, true).IsEdns0().Option = []dns.EDNS0{
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
		&dns.EDNS0_EDE{InfoCode: 15, ExtraText: "because"},
		&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("device")},
		&dns.EDNS0_EDE{InfoCode: 16},
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestPointsOf_areAddressesTargetsAndServers(t *testing.T) {
	got := pointsOf(packed(t))
	if len(got.Addresses) != 2 || got.Addresses[0] != "192.0.2.1" || got.Addresses[1] != "2001:db8::1" {
		t.Errorf("got addresses %v", got.Addresses)
	}
	if len(got.CNAMEs) != 1 || got.CNAMEs[0] != "b.example" || len(got.Servers) != 1 || got.Servers[0] != "ns.example" {
		t.Errorf("got targets %v, servers %v", got.CNAMEs, got.Servers)
	}
}

func TestAnonymous_keepsRecordsAndExtendedErrorsOnly(t *testing.T) {
	packet := packed(t)
	got := anonymous(bytes.Clone(packet))
	var before, after dns.Msg
	if err := before.Unpack(packet); err != nil {
		t.Fatal(err)
	}
	if err := after.Unpack(got); err != nil {
		t.Fatalf("%x: %v", got, err)
	}
	opt := after.IsEdns0()
	if len(after.Extra) != 1 || opt == nil || len(opt.Option) != 2 || !opt.Do() || opt.Option[0].(*dns.EDNS0_EDE).ExtraText != "because" {
		t.Errorf("got additional section %v", after.Extra)
	}
	before.Extra, after.Extra = nil, nil
	if before.String() != after.String() {
		t.Errorf("got %v, want %v", &after, &before)
	}
}

func TestAnonymous_whatIsNotWholeIsLeftOut(t *testing.T) {
	packet := packed(t)
	for n := range packet {
		if got := anonymous(bytes.Clone(packet[:n])); got != nil {
			t.Fatalf("cut at %d: got %x", n, got)
		}
	}
}

func FuzzAnonymous(f *testing.F) {
	f.Add(packed(f))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		pointsOf(data)
		got := anonymous(bytes.Clone(data))
		if len(got) > len(data) {
			t.Fatalf("got %d octets of %d", len(got), len(data))
		}
		if got == nil {
			return
		}
		if again := anonymous(bytes.Clone(got)); !bytes.Equal(again, got) {
			t.Errorf("got %x the first time, %x the second", got, again)
		}
	})
}
