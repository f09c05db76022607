package probing

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// question is one name and type to ask for.
type question struct {
	name      name.Buffer
	qtype     uint16
	transport transport
	of        *proving
}

// free reports whether the name is of the list of free ones: it is resolved,
// and no order may answer.
func (q *question) free() bool { return q.of.order == nil }

// proving is a name under proof: one of a rule, or a free one. The tally guards
// what changes.
type proving struct {
	order *policy.Order // nil: a free name
	rule  *order.Rule
	line  int // of the name in the rule's file

	left   int // questions without an outcome
	failed bool
	own    bool // its own order answers, to one of them at least
}

// place says where the rule's name stands: file and line tell no name.
func (r *proving) place() string {
	place, _, _ := strings.Cut(r.rule.Place, " (")
	return fmt.Sprintf("%s (%s:%d)", place, r.rule.File, r.line)
}

// suffixes are tried with the labels of any-tld rules, in this order.
var suffixes = []name.Name{
	name.MustParse("com"), name.MustParse("net"), name.MustParse("org"), name.MustParse("co.uk"), name.MustParse("it"), name.MustParse("fr"),
	name.MustParse("de"), name.MustParse("info"), name.MustParse("xyz"), name.MustParse("com.br"), name.MustParse("ru"), name.MustParse("top"),
}

// MaxSample is the number of suffixes that are known here.
func MaxSample() int { return len(suffixes) }

// plan yields all questions, rule by rule as the orders have them. What cannot
// be asked for is counted.
func (p *Probe) plan() iter.Seq[*question] {
	return func(yield func(*question) bool) {
		for _, n := range p.Free {
			if !yieldAll(yield, &proving{}, ask(nil, []byte(n), dns.TypeA, dns.TypeAAAA)) {
				return
			}
		}
		for _, o := range p.Law.Load().Orders() {
			for i := range p.Rules[o.ID] {
				if !p.planRule(o, &p.Rules[o.ID][i], yield) {
					return
				}
			}
		}
	}
}

// planRule yields the questions about the names of one rule, and reports
// whether to go on.
func (p *Probe) planRule(o *policy.Order, rule *order.Rule, yield func(*question) bool) bool {
	if reason := p.unasked(o, rule, time.Now()); reason != "" {
		p.tally.skip(o.ID, reason, rule.Len())
		return true
	}
	for e := range rule.Names.All() {
		if !yieldAll(yield, &proving{order: o, rule: rule, line: e.Line}, p.about(e, rule.Trigger)) {
			return false
		}
	}
	return true
}

// yieldAll yields the questions about one name.
func yieldAll(yield func(*question) bool, proof *proving, questions []*question) bool {
	proof.left = len(questions)
	for _, q := range questions {
		q.of = proof
		if !yield(q) {
			return false
		}
	}
	return true
}

// The reasons for which a rule is not asked for, beside the words of the
// triggers: what rules on addresses and name servers do depends on the data of
// free names.
const (
	reasonNotInForce = "not-in-force"
	reasonObserve    = "observe"
	reasonClients    = "other-clients"
)

// unasked is why a rule is not asked for now, "" if it is.
func (p *Probe) unasked(o *policy.Order, rule *order.Rule, now time.Time) string {
	holds := func(n netip.Prefix) bool { return n.Contains(p.Client) }
	switch {
	case o.State(now) != policy.InForce || now.Before(rule.From) || !rule.Until.IsZero() && !now.Before(rule.Until):
		return reasonNotInForce
	case rule.Trigger != order.TriggerName && rule.Trigger != order.TriggerAnyTLD:
		return rule.Trigger.String()
	case o.Mode == order.Observe:
		return reasonObserve
	case len(o.Clients) > 0 && !slices.ContainsFunc(o.Clients, holds):
		return reasonClients
	}
	return ""
}

// about are the questions about one name of a rule: the name itself and a name
// below, whichever the rule means, for both families; of what it does not mean
// one family.
func (p *Probe) about(e list.Entry, trigger order.Trigger) (questions []*question) {
	if trigger == order.TriggerAnyTLD {
		label := e.Name[:len(e.Name)-1]
		for _, suffix := range suffixes[:p.Sample] {
			if wire := append(slices.Clone(label), suffix...); name.IsRegistrable(wire) {
				questions = ask(questions, wire, dns.TypeA, dns.TypeAAAA)
			}
		}
		return questions
	}
	at, below := []uint16{dns.TypeA, dns.TypeAAAA}, []uint16{dns.TypeA, dns.TypeAAAA}
	switch e.Match {
	case name.Exact:
		below = below[:1]
	case name.Below:
		at = at[:1]
	}
	questions = ask(nil, e.Name, at...)
	if wire := oneBelow(e.Name); wire != nil {
		questions = ask(questions, wire, below...)
	}
	return questions
}

// ask appends questions for one name.
func ask(questions []*question, wire []byte, qtypes ...uint16) []*question {
	for _, qtype := range qtypes {
		q := &question{qtype: qtype}
		q.name.Set(wire)
		questions = append(questions, q)
	}
	return questions
}

// oneBelow is a random name below, nil if the name leaves no room for one. Who
// reads a query log sees what it is.
func oneBelow(wire []byte) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	label := []byte("probe-")
	for range 8 {
		label = append(label, letters[rand.IntN(len(letters))])
	}
	label = label[:min(len(label), name.MaxWire-1-len(wire))]
	if len(label) == 0 {
		return nil
	}
	return append(append([]byte{byte(len(label))}, label...), wire...)
}
