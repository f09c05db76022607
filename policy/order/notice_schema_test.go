package order

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"bailiff/policy/problem"
)

// noticeKnown is known for a key of a notice; "" is the whole notice.
func noticeKnown(key string) []string {
	const unknown = "zz-unknown"
	for _, text := range []string{"{" + unknown + ": 1}", unknown} {
		if key != "" {
			text = "{" + key + ": " + text + "}"
		}
		var problems problem.List
		l := newLoader(nil, &problems)
		l.noticeDocuments(File{Path: "n.yaml"}, []byte(text))
		for _, p := range problems.Sorted() {
			// The value is redacted: no order says that the notice may be told.
			if _, words, ok := strings.Cut(p.Remedy, "known here: "); ok && strings.TrimSpace(p.Place) == key {
				return slices.Sorted(slices.Values(strings.Split(words, ", ")))
			}
		}
	}
	return nil
}

func TestNoticeSchema_hasTheKeysAndWordsOfTheParser(t *testing.T) {
	text, err := os.ReadFile("../../deploy/schema/notice.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root schema
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	if got, want := noticeKnown(""), slices.Sorted(maps.Keys(root.Properties)); !slices.Equal(got, want) {
		t.Errorf("the parser knows %v, the schema %v", got, want)
	}
	for key, child := range root.Properties {
		if got, want := noticeKnown(key), slices.Sorted(slices.Values(child.Enum)); !slices.Equal(got, want) {
			t.Errorf("%s: the parser knows %v, the schema %v", key, got, want)
		}
		if child.Title == "" || child.Description == "" {
			t.Errorf("%s has no title or no description", key)
		}
	}
}

func TestNoticeSchema_takesTheExamples(t *testing.T) {
	compiled, err := jsonschema.NewCompiler().Compile("../../deploy/schema/notice.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob("../../deploy/examples/notices/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("got no examples: %v", err)
	}
	for _, path := range examples {
		for i, document := range decode(t, path) {
			if err := compiled.Validate(document); err != nil {
				t.Errorf("%s, document %d: %v", path, i+1, err)
			}
		}
	}
}
