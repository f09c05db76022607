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
