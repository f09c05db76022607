package dnssec

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// span is an NSEC or NSEC3 RRset of a zone, the one or the other.
type span struct {
	zone   *zoneRanges
	start  string // the owner as a path, or the owner's hash
	end    string // the same of the next
	nsec   nsecs
	nsec3  nsec3s
	set    Set
	until  time.Time
	octets int64
}

// newSpan takes an RRset of one record; nil if it is of no use.
func newSpan(apex path, set Set, until time.Time) *span {
	s := &span{set: set, until: until, octets: octetsOf(set)}
	switch rr := set.RRs[0].(type) {
	case *dns.NSEC:
		if s.nsec.add(apex, rr); len(s.nsec) == 0 {
			return nil
		}
		s.start, s.end = string(s.nsec[0].owner), string(s.nsec[0].next)
	case *dns.NSEC3:
		s.nsec3.add(apex, rr)
		if len(s.nsec3.records) == 0 || s.nsec3.tooSlow() || s.nsec3.records[0].optOut { // RFC 8198 section 5.2
			return nil
		}
		record := &s.nsec3.records[0]
		s.start, s.end = string(record.owner[:]), string(record.next[:])
	default:
		return nil
	}
	return s
}

// octetsOf is about what a set takes in memory.
func octetsOf(set Set) int64 {
	const perSet, perRecord = 512, 256 // what points to it, and headers
	octets := perSet
	for _, rr := range set.RRs {
		octets += perRecord + dns.Len(rr)
	}
	for _, sig := range set.Sigs {
		octets += perRecord + dns.Len(sig)
	}
	return int64(octets)
}

// spans are in the order of their starts.
type spans []*span

// search is where a start is, or would be.
func (l spans) search(start string) (at int, found bool) {
	return slices.BinarySearchFunc(l, start, func(s *span, start string) int { return strings.Compare(s.start, start) })
}

// floor is the span that starts at the place or last before it; before the first
// it is the last, which may lead round to it. Nil if there are none.
func (l spans) floor(place string) *span {
	if len(l) == 0 {
		return nil
	}
	at, found := l.search(place)
	if !found {
		at = (at + len(l) - 1) % len(l)
	}
	return l[at]
}

// zoneRanges is what is known of one zone.
type zoneRanges struct {
	name   string
	apex   path
	soa    Set
	until  time.Time // of the SOA
	octets int64     // of the SOA
	names  spans     // NSEC
	hashes spans     // NSEC3, all with the same parameters
}

// list is where a span belongs.
func (z *zoneRanges) list(s *span) *spans {
	if s.nsec != nil {
		return &z.names
	}
	return &z.hashes
}

// insert puts a span in its place, and returns those taken out for it: of the
// same start, inside it, or with other NSEC3 parameters. The zone has changed
// since.
func (z *zoneRanges) insert(s *span) (outdated []*span) {
	list := z.list(s)
	if len(*list) > 0 && !s.nsec3.like(&(*list)[0].nsec3) {
		outdated, *list = *list, nil
	}
	at, _ := list.search(s.start)
	end := at
	for end < len(*list) && ((*list)[end].start == s.start || (*list)[end].start < s.end || s.end <= s.start) {
		end++
	}
	outdated = append(outdated, (*list)[at:end]...)
	*list = slices.Replace(*list, at, end, s)
	return outdated
}

// remove takes a span out, if it is still there.
func (z *zoneRanges) remove(s *span) {
	list := z.list(s)
	if at, found := list.search(s.start); found && (*list)[at] == s {
		*list = slices.Delete(*list, at, at+1)
	}
}

// denyByName finds the spans that deny the name or the type, nil if there are
// none.
func (z *zoneRanges) denyByName(q path, qtype uint16) (proof []*span, nxdomain bool) {
	s := z.names.floor(string(q))
	switch {
	case s == nil:
		return nil, false
	case s.nsec.lack(q, qtype):
		return []*span{s}, false
	case !s.nsec.deny(q):
		return nil, false
	}
	n := s.nsec[0]
	w := z.names.floor(string(n.encloser(q) + wildcardLabel))
	both := nsecs{n, w.nsec[0]}
	switch {
	case both.nxdomain(q) == ProofSecure:
		return distinct(s, w), true
	case both.nodata(q, qtype) == ProofSecure:
		return distinct(s, w), false
	}
	return nil, false
}

// denyByHash does the same with NSEC3. The names from q to the apex are hashed in
// c.
func (z *zoneRanges) denyByHash(q path, qtype uint16, c *nsec3s, b *Budget) (proof []*span, nxdomain bool) {
	proof = z.spansFor(q, c, b)
	for _, s := range proof {
		c.records = append(c.records, s.nsec3.records...)
	}
	switch {
	case c.nodata(q, qtype, b) == ProofSecure:
		return proof, false
	case c.nxdomain(q, b) == ProofSecure:
		return proof, true
	}
	return nil, false
}

// spansFor finds the span that the name's hash starts, or those that the closest
// encloser, the next closer name and the wildcard are in.
func (z *zoneRanges) spansFor(q path, c *nsec3s, b *Budget) []*span {
	if s, match := z.spanOf(q, c, b); match {
		return []*span{s}
	}
	for next := q; next != z.apex; next = next.parent() {
		encloser := next.parent()
		if s, match := z.spanOf(encloser, c, b); match {
			nextCloser, _ := z.spanOf(next, c, b)
			wildcard, _ := z.spanOf(encloser+wildcardLabel, c, b)
			return distinct(s, nextCloser, wildcard)
		}
	}
	return nil
}

// spanOf is the span that a name's hash is in, and whether it starts there.
// hashAll has seen to it that the budget allows for a wildcard's.
func (z *zoneRanges) spanOf(name path, c *nsec3s, b *Budget) (s *span, match bool) {
	h, _ := c.hash(name, b)
	s = z.hashes.floor(string(h[:]))
	return s, s.start == string(h[:])
}

// distinct is the spans, each once.
func distinct(all ...*span) (once []*span) {
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
