package querylog

import (
	"net/netip"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/resolver"
)

// Bounds of a batch. A worker has one to fill while the encoder is busy with
// another: 1 MiB each, for 20,000 entries a second and worker at least, and
// many more while the encoder keeps up.
const (
	maxEntries = 2048
	maxOctets  = 512 << 10 // of names and messages
	maxMatches = 2048
	// maxEntryMatches bounds those of one entry. A query falls under a few
	// orders; thousands of orders on one name would be a mistake.
	maxEntryMatches = 16
)

// entry is one query in the log. Its octets and matches lie in its batch.
type entry struct {
	received  time.Time
	took      time.Duration
	client    netip.Addr
	transport resolver.Transport
	source    resolver.Source
	rcode     int // -1: no reply was sent
	qtype     uint16
	hidden    bool   // it falls under a hidden order: nothing may tell its name
	name      []byte // QNAME in canonical wire format; nil: none could be read
	query     []byte // the message; nil if hidden
	reply     []byte // the message; nil if hidden, or none was sent

	matches []policy.Match // the one that answers first
	ruled   bool           // there is one that answers
	subject []byte         // what that is about, see resolver.Query.Subject
}

// batch is a bounded number of entries in memory that is used again and again.
type batch struct {
	entries []entry
	octets  []byte
	matches []policy.Match
}

func newBatch() *batch {
	return &batch{
		entries: make([]entry, 0, maxEntries),
		octets:  make([]byte, 0, maxOctets),
		matches: make([]policy.Match, 0, maxMatches),
	}
}

// add copies what the log needs of a query. It reports false if there is no
// room for all of it.
func (b *batch) add(q *resolver.Query, e resolver.Event, reply []byte) bool {
	size := len(q.Packet) + len(reply) + len(q.Name()) + len(q.Subject())
	if len(b.entries) == maxEntries || len(b.octets)+size > maxOctets || len(b.matches)+maxEntryMatches > maxMatches {
		return false
	}
	b.entries = append(b.entries, entry{
		received: q.Received, took: e.Took, client: q.Client,
		transport: e.Transport, source: e.Source, rcode: e.Rcode, qtype: e.Type,
		name: b.keep(q.Name()), ruled: q.Ruling() != nil, subject: b.keep(q.Subject()),
	})
	added := &b.entries[len(b.entries)-1]
	added.matches, added.hidden = b.keepMatches(q)
	if !added.hidden {
		added.query, added.reply = b.keep(q.Packet), b.keep(reply)
	}
	return true
}

// keep copies octets for which there is room.
func (b *batch) keep(octets []byte) []byte {
	if octets == nil {
		return nil
	}
	at := len(b.octets)
	b.octets = append(b.octets, octets...)
	return b.octets[at:len(b.octets):len(b.octets)]
}

// keepMatches copies the query's matches, and reports whether any is of a
// hidden order, or QNAME tells of one.
func (b *batch) keepMatches(q *resolver.Query) (kept []policy.Match, hidden bool) {
	at, ruling := len(b.matches), q.Ruling()
	hidden = q.Hidden()
	if ruling != nil {
		b.matches = append(b.matches, *ruling)
	}
	for _, m := range q.Matches() {
		hidden = hidden || m.Order.Publicity == order.Hidden
		if len(b.matches)-at < maxEntryMatches && (ruling == nil || m.Order != ruling.Order) {
			b.matches = append(b.matches, m)
		}
	}
	return b.matches[at:len(b.matches):len(b.matches)], hidden
}

// crowded reports that the batch should be encoded soon.
func (b *batch) crowded() bool {
	return len(b.entries) >= maxEntries/2 || len(b.octets) >= maxOctets/2 || len(b.matches) >= maxMatches/2
}

// reset empties the batch. Orders that were lifted must not stay in memory.
func (b *batch) reset() {
	clear(b.matches)
	clear(b.entries)
	b.entries, b.octets, b.matches = b.entries[:0], b.octets[:0], b.matches[:0]
}
