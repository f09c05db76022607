// Package guard refuses orders that would hit far more than they mean, and
// notes what looks like a slip.
//
// It is a pass over the orders of a load before they are compiled. What it
// refuses, an order can have all the same by an override with the name of
// whoever approved it and a reason, save what is never under order; an override
// in use is reported. It decides nothing about a query and keeps nothing. It
// may import policy and what is below; policy does not import it. Start reading
// at Guard.Check.
package guard

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"hash"
	"net/netip"

	"github.com/gaissmai/bart"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// Config is what the operator wants left alone.
type Config struct {
	Names       []name.Name // with what is below them
	NameFiles   []string    // one name a line
	Prefixes    []netip.Prefix
	PrefixFiles []string // one prefix a line
	Popular     Popular
	Own         []netip.Addr // the server listens on; unspecified ones do not count
}

// Popular is a list of popular names.
type Popular struct {
	File string // empty: none
	Top  int    // how many of its names count; 0: DefaultTop
}

// Guard is what the rules of a load are compared with. It is immutable.
type Guard struct {
	tree        tree
	popularFile string
	prefixes    bart.Table[string] // protected prefix → where it stood
	own         []netip.Addr
	digest      hash.Hash // of the config, and the files read
}

// New reads the files that config names. With a refusal among problems the
// Guard knows what could be read and serves to find the orders' problems too.
func New(config Config, problems *problem.List) *Guard {
	g := &Guard{tree: newTree(), popularFile: config.Popular.File, digest: sha256.New()}
	fmt.Fprintf(g.digest, "%+v", config)
	for _, n := range config.Names {
		g.tree.protect(n, configFile)
	}
	for _, file := range config.NameFiles {
		g.readNames(file, problems)
	}
	for _, p := range config.Prefixes {
		g.prefixes.Insert(p, configFile)
	}
	for _, file := range config.PrefixFiles {
		g.readPrefixes(file, problems)
	}
	if config.Popular.File != "" {
		g.readPopular(config.Popular, problems)
	}
	for _, a := range config.Own {
		if !a.IsUnspecified() {
			g.own = append(g.own, a.WithZone(""))
		}
	}
	return g
}

// Digest is of the config and the files that were read: what one guard let pass
// another of the same Digest would.
func (g *Guard) Digest() string { return string(g.digest.Sum(nil)) }

func (g *Guard) readPopular(from Popular, problems *problem.List) {
	from.Top = cmp.Or(from.Top, DefaultTop)
	names, last := readTop(from, g.digest, problems)
	g.tree.rank(names)
	if len(names) > 0 && last < from.Top {
		problems.Add(problem.Problem{
			Severity: problem.Note, File: from.File,
			Text:   fmt.Sprintf("ends at rank %d, before the first %d are there", last, from.Top),
			Remedy: "fetch it again, or give a smaller top",
		})
	}
}

// configFile is where a protected name or prefix stood that no file of its own
// holds.
const configFile = "the config file"

// Use is an override without which the order would be refused.
type Use struct {
	Order string          // its id
	Note  problem.Problem // what it lifts, who approved it and why
}

// Check adds to problems what is wrong with the orders of a load, and returns
// the overrides in use: each is among problems too. Orders that the load kept
// passed before. loaded is what is in force, nil at the start: lists may neither
// shrink nor grow too far against it. The names of hidden orders are not told.
func (g *Guard) Check(set *order.Set, loaded *policy.Program, problems *problem.List) []Use {
	inForce := make(map[string]*policy.Order)
	for _, o := range loaded.Orders() {
		inForce[o.ID] = o
	}
	var overlaps problem.List
	compared := make(chan any)
	go func() { // it takes as long as all the rest
		defer func() { compared <- recover() }()
		noteOverlaps(set, loaded, &overlaps)
	}()
	labels := g.tree.underLabels(set)
	var uses []Use
	for _, o := range set.Orders {
		i := newInspection(g, o, problems)
		for r := range o.Rules {
			i.rule(&o.Rules[r], labels)
		}
		i.size(inForce[o.ID])
		uses = append(uses, i.reportOverrides(inForce[o.ID] != nil)...)
		noteOpenEnd(o, problems)
	}
	if cause := <-compared; cause != nil {
		panic(cause)
	}
	problems.Merge(&overlaps)
	return uses
}

// noteOpenEnd notes an order that nobody is bound to look at again.
func noteOpenEnd(o *order.Order, problems *problem.List) {
	if o.Valid.Until.IsZero() && o.Valid.Review == "" {
		problems.Add(problem.Problem{
			Severity: problem.Note, File: o.Source.File, Line: o.Source.Line, Place: o.ID,
			Text: "has no end and no day of review", Remedy: "give valid.until, or valid.review",
		})
	}
}
