// Package rpz writes orders as a response policy zone
// (draft-vixie-dnsop-dns-rpz-00), so that other resolvers enforce them.
//
// What decides is settled beforehand: the zone gives each name one outcome, the
// one that this resolver would give it, and holds wherever daemons differ in
// how they read wildcards. What a zone has no words for is left out and
// reported, never approximated in silence. The package writes and never reads:
// package list reads zones. It may import policy and what is below. Start
// reading at Plan and Zone.Write.
package rpz

import (
	"net/netip"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// Options say what becomes of orders that a zone cannot hold as they are.
type Options struct {
	Origin name.Name // of the zone
	At     time.Time // the zone holds what is in force then
	Notice order.Addresses
	// RefuseAs is the action written for orders whose action is refuse, which no
	// zone can express; ActionPass leaves them out.
	RefuseAs order.Action
	Hidden   bool // write orders whose names are hidden, too
}

// Zone is what a zone will hold: the orders of one load, as far as a zone has
// words for them.
type Zone struct {
	options                    Options
	names                      []*order.Order // with rules on names alone
	servers                    []*order.Order // with rules on name servers alone, put as rules on names
	addresses, serverAddresses []address
	report                     Report
}

// address is a prefix of a rule on addresses.
type address struct {
	netip.Prefix
	order string    // its id
	until time.Time // end of the rule; zero: none
}

// Plan picks from a load what the zone will hold. It takes the rules as they
// are and leaves set alone; call it before policy.Compile consumes their names.
func Plan(set *order.Set, options Options) *Zone {
	z := &Zone{options: options}
	for _, o := range set.Orders {
		z.noteBoundaries(o.Valid.From, o.Valid.Until)
		if reason, fits := z.fits(o); !fits {
			z.report.leave(reason, 1, o.ID)
			continue
		}
		z.add(o)
	}
	return z
}

// fits reports whether a zone can say who and when the order is for and what
// is answered, and if not, why.
func (z *Zone) fits(o *order.Order) (Reason, bool) {
	switch {
	case !o.Valid.Until.IsZero() && !z.options.At.Before(o.Valid.Until):
		return Lapsed, false
	case z.options.At.Before(o.Valid.From):
		return Pending, false
	case o.Mode == order.Observe:
		return Observed, false
	case len(o.Clients) > 0:
		return SomeClients, false
	case o.Publicity == order.Hidden && !z.options.Hidden:
		return Hidden, false
	case o.Answer.Action == order.ActionRefuse && z.options.RefuseAs == order.ActionPass:
		return Refuses, false
	}
	return 0, true
}

// add takes the rules of an order that are in force.
func (z *Zone) add(o *order.Order) {
	names, servers := *o, *o
	names.Rules, servers.Rules = nil, nil
	before := len(z.addresses) + len(z.serverAddresses)
	for _, r := range o.Rules {
		z.noteBoundaries(r.From, r.Until)
		switch {
		case z.options.At.Before(r.From) || !r.Until.IsZero() && !z.options.At.Before(r.Until):
			z.report.leave(RuleNotInForce, r.Len(), o.ID)
		case r.Trigger == order.TriggerName:
			names.Rules = append(names.Rules, r)
		case r.Trigger == order.TriggerNameserver:
			r.Trigger = order.TriggerName
			servers.Rules = append(servers.Rules, r)
		case r.Trigger == order.TriggerAnyTLD:
			z.report.leave(AnyTLD, r.Len(), o.ID)
		default:
			z.addAddresses(o, &r)
		}
	}
	if len(names.Rules)+len(servers.Rules)+len(z.addresses)+len(z.serverAddresses) == before {
		return
	}
	z.names = append(z.names, &names)
	z.servers = append(z.servers, &servers)
	z.report.Orders++
	z.report.leave(Explanation, 1, o.ID)
}

// addAddresses takes the prefixes of a rule on addresses. RPZ compares a
// record's whole address; the IPv6 prefixes that carry the IPv4 one are
// written too, so that an address in NAT64 or 6to4 form is no way around.
func (z *Zone) addAddresses(o *order.Order, r *order.Rule) {
	into, carriers := &z.addresses, true
	if r.Trigger == order.TriggerNameserverAddress {
		into, carriers = &z.serverAddresses, false
	} else {
		z.report.leave(Hints, r.Len(), o.ID)
	}
	until := earlier(o.Valid.Until, r.Until)
	for _, p := range r.Prefixes {
		*into = append(*into, address{p.Prefix, o.ID, until})
		if carriers && p.Addr().Is4() {
			*into = append(*into, address{nat64(p.Prefix), o.ID, until}, address{sixToFour(p.Prefix), o.ID, until})
		}
	}
}

// noteBoundaries notes the instants at which the zone is no longer true.
func (z *Zone) noteBoundaries(instants ...time.Time) {
	for _, t := range instants {
		if t.After(z.options.At) {
			z.report.Until = earlier(z.report.Until, t)
		}
	}
}

// earlier is the earlier of two instants; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
