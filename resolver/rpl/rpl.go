// Package rpl reads scenarios: the language in which the field writes down how
// servers, a resolver and its clients talk, and what must come of it. Both of
// its dialects are read, that of Unbound's testbound and that of Deckard, and
// our own addition, whole zones (see Zone).
//
// It decides what a scenario says, what a message has to share with an entry to
// match it, and what of an expected answer bailiff promises (see promise.go). It
// runs nothing: package scenarios, a test, does. What a scenario uses and nobody
// here knows is listed as unsupported, so that a run skips it and says why. It
// may import miekg/dns, package exchange for its Transport and package problem.
//
// Start reading at Scenario and Read.
package rpl

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// Dialect says by whose rules a scenario is played.
type Dialect uint8

// The dialects. In Deckard's, settings stand alone, and servers answer what no
// entry is for with SERVFAIL; in testbound's they are in clauses, and silence
// is the answer.
const (
	Testbound Dialect = iota
	Deckard
)

// String is the name of the program that plays the dialect.
func (d Dialect) String() string {
	switch d {
	case Testbound:
		return "testbound"
	case Deckard:
		return "deckard"
	}
	return fmt.Sprintf("Dialect(%d)", uint8(d))
}

// Scenario is one file: a configuration, servers, and steps in ascending order.
type Scenario struct {
	Title   string
	Dialect Dialect
	Clauses []Clause
	Zones   []Zone
	Ranges  []Range
	Steps   []Step

	// Unsupported is what the scenario uses and this package does not know, each
	// as "line: what". The rest of the scenario means little then.
	Unsupported []string
}

// Clause is a group of settings such as "stub-zone:". Settings outside of any
// are in one with an empty name.
type Clause struct {
	Name     string
	Line     int
	Settings []Setting
}

// Setting is one line of the configuration, its value without quotes.
type Setting struct {
	Key, Value string
	Line       int
}

// Range is what servers answer while the scenario is at the steps From to To.
type Range struct {
	From, To  int
	Addresses []netip.Addr // of the servers; none: any
	Entries   []*Entry
}

// Zone is a zone, served at its addresses through the whole scenario as an
// authoritative server does, wherever no Range has an entry for a query.
type Zone struct {
	Line      int
	Name      string // canonical, with the final dot
	Addresses []netip.Addr
	Settings  []Setting // how it is signed, and what is wrong with it
	Records   []dns.RR
}

// Event is what happens at a step.
type Event uint8

// The events. Those that name a query of bailiff's mean the latest that waits.
const (
	Nothing        Event = iota
	Query                // a client asks
	CheckAnswer          // a client has been answered so
	CheckOutQuery        // bailiff has asked so; with ADJUST copy_id it is also answered
	Reply                // a query of bailiff's is answered
	Timeout              // a query of bailiff's stays without a response
	Failure              // a query of bailiff's fails: nobody listens there
	TimePasses           // the clock moves on
	CheckUpstreams       // at most so many queries have been sent upstream since the last such step
)

// String is the event's word in a scenario.
func (e Event) String() string {
	for word, event := range events {
		if event == e {
			return word
		}
	}
	return fmt.Sprintf("Event(%d)", uint8(e))
}

// Step is one moment of a scenario.
type Step struct {
	Number  int
	Line    int
	Event   Event
	Address netip.Addr    // of the client; invalid: whichever
	Elapse  time.Duration // with TimePasses
	Most    int           // with CheckUpstreams
	Entry   *Entry        // nil for events that have none
}

// Entry is a message, and how it is used: what a query must share with it to be
// answered with it, what a client is to be told, or what a client asks.
type Entry struct {
	Line      int
	Match     Match
	Transport exchange.Transport // with MatchTransport; UDP otherwise. What a client asks over
	Serial    uint32             // with MatchSerial
	EDE       uint16             // with MatchEDE
	Adjust    Adjust
	Message   *dns.Msg
	Raw       []byte // sent instead of Message; nil: nothing is
}
