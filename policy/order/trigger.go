package order

import (
	"strings"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// domain reads a domain name that an order may be about.
func domain(v strictyaml.Value) name.Name { return strictyaml.Parsed(parseDomain)(v) }

func parseDomain(text string) (name.Name, error) {
	if strings.HasPrefix(text, "*.") {
		return "", problem.Fault{
			Text:   "has an asterisk, which no plain name has",
			Remedy: "write what follows it under rules, with match: below", // and not the name: it may be a hidden order's
		}
	}
	n, err := name.Parse(text)
	if err == nil && n.Labels() < 2 {
		err = problem.Fault{
			Text:   "is a top-level domain, which is never under order",
			Remedy: "name the domains below it that the order means",
		}
	}
	return n, err
}

// readLabel reads the label of an any-tld rule.
func readLabel(rule *Rule, v strictyaml.Value, q qualifiers) {
	rule.Trigger = TriggerAnyTLD
	if !q.match.Given() {
		v.Refuse("has no match", "add match: any-tld")
		return
	}
	strictyaml.Word("any-tld")(q.match)
	if n := strictyaml.Parsed(parseLabel)(v); n != "" {
		rule.Names.Append(n, name.Subtree, v.Line())
	}
}

// parseLabel reads a single label, as a name of one label. It may be a number,
// which no whole name is.
func parseLabel(text string) (name.Name, error) {
	n, err := name.Parse(text + ".example")
	if err == nil && n.Labels() != 2 {
		err = problem.Fault{Text: "is no label", Remedy: "write the part of a name between two dots"}
	}
	if err != nil {
		return "", err
	}
	return n[:1+n[0]] + name.Root, nil
}

// readPrefix reads the address or network of a rule.
func readPrefix(rule *Rule, v strictyaml.Value) {
	if p := strictyaml.Prefix(v); p.IsValid() {
		rule.Prefixes = append(rule.Prefixes, list.Prefix{Prefix: p, Line: v.Line()})
	}
}
