package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

const schemaPath = "../../deploy/schema/config.schema.json"

// schema is one (sub)schema with the keywords the tests look at.
type schema struct {
	Title       string
	Description string
	Type        any // a word, or several
	Properties  map[string]schema
	Enum        []string
}

// notYet are the keys and words that the parser knows only to refuse them.
var notYet = []string{"tls"}

// knownKeys asks the parser what it takes at a key ("" for the whole document)
// by giving it a word that it cannot know; nil if it takes any word there.
func knownKeys(t *testing.T, key string) []string {
	t.Helper()
	const unknown = "zz-unknown"
	for _, given := range []string{"{" + unknown + ": 1}", unknown} {
		for _, k := range slices.Backward(strings.Fields(key)) {
			given = "{" + k + ": " + given + "}"
		}
		var problems problem.List
		for v := range strictyaml.Documents("c.yaml", []byte(given), &problems) {
			defaultConfig().read(v, "c.yaml")
		}
		for _, p := range problems.Sorted() {
			if _, words, ok := strings.Cut(p.Remedy, "known here: "); ok && p.Value == unknown {
				known := slices.Sorted(slices.Values(strings.Split(words, ", ")))
				return slices.DeleteFunc(known, func(word string) bool { return slices.Contains(notYet, word) && key != "api" })
			}
		}
	}
	return nil
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
	var compare func(s schema, key string)
	compare = func(s schema, key string) {
		want := slices.Sorted(slices.Values(slices.AppendSeq(slices.Clone(s.Enum), maps.Keys(s.Properties))))
		if got := knownKeys(t, key); s.Type != "boolean" && !slices.Equal(got, want) {
			t.Errorf("%q: the parser knows %v, the schema %v", key, got, want)
		}
		for k, child := range s.Properties {
			if child.Title == "" || child.Description == "" {
				t.Errorf("%q: key %s has no title or no description", key, k)
			}
			compare(child, strings.TrimSpace(key+" "+k))
		}
	}
	compare(root, "")
}

func TestDocs_tellEveryKeyOfRecursion(t *testing.T) {
	docs, err := os.ReadFile("../../docs/recursion.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range knownKeys(t, "recursion") {
		if !strings.Contains(string(docs), "\n| `"+key+"` | ") {
			t.Errorf("docs/recursion.md has no row for %s", key)
		}
	}
}

func TestSchema_takesTheGoodFiles(t *testing.T) {
	_, text := readSchema(t)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("config.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(fixtures(t, ".good.yaml"), "../../deploy/bailiff.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := yaml.Unmarshal(data, &document); err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(document); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
