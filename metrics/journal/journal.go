// Package journal keeps the record of what a server did with its orders: one
// JSON object a line, each chained to the line before by SHA-256, the chain's
// head signed with an ed25519 key at an interval.
//
// A folder, the operator's `state`, holds
//
//	journal-<first seq>.jsonl   full files, in the order of the chain
//	journal.jsonl               the file that is written to, the last of the chain
//	journal.key, journal.pub    the key that signs heads, and its public half
//	names.key                   the key of the digests that stand for hidden names
//	journal.lock                locked by the server that writes
//	archive/<sha256>.gz         every order, notice and list file that was in force
//
// The package writes, reads and verifies; what an entry says is up to the
// caller. It never holds up who appends, never stops a server, and knows
// nothing of queries. It may import policy/problem and below. Start reading at
// Writer.run for writing, at Verify for reading.
package journal

import (
	"encoding/json"
	"time"
)

// Event is what an entry is about.
type Event string

// The events. Stop, Lifted, Pending, InForce, Lapsed and Boundary have no detail;
// what detail the others have is said at their types here, or is the caller's.
const (
	Start       Event = "start"        // a server began; a Load follows from it
	Stop        Event = "stop"         // it ended as it was told to
	Config      Event = "config"       // what of the configuration differs from the last start
	Reload      Event = "reload"       // orders were read again: Load, or why they were rejected
	FilesLoaded Event = "files"        // Files: which files the load before read
	Loaded      Event = "loaded"       // an order is new
	Changed     Event = "changed"      // an order says something else than in the load before
	Lifted      Event = "lifted"       // an order is gone
	InForce     Event = "in-force"     // an order applies from now on
	Lapsed      Event = "lapsed"       // an order ended
	Pending     Event = "pending"      // an order has not begun yet
	Boundary    Event = "boundary"     // an order or rule began or ended: a new generation
	FirstAnswer Event = "first-answer" // the first answer under an order, or under one of its notices
	Matches     Event = "matches"      // how many queries fell under an order since the entry before of this kind
	Refused     Event = "refused"      // the guard refused something of an order
	Override    Event = "override"     // an override lifted what the guard refuses
	Gap         Event = "gap"          // Missing: entries were lost, or late, or cut off
	Head        Event = "head"         // Signature over the entry before
)

// Events are all events, in the order in which a server comes to them.
func Events() []Event {
	return []Event{
		Start, Stop, Config, Reload, FilesLoaded, Loaded, Changed, Lifted, Pending, InForce, Lapsed, Boundary,
		FirstAnswer, Matches, Refused, Override, Gap, Head,
	}
}

// Entry is one line of the journal. Seq and Prev are the Writer's to fill in.
type Entry struct {
	Seq        uint64          `json:"seq"` // from 1, without a gap, over all files
	Time       time.Time       `json:"time"`
	Event      Event           `json:"event"`
	Prev       string          `json:"prev"` // SHA-256 of the line before without its line feed, hex; of the first line: zeros
	Order      string          `json:"order,omitempty"`
	Revision   uint64          `json:"revision,omitempty"`
	Rule       string          `json:"rule,omitempty"`
	Generation uint64          `json:"generation,omitempty"`
	Detail     json.RawMessage `json:"detail,omitempty"` // an object that depends on the event; made by Detail; absent: nothing more to say
}

// Detail makes the detail of an entry of a value that marshals to an object.
// Values are this program's own types: one that does not marshal is a fault of
// the program, and is told in the detail.
func Detail(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"fault": err.Error()})
	}
	return text
}
