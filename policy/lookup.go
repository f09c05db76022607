package policy

import (
	"net/netip"

	"bailiff/policy/name"
	"bailiff/policy/order"
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

// Hides reports whether a name rule of a hidden order stands at n or above,
// whatever its dates, clients, way of matching and exceptions: whoever asked, n
// would tell its name.
func (s *Snapshot) Hides(n *name.Buffer) (hides bool) {
	for i := range s.layers {
		l := s.program.layers[i]
		look := func(_ int, set uint32) {
			for _, number := range l.sets[set] {
				b := l.bindings[number]
				rank := l.ranks[b.order]
				hides = hides || rank != gone && !b.except && s.program.orders[rank].Publicity == order.Hidden
			}
		}
		l.table.walk(n, look)
		for label := range n.Labels() - 1 {
			if set, ok := l.labelSet(n, label); ok {
				look(label, set)
			}
		}
	}
	return hides
}
