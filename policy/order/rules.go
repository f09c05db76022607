package order

import (
	"fmt"
	"slices"
	"strings"

	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// maxRules bounds the rules of one order.
const maxRules = 100_000

// ruleReader reads the rules of one order.
type ruleReader struct {
	loader *loader
	order  *Order
	found  *problem.List // for the lists' problems; values know theirs
}

// block reads the names in short for rules into one Rule.
func (r *ruleReader) block(v strictyaml.Value) []Rule {
	rule := Rule{Place: v.Place(), File: r.order.Source.File, Line: v.Line(), Trigger: TriggerName}
	first := map[name.Name]int{} // name → its line
	for _, item := range v.Items() {
		n := domain(item)
		if n == "" {
			continue
		}
		if line, twice := first[n]; twice {
			item.Note(fmt.Sprintf("stands twice (first on line %d)", line), "remove one of them")
			continue
		}
		first[n] = item.Line()
		rule.Names.Append(n, name.Subtree, item.Line())
	}
	return append(r.order.Rules, rule)
}

// rules reads the rules in their long form.
func (r *ruleReader) rules(v strictyaml.Value) []Rule {
	items := v.Items()
	if len(items) > maxRules {
		v.Refuse(fmt.Sprintf("holds more than %d rules", maxRules), "move the names to a list file and point a rule at that")
		return r.order.Rules
	}
	rules := r.order.Rules
	for i, item := range items {
		rules = append(rules, r.rule(item.At(fmt.Sprintf("rule %d", i+1)))...)
	}
	return rules
}

// trigger is the key that says what a rule matches.
type trigger struct {
	key   string
	value strictyaml.Value
}

// qualifiers are the keys of a rule that mean something beside some triggers
// only.
type qualifiers struct {
	match, reason strictyaml.Value
	list          listKeys
}

// rule reads one rule. A list may become several, or none that says anything
// when it is refused.
func (r *ruleReader) rule(v strictyaml.Value) []Rule {
	rule := Rule{Place: v.Place(), File: r.order.Source.File, Line: v.Line()}
	var triggers []trigger
	var q qualifiers
	triggerKey := func(key string) strictyaml.Field {
		return strictyaml.Key(key, &triggers, func(v strictyaml.Value) []trigger {
			return append(triggers, trigger{key, v})
		})
	}
	spelt := v.Mapping(append([]strictyaml.Field{
		triggerKey("name"),
		triggerKey("label"),
		triggerKey("address"),
		triggerKey("nameserver"),
		triggerKey("nameserver_address"),
		triggerKey("list"),
		triggerKey("except"),
		strictyaml.Key("match", &q.match, strictyaml.Itself),
		strictyaml.Key("reason", &q.reason, strictyaml.Itself),
		strictyaml.Key("notice", &rule.Notice, r.noticeID),
		strictyaml.Key("from", &rule.From, strictyaml.Time),
		strictyaml.Key("until", &rule.Until, strictyaml.Time),
		strictyaml.Key("note", &rule.Note, strictyaml.Text),
	}, q.list.fields()...)...)
	checkSpan(v, rule.From, rule.Until)
	switch {
	case len(triggers) == 1:
		q.checkBelongTo(triggers[0].key)
		if triggers[0].key == "list" {
			return r.readList(rule, triggers[0].value, q.list)
		}
		r.readTrigger(&rule, triggers[0], q)
	case spelt || len(triggers) > 1:
		refuseTriggers(v, triggers)
	}
	return []Rule{rule}
}

// refuseTriggers refuses a rule with no trigger, or with several.
func refuseTriggers(v strictyaml.Value, triggers []trigger) {
	if len(triggers) == 0 {
		v.Refuse("says nothing to match", "give one of name, label, address, list or except")
		return
	}
	keys := make([]string, len(triggers))
	for i, t := range triggers {
		keys[i] = t.key
	}
	v.Refuse("has "+strings.Join(keys, " and "), "write a rule for each")
}

// checkBelongTo refuses the qualifiers that say nothing beside a trigger.
func (q qualifiers) checkBelongTo(trigger string) {
	for _, c := range []struct {
		values   []strictyaml.Value
		triggers []string
	}{
		{[]strictyaml.Value{q.match}, []string{"name", "label", "except"}},
		{[]strictyaml.Value{q.reason}, []string{"except"}},
		{q.list.all(), []string{"list"}},
	} {
		for _, value := range c.values {
			if value.Given() && !slices.Contains(c.triggers, trigger) {
				value.Refuse("does not go with "+trigger, "remove it")
			}
		}
	}
}

// readTrigger reads what the rule matches.
func (r *ruleReader) readTrigger(rule *Rule, t trigger, q qualifiers) {
	switch t.key {
	case "name":
		appendDomain(rule, t.value, q.match)
	case "except":
		rule.Except = true
		appendDomain(rule, t.value, q.match)
		if !q.reason.Given() {
			t.value.Refuse("has no reason", "add reason: why the name stays free")
			return
		}
		rule.Reason = strictyaml.String(q.reason)
	case "label":
		readLabel(rule, t.value, q)
	case "address":
		rule.Trigger = TriggerAddress
		readPrefix(rule, t.value)
	case "nameserver":
		rule.Trigger = TriggerNameserver
		appendDomain(rule, t.value, q.match)
	case "nameserver_address":
		rule.Trigger = TriggerNameserverAddress
		readPrefix(rule, t.value)
	}
}

// noticeID reads the id of one of the order's notices.
func (r *ruleReader) noticeID(v strictyaml.Value) string {
	id := strictyaml.String(v)
	if id != "" && !hasNotice(r.order.Notices, id) {
		v.Refuse("is no notice of this order", "add it under notices")
	}
	return id
}

// appendDomain reads the one name of a rule and how it matches.
func appendDomain(rule *Rule, v, match strictyaml.Value) {
	m := name.Subtree
	if match.Given() {
		m = strictyaml.Enum(name.Subtree, name.Exact, name.Below)(match)
	}
	if n := domain(v); n != "" {
		rule.Names.Append(n, m, v.Line())
	}
}
