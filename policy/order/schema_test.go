package order

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"bailiff/policy/list"
	"bailiff/policy/problem"
)

const schemaPath = "../../deploy/schema/order.schema.json"

// schema is one (sub)schema with the keywords the tests look at.
type schema struct {
	Title       string
	Description string
	Properties  map[string]schema
	Items       *schema
	OneOf       []schema
	Enum        []string
}

// place is a way into a document: in gives the document that holds text there.
type place struct {
	name string
	in   func(text string) string
}

// document is the place of a whole document.
var document = place{in: func(text string) string { return text }}

// walk visits every subschema with the place it describes.
func walk(s schema, at place, visit func(schema, place)) {
	visit(s, at)
	for key, child := range s.Properties {
		walk(child, place{strings.TrimSpace(at.name + " " + key), func(text string) string {
			return at.in("{" + key + ": " + text + "}")
		}}, visit)
	}
	if s.Items != nil {
		walk(*s.Items, place{at.name + " item", func(text string) string { return at.in("[" + text + "]") }}, visit)
	}
	for _, branch := range s.OneOf {
		walk(branch, at, visit)
	}
}

// known asks the parser what it knows at a place, by giving it a word that it
// cannot know; nil if it takes any word there.
func known(at place) []string {
	const unknown = "zz-unknown"
	for _, text := range []string{"{" + unknown + ": 1}", unknown} {
		for _, p := range problemsOf(at.in(text)) {
			if _, words, ok := strings.Cut(p.Remedy, "known here: "); ok && p.Value == unknown {
				return slices.Sorted(slices.Values(strings.Split(words, ", ")))
			}
		}
	}
	return nil
}

// problemsOf loads a document that stands in no file.
func problemsOf(text string) []problem.Problem {
	var problems problem.List
	l := newLoader(nil, &problems)
	l.documents(File{Path: "order.yaml"}, []byte(text))
	return problems.Sorted()
}

func readSchema(t *testing.T) (s schema, text []byte) {
	t.Helper()
	text, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s, text
}

func TestSchema_hasTheKeysAndWordsOfTheParser(t *testing.T) {
	root, _ := readSchema(t)
	words := map[string][]string{} // by place: several branches of a schema may describe it
	places := map[string]place{}
	walk(root, document, func(s schema, at place) {
		places[at.name] = at
		words[at.name] = slices.AppendSeq(append(words[at.name], s.Enum...), maps.Keys(s.Properties))
	})
	for _, dependsOnTrigger := range []string{"match", "format", "on_error", "columns", "delimiter", "encoding"} {
		delete(places, "rules item "+dependsOnTrigger)
	}
	for name, at := range places {
		want := slices.Sorted(slices.Values(words[name]))
		if got := known(at); !slices.Equal(got, want) {
			t.Errorf("%q: the parser knows %v, the schema %v", name, got, want)
		}
	}
}

func TestSchema_hasTheWordsOfLists(t *testing.T) {
	root, _ := readSchema(t)
	rule := root.Properties["rules"].Items.Properties
	for key, want := range map[string][]string{
		"format":   words(list.Formats()),
		"encoding": words(list.Encodings()),
		"on_error": words([]list.OnError{list.Refuse, list.Skip}),
	} {
		if got := rule[key].Enum; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	for _, delimiter := range rule["delimiter"].Enum {
		if _, err := parseDelimiter(delimiter); err != nil {
			t.Errorf("delimiter %q: %v", delimiter, err)
		}
	}
	if got, want := slices.Sorted(maps.Keys(rule["columns"].Properties)), []string{"added", "name", "removed"}; !slices.Equal(got, want) {
		t.Errorf("got columns %v, want %v", got, want)
	}
}

func words[T fmt.Stringer](values []T) (all []string) {
	for _, value := range values {
		all = append(all, value.String())
	}
	return all
}

func TestSchema_describesEveryKey(t *testing.T) {
	root, _ := readSchema(t)
	walk(root, document, func(s schema, at place) {
		for key, child := range s.Properties {
			if child.Title == "" || child.Description == "" {
				t.Errorf("%q: key %s has no title or no description", at.name, key)
			}
		}
	})
}

func TestSchema_takesTheGoodFiles(t *testing.T) {
	_, text := readSchema(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("order.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("order.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range fixtures(t, ".good.yaml") {
		for i, document := range decode(t, path) {
			if err := compiled.Validate(document); err != nil {
				t.Errorf("%s, document %d: %v", path, i+1, err)
			}
		}
	}
}

// decode reads the documents of a file as an editor sees them: numbers and
// booleans are such, times are text.
func decode(t *testing.T, path string) (documents []any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		if err := decoder.Decode(&n); err != nil {
			return documents
		}
		documents = append(documents, plain(n.Content[0]))
	}
}

// plain is a node as JSON has it.
func plain(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return object
	case n.Kind == yaml.SequenceNode:
		array := []any{}
		for _, item := range n.Content {
			array = append(array, plain(item))
		}
		return array
	case n.Tag == "!!int" || n.Tag == "!!float":
		return json.Number(n.Value)
	case n.Tag == "!!bool":
		return n.Value == "true"
	}
	return n.Value
}
