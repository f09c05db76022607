package rpz

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Report says what a zone holds, and what of the orders it does not.
type Report struct {
	Orders  int       // in the zone
	Records int       // the apex's not counted
	Until   time.Time // when the next order or rule begins or ends; zero: never
	Left    []Left    // by reason
}

// Left is what a zone does not hold, for one reason.
type Left struct {
	Reason Reason
	Count  int      // of what the reason's text names
	Orders []string // ids, sorted; empty where no order is to blame alone
}

// Reason is why something is not in the zone.
type Reason uint8

// The reasons: for whole orders, then for parts of them.
const (
	Pending Reason = iota
	Lapsed
	Observed
	SomeClients
	Hidden
	Refuses
	RuleNotInForce
	AnyTLD
	Hints
	LiftedTooFar
	NoOwner
	Explanation
)

// String is what is left out, as it follows a count.
func (r Reason) String() string {
	switch r {
	case Pending:
		return "orders that have not begun"
	case Lapsed:
		return "orders that have ended"
	case Observed:
		return "orders that only observe"
	case SomeClients:
		return "orders for some client networks"
	case Hidden:
		return "orders whose names are hidden"
	case Refuses:
		return "orders that answer REFUSED"
	case RuleNotInForce:
		return "names and addresses of rules that have not begun or have ended"
	case AnyTLD:
		return "labels under any top-level domain"
	case Hints:
		return "addresses, as far as they stand in SVCB and HTTPS hints"
	case LiftedTooFar:
		return "records that free a name of the address rules of all orders, not of one"
	case NoOwner:
		return "names that make no owner name in the zone"
	case Explanation:
		return "explanations (extended errors, texts)"
	}
	return fmt.Sprintf("Reason(%d)", uint8(r))
}

// Remedy is what to do about it.
func (r Reason) Remedy() string {
	switch r {
	case Pending, RuleNotInForce:
		return "export again when they begin"
	case Lapsed:
		return "nothing is to be done"
	case Observed:
		return "a zone cannot count them"
	case SomeClients:
		return "a zone holds for every client of a server: give these clients a server or view of their own"
	case Hidden:
		return "give --hidden to write them, and guard the zone as you guard the order files"
	case Refuses:
		return "give --refuse-as nxdomain or --refuse-as drop"
	case AnyTLD:
		return "list the names"
	case Hints:
		return "put the names that lead to them under order"
	case LiftedTooFar:
		return "name the exceptions in every order with address rules, or in none"
	case NoOwner:
		return "choose a shorter --origin"
	case Explanation:
		return "set one text for the whole zone where the server can"
	}
	return ""
}

// leave notes that count things are not in the zone, of the order if one is
// named.
func (r *Report) leave(reason Reason, count int, id string) {
	i, found := slices.BinarySearchFunc(r.Left, reason, func(l Left, reason Reason) int { return cmp.Compare(l.Reason, reason) })
	if !found {
		r.Left = slices.Insert(r.Left, i, Left{Reason: reason})
	}
	l := &r.Left[i]
	l.Count += count
	if id != "" && !slices.Contains(l.Orders[max(0, len(l.Orders)-1):], id) {
		l.Orders = append(l.Orders, id)
	}
}
