package order

import (
	"fmt"
	"path/filepath"
	"regexp"
	"time"

	"bailiff/policy/infile"
	"bailiff/policy/list"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// listKeys are the keys of a rule that say how its list is written.
type listKeys struct{ format, sha256, onError, maxErrors, columns, delimiter, encoding, header, dates, zone strictyaml.Value }

// fields are the fields of the rule's mapping.
func (k *listKeys) fields() []strictyaml.Field {
	return []strictyaml.Field{
		strictyaml.Key("format", &k.format, strictyaml.Itself),
		strictyaml.Key("sha256", &k.sha256, strictyaml.Itself),
		strictyaml.Key("on_error", &k.onError, strictyaml.Itself),
		strictyaml.Key("max_errors", &k.maxErrors, strictyaml.Itself),
		strictyaml.Key("columns", &k.columns, strictyaml.Itself),
		strictyaml.Key("delimiter", &k.delimiter, strictyaml.Itself),
		strictyaml.Key("encoding", &k.encoding, strictyaml.Itself),
		strictyaml.Key("header", &k.header, strictyaml.Itself),
		strictyaml.Key("dates", &k.dates, strictyaml.Itself),
		strictyaml.Key("zone", &k.zone, strictyaml.Itself),
	}
}

// tableKeys are those of them that only a table has.
func (k *listKeys) tableKeys() []strictyaml.Value {
	return []strictyaml.Value{k.columns, k.delimiter, k.encoding, k.header, k.dates, k.zone}
}

// all are all of them.
func (k *listKeys) all() []strictyaml.Value {
	return append(k.tableKeys(), k.format, k.sha256, k.onError, k.maxErrors)
}

// readList reads a list file into rules that are otherwise as rule: one for
// each group of the list and each kind of thing in it.
func (r *ruleReader) readList(rule Rule, v strictyaml.Value, keys listKeys) []Rule {
	path := strictyaml.String(v)
	options, ok := r.options(v, keys)
	if path == "" || !ok {
		return []Rule{rule}
	}
	folder := filepath.Dir(r.order.Source.File)
	real, err := inside(folder, path)
	switch {
	case err != nil:
		v.RefuseBecause(err)
		return []Rule{rule}
	case r.loader.names > maxNames:
		v.Refuse(fmt.Sprintf("is not read: the lists before it hold more than %d names", maxNames),
			"split the load over several servers")
		return []Rule{rule}
	}
	rule.Place += " (" + path + ")"
	rule.File = filepath.Join(folder, path)
	groups, digest := list.ReadFile(real, rule.File, options, r.found)
	r.loader.now.lists = append(r.loader.now.lists, listFile{folder, path, digest})
	if len(groups) == 0 { // refused by ReadFile
		return []Rule{rule}
	}
	var rules []Rule
	for i := range groups {
		r.loader.names += groups[i].Len()
		r.loader.now.names += groups[i].Len()
		rules = appendGroup(rules, rule, &groups[i])
	}
	return rules
}

// appendGroup appends the rules that a group of a list makes of rule.
func appendGroup(rules []Rule, rule Rule, g *list.Group) []Rule {
	rule.From, rule.Until = later(rule.From, g.From), earlier(rule.Until, g.Until)
	if g.Except {
		rule.Except, rule.Reason = true, "excepted in the list"
	}
	for _, kind := range []struct {
		trigger  Trigger
		names    list.Names
		prefixes []list.Prefix
	}{
		{TriggerName, g.Names, nil},
		{TriggerAddress, list.Names{}, g.Addresses},
		{TriggerNameserver, g.Nameservers, nil},
		{TriggerNameserverAddress, list.Names{}, g.NameserverAddresses},
	} {
		rule.Trigger, rule.Names, rule.Prefixes = kind.trigger, kind.names, kind.prefixes
		if rule.Len() > 0 {
			rules = append(rules, rule)
		}
	}
	return rules
}

// later is the later of two beginnings; zero is none.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// earlier is the earlier of two ends; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// options reads how the list v is written. It reports whether that is clear.
func (r *ruleReader) options(v strictyaml.Value, keys listKeys) (o list.Options, ok bool) {
	o = list.Options{Action: r.order.Answer.Action.String()}
	if keys.sha256.Given() {
		o.SHA256 = sha256Hex(keys.sha256)
	}
	if keys.onError.Given() {
		o.OnError = strictyaml.Enum(list.Refuse, list.Skip)(keys.onError)
	}
	if keys.maxErrors.Given() {
		o.MaxErrors = strictyaml.Int(1, maxNames)(keys.maxErrors)
		if o.OnError == list.Refuse {
			keys.maxErrors.Refuse("does not go with on_error: refuse", "remove it, or write on_error: skip")
		}
	}
	if !keys.format.Given() {
		v.Refuse("has no format", "add format: domains")
		return o, false
	}
	format := strictyaml.Word(formatWords()...)(keys.format)
	for _, f := range list.Formats() {
		if f.String() == format {
			o.Format = f
		}
	}
	if o.Format == list.CSV {
		return o, readTable(v, keys, &o.Table)
	}
	for _, key := range keys.tableKeys() {
		if format != "" && key.Given() {
			key.Refuse("does not go with format: "+format, "remove it")
		}
	}
	return o, format != ""
}

func formatWords() (words []string) {
	for _, f := range list.Formats() {
		words = append(words, f.String())
	}
	return words
}

// readTable reads how the table v is written. It reports whether that is clear.
func readTable(v strictyaml.Value, keys listKeys, t *list.Table) (ok bool) {
	*t = list.Table{Delimiter: ','}
	if keys.delimiter.Given() {
		t.Delimiter = strictyaml.Parsed(parseDelimiter)(keys.delimiter)
	}
	if keys.encoding.Given() {
		t.Encoding = strictyaml.Enum(list.Encodings()...)(keys.encoding)
	}
	if keys.header.Given() {
		t.Header = strictyaml.Bool(keys.header)
	}
	if keys.dates.Given() {
		t.Dates.Layout = strictyaml.Parsed(list.ParseLayout)(keys.dates)
	}
	if keys.zone.Given() {
		t.Dates.Zone = strictyaml.Parsed(list.ParseZone)(keys.zone)
	}
	if !keys.columns.Given() {
		v.Refuse("has no columns", "add columns: {name: 1}")
		return false
	}
	readColumns(keys.columns, t)
	return checkDates(keys, t) && t.Name.Given() && t.Delimiter != 0
}

// readColumns reads which column of the table holds what.
func readColumns(v strictyaml.Value, t *list.Table) {
	read := func(v strictyaml.Value) list.Column {
		c := column(v)
		if c.Header != "" && !t.Header {
			v.Refuse("is the name of a column in a table without a header", "add header: true, or write its number")
			return list.Column{}
		}
		return c
	}
	v.Mapping(
		strictyaml.Key("name", &t.Name, read).Required(),
		strictyaml.Key("added", &t.Added, read),
		strictyaml.Key("removed", &t.Removed, read),
	)
}

// checkDates refuses dates without a layout or zone, and these without dates.
func checkDates(keys listKeys, t *list.Table) (ok bool) {
	if !t.Added.Given() && !t.Removed.Given() {
		for _, key := range []strictyaml.Value{keys.dates, keys.zone} {
			if key.Given() {
				key.Refuse("does not go with columns without dates", "remove it, or add the column added or removed")
			}
		}
		return true
	}
	if !keys.dates.Given() {
		keys.columns.Refuse("has dates whose layout is not said", "add dates: dd.mm.yyyy, or as they are written")
	}
	if !keys.zone.Given() {
		keys.columns.Refuse("has dates whose zone is not said", "add zone: Europe/Prague, or where the authority is")
	}
	return t.Dates.Layout != "" && t.Dates.Zone != nil
}

// maxColumn bounds the number of a column: a line of 4096 octets has no more.
const maxColumn = 4096

var digitsPattern = regexp.MustCompile(`^[0-9]+$`)

// column reads a column: its number, or its name in the header.
func column(v strictyaml.Value) (c list.Column) {
	text := strictyaml.String(v)
	if digitsPattern.MatchString(text) {
		c.Number = strictyaml.Int(1, maxColumn)(v)
		return c
	}
	c.Header = text
	return c
}

// parseDelimiter reads what stands between two fields.
func parseDelimiter(text string) (byte, error) {
	switch text {
	case ",", ";", "|":
		return text[0], nil
	case "tab":
		return '\t', nil
	}
	return 0, problem.Fault{Text: "is no delimiter", Remedy: "write one of \",\" \";\" \"|\" tab"}
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
