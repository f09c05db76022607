package order

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"bailiff/policy/name"
	"bailiff/policy/strictyaml"
)

// Bounds of overrides and limits.
const (
	maxOverrides     = 10_000
	maxGrowthPercent = 1_000_000
)

// Guard is a check against blocking too much that an override lifts.
type Guard uint8

// The guards; package guard says what each refuses. The zero value is none.
const (
	GuardPublicSuffix Guard = iota + 1
	GuardProtected
	GuardPopular
	GuardPrefix
	GuardSize
	GuardGrowth
)

// String is the word order files use.
func (g Guard) String() string {
	switch g {
	case GuardPublicSuffix:
		return "public-suffix"
	case GuardProtected:
		return "protected"
	case GuardPopular:
		return "popular"
	case GuardPrefix:
		return "prefix"
	case GuardSize:
		return "size"
	case GuardGrowth:
		return "growth"
	}
	return fmt.Sprintf("Guard(%d)", uint8(g))
}

// Override is a person's word that the order means what a guard refuses.
type Override struct {
	Subject
	ApprovedBy string
	Reason     string
	At         time.Time // zero when not given
	Place      string    // "override 2"
	Line       int
}

// Subject is what a guard refuses, and an override lifts: the rule's name,
// label or prefix as the order has it. GuardSize and GuardGrowth are about the
// order as a whole.
type Subject struct {
	Guard  Guard
	Name   name.Name // a label is a name of one label; empty beside a prefix
	Prefix netip.Prefix
}

// Limits are the order's own bounds on how much it holds: names, labels and
// prefixes, exceptions not counted. Zero values are not given.
type Limits struct {
	Names  uint64 // at most
	Shrink uint64 // per cent that may go from the version in force
	Grow   uint64 // per cent that may come on top of it
}

func limits(v strictyaml.Value) (l Limits) {
	v.Mapping(
		strictyaml.Key("names", &l.Names, strictyaml.Int[uint64](1, maxNames)),
		strictyaml.Key("shrink", &l.Shrink, strictyaml.Int[uint64](1, 100)),
		strictyaml.Key("grow", &l.Grow, strictyaml.Int[uint64](1, maxGrowthPercent)),
	)
	return l
}

// overrides reads the overrides of one order; no two are about the same.
func overrides(v strictyaml.Value) []Override {
	items := v.Items()
	if len(items) > maxOverrides {
		v.Refuse(fmt.Sprintf("holds more than %d overrides", maxOverrides), "ask whether the order is right")
		return nil
	}
	list := make([]Override, 0, len(items))
	first := map[Subject]int{} // → its line
	for i, item := range items {
		item = item.At(fmt.Sprintf("override %d", i+1))
		o, ok := readOverride(item)
		if !ok {
			continue
		}
		if line, twice := first[o.Subject]; twice {
			item.Refuse(fmt.Sprintf("is about the same as the override on line %d", line), "remove one of them")
			continue
		}
		first[o.Subject] = o.Line
		list = append(list, o)
	}
	return list
}

// readOverride reads one override; ok says that its subject was read.
func readOverride(v strictyaml.Value) (o Override, ok bool) {
	o = Override{Place: v.Place(), Line: v.Line()}
	var name, prefix strictyaml.Value
	v.Mapping(
		strictyaml.Key("guard", &o.Guard, strictyaml.Enum(
			GuardPublicSuffix, GuardProtected, GuardPopular, GuardPrefix, GuardSize, GuardGrowth)).Required(),
		strictyaml.Key("name", &name, strictyaml.Itself),
		strictyaml.Key("prefix", &prefix, strictyaml.Itself),
		strictyaml.Key("approved_by", &o.ApprovedBy, strictyaml.String).Required(),
		strictyaml.Key("reason", &o.Reason, strictyaml.String).Required(),
		strictyaml.Key("at", &o.At, strictyaml.Time),
	)
	if name.Given() {
		o.Name = strictyaml.Parsed(parseNameOrLabel)(name)
	}
	if prefix.Given() {
		o.Prefix = strictyaml.Prefix(prefix)
	}
	needed, fits := o.Guard.takes(name.Given(), prefix.Given())
	if !fits {
		v.Refuse("does not fit guard "+o.Guard.String(), "give "+needed)
	}
	return o, fits && o.Guard != 0 && name.Given() == (o.Name != "") && prefix.Given() == o.Prefix.IsValid()
}

// takes says what of a name and a prefix an override of the guard needs, and
// whether that is what is given.
func (g Guard) takes(name, prefix bool) (needed string, fits bool) {
	switch g {
	case GuardPublicSuffix, GuardPopular:
		return "name and no prefix", name && !prefix
	case GuardPrefix:
		return "prefix and no name", prefix && !name
	case GuardProtected:
		return "either name or prefix", name != prefix
	case GuardSize, GuardGrowth:
		return "neither name nor prefix", !name && !prefix
	}
	return "", true // refused by its reader
}

// parseNameOrLabel reads what a rule of names is about.
func parseNameOrLabel(text string) (name.Name, error) {
	if strings.Contains(strings.TrimSuffix(text, "."), ".") {
		return parseDomain(text)
	}
	return parseLabel(text)
}
