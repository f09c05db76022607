package guard

import (
	"fmt"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// How far an order may change between two loads where it does not say: half a
// list is a broken download, ten times as much is another list. Small orders
// may change as they like.
const (
	defaultShrinkPercent = 50
	defaultGrowPercent   = 900
	minCompared          = 100
)

// size compares how much the order holds with its own limits and with the
// version in force, nil if there is none.
func (i *inspection) size(inForce *policy.Order) {
	var holds [order.Triggers]int
	total := 0
	for r := range i.order.Rules {
		if rule := &i.order.Rules[r]; !rule.Except {
			holds[rule.Trigger] += rule.Len()
			total += rule.Len()
		}
	}
	limits := i.order.Limits
	if limits.Names > 0 && uint64(total) > limits.Names {
		i.refuseOrder(finding{
			guard: order.GuardSize, text: fmt.Sprintf("holds %d names, over its own limit of %d", total, limits.Names),
			remedy: "look for what does not belong to it, or raise limits.names",
		})
	}
	if inForce == nil {
		return
	}
	for trigger, before := range inForce.RulesByTrigger() {
		if text := changed(before, holds[trigger], limits); text != "" {
			i.refuseOrder(finding{
				guard: order.GuardGrowth, remedy: "look at its lists and fetch them again",
				text: fmt.Sprintf("%s of trigger %s: revision %d in force holds %d, this one %d",
					text, order.Trigger(trigger), inForce.Revision, before, holds[trigger]),
			})
		}
	}
}

// changed says that an order changed too far between two loads, "" if not.
func changed(before, now int, limits order.Limits) string {
	shrink, grow := int(limits.Shrink), int(limits.Grow)
	if shrink == 0 && before >= minCompared {
		shrink = defaultShrinkPercent
	}
	if grow == 0 && before >= minCompared {
		grow = defaultGrowPercent
	}
	switch {
	case shrink > 0 && (before-now)*100 > shrink*before:
		return fmt.Sprintf("loses more than %d %% of its names", shrink)
	case grow > 0 && before > 0 && (now-before)*100 > grow*before:
		return fmt.Sprintf("grows by more than %d %%", grow)
	}
	return ""
}

// refuseOrder adds a finding about the order as a whole.
func (i *inspection) refuseOrder(f finding) {
	i.refuse(f, order.Subject{Guard: f.guard}, problem.Problem{
		File: i.order.Source.File, Line: i.order.Source.Line, Place: i.order.ID,
	})
}
