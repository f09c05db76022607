package policy

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// never are the names that no order may hold, nor anything below them: the
// resolver answers them itself or cannot live without them.
var never = []name.Name{
	name.MustParse("arpa"), name.MustParse("localhost"), name.MustParse("invalid"),
	name.MustParse("onion"), name.MustParse("root-servers.net"),
}

// guard refuses a name that would hit far more than the order means. An
// exception hits nobody and passes.
func guard(o *order.Order, r *order.Rule, e list.Entry, problems *problem.List) bool {
	if r.Except {
		return true
	}
	text, remedy := overBlocking(name.Name(e.Name))
	if text == "" {
		return true
	}
	problems.Add(problem.Problem{
		File: r.File, Line: e.Line, Place: r.Place, Value: shown(o, e.Name),
		Text: text, Remedy: remedy,
	})
	return false
}

func overBlocking(n name.Name) (text, remedy string) {
	if n.Labels() < 2 {
		return "is a top-level domain: everything below it would be hit", "name the service's own domain"
	}
	for _, special := range never {
		if n == special || n.IsBelow(special) {
			return "is " + special.String() + " or below it, which is never under order", "take it out"
		}
	}
	dotted := n.String()
	if suffix, _ := publicsuffix.PublicSuffix(dotted); len(suffix) == len(dotted) && strings.Contains(suffix, ".") {
		return "is a public suffix: the domains of others below it would be hit", "name the service's own domain"
	}
	return "", ""
}
