package policy

import (
	"net/netip"

	"bailiff/policy/name"
)

// Excepting appends to orders those with an exception that stands for n, for
// clients that no order names, and returns the extended slice.
func (s *Snapshot) Excepting(n *name.Buffer, orders []*Order) []*Order {
	if s.program == nil {
		return orders
	}
	var room [8]Match
	for _, m := range s.gather(n, netip.Addr{}, room[:0]) {
		if m.except {
			orders = append(orders, m.Order)
		}
	}
	return orders
}

// At is the orders with a rule, whatever its dates, at n itself. A nil program
// has none.
func (p *Program) At(n *name.Buffer) (orders []*Order) {
	if p == nil {
		return nil
	}
	for _, l := range p.layers {
		l.table.walk(n, func(label int, set uint32) {
			for _, number := range l.sets[set] {
				b := l.bindings[number]
				if rank := l.ranks[b.order]; label == 0 && rank != gone && !b.except {
					orders = append(orders, p.orders[rank])
				}
			}
		})
	}
	return orders
}

// Orders is every order of the program. A nil program has none; the slice is
// not the caller's.
func (p *Program) Orders() []*Order {
	if p == nil {
		return nil
	}
	return p.orders
}
