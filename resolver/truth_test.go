package resolver

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/upstream"
)

func TestNewTruth_whatDoesNotFitAMessageIsAFailure(t *testing.T) {
	q := prepared(t, "big.test", dns.TypeSRV, false)
	q.parse(0)
	var a upstream.Answer
	for i := range 256 { // a few octets each where the upstream compresses their targets
		target := fmt.Sprintf("n%d.%s", i, strings.Repeat(strings.Repeat("x", 59)+".", 4))
		a.Records = append(a.Records, &dns.SRV{
			Hdr:    dns.RR_Header{Name: "big.test.", Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: 300},
			Target: target,
		})
	}
	if truth, err := newTruth(q, a, 0); err == nil {
		t.Errorf("got a message of %d octets, want an error", len(truth.message))
	}
}

func TestLand_aPanicIsAFailureOfThatQuestion(t *testing.T) {
	w := newWorld(t, oneOrder)
	q := prepared(t, "free.test", dns.TypeA, false)
	q.Late = w
	q.parse(0)
	f, _ := w.flights.join(q.key(), q, forAnswer, nil)
	w.land(f, upstream.Answer{Records: []dns.RR{(*dns.A)(nil)}}, nil)
	reply := new(dns.Msg)
	if err := reply.Unpack(<-w.late); err != nil || reply.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %v %v, want SERVFAIL", reply, err)
	}
	if w.Panics() != 1 {
		t.Errorf("got %d panics counted, want 1", w.Panics())
	}
}

// FuzzNewTruth takes the way of an upstream's response, from the packet on.
func FuzzNewTruth(f *testing.F) {
	for _, line := range []string{
		"free.test. 300 IN A 198.51.100.1", "free.test. 300 IN HTTPS 1 . alpn=h2 ipv4hint=198.51.100.1",
		"free.test. 300 IN CNAME late.test.", "test. 300 IN DNAME example.", "test. 300 IN DNAME new.test.", "free.test. 300 IN TXT a b",
		`free.test. 300 IN NAPTR 1 1 "s" "a" "b" late.test.`, "free.test. 300 IN LOC 1 N 1 E 1m", "free.test. 300 IN NSEC a.test. A TYPE1234",
	} {
		rr, err := dns.NewRR(line)
		if err != nil {
			f.Fatal(err)
		}
		m := question("free.test", rr.Header().Rrtype)
		m.Answer = []dns.RR{rr}
		raw, _ := m.Pack()
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := new(dns.Msg)
		if m.Unpack(raw) != nil || len(m.Question) != 1 {
			return
		}
		for _, qtype := range []uint16{m.Question[0].Qtype, typeANY} {
			q := prepared(t, "free.test", qtype, false)
			if q.parse(0) != rcodeNoError {
				return
			}
			a, err := upstream.Scrub(upstream.Question{Name: q.name.Wire(), Type: qtype, DO: true}, m.Copy())
			if err != nil {
				continue
			}
			truth, err := newTruth(q, a, 0)
			if err != nil {
				continue
			}
			if new(dns.Msg).Unpack(truth.message) != nil {
				t.Errorf("what was packed cannot be read: %x", truth.message)
			}
			for _, l := range truth.links {
				if l.kind != linkOwner {
					continue
				}
				less, err := truth.without(q, l.name)
				if err != nil || slices.ContainsFunc(less.links, func(left link) bool { return left.kind == linkOwner && bytes.Equal(left.name, l.name) }) {
					t.Errorf("without %x: got %v, %v", l.name, less, err)
				}
			}
		}
	})
}
