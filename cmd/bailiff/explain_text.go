package main

import (
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/resolver"
)

// print says it in sentences.
func (e *explanation) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s from %s at %s: ", e.Name, e.Type, e.Client, e.At.Format(time.RFC3339))
	if e.order == nil {
		b.WriteString("pass\nNo order answers; the query is resolved as any other.\n")
	} else {
		e.printOrder(&b)
	}
	for _, m := range e.Matched {
		switch {
		case m.Answers:
		case m.Outcome == policy.Observed.String():
			fmt.Fprintf(&b, "Order %s matches too by its %s; it only counts (mode: observe).\n", m.Order, m.Rule)
		default:
			fmt.Fprintf(&b, "Order %s matches too by its %s (%s), less closely or later in precedence.\n", m.Order, m.Rule, m.Action)
		}
	}
	if e.past != nil {
		printPast(&b, e.past)
	}
	if e.unserved {
		fmt.Fprintf(&b, "But clients.serve does not hold %s: it gets REFUSED whatever it asks (EDE 18).\n", e.Client)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// printOrder tells of the order that answers and shows its answer.
func (e *explanation) printOrder(b *strings.Builder) {
	o := e.order
	fmt.Fprintf(b, "%s\nOrder %s decides, by its %s (trigger %s).\n", e.Verdict, o.ID, e.Rule, e.Trigger)
	fmt.Fprintf(b, "Authority: %s", o.Authority.Name)
	if o.Reference.Case != "" {
		fmt.Fprintf(b, ", case %s", o.Reference.Case)
	}
	fmt.Fprintf(b, ".\nIn force %s.\n", validity(o.Valid))
	if e.reply == "" {
		b.WriteString("The client gets no answer at all.\n")
		return
	}
	b.WriteString("The client gets:\n")
	for line := range strings.Lines(e.reply) {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  " + line)
		}
	}
}

// validity says from when until when, as it was written.
func validity(v order.Valid) string {
	if v.From.IsZero() && v.Until.IsZero() {
		return "while it is loaded: it has no dates"
	}
	var words []string
	if !v.From.IsZero() {
		words = append(words, "since "+v.From.Format(time.RFC3339))
	}
	if !v.Until.IsZero() {
		words = append(words, "until "+v.Until.Format(time.RFC3339))
	}
	return strings.Join(words, " ")
}

// reply is what the resolver answers to a name under order, as dig shows it;
// empty if it stays silent. Nothing is asked upstream: there is none.
func (l lawAt) reply(asked name.Name, qtype uint16, client netip.Addr, at time.Time) string {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(asked.String()), qtype)
	query.Id = 0
	query.SetEdns0(1232, false)
	packet, err := query.Pack()
	if err != nil {
		return ""
	}
	answering := resolver.New(resolver.Config{
		Policy: l.store, Clients: []netip.Prefix{netip.PrefixFrom(client, client.BitLen())},
	})
	defer answering.Close()
	reply := new(dns.Msg)
	if reply.Unpack(answering.Respond(&resolver.Query{Packet: packet, Client: client, Transport: resolver.TCP, Received: at})) != nil {
		return ""
	}
	return reply.String()
}
