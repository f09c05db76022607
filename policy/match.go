package policy

import (
	"cmp"
	"net/netip"

	"github.com/gaissmai/bart"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// Match appends to matches each order that n falls under for this client, one
// entry an order, and returns the extended slice with the index of the match
// that answers: -1 if none enforces.
//
// Within an order the closest of rules and exceptions decides, an exception on
// a tie. Among orders the closest match answers: exact over subtree, more
// labels over fewer; then the order's rank.
func (s *Snapshot) Match(n *name.Buffer, client netip.Addr, matches []Match) (all []Match, answers int) {
	if s.program == nil {
		return matches, -1
	}
	start := len(matches)
	matches = s.gather(n, client, matches)
	if len(matches) == start {
		return matches, -1
	}
	return settle(matches, start)
}

// Expect says that Match will soon be asked about n. It calls for the memory that
// Match will look into, and does not wait for it: names that come together wait
// together.
func (s *Snapshot) Expect(n *name.Buffer) {
	for i := range s.layers {
		s.layers[i].table.expect(n)
	}
}

// gather appends an entry for each order of which a rule or an exception
// stands for n: the one that decides within the order.
func (s *Snapshot) gather(n *name.Buffer, client netip.Addr, matches []Match) []Match {
	start := len(matches)
	for i := range s.layers {
		l := &s.layers[i]
		l.table.walk(n, func(label int, set uint32) {
			matches = s.collect(matches, start, l.spans[set], place{label: label, owner: label, closeness: -2 * label}, client)
		})
		if len(l.anyTLD) == 0 {
			continue
		}
		for i := range n.Labels() - 1 {
			if set, ok := l.labelSet(n, i); ok {
				matches = s.collect(matches, start, l.spans[set], place{label: i, owner: i, closeness: -2 * i}, client)
			}
		}
	}
	return matches
}

// place is where in a query something matched, and how closely.
type place struct {
	label     int // of what was looked up, where the rule's name starts; 0 for addresses
	owner     int // the same of QNAME, where the rule is about that; else 0
	closeness int
}

// MatchAddress appends to matches each order that holds an address of the
// response to a query for n, one entry an order beyond start. An exception for
// n lifts its order's address rules too. Settle then says which one answers.
func (s *Snapshot) MatchAddress(address netip.Addr, n *name.Buffer, client netip.Addr, matches []Match, start int) []Match {
	before := len(matches)
	for i := range s.layers {
		matches = s.matchPrefixes(&s.layers[i], s.layers[i].addresses, address, client, matches, start)
	}
	return s.dropExcepted(matches, before, n, client)
}

// MatchServer does as MatchAddress does with the name of a name server of a
// zone that the query for n leads to, MatchServerAddress with its address. A
// server's name is closer than its address.
func (s *Snapshot) MatchServer(server, n *name.Buffer, client netip.Addr, matches []Match, start int) []Match {
	const byName = 1000 // more than any prefix has bits
	before := len(matches)
	for i := range s.layers {
		l := &s.layers[i]
		l.servers.walk(server, func(label int, set uint32) {
			matches = s.collect(matches, start, l.spans[set], place{label: label, closeness: byName + 2*(server.Labels()-label)}, client)
		})
	}
	return s.dropExcepted(matches, before, n, client)
}

// MatchServerAddress is described at MatchServer.
func (s *Snapshot) MatchServerAddress(address netip.Addr, n *name.Buffer, client netip.Addr, matches []Match, start int) []Match {
	before := len(matches)
	for i := range s.layers {
		matches = s.matchPrefixes(&s.layers[i], s.layers[i].serverAddresses, address, client, matches, start)
	}
	return s.dropExcepted(matches, before, n, client)
}

func (s *Snapshot) matchPrefixes(l *activeLayer, t *bart.Table[uint32], address netip.Addr, client netip.Addr, matches []Match, start int) []Match {
	if t == nil {
		return matches
	}
	for prefix, set := range t.Supernets(netip.PrefixFrom(address, address.BitLen())) {
		bits := prefix.Bits()
		if address.Is4() {
			bits += 96 // so that both families compare
		}
		matches = s.collect(matches, start, l.spans[set], place{closeness: bits}, client)
	}
	return matches
}

// dropExcepted drops the matches beyond before of orders with an exception
// for n.
func (s *Snapshot) dropExcepted(matches []Match, before int, n *name.Buffer, client netip.Addr) []Match {
	kept := matches[:before]
	for _, m := range matches[before:] {
		if !s.excepts(&m, n, client) {
			kept = append(kept, m)
		}
	}
	return kept
}

// excepts reports whether an exception of the order stands for n.
func (s *Snapshot) excepts(m *Match, n *name.Buffer, client netip.Addr) bool {
	var room [8]Match
	for _, other := range s.gather(n, client, room[:0]) {
		if other.rank == m.rank && other.except {
			return true
		}
	}
	return false
}

// Settle picks from the matches beyond start the one that answers.
func Settle(matches []Match, start int) (all []Match, answers int) { return settle(matches, start) }

// HoldsAddresses reports whether there are address rules at all.
func (s *Snapshot) HoldsAddresses() bool {
	return s.anyLayer(func(l *layer) bool { return l.addresses != nil })
}

// HoldsServers reports whether there are rules on name servers, HoldsServerAddresses
// whether any is on their addresses.
func (s *Snapshot) HoldsServers() bool {
	return s.anyLayer(func(l *layer) bool { return l.servers != nil || l.serverAddresses != nil })
}

// HoldsServerAddresses is described at HoldsServers.
func (s *Snapshot) HoldsServerAddresses() bool {
	return s.anyLayer(func(l *layer) bool { return l.serverAddresses != nil })
}

// HoldsAddress reports whether any rule, of whatever order, dates and clients,
// holds the address. While none does, no client's answer can change.
func (s *Snapshot) HoldsAddress(address netip.Addr) bool {
	return s.anyLayer(func(l *layer) bool { return l.addresses != nil && l.addresses.Contains(address) })
}

// HoldsServer and HoldsServerAddress are HoldsAddress for name servers.
func (s *Snapshot) HoldsServer(server *name.Buffer) bool {
	return s.anyLayer(func(l *layer) bool { return l.servers.touches(server) })
}

// HoldsServerAddress is described at HoldsServer.
func (s *Snapshot) HoldsServerAddress(address netip.Addr) bool {
	return s.anyLayer(func(l *layer) bool { return l.serverAddresses != nil && l.serverAddresses.Contains(address) })
}

// Touches is HoldsAddress for a name: it reports whether any rule stands on
// the path of n.
func (s *Snapshot) Touches(n *name.Buffer) bool {
	return s.anyLayer(func(l *layer) bool {
		if l.table.touches(n) {
			return true
		}
		for i := range n.Labels() - 1 {
			if _, ok := l.labelSet(n, i); ok {
				return true
			}
		}
		return false
	})
}

func (s *Snapshot) anyLayer(holds func(*layer) bool) bool {
	for i := range s.layers {
		if holds(s.layers[i].layer) {
			return true
		}
	}
	return false
}

// collect adds what one set says, whose rules in force are sp, about a query that
// matched at p. Matches are kept one an order: the closest.
func (s *Snapshot) collect(matches []Match, start int, sp span, p place, client netip.Addr) []Match {
	for i := range s.active[sp.at : sp.at+sp.n] {
		r := &s.active[int(sp.at)+i]
		if p.label == 0 && r.match == name.Below || p.label > 0 && r.match == name.Exact {
			continue
		}
		o := s.program.orders[r.order]
		if !o.serves(client) {
			continue
		}
		m := Match{Order: o, Rule: int(r.rule), OwnerLabel: p.owner, Until: r.untilSeconds, rank: r.order, closeness: p.closeness, except: r.except}
		if r.match == name.Exact {
			m.closeness++
		}
		matches = closest(matches, start, m)
	}
	return matches
}

// closest keeps one entry an order: the closest, an exception on a tie, else
// the rule that stands first.
func closest(matches []Match, start int, m Match) []Match {
	for i := start; i < len(matches); i++ {
		old := &matches[i]
		if old.rank != m.rank {
			continue
		}
		if d := m.closeness - old.closeness; d > 0 || d == 0 && (m.except && !old.except || m.except == old.except && m.Rule < old.Rule) {
			*old = m
		}
		return matches
	}
	return append(matches, m)
}

// Compare is less than zero if m comes before other in precedence: were both
// enforced, m would answer.
func (m *Match) Compare(other *Match) int {
	return cmp.Or(cmp.Compare(other.closeness, m.closeness), cmp.Compare(m.rank, other.rank))
}

// settle drops the orders that an exception lifts and picks the one that
// answers.
func settle(matches []Match, start int) ([]Match, int) {
	kept, answers := matches[:start], -1
	for _, m := range matches[start:] {
		if m.except {
			continue
		}
		kept = append(kept, m)
		if m.Order.Mode != order.Enforce {
			continue
		}
		if answers >= 0 {
			if kept[answers].Compare(&m) < 0 {
				continue
			}
		}
		answers = len(kept) - 1
	}
	return kept, answers
}
