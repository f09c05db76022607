package upstream

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestPack_everyNameTypeAndFormUnpacks(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5) // 251 octets
	for _, name := range []string{".", "test", "www.example.com", long, `a\000b\.c.test`} {
		for _, form := range []form{{}, {edns: true}, {mixedCase: true}, {edns: true, mixedCase: true}} {
			q := ask(t, name)
			q.Type = dns.TypeHTTPS
			packed := pack(q, form)
			var m dns.Msg
			if err := m.Unpack(packed.message()); err != nil {
				t.Fatalf("%s %+v: %v", name, form, err)
			}
			if got := m.Question[0]; !strings.EqualFold(got.Name, dns.Fqdn(name)) || got.Qtype != dns.TypeHTTPS || got.Qclass != dns.ClassINET {
				t.Errorf("%s %+v: got question %v", name, form, got)
			}
			if got, want := int(packed.packet[0])<<8|int(packed.packet[1]), len(packed.message()); got != want {
				t.Errorf("%s %+v: got length %d, want %d", name, form, got, want)
			}
			if (m.IsEdns0() != nil) != form.edns || m.MsgHdr.Response || !m.RecursionDesired {
				t.Errorf("%s %+v: got %v", name, form, m.String())
			}
		}
	}
}

func TestPack_leavesTheQuestionAlone(t *testing.T) {
	q := ask(t, "www.example.com")
	before := bytes.Clone(q.Name)
	for range 10 {
		pack(q, form{mixedCase: true})
	}
	if !bytes.Equal(q.Name, before) {
		t.Errorf("got name %q, want %q", q.Name, before)
	}
}

func TestFit_typesAreNotLetters(t *testing.T) {
	q := ask(t, "www.example.com")
	q.Type = 'A' // 65, HTTPS
	packed := pack(q, form{})
	response := bytes.Clone(packed.message())
	response[2] |= bitQR
	if got := packed.fit(response); got != fits {
		t.Fatalf("got %v, want fits", got)
	}
	response[len(response)-3] = 'a' // 97
	if got := packed.fit(response); got != unrelated {
		t.Errorf("got %v for another QTYPE, want unrelated", got)
	}
}

func TestFit_withoutQuestionOnlyErrorsFit(t *testing.T) {
	packed := pack(ask(t, "www.example.com"), form{})
	for rcode := range 16 {
		response := bytes.Clone(packed.message()[:headerOctets])
		response[2] |= bitQR
		response[3] = byte(rcode)
		response[5] = 0
		want := unrelated
		switch rcode {
		case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
			want = fits
		}
		if got := packed.fit(response); got != want {
			t.Errorf("%s: got %v, want %v", dns.RcodeToString[rcode], got, want)
		}
	}
}

func TestFit_spellingCountsOnlyWhereItIsRandom(t *testing.T) {
	for _, tt := range []struct {
		form form
		want fit
	}{{form{mixedCase: true}, misspelt}, {form{}, fits}} {
		packed := pack(ask(t, "www.example.com"), tt.form)
		response := bytes.Clone(packed.message())
		response[2] |= bitQR
		response[headerOctets+1] ^= 'a' - 'A'
		if got := packed.fit(response); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.form, got, tt.want)
		}
	}
}

func TestFitString_namesEveryValue(t *testing.T) {
	for f, want := range map[fit]string{unrelated: "unrelated", misspelt: "misspelt", fits: "fits", 9: "fit(9)"} {
		if got := f.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What is accepted can be parsed without a panic and, where it has a question,
// has ours.
func FuzzAccept(f *testing.F) {
	q := ask(f, "n0.test")
	packed := pack(q, form{edns: true})
	for _, r := range []response{{answer: chainOf(2)}, {rcode: dns.RcodeNameError, ns: []string{soa}}} {
		m := r.msg(f)
		m.Question = []dns.Question{{Name: "n0.test.", Qtype: dns.TypeA, Qclass: dns.ClassINET}}
		packet, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
		f.Add(packet[:headerOctets])
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) >= 2 {
			copy(packet, packed.message()[:2])
		}
		if packed.fit(packet) != fits {
			return
		}
		m, err := parse(packet)
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
