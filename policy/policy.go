// Package policy decides which order answers for a name.
//
// Compile turns the orders of one load into a Program: an immutable trie over
// every rule of every order, whatever its dates. A Snapshot is a Program at an
// instant: the rules in force then, and the interval over which that stays
// true. A Store hands the current Snapshot to the query path by one atomic
// load. A query calls Match and no clock.
//
// The package never resolves, never logs and never sees a DNS message: it
// imports neither miekg/dns nor Prometheus nor net/http. Start reading at
// Snapshot.Match.
package policy

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"

	"bailiff/policy/order"
)

// State is where an order stands in its life.
type State uint8

// An order is pending before it begins, in force, and lapsed from its end on.
const (
	Pending State = iota
	InForce
	Lapsed
)

// String is the label value of the metrics.
func (s State) String() string {
	switch s {
	case Pending:
		return "pending"
	case InForce:
		return "in-force"
	case Lapsed:
		return "lapsed"
	}
	return "unknown"
}

// Order is an order as the query path needs it. Immutable; shared by the
// snapshots of one Program.
type Order struct {
	*order.Order            // as written, without the rules' names
	Rules        []Rule     // as written, in the order of the file
	TTLSeconds   uint32     // of the answers
	IPv4, IPv6   [][]byte   // notice addresses, as RDATA
	ExtraText    string     // EXTRA-TEXT of the EDE (RFC 8914): "<id>: <authority>", hidden orders the kind
	Tally        *Tally     // survives reloads
	clients      *bart.Lite // nil: every client

	notices map[string]*atomic.Int64 // by id: what Rule.first of its rules is

	// Structured says what ExtraText does to clients that ask for structured
	// errors, StructuredBrief where a reply has no room for that. Either may be
	// empty: there is none.
	Structured, StructuredBrief string
}

// Rule is what is known of a rule once its names are in the trie.
type Rule struct {
	Place       string // "block", "rule 4", "rule 4 (lists/a.txt)"
	File        string
	Line        int
	Trigger     order.Trigger
	Except      bool
	Names       int
	From, Until time.Time // zero: as the order
	Notice      string    // id of the notice that added it; empty: none

	first *atomic.Int64 // Unix nanoseconds of the first answer under the notice, 0: none; nil without a notice
}

// Match is one order that a name falls under. It borrows nothing from the
// query.
type Match struct {
	Order *Order
	// Rule is the index in Order.Rules.
	Rule int
	// OwnerLabel is the index of the label, from the left of the name that was
	// matched, at which the rule's name starts.
	OwnerLabel int
	// Until is the end of the rule or order in Unix seconds, 0 if it has none:
	// no TTL may reach past it.
	Until int64

	rank      uint32 // index in Program.orders
	closeness int
	except    bool
}

// Trigger is the trigger of the rule that matched.
func (m *Match) Trigger() order.Trigger { return m.Order.Rules[m.Rule].Trigger }

// Enforced reports whether the match changes the answer; a match of an order
// in observe mode is only counted.
func (m *Match) Enforced() bool { return m.Order.Mode == order.Enforce }

// TTLSeconds is the TTL of an answer given at now: the order's, but never past
// its end.
func (m *Match) TTLSeconds(now time.Time) uint32 {
	if m.Until == 0 {
		return m.Order.TTLSeconds
	}
	return uint32(min(int64(m.Order.TTLSeconds), max(0, m.Until-now.Unix())))
}

// serves reports whether the order applies to queries of client.
func (o *Order) serves(client netip.Addr) bool {
	return o.clients == nil || o.clients.Contains(client)
}

// validity is the interval [from, until) in Unix nanoseconds; the extremes of
// int64 stand for "open".
type validity struct{ from, until int64 }

const (
	distantPast   = -1 << 63
	distantFuture = 1<<63 - 1
)

// validityOf intersects the order's dates with the rule's own.
func validityOf(v order.Valid, from, until time.Time) validity {
	out := validity{distantPast, distantFuture}
	for _, t := range []time.Time{v.From, from} {
		if !t.IsZero() {
			out.from = max(out.from, t.UnixNano())
		}
	}
	for _, t := range []time.Time{v.Until, until} {
		if !t.IsZero() {
			out.until = min(out.until, t.UnixNano())
		}
	}
	return out
}

func (v validity) state(now int64) State {
	switch {
	case now >= v.until:
		return Lapsed
	case now < v.from:
		return Pending
	}
	return InForce
}
