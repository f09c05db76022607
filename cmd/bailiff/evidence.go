package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/likeness"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// candidate is a registrable name that may be the next mirror of a service
// under the order.
type candidate struct {
	Name     string     `json:"name"`
	Score    float64    `json:"score"` // 0 to 1
	Queries  uint64     `json:"queries"`
	Asked    []string   `json:"asked"` // some of the names that were asked, the most asked first
	Evidence []evidence `json:"evidence"`
}

// evidence is one reason.
type evidence struct {
	Kind   string  `json:"kind"`   // of likeness.Kind or pointKind
	Of     string  `json:"of"`     // the name under order; or the rule that holds what is shared
	Shared string  `json:"shared"` // the point; empty for likeness
	Score  float64 `json:"score"`

	ruled bool // Of is a rule
}

// String is the reason as people read it.
func (e evidence) String() string {
	switch {
	case e.ruled:
		return fmt.Sprintf("its %s (%s) is under order by %s", e.Kind, e.Shared, e.Of)
	case e.Shared != "":
		return fmt.Sprintf("same %s (%s) as %s", e.Kind, e.Shared, e.Of)
	}
	return fmt.Sprintf("like %s (%s)", e.Of, e.Kind)
}

// search looks for candidates in a query log.
type search struct {
	index likeness.Index
	law   *policy.Snapshot
	log   *queryLog

	popular map[string]bool             // registrable names that are no candidates
	owners  map[point]map[string]string // point → order id → name under order that leads there
	sharers map[point]int               // point → registrable names that lead there
}

// newSearch notes the services of orders that are not over. Hidden orders have
// none: a candidate would tell their names.
func newSearch(orders []*order.Order, isOver func(*order.Order) bool) *search {
	s := &search{popular: map[string]bool{}, owners: map[point]map[string]string{}, sharers: map[point]int{}}
	for _, o := range orders {
		if o.Publicity == order.Hidden || isOver(o) {
			continue
		}
		for i := range o.Rules {
			s.addRule(o.ID, &o.Rules[i])
		}
	}
	return s
}

// addRule notes the labels of a rule. A name below a registrable one says
// little about its label: that may be a hosting provider's.
func (s *search) addRule(id string, r *order.Rule) {
	for e := range r.Names.All() {
		text := name.Name(e.Name).String()
		switch {
		case r.Except:
		case r.Trigger == order.TriggerAnyTLD:
			s.index.Add(likeness.Service{Order: id, Name: text + ".*", Label: text})
		case r.Trigger == order.TriggerName:
			domain, label, ok := likeness.Registrable(name.Name(e.Name))
			if ok && strings.TrimPrefix(text, "www.") == domain {
				s.index.Add(likeness.Service{Order: id, Name: text, Label: label})
			}
		}
	}
}

// leaveOut makes popular names no candidates: they are known to be others'.
func (s *search) leaveOut(popular guard.Popular, problems *problem.List) {
	if popular.File == "" {
		return
	}
	for _, p := range guard.ReadPopular(popular.File, problems) {
		if domain, _, ok := likeness.Registrable(p.Name); ok && p.Rank <= cmp.Or(popular.Top, guard.DefaultTop) {
			s.popular[domain] = true
		}
	}
}

// group is what was asked at and below one registrable name.
type group struct {
	label   string
	names   []name.Name
	queries uint64
	points  []point
}

// candidates returns the candidates of each order, by id, with at least this
// score, the highest first.
func (s *search) candidates(minScore float64) map[string][]candidate {
	found := map[string][]candidate{}
	for domain, g := range s.groups() {
		for id, reasons := range s.reasons(g) {
			if c := s.candidate(domain, g, reasons); c.Score >= minScore {
				found[id] = append(found[id], c)
			}
		}
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(b.Queries, a.Queries), cmp.Compare(a.Name, b.Name))
		})
	}
	return found
}

// groups sorts the log: names that no rule or exception touches by registrable
// name; of those under order what they lead to.
func (s *search) groups() map[string]*group {
	groups := map[string]*group{}
	var qname name.Buffer
	for n, queries := range s.log.queries {
		qname.Set([]byte(n))
		if s.law.Touches(&qname) {
			s.noteOwner(&qname, n)
			continue
		}
		domain, label, ok := likeness.Registrable(n)
		if !ok || s.popular[domain] {
			continue
		}
		g := groups[domain]
		if g == nil {
			g = &group{label: label}
			groups[domain] = g
		}
		g.names = append(g.names, n)
		g.queries += uint64(queries)
		for _, p := range s.log.points[n] {
			if !slices.Contains(g.points, p) && len(g.points) < maxGroupPoints {
				g.points = append(g.points, p)
			}
		}
	}
	for _, g := range groups {
		for _, p := range g.points {
			s.sharers[p]++
		}
	}
	return groups
}

// noteOwner notes where a name under order leads. Orders for some clients only
// are passed over.
func (s *search) noteOwner(qname *name.Buffer, n name.Name) {
	points := s.log.points[n]
	if len(points) == 0 {
		return
	}
	matches, _ := s.law.Match(qname, anyone, nil)
	for i := range matches {
		o := matches[i].Order
		if o.Publicity == order.Hidden {
			continue
		}
		for _, p := range points {
			if s.owners[p] == nil {
				s.owners[p] = map[string]string{}
			}
			if old := s.owners[p][o.ID]; old == "" || n.String() < old {
				s.owners[p][o.ID] = n.String()
			}
		}
	}
}

// Scores of what is shared, and how many names may share it: beyond that it is
// a hosting provider's.
const (
	sharedScore       = 0.5
	sharedTargetScore = 0.6
	ruledScore        = 0.8 // with a rule, not only with a name under order
	maxSharers        = 20
	maxGroupPoints    = 64 // of one group that are looked at
)

// reasons are what speaks for a group, by order id: the best likeness, and of
// each kind of point the most telling one.
func (s *search) reasons(g *group) map[string][]evidence {
	found := map[string][]evidence{}
	for _, l := range s.index.Look(g.label) {
		found[l.Order] = withBest(found[l.Order], evidence{Kind: l.Kind.String(), Of: l.Name, Score: rounded(l.Score)})
	}
	for _, p := range g.points {
		for _, m := range s.ruling(g, p) {
			rule := evidence{Kind: p.kind.String(), Of: m.Order.Rules[m.Rule].Place, Shared: p.String(), Score: ruledScore, ruled: true}
			found[m.Order.ID] = withBest(found[m.Order.ID], rule)
		}
		if s.isCommon(p) {
			continue
		}
		score := sharedScore
		if p.kind == pointTarget {
			score = sharedTargetScore
		}
		for id, owner := range s.owners[p] {
			found[id] = withBest(found[id], evidence{Kind: p.kind.String(), Of: owner, Shared: p.String(), Score: score})
		}
	}
	return found
}

// withBest adds evidence unless there is as good of its kind: two addresses
// shared are no better than one.
func withBest(known []evidence, e evidence) []evidence {
	i := slices.IndexFunc(known, func(k evidence) bool { return k.Kind == e.Kind })
	switch {
	case i < 0:
		return append(known, e)
	case known[i].Score < e.Score:
		known[i] = e
	}
	return known
}

// ruling are the orders that hold what a group leads to by a rule, hidden ones
// left out.
func (s *search) ruling(g *group, p point) []policy.Match {
	var qname, to name.Buffer
	qname.Set([]byte(g.names[0]))
	if p.name != "" {
		to.Set([]byte(p.name))
	}
	var matches []policy.Match
	switch {
	case p.kind == pointAddress && s.law.HoldsAddresses():
		matches = s.law.MatchAddress(p.address, &qname, anyone, nil, 0)
	case p.kind == pointServerAddress && s.law.HoldsServerAddresses():
		matches = s.law.MatchServerAddress(p.address, &qname, anyone, nil, 0)
	case p.kind == pointTarget:
		matches, _ = s.law.Match(&to, anyone, nil)
	case p.kind == pointServer && s.law.HoldsServers() && s.law.HoldsServer(&to):
		matches = s.law.MatchServer(&to, &qname, anyone, nil, 0)
	}
	return slices.DeleteFunc(matches, func(m policy.Match) bool { return m.Order.Publicity == order.Hidden })
}

// isCommon reports whether a point tells little: many lead there, or it is a
// name server of a popular name, which serves others' zones too.
func (s *search) isCommon(p point) bool {
	if p.kind != pointServer {
		return s.sharers[p] > maxSharers
	}
	domain, _, ok := likeness.Registrable(p.name)
	return s.sharers[p] > maxSharers || ok && s.popular[domain]
}

// candidate sums up: what speaks for it counts as independent.
func (s *search) candidate(domain string, g *group, reasons []evidence) candidate {
	doubt := 1.0
	for _, e := range reasons {
		doubt *= 1 - e.Score
	}
	asked := slices.SortedFunc(slices.Values(g.names), func(a, b name.Name) int {
		return cmp.Or(cmp.Compare(s.log.queries[b], s.log.queries[a]), cmp.Compare(a.String(), b.String()))
	})
	c := candidate{Name: domain, Score: rounded(1 - doubt), Queries: g.queries, Evidence: reasons}
	for _, n := range asked[:min(len(asked), 3)] {
		c.Asked = append(c.Asked, n.String())
	}
	return c
}

// rounded is a score with two digits: more would pretend to be exact.
func rounded(score float64) float64 { return math.Round(score*100) / 100 }
