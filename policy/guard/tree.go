package guard

import (
	"fmt"

	"bailiff/policy/name"
	"bailiff/policy/order"
)

// never are the names that no order may hold, nor anything below them: the
// resolver answers them itself or cannot live without them.
var never = []name.Name{
	name.MustParse("arpa"), name.MustParse("localhost"), name.MustParse("invalid"),
	name.MustParse("onion"), name.MustParse("root-servers.net"),
}

// tree holds the names that orders must leave alone, and every ancestor of one:
// where a rule's name is not in it, nothing at the name or below it is.
type tree struct {
	marks     map[name.Name]mark
	protected []protectedName
	popular   []Ranked // by rank
}

type protectedName struct {
	name  name.Name
	where string // "names.txt:3"
}

// mark is what stands at a name, and below it. Numbers are indices from 1 into
// protected and popular, 0 is none; the smaller of two stands.
type mark struct {
	never                     bool
	protected, protectedBelow uint32
	popular, popularBelow     uint32
	popularCount              uint32 // below
}

func newTree() tree {
	t := tree{marks: map[name.Name]mark{}}
	for _, n := range never {
		t.mark(n, func(m *mark) { m.never = true }, func(*mark) {})
	}
	return t
}

// protect adds a name that is left alone with what is below it.
func (t *tree) protect(n name.Name, where string) {
	t.protected = append(t.protected, protectedName{n, where})
	number := uint32(len(t.protected))
	t.mark(n,
		func(m *mark) { first(&m.protected, number) },
		func(m *mark) { first(&m.protectedBelow, number) })
}

// rank takes the popular names, the most popular first.
func (t *tree) rank(names []Ranked) {
	t.popular = names
	for i, r := range names {
		number := uint32(i + 1)
		t.mark(r.Name,
			func(m *mark) { m.popular = number },
			func(m *mark) {
				first(&m.popularBelow, number)
				m.popularCount++
			})
	}
}

// mark changes the mark at n, and that at each name above but the root.
func (t *tree) mark(n name.Name, at, above func(*mark)) {
	for change := at; n != name.Root; n, change = n.Parent(), above {
		m := t.marks[n]
		change(&m)
		t.marks[n] = m
	}
}

// first sets a number that is not set yet.
func first(number *uint32, to uint32) {
	if *number == 0 {
		*number = to
	}
}

// findings are the reasons not to put n under order.
func (t *tree) findings(n *name.Buffer, match name.Match, popularFile string) []finding {
	if n.Labels() < 2 {
		return []finding{{text: "is a top-level domain: everything below it would be hit", remedy: "name the service's own domain"}}
	}
	var hit mark // as the rule would hit it
	for i := n.Labels() - 1; i >= 0; i-- {
		m, ok := t.marks[name.Name(n.Suffix(i))]
		if !ok {
			break
		}
		if m.never {
			return []finding{{
				text:   "is " + name.Name(n.Suffix(i)).String() + " or below it, which is never under order",
				untold: "is never under order", remedy: "take it out",
			}}
		}
		first(&hit.protected, m.protected) // what is below a protected name is protected
		if i == 0 && match != name.Below {
			hit.popular = m.popular
		}
		if i == 0 && match != name.Exact {
			hit.protectedBelow, hit.popularBelow, hit.popularCount = m.protectedBelow, m.popularBelow, m.popularCount
		}
	}
	return append(forOthers(n, match), t.told(hit, popularFile)...)
}

// forOthers is the finding about a name that others register domains below.
func forOthers(n *name.Buffer, match name.Match) []finding {
	is := "is a public suffix"
	switch {
	case !name.IsForOthers(n.Wire()):
		return nil
	case name.IsPublicSuffix(n.Wire()):
	case match == name.Exact:
		return nil
	default:
		is = "is right above public suffixes"
	}
	return []finding{{
		guard: order.GuardPublicSuffix, text: is + ": the domains of others below it would be hit",
		remedy: "name the service's own domain",
	}}
}

// told are the findings about what would be hit.
func (t *tree) told(hit mark, popularFile string) (found []finding) {
	first(&hit.protected, hit.protectedBelow)
	if hit.protected > 0 {
		p := t.protected[hit.protected-1]
		found = append(found, finding{
			guard: order.GuardProtected, text: fmt.Sprintf("would hit names of %s, which %s protects", p.name, p.where),
			untold: "would hit a protected name", remedy: "take it out",
		})
	}
	if hit.popular > 0 {
		hit.popularCount++
	}
	first(&hit.popular, hit.popularBelow)
	if hit.popular > 0 {
		p := t.popular[hit.popular-1]
		text := fmt.Sprintf("would hit %s, rank %d of %s", p.Name, p.Rank, popularFile)
		if hit.popularCount > 1 {
			text += fmt.Sprintf(", and %d more of its names", hit.popularCount-1)
		}
		found = append(found, finding{
			guard: order.GuardPopular, text: text, untold: "would hit popular names",
			remedy: "name what the order means more closely",
		})
	}
	return found
}
