package strictyaml

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"bailiff/policy/problem"
)

// maxKeys bounds one mapping: each unknown key is compared with the known ones.
const maxKeys = 1000

// Value is one value of a document with its place. Readers are functions from
// a Value to what it means; a reader that finds a problem reports it and
// returns the zero value. The zero Value is a key that was not given.
type Value struct {
	node     *yaml.Node
	file     string
	place    string
	problems *problem.List
}

// Given reports whether the value stands in the file.
func (v Value) Given() bool { return v.node != nil }

// Line is the 1-based line of the file on which the value begins.
func (v Value) Line() int { return v.node.Line }

// Place is the way to the value: the keys, and the numbers of items, with
// blanks between; empty for a document.
func (v Value) Place() string { return v.place }

// At returns the value under another name of its place.
func (v Value) At(place string) Value {
	v.place = place
	return v
}

// IsMapping reports whether the value is a mapping: some keys have a short
// form beside it.
func (v Value) IsMapping() bool { return v.node.Kind == yaml.MappingNode }

// Refuse reports a problem with the value.
func (v Value) Refuse(text, remedy string) {
	v.RefuseBecause(problem.Fault{Text: text, Remedy: remedy})
}

// RefuseBecause reports err as the problem with the value.
func (v Value) RefuseBecause(err error) { v.problems.Add(v.problem().Because(err)) }

// Note reports something about the value that stops nothing.
func (v Value) Note(text, remedy string) {
	p := v.problem().Because(problem.Fault{Text: text, Remedy: remedy})
	p.Severity = problem.Note
	v.problems.Add(p)
}

func (v Value) problem() problem.Problem {
	return problem.Problem{File: v.file, Line: v.node.Line, Place: v.place, Value: v.node.Value}
}

// Field is one key that a mapping may hold.
type Field struct {
	key      string
	required bool
	read     func(Value)
}

// Key is the field that read reads into to. Where the key is not given, to
// keeps what it holds: its default.
func Key[T any](key string, to *T, read func(Value) T) Field {
	return Field{key: key, read: func(v Value) { *to = read(v) }}
}

// Required returns the field as one that must be there.
func (f Field) Required() Field {
	f.required = true
	return f
}

// Itself is the reader for a value that is looked at later.
func Itself(v Value) Value { return v }

// Mapping reads the value as a mapping that holds these fields and no other,
// in the order of the fields. It reports whether a field without a value is not
// there: the value is a mapping, and no key of it looks like a misspelt one.
func (v Value) Mapping(fields ...Field) bool {
	if !v.is(yaml.MappingNode) {
		return false
	}
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	misspelt := func(word string) bool {
		return slices.ContainsFunc(known, func(k string) bool { return near(word, k) })
	}
	spelt := true
	given := make(map[string]Value, len(fields))
	for _, e := range v.Entries() {
		word := e.Key.node.Value
		if !slices.Contains(known, word) {
			e.Key.Refuse("unknown key", suggest(word, known))
			spelt = spelt && !misspelt(word)
		}
		given[word] = e.Value
	}
	for _, f := range fields {
		switch value, ok := given[f.key]; {
		case ok:
			f.read(value)
		case f.required:
			v.Refuse("has no "+f.key, "add the key "+f.key)
		}
	}
	return spelt
}

// Entry is one key of a mapping with its value. The place of Key is the
// mapping's.
type Entry struct{ Key, Value Value }

// Entries reads the value as a mapping with keys of any name, in the order of
// the file. A key given twice is refused.
func (v Value) Entries() []Entry {
	if !v.is(yaml.MappingNode) {
		return nil
	}
	content := v.node.Content
	if len(content)/2 > maxKeys {
		v.Refuse(fmt.Sprintf("holds more than %d keys", maxKeys), "remove those that do not belong here")
		return nil
	}
	entries := make([]Entry, 0, len(content)/2)
	first := make(map[string]int, len(content)/2) // key → its line
	for i := 0; i+1 < len(content); i += 2 {
		key := v.part(content[i], "")
		word := String(key)
		switch line, twice := first[word]; {
		case word == "": // refused by String
		case key.node.Tag == "!!merge":
			key.Refuse("is a merge key", "write the keys themselves")
		case twice:
			key.Refuse(fmt.Sprintf("stands twice (first on line %d)", line), "remove one of them")
		default:
			first[word] = key.Line()
			entries = append(entries, Entry{key, v.part(content[i+1], word)})
		}
	}
	return entries
}

// part is the value of a node inside v.
func (v Value) part(n *yaml.Node, name string) Value {
	return Value{node: n, file: v.file, place: strings.TrimSpace(v.place + " " + name), problems: v.problems}
}

// Items reads the value as a list.
func (v Value) Items() []Value {
	if !v.is(yaml.SequenceNode) {
		return nil
	}
	items := make([]Value, len(v.node.Content))
	for i, n := range v.node.Content {
		items[i] = v.part(n, fmt.Sprint(i+1))
	}
	return items
}

// List is the reader for a list of what read reads.
func List[T any](read func(Value) T) func(Value) []T {
	return func(v Value) []T {
		items := v.Items()
		list := make([]T, len(items))
		for i, item := range items {
			list[i] = read(item)
		}
		return list
	}
}

// ListOrOne is the reader for a list of what read reads, or for one that stands
// alone.
func ListOrOne[T any](read func(Value) T) func(Value) []T {
	return func(v Value) []T {
		if v.node.Kind == yaml.SequenceNode {
			return List(read)(v)
		}
		return []T{read(v)}
	}
}

// is reports whether the value is of this kind and plain, and refuses it
// otherwise.
func (v Value) is(kind yaml.Kind) bool {
	switch n := v.node; {
	case n.Kind == yaml.AliasNode:
		v.Refuse("is an alias", "write the value itself")
	case n.Anchor != "":
		v.Refuse("has an anchor", "remove &"+n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		v.Refuse("has the tag "+problem.Quote(n.Tag), "remove it")
	case n.Tag == "!!null" || n.Kind == yaml.ScalarNode && n.Value == "" || n.Kind != yaml.ScalarNode && len(n.Content) == 0:
		v.Refuse("is empty", "give it a value or remove it")
	case n.Kind != kind:
		v.Refuse("is "+kindName(n.Kind), "write "+kindName(kind))
	default:
		return true
	}
	return false
}

// kindName is what people call a kind of node.
func kindName(k yaml.Kind) string {
	switch k {
	case yaml.MappingNode:
		return "a mapping (key: value)"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		return "a single value"
	}
	return fmt.Sprintf("Kind(%d)", uint32(k))
}
