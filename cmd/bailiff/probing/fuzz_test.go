package probing

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
)

// FuzzDiffers holds that no reply stops a probe, and that what is told of it
// stays short.
func FuzzDiffers(f *testing.F) {
	program, _ := compile(f, everyAction)
	law := policy.NewStore().Install(program, time.Now())
	b := newBlocked(law.Orders())
	for _, text := range []string{"www.a.example", "d.example", "e.example"} {
		m := new(dns.Msg).SetQuestion(dns.Fqdn(text), dns.TypeA)
		m.SetEdns0(1232, false)
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 16, ExtraText: "nx: Court"}}
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: dns.Fqdn(text), Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: []byte{192, 0, 2, 80}}}
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet, text)
	}
	f.Fuzz(func(t *testing.T, packet []byte, text string) {
		n, err := name.Parse(text)
		reply := new(dns.Msg)
		if err != nil || reply.Unpack(packet) != nil {
			return
		}
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			q := &question{qtype: qtype}
			q.name.Set([]byte(n))
			want := expect(law, netip.MustParseAddr("127.0.0.1"), q, time.Now())
			if want.order != nil {
				_ = want.differs(q, reply)
			}
			_ = b.differs(reply)
			if got := summary(reply); len(got) > 2000 {
				t.Errorf("got %d octets: %s", len(got), got)
			}
		}
	})
}
