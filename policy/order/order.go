// Package order is what an order says: the order file's model and its strict
// parser.
//
// It reads files and the lists beside them, reports every problem with file
// and line, and hands over plain values. It decides nothing about a query:
// that is package policy. Start reading at Load.
package order

import (
	"fmt"
	"net/netip"
	"time"

	"bailiff/policy/list"
)

// Order is one blocking order as written. It is immutable after Load.
type Order struct {
	ID           string // [a-z0-9][a-z0-9._-]{0,62}, unique over all files
	Revision     uint64
	Title        string
	Jurisdiction string // ISO 3166-1 or 3166-2; empty when not given
	Category     string // empty when not given
	Authority    Authority
	LegalBasis   []string
	Reference    Reference
	Received     time.Time // zero when not given
	Deadline     Deadline
	Valid        Valid
	Clients      []netip.Prefix // empty: all clients
	Mode         Mode
	Priority     int
	Answer       Answer
	Publicity    Publicity
	Rules        []Rule // `block` first (one Rule holding all its names), then `rules`
	Notices      []Notice
	Limits       Limits
	Overrides    []Override
	Source       Source
}

// Source says where the order stood.
type Source struct {
	File   string // as the operator named it, joined with the folder's entries
	Line   int    // first line of the YAML document
	SHA256 string // hex, of the whole file
}

// AuthorityKind is who speaks.
type AuthorityKind uint8

// The kinds of authority. KindUnstated is an authority given as a bare string.
const (
	KindUnstated AuthorityKind = iota
	KindCourt
	KindRegulator
	KindPolice
	KindMinistry
	KindOperator
)

// String is the word order files use; "authority" when none was given.
func (k AuthorityKind) String() string {
	switch k {
	case KindUnstated:
		return "authority"
	case KindCourt:
		return "court"
	case KindRegulator:
		return "regulator"
	case KindPolice:
		return "police"
	case KindMinistry:
		return "ministry"
	case KindOperator:
		return "operator"
	}
	return fmt.Sprintf("AuthorityKind(%d)", uint8(k))
}

// Authority is who ordered the block.
type Authority struct {
	Kind AuthorityKind
	Name string
}

// Reference is where the order can be looked up.
type Reference struct {
	Case      string
	Issued    string // a date, 2006-01-02
	Document  string
	SHA256    string
	Databases []DatabaseEntry
}

// DatabaseEntry is where a public database of blocking incidents has the order.
type DatabaseEntry struct {
	DB string // the database's registered name: lumen
	ID string // of the entry
}

// Deadline is how long the provider has, counted from Received.
type Deadline struct {
	Block, Unblock time.Duration
}

// Valid is when the order is in force: From ≤ t < Until. Zero values are open.
type Valid struct {
	From, Until time.Time
	Review      string // a date, 2006-01-02
}

// Mode says whether matches change the answer.
type Mode uint8

// Enforce answers for the order; Observe counts and answers the truth.
const (
	Enforce Mode = iota
	Observe
)

// String is the word order files use.
func (m Mode) String() string {
	switch m {
	case Enforce:
		return "enforce"
	case Observe:
		return "observe"
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// Action is what a client gets instead of the truth.
type Action uint8

// The actions of an order. ActionPass is no order's: it is the verdict on a
// name that no order answers for.
const (
	ActionPass Action = iota
	ActionNXDOMAIN
	ActionNODATA
	ActionNotice
	ActionRefuse
	ActionDrop
)

// Actions is the number of actions, ActionPass included.
const Actions = int(ActionDrop) + 1

// String is the word order files, metrics and explain use.
func (a Action) String() string {
	switch a {
	case ActionPass:
		return "pass"
	case ActionNXDOMAIN:
		return "nxdomain"
	case ActionNODATA:
		return "nodata"
	case ActionNotice:
		return "notice"
	case ActionRefuse:
		return "refuse"
	case ActionDrop:
		return "drop"
	}
	return fmt.Sprintf("Action(%d)", uint8(a))
}

// Publicity says who may know the names of the order.
type Publicity uint8

// Hidden: no name of the order leaves the process but as a keyed digest.
const (
	Public Publicity = iota
	Summary
	Hidden
)

// String is the word order files use.
func (p Publicity) String() string {
	switch p {
	case Public:
		return "public"
	case Summary:
		return "summary"
	case Hidden:
		return "hidden"
	}
	return fmt.Sprintf("Publicity(%d)", uint8(p))
}

// Answer is how queries under the order are answered.
type Answer struct {
	Action Action
	TTL    time.Duration // whole seconds; 60 s when not given
	Notice Addresses     // empty: the server's own notice addresses
	Text   map[string]string
}

// Addresses is a legal notice's place.
type Addresses struct {
	IPv4, IPv6 []netip.Addr
}

// Trigger is the kind of thing a rule matches.
type Trigger uint8

// The triggers, in the spelling of the metrics' label.
const (
	TriggerName Trigger = iota
	TriggerAnyTLD
	TriggerAddress
	TriggerNameserver
	TriggerNameserverAddress
)

// Triggers is the number of triggers.
const Triggers = int(TriggerNameserverAddress) + 1

// String is the label value of the metrics.
func (t Trigger) String() string {
	switch t {
	case TriggerName:
		return "name"
	case TriggerAnyTLD:
		return "any-tld"
	case TriggerAddress:
		return "address"
	case TriggerNameserver:
		return "nameserver"
	case TriggerNameserverAddress:
		return "nameserver-address"
	}
	return fmt.Sprintf("Trigger(%d)", uint8(t))
}

// Rule is one trigger, or one exception, with what it holds. A `name` rule
// holds one name, `block` and a list hold many.
type Rule struct {
	Place   string // "block", "rule 4", "rule 4 (lists/a.txt)"
	File    string // where the names stand: the order file, or the list file
	Line    int    // line of the rule in the order file
	Trigger Trigger
	Except  bool // lifts this order's own rules where it is closer

	// Names holds domain names for TriggerName, a single label each for
	// TriggerAnyTLD, server names (with what is below them) for
	// TriggerNameserver. Prefixes is for the other two.
	Names    list.Names
	Prefixes []list.Prefix

	Notice string    // id of the notice that added it; empty when none
	From   time.Time // zero: as the order
	Until  time.Time
	Reason string
	Note   string
}

// Len is the number of names or prefixes.
func (r *Rule) Len() int { return r.Names.Len() + len(r.Prefixes) }

// Notice is what a dynamic order added later.
type Notice struct {
	ID       string
	At       time.Time
	Kind     string
	By       string
	Document string
	SHA256   string
}
