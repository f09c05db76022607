package exchange

import (
	"bytes"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestPack_everyNameTypeAndFormUnpacks(t *testing.T) {
	long := strings.Repeat(strings.Repeat("a", 49)+".", 5) // 251 octets
	for _, name := range []string{".", "test", "www.example.com", long, `a\000b\.c.test`} {
		for _, form := range []Form{{}, {EDNS: true}, {MixedCase: true}, {EDNS: true, MixedCase: true}, {EDNS: true, Iterative: true}} {
			q := ask(t, name)
			q.Type = dns.TypeHTTPS
			packed := Pack(q, form)
			var m dns.Msg
			if err := m.Unpack(packed.Message()); err != nil {
				t.Fatalf("%s %+v: %v", name, form, err)
			}
			if got := m.Question[0]; !strings.EqualFold(got.Name, dns.Fqdn(name)) || got.Qtype != dns.TypeHTTPS || got.Qclass != dns.ClassINET {
				t.Errorf("%s %+v: got question %v", name, form, got)
			}
			if got, want := int(packed.packet[0])<<8|int(packed.packet[1]), len(packed.Message()); got != want {
				t.Errorf("%s %+v: got length %d, want %d", name, form, got, want)
			}
			if (m.IsEdns0() != nil) != form.EDNS || m.MsgHdr.Response || m.RecursionDesired == form.Iterative {
				t.Errorf("%s %+v: got %v", name, form, m.String())
			}
		}
	}
}

func TestPack_leavesTheQuestionAlone(t *testing.T) {
	q := ask(t, "www.example.com")
	before := bytes.Clone(q.Name)
	for range 10 {
		Pack(q, Form{MixedCase: true})
	}
	if !bytes.Equal(q.Name, before) {
		t.Errorf("got name %q, want %q", q.Name, before)
	}
}

func TestFit_typesAreNotLetters(t *testing.T) {
	q := ask(t, "www.example.com")
	q.Type = 'A' // 65, HTTPS
	packed := Pack(q, Form{})
	response := bytes.Clone(packed.Message())
	response[2] |= bitQR
	if got := packed.Fit(response); got != Fits {
		t.Fatalf("got %v, want fits", got)
	}
	response[len(response)-3] = 'a' // 97
	if got := packed.Fit(response); got != Unrelated {
		t.Errorf("got %v for another QTYPE, want unrelated", got)
	}
}

func TestFit_withoutQuestionOnlyErrorsFit(t *testing.T) {
	packed := Pack(ask(t, "www.example.com"), Form{})
	for rcode := range 16 {
		response := bytes.Clone(packed.Message()[:headerOctets])
		response[2] |= bitQR
		response[3] = byte(rcode)
		response[5] = 0
		want := Unrelated
		switch rcode {
		case dns.RcodeFormatError, dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
			want = Fits
		}
		if got := packed.Fit(response); got != want {
			t.Errorf("%s: got %v, want %v", dns.RcodeToString[rcode], got, want)
		}
	}
}

func TestFit_spellingCountsOnlyWhereItIsRandom(t *testing.T) {
	for _, tt := range []struct {
		form Form
		want Fit
	}{{Form{MixedCase: true}, Misspelt}, {Form{}, Fits}} {
		packed := Pack(ask(t, "www.example.com"), tt.form)
		response := bytes.Clone(packed.Message())
		response[2] |= bitQR
		response[headerOctets+1] ^= 'a' - 'A'
		if got := packed.Fit(response); got != tt.want {
			t.Errorf("%+v: got %v, want %v", tt.form, got, tt.want)
		}
	}
}

func TestFitString_namesEveryValue(t *testing.T) {
	for f, want := range map[Fit]string{Unrelated: "unrelated", Misspelt: "misspelt", Fits: "fits", 9: "fit(9)"} {
		if got := f.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
