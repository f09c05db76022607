package internet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// bits are what a client says beside its question.
type bits uint8

const (
	plain  bits = iota // no DNSSEC: neither DO nor AD
	do                 // DO
	doWith             // DO and CD
)

func (b bits) String() string { return [...]string{"", " +do", " +do +cd"}[b] }

// question is one question of the test, and what is to come of it.
type question struct {
	name  string
	qtype uint16
	bits  bits
	rcode string
	want  status // of the answer; bogus: SERVFAIL, unless CD is set
	// apart says why bailiff need not answer as most peers do, but only as this
	// says; empty: it must.
	apart string
}

func (q question) String() string { return q.name + " " + dns.Type(q.qtype).String() + q.bits.String() }

// questions reads a zone's table. Each is asked with DO; that of broken zones
// with CD too, and the first of each zone plainly too.
func (z *zone) questions(t testing.TB) (all []question) {
	t.Helper()
	for line := range strings.Lines(z.ask) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		q := z.question(t, fields)
		if len(all) == 0 {
			all = append(all, q)
		}
		q.bits = do
		all = append(all, q)
		if z.status == bogus {
			q.bits = doWith
			all = append(all, q)
		}
	}
	return all
}

// question reads the fields of one line.
func (z *zone) question(t testing.TB, fields []string) question {
	t.Helper()
	q := question{name: z.absolute(fields[0]), rcode: "NOERROR", want: z.status, apart: z.apart}
	var ok bool
	if q.qtype, ok = dns.StringToType[fields[1]]; !ok {
		if _, err := fmt.Sscanf(fields[1], "TYPE%d", &q.qtype); err != nil {
			t.Fatalf("%s: %v: %s is no type", z.name, fields, fields[1])
		}
	}
	for _, word := range fields[2:] {
		switch i := slices.Index([]string{secure.String(), insecure.String(), bogus.String()}, word); {
		case i >= 0:
			q.want = status(i)
		default:
			q.rcode = word
		}
	}
	return q
}

// absolute is a name of the zone's table.
func (z *zone) absolute(name string) string {
	switch {
	case name == "@":
		return z.name
	case strings.HasSuffix(name, "."):
		return name
	}
	return name + "." + strings.TrimPrefix(z.name, ".")
}

// patience is how long a client waits: longer than any of its resolvers should
// take, with a stub resolver's retries.
const patience = 12 * time.Second

// noReply is what ask says of a resolver that keeps silent.
const noReply = "no reply"

// ask asks a resolver and returns what it says, as text that can be compared:
// RCODE, AD, and the answer without TTLs. Of a failure that is the RCODE alone.
// Whether an answer bears AD in spite of CD depends on who asked before, so that
// is left out.
func (r *resolver) ask(q question) string {
	query := new(dns.Msg).SetQuestion(q.name, q.qtype)
	if q.bits != plain {
		query.SetEdns0(1232, true)
	}
	query.CheckingDisabled = q.bits == doWith
	for _, network := range []string{"udp", "tcp"} {
		client := dns.Client{Net: network, Timeout: patience}
		reply, _, err := client.Exchange(query, r.address)
		if err != nil {
			return noReply
		}
		if !reply.Truncated {
			return describe(reply)
		}
	}
	return "truncated"
}

// describe is a reply as text.
func describe(reply *dns.Msg) string {
	text := dns.RcodeToString[reply.Rcode]
	if reply.Rcode == dns.RcodeServerFailure {
		return text
	}
	if reply.AuthenticatedData && !reply.CheckingDisabled {
		text += " AD"
	}
	var lines []string
	for _, rr := range reply.Answer {
		lines = append(lines, describeRecord(rr))
	}
	slices.Sort(lines)
	return strings.Join(append([]string{text}, lines...), "\n")
}

// describeRecord leaves out what changes from one signing to the next.
func describeRecord(rr dns.RR) string {
	owner := strings.ToLower(rr.Header().Name)
	if sig, ok := rr.(*dns.RRSIG); ok {
		return fmt.Sprintf("%s RRSIG %s %d %d %s", owner, dns.Type(sig.TypeCovered), sig.Labels, sig.KeyTag, sig.SignerName)
	}
	generic := new(dns.RFC3597)
	if err := generic.ToRFC3597(rr); err == nil && dns.TypeToString[rr.Header().Rrtype] == "" {
		return fmt.Sprintf("%s %s %s", owner, dns.Type(rr.Header().Rrtype), generic.Rdata)
	}
	rdata := strings.ToLower(strings.TrimPrefix(rr.String(), rr.Header().String()))
	return fmt.Sprintf("%s %s %s", owner, dns.Type(rr.Header().Rrtype), rdata)
}

// fits reports whether an answer is what the zone's author meant.
func (q question) fits(answer string) bool {
	first, _, _ := strings.Cut(answer, "\n")
	switch {
	case q.bits == doWith:
		return first == q.rcode
	case q.want == bogus, q.rcode == "SERVFAIL":
		return first == "SERVFAIL"
	case q.want == secure && q.bits == do:
		return first == q.rcode+" AD"
	}
	return first == q.rcode
}
