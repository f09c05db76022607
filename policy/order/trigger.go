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

// readLabel reads the label of an any-tld rule.
func readLabel(rule *Rule, v strictyaml.Value, q qualifiers) {
	rule.Trigger = TriggerAnyTLD
	if !q.match.Given() {
		v.Refuse("has no match", "add match: any-tld")
		return
	}
	strictyaml.Word("any-tld")(q.match)
	if n := label(v); n != "" {
		rule.Names.Append(n, name.Subtree, v.Line())
	}
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

// label reads a single label, as a name of one label. It may be a number, which
// no whole name is.
func label(v strictyaml.Value) name.Name {
	return strictyaml.Parsed(func(text string) (name.Name, error) {
		n, err := name.Parse(text + ".example")
		if err == nil && n.Labels() != 2 {
			err = problem.Fault{Text: "is no label", Remedy: "write the part of a name between two dots"}
		}
		if err != nil {
			return "", err
		}
		return n[:1+n[0]] + name.Root, nil
	})(v)
}

// readPrefix reads the address or network of a rule.
func readPrefix(rule *Rule, v strictyaml.Value) {
	if p := strictyaml.Prefix(v); p.IsValid() {
		rule.Prefixes = append(rule.Prefixes, list.Prefix{Prefix: p, Line: v.Line()})
	}
}
