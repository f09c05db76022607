package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// maxTopHits bounds the names that are listed.
const maxTopHits = 20

// impact is how many names of a list of popular names a set of orders hits.
type impact struct {
	File   string       `json:"file"`
	Names  int          `json:"names"`  // of the list
	Hits   int          `json:"hits"`   // of them
	Hidden int          `json:"hidden"` // of the hits, those of hidden orders alone: they are not listed
	Top    []popularHit `json:"top"`    // the first by rank
}

// popularHit is one popular name that an order hits.
type popularHit struct {
	Rank    int    `json:"rank"`
	Name    string `json:"name"`
	Order   string `json:"order"`
	Rule    string `json:"rule"`
	Outcome string `json:"outcome"`
}

// newImpact asks the law for every name of the list.
func newImpact(law lawAt, file string, names []guard.Ranked) *impact {
	i := &impact{File: file, Names: len(names), Top: []popularHit{}}
	var key name.Buffer
	var matches []policy.Match
	for _, popular := range names {
		key.Set([]byte(popular.Name))
		all, answers := law.store.Load().Match(&key, netip.Addr{}, matches[:0])
		matches = all
		if len(all) == 0 {
			continue
		}
		i.Hits++
		if answers < 0 || hidden(all[answers]) {
			answers = slices.IndexFunc(all, func(m policy.Match) bool { return !hidden(m) })
		}
		switch {
		case answers < 0:
			i.Hidden++
		case len(i.Top) < maxTopHits:
			m := &all[answers]
			i.Top = append(i.Top, popularHit{
				popular.Rank, popular.Name.String(), m.Order.ID, law.place(m, key.Suffix(m.OwnerLabel)), outcome(m),
			})
		}
	}
	return i
}

func hidden(m policy.Match) bool { return m.Order.Publicity == order.Hidden }

// lawForAll is the law as it holds for every client and once all orders have
// begun that have not ended. It must see the orders before they are compiled.
func lawForAll(set *order.Set, options policy.Options) lawAt {
	law := lawAt{policy.NewStore(), map[string][]order.Rule{}}
	everywhere := new(order.Set)
	for _, o := range set.Orders {
		law.rules[o.ID] = o.Rules
		o := *o
		o.Clients, o.Valid.From, o.Rules = nil, time.Time{}, slices.Clone(o.Rules)
		for i := range o.Rules {
			o.Rules[i].From = time.Time{}
		}
		everywhere.Orders = append(everywhere.Orders, &o)
	}
	var problems problem.List // those of the orders themselves: reported elsewhere
	if program := policy.Compile(everywhere, options, &problems); program != nil {
		law.store.Install(program, time.Now())
	}
	return law
}

// String is the impact, a line for each name that is listed.
func (i *impact) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d of %d names hit", i.File, i.Hits, i.Names)
	if i.Hidden > 0 {
		fmt.Fprintf(&b, ", %d by hidden orders alone", i.Hidden)
	}
	for _, hit := range i.Top {
		fmt.Fprintf(&b, "\n%8d %s: order %s, %s", hit.Rank, hit.Name, hit.Order, hit.Rule)
		if hit.Outcome == policy.Observed.String() {
			b.WriteString(" (only counted)")
		}
	}
	if more := i.Hits - i.Hidden - len(i.Top); more > 0 {
		fmt.Fprintf(&b, "\n         and %d more", more)
	}
	return b.String()
}
