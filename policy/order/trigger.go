package order

import (
	"fmt"
	"path/filepath"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// domain reads a domain name that an order may be about.
func domain(v strictyaml.Value) name.Name { return strictyaml.Parsed(parseDomain)(v) }

func parseDomain(text string) (name.Name, error) {
	if base, wild := strings.CutPrefix(text, "*."); wild {
		return "", problem.Fault{
			Text:   "has an asterisk, which no plain name has",
			Remedy: "write it under rules as {name: " + problem.Quote(base) + ", match: below}",
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

// readList reads the names of a list file into the rule.
func (r *ruleReader) readList(rule *Rule, v strictyaml.Value, q qualifiers) {
	path, hash := strictyaml.String(v), ""
	if q.sha256.Given() {
		hash = sha256Hex(q.sha256)
	}
	if !q.format.Given() {
		v.Refuse("has no format", "add format: domains")
		return
	}
	format, err := list.ParseFormat(strictyaml.String(q.format))
	if err != nil {
		q.format.RefuseBecause(err)
		return
	}
	folder := filepath.Dir(r.order.Source.File)
	real, err := inside(folder, path)
	switch {
	case path == "": // refused by String
		return
	case err != nil:
		v.RefuseBecause(err)
		return
	case r.loader.names > maxNames:
		v.Refuse(fmt.Sprintf("is not read: the lists before it hold more than %d names", maxNames),
			"split the load over several servers")
		return
	}
	rule.Place += " (" + path + ")"
	rule.File = filepath.Join(folder, path)
	rule.Names = list.ReadFile(real, rule.File, format, hash, r.found)
	r.loader.names += rule.Names.Len()
}

// inside is the path of a file that stands in folder or below it. A path that
// leads out, by itself or by a symbolic link, is refused: an order file may
// come from elsewhere and must not read this machine's files.
func inside(folder, path string) (string, error) {
	outside := problem.Fault{
		Text:   "leads out of the order file's folder",
		Remedy: "put the list into the folder or below it, and write its path from there",
	}
	if !filepath.IsLocal(path) {
		return "", outside
	}
	root, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return "", infile.Unreadable(err)
	}
	real, err := filepath.EvalSymlinks(filepath.Join(root, path))
	if err != nil {
		return "", infile.Unreadable(err)
	}
	if rel, err := filepath.Rel(root, real); err != nil || !filepath.IsLocal(rel) {
		return "", outside
	}
	return real, nil
}

// readUnsupported checks a trigger that the rest of the program does not know
// yet, so that its mistakes are found now, and refuses it.
func readUnsupported(rule *Rule, t trigger, q qualifiers) {
	switch t.key {
	case "label":
		rule.Trigger = TriggerAnyTLD
		label(t.value)
		if !q.match.Given() {
			t.value.Refuse("has no match", "add match: any-tld")
		} else {
			strictyaml.Word("any-tld")(q.match)
		}
	case "address":
		rule.Trigger = TriggerAddress
		strictyaml.Prefix(t.value)
	case "nameserver":
		rule.Trigger = TriggerNameserver
		domain(t.value)
	case "nameserver_address":
		rule.Trigger = TriggerNameserverAddress
		strictyaml.Prefix(t.value)
	}
	t.value.Refuse(rule.Trigger.String()+" rules are not supported yet", "name the domains under name or list, and remove this rule")
}

// label reads a single label.
func label(v strictyaml.Value) {
	if n, err := name.Parse(strictyaml.String(v)); err != nil || n.Labels() != 1 {
		v.Refuse("is no label", "write the part of a name between two dots")
	}
}
