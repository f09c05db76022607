package scenarios

import (
	"fmt"
	"net/netip"
	"slices"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/resolver"
	"bailiff/resolver/exchange"
	"bailiff/resolver/recurse"
	"bailiff/resolver/rpl"
)

const (
	maxRounds = 5000             // as testbound has it: more is a loop
	maxWait   = 60 * time.Second // of the bubble's time, for something to happen
)

// run plays one scenario, in a bubble of its own.
type run struct {
	*world
	scenario *rpl.Scenario
	resolver *resolver.Resolver
	zones    *authority
	next     int // the step to take
	asking   int // the number of the last step Query: Deckard's present
	clock    func() time.Time
	trace    []string
}

// note adds to the trace.
func (r *run) note(format string, args ...any) {
	r.trace = append(r.trace, r.clock().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// play plays a scenario, and says what went otherwise than it says, and what
// happened on the way.
func play(s *rpl.Scenario, c *setup, zones *authority) (fault string, trace []string) {
	w := newWorld()
	offset := time.Duration(0)
	if !c.start.IsZero() {
		offset = time.Until(c.start)
	}
	clock := func() time.Time { return time.Now().Add(offset) }
	c.recurse.Network, c.recurse.Now = w, clock
	r := &run{world: w, scenario: s, zones: zones, clock: clock}
	r.resolver = resolver.New(resolver.Config{
		Policy:   policy.NewStore(),
		Clients:  []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
		Recursor: recurse.New(c.recurse), CacheBytes: 16 << 20, Stale: c.stale, Prefetch: c.prefetch, Now: clock,
	})
	defer r.resolver.Close()
	for range maxRounds {
		synctest.Wait()
		if r.next == len(s.Steps) {
			return r.end(), r.trace
		}
		step := s.Steps[r.next]
		if fault := r.round(); fault != "" {
			return fmt.Sprintf("step %d %v: %s", step.Number, step.Event, fault), r.trace
		}
	}
	return "it loops", r.trace
}

// end is what is left over once all steps are taken.
func (r *run) end() string {
	if n := r.resolver.Panics(); n > 0 {
		return fmt.Sprintf("%d panics", n)
	}
	if r.scenario.Dialect == rpl.Testbound && len(r.replies) > 0 {
		return "a reply that is not checked: " + r.replies[0].text()
	}
	return ""
}

// round lets one thing happen, in the order of testbound's: a query that the
// step expects, a reply that it expects, a query that some server answers, else
// what the step says.
func (r *run) round() (fault string) {
	step := &r.scenario.Steps[r.next]
	switch {
	case step.Event == rpl.CheckOutQuery && r.expected(step):
		r.next++
		return ""
	case step.Event == rpl.CheckAnswer && r.hasReply():
		r.next++
		return r.check(step)
	case r.serve():
		return ""
	case r.scenario.Dialect == rpl.Deckard && r.clientsWait():
		return r.await("a reply")
	}
	return r.take(step)
}

// expected answers a query that waits and is the one of the step CHECK_OUT_QUERY.
func (r *run) expected(step *rpl.Step) bool {
	for _, o := range r.unanswered() {
		if step.Address.IsValid() && step.Address != o.to || !step.Entry.Answers(o.message, o.over) {
			continue
		}
		if step.Entry.Adjust&rpl.AdjustID != 0 {
			r.respond(o, step.Entry)
		}
		return true
	}
	return r.scenario.Dialect == rpl.Deckard // which ignores the step
}

func (r *run) respond(o *outQuery, e *rpl.Entry) {
	packet, err := e.Response(o.message, r.scenario.Dialect)
	if err != nil {
		panic(err) // the reader read it
	}
	r.note("%v %s %v: line %d", o.to, describe(o.message), o.over, e.Line)
	o.answer(packet)
}

// take does what the step says.
func (r *run) take(step *rpl.Step) (fault string) {
	switch step.Event {
	case rpl.CheckAnswer:
		return r.await("a reply")
	case rpl.CheckOutQuery:
		return r.await("that query")
	case rpl.Reply, rpl.Timeout, rpl.Failure:
		if r.scenario.Dialect == rpl.Deckard {
			break
		}
		waiting := r.unanswered()
		switch {
		case len(waiting) == 0 && r.clientsWait():
			return r.await("a query")
		case len(waiting) == 0: // how often a resolver tries again is its own affair
			r.next++
			return ""
		}
		if step.Event == rpl.Reply {
			r.respond(waiting[0], step.Entry)
		} else {
			waiting[0].fail(step.Event)
		}
	case rpl.TimePasses:
		time.Sleep(step.Elapse)
	case rpl.CheckUpstreams:
		if n := r.count(); n > step.Most {
			return fmt.Sprintf("got %d queries upstream, want at most %d", n, step.Most)
		}
	case rpl.Query:
		r.next++
		return r.ask(step)
	}
	r.next++
	return ""
}

// await lets time pass until something happens.
func (r *run) await(what string) (fault string) {
	select {
	case <-r.stir:
		for _, o := range r.unanswered() {
			r.note("%v %s %v: silence", o.to, describe(o.message), o.over)
		}
		return ""
	case <-time.After(maxWait):
		text := "no sign of " + what
		for _, o := range r.unanswered() {
			text += fmt.Sprintf("; %v waits for %v", describe(o.message), o.to)
		}
		return text
	}
}

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
	if r.scenario.Dialect == rpl.Deckard || step.Entry.Match&rpl.MatchTransport != 0 && step.Entry.Transport == exchange.TCP {
		transport = resolver.TCP // Deckard's client has room for 4096 octets over UDP
	}
	r.asking = step.Number
	r.note("step %d: %s", step.Number, describe(step.Entry.Message))
	r.mu.Lock()
	r.open++
	r.replies = slices.DeleteFunc(r.replies, func(clientReply) bool { return r.scenario.Dialect == rpl.Deckard })
	r.mu.Unlock()
	q := &resolver.Query{
		Packet: packet, Client: client, Transport: transport, Received: r.clock(),
		Out: make([]byte, 0, dns.MaxMsgSize), Late: r.world,
	}
	if reply := r.resolver.Respond(q); reply != nil || !q.Waits() {
		r.replied(q, reply)
	}
	return ""
}

func (r *run) hasReply() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.replies) > 0
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

// serve answers one query that waits, as the ranges say.
func (r *run) serve() bool {
	for _, o := range r.unanswered() {
		if e := r.entryFor(o); e != nil {
			r.respond(o, e)
			return true
		}
		if m := r.zones.respond(o.to, o.message, o.over, r.clock()); m != nil {
			r.note("%v %s %v: zone", o.to, describe(o.message), o.over)
			o.answer(m)
			return true
		}
		if r.scenario.Dialect == rpl.Deckard {
			r.note("%v %s %v: no entry", o.to, describe(o.message), o.over)
			o.answer(servfail(o.message))
			return true
		}
	}
	return false
}

// entryFor is the entry that answers a query, nil if there is none. testbound
// looks at the ranges from the last on.
func (r *run) entryFor(o *outQuery) *rpl.Entry {
	if r.scenario.Dialect == rpl.Deckard {
		return r.deckardEntryFor(o)
	}
	now := r.scenario.Steps[r.next].Number
	for _, s := range slices.Backward(r.scenario.Ranges) {
		if now < s.From || s.To < now || len(s.Addresses) > 0 && !slices.Contains(s.Addresses, o.to) {
			continue
		}
		if e := find(s.Entries, o); e != nil {
			return e
		}
	}
	return nil
}

// deckardEntryFor is that of the first range that serves the address, or is the
// first of all where none does at any time. Without a range it is that of a step
// REPLY to come, once.
func (r *run) deckardEntryFor(o *outQuery) *rpl.Entry {
	known := slices.ContainsFunc(r.scenario.Ranges, func(s rpl.Range) bool { return slices.Contains(s.Addresses, o.to) })
	for _, s := range r.scenario.Ranges {
		serves := len(s.Addresses) == 0 || slices.Contains(s.Addresses, o.to) || !known
		if s.From <= r.asking && r.asking <= s.To && serves {
			return find(s.Entries, o)
		}
	}
	for i := range r.scenario.Steps {
		step := &r.scenario.Steps[i]
		if step.Event == rpl.Reply && step.Number > r.asking && step.Entry != nil && step.Entry.Answers(o.message, o.over) {
			e := step.Entry
			step.Entry = nil
			return e
		}
	}
	return nil
}

func find(entries []*rpl.Entry, o *outQuery) *rpl.Entry {
	for _, e := range entries {
		if e.Answers(o.message, o.over) {
			return e
		}
	}
	return nil
}

func servfail(query *dns.Msg) []byte {
	packet, err := new(dns.Msg).SetRcode(query, dns.RcodeServerFailure).Pack()
	if err != nil {
		panic(err) // the query was one
	}
	return packet
}

func (c clientReply) text() string {
	m := new(dns.Msg)
	if err := m.Unpack(c.packet); err != nil {
		return err.Error()
	}
	return describe(m) + " " + dns.RcodeToString[m.Rcode]
}

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
