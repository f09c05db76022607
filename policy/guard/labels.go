package guard

import (
	"bailiff/policy/name"
	"bailiff/policy/order"
)

// underLabels says for each label of the any-tld rules what the rule would hit:
// a name with the label right before a public suffix, or one below that. What
// could be made below a protected suffix does not count.
func (t *tree) underLabels(set *order.Set) map[string]*mark {
	labels := map[string]*mark{} // by label, as a name of one label
	for _, o := range set.Orders {
		for i := range o.Rules {
			if r := &o.Rules[i]; r.Trigger == order.TriggerAnyTLD {
				for e := range r.Names.All() {
					labels[string(e.Name)] = new(mark)
				}
			}
		}
	}
	if len(labels) == 0 {
		return nil
	}
	for _, n := range never {
		eachLabel(n, labels, func(m *mark) { m.never = true })
	}
	for i, p := range t.protected {
		eachLabel(p.name, labels, func(m *mark) { first(&m.protected, uint32(i+1)) })
	}
	for i, p := range t.popular {
		eachLabel(p.Name, labels, func(m *mark) {
			first(&m.popularBelow, uint32(i+1))
			m.popularCount++
		})
	}
	return labels
}

// eachLabel calls hit for each of the labels that hits n.
func eachLabel(n name.Name, labels map[string]*mark, hit func(*mark)) {
	for ; n != name.Root; n = n.Parent() {
		m, ok := labels[string(n[:1+n[0]]+name.Root)]
		if ok && name.IsRegistrable([]byte(n)) {
			hit(m)
		}
	}
}

// labelFindings are the reasons not to put a label under order.
func (t *tree) labelFindings(hit *mark, popularFile string) []finding {
	if hit.never {
		return []finding{{text: "would hit a name that is never under order", remedy: "name the domains that the order means"}}
	}
	return t.told(*hit, popularFile)
}
