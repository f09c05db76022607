package scenarios

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"bailiff/resolver"
	"bailiff/resolver/exchange"
	"bailiff/resolver/rpl"
)

// ask puts a client's query to the resolver.
func (r *run) ask(step *rpl.Step) (fault string) {
	packet, err := step.Entry.Question(uint16(step.Number), r.scenario.Dialect)
	if err != nil {
		return err.Error()
	}
	client := step.Address
	if !client.IsValid() {
		client = netip.MustParseAddr("127.0.0.1")
	}
	transport := resolver.UDP
	if r.scenario.Dialect == rpl.Deckard || step.Entry.Transport == exchange.TCP {
		transport = resolver.TCP // Deckard's client has room for 4096 octets over UDP
	}
	r.asking = step.Number
	r.note("step %d: %s", step.Number, describe(step.Entry.Message))
	r.asked(r.scenario.Dialect)
	q := &resolver.Query{
		Packet: packet, Client: client, Transport: transport, Received: r.clock(),
		Out: make([]byte, 0, dns.MaxMsgSize), Late: r.world,
	}
	if reply := r.resolver.Respond(q); reply != nil || !q.Waits() {
		r.replied(q, reply)
	}
	return ""
}

// check compares the replies with what the step expects.
func (r *run) check(step *rpl.Step) (fault string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, reply := range r.replies {
		if step.Address.IsValid() && step.Address != reply.client {
			continue
		}
		m := new(dns.Msg)
		if err := m.Unpack(reply.packet); err != nil {
			return "a reply that is malformed: " + err.Error()
		}
		if fault = step.Entry.Mismatch(m, reply.over); fault == "" {
			if r.scenario.Dialect == rpl.Testbound {
				r.replies = slices.Delete(r.replies, i, i+1)
			}
			return ""
		}
		fault += r.why(m)
	}
	return fault
}

// why are the extended errors of a reply. A client that has no EDNS is not told
// any: then someone else asks the same again.
func (r *run) why(reply *dns.Msg) string {
	if reply.IsEdns0() == nil && len(reply.Question) > 0 {
		again := new(dns.Msg).SetQuestion(reply.Question[0].Name, reply.Question[0].Qtype)
		again.CheckingDisabled = reply.CheckingDisabled
		again.SetEdns0(1232, false)
		packet, err := again.Pack()
		if err != nil {
			return ""
		}
		q := &resolver.Query{Packet: packet, Client: netip.MustParseAddr("127.0.0.1"), Received: r.clock(), Late: nobody{}}
		if got := new(dns.Msg); got.Unpack(r.resolver.Respond(q)) == nil {
			reply = got
		}
	}
	if text := extendedErrors(reply); text != "" {
		return " (" + text + ")"
	}
	return ""
}

// nobody waits for a reply.
type nobody struct{}

// Reply is resolver.Replier.
func (nobody) Reply(*resolver.Query, []byte) {}

// text is what the reply is about, and its RCODE.
func (c clientReply) text() string {
	m := new(dns.Msg)
	if err := m.Unpack(c.packet); err != nil {
		return err.Error()
	}
	return describe(m) + " " + dns.RcodeToString[m.Rcode]
}

// describe is the message's question, for people.
func describe(m *dns.Msg) string {
	if len(m.Question) == 0 {
		return "a message without question"
	}
	return m.Question[0].Name + " " + dns.Type(m.Question[0].Qtype).String()
}

// extendedErrors are the codes and texts of a message's.
func extendedErrors(m *dns.Msg) (text string) {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, option := range opt.Option {
		if ede, ok := option.(*dns.EDNS0_EDE); ok {
			text += fmt.Sprintf("EDE %d %s. ", ede.InfoCode, ede.ExtraText)
		}
	}
	return text
}
