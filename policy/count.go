package policy

import "bailiff/policy/order"

// RulesByTrigger counts what is under the order, by trigger: each name of a
// list counts, exceptions do not.
func (o *Order) RulesByTrigger() (counts [order.Triggers]int) {
	for i := range o.Rules {
		if r := &o.Rules[i]; !r.Except {
			counts[r.Trigger] += r.Names
		}
	}
	return counts
}
