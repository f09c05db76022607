package strictyaml

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bailiff/policy/problem"
)

// read reads every document of text with reader and returns what it printed
// as, one document a line, and the problems, one a line.
func read[T any](text string, reader func(Value) T) (got, problems string) {
	var list problem.List
	var b strings.Builder
	for v := range Documents("f.yaml", []byte(text), &list) {
		fmt.Fprintln(&b, reader(v))
	}
	return strings.TrimSuffix(b.String(), "\n"), printed(&list)
}

func printed(list *problem.List) string {
	var lines []string
	for _, p := range list.Sorted() {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

func TestDocuments_hostileInputIsRefusedQuickly(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"binary", "\x7fELF\x00", "f.yaml:1: holds the control character U+007F; remove it; if it is no text file at all, take it out"},
		{"NUL", "a: 1\nb: \x00", "f.yaml:2: holds the control character U+0000; remove it; if it is no text file at all, take it out"},
		{"Latin-1", "a: nonch\xe9\n", "f.yaml:1: is not UTF-8 text; save it as UTF-8; if it is no text file at all, take it out"},
		{"UTF-16", "\xff\xfea\x00", "f.yaml:1: is not UTF-8 text; save it as UTF-8; if it is no text file at all, take it out"},
		{"bare CR", "a: 1\rb: 2", "f.yaml:1: holds the control character U+000D; remove it; if it is no text file at all, take it out"},
		{"directive", "a: 1\n%TAG ! x\n", "f.yaml:2: begins with %, a YAML directive; remove the line"},
		{"many lines", strings.Repeat("#\n", maxLines), "f.yaml:1048577: is too long: 1048576 lines, 262144 commas and brackets are the limit; split the file, or move its names to a list file"},
		{"many flow items", "[" + strings.Repeat("a,", maxFlowMarks), "f.yaml:1: is too long: 1048576 lines, 262144 commas and brackets are the limit; split the file, or move its names to a list file"},
		{"many documents", strings.Repeat("--- a\n", maxDocuments+1), "f.yaml:100001: holds more than 100000 documents; split the file"},
		{"deep flow", strings.Repeat("[", 10000), "f.yaml:1: is not valid YAML: nested deeper than 16 levels (while increasing flow level from line 1); look at quotes, brackets and indentation (no tabs) here and above"},
		{"deep block", strings.Repeat("- ", 10000), "f.yaml:1: is not valid YAML: nested deeper than 16 levels; look at quotes, brackets and indentation (no tabs) here and above"},
		{"tab", "a:\n\tb: 1\n", "f.yaml:2: is not valid YAML: found character that cannot start any token (while scanning for the next token from line 2); look at quotes, brackets and indentation (no tabs) here and above"},
		{"open quote", "a: \"b\nc: d\n", "f.yaml:3: is not valid YAML: found unexpected end of stream (while scanning a quoted scalar from line 1); look at quotes, brackets and indentation (no tabs) here and above"},
		{"unknown alias", "a: *b\n", "f.yaml:1: is not valid YAML: unknown anchor 'b' referenced; look at quotes, brackets and indentation (no tabs) here and above"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			_, got := read(tt.in, Value.IsMapping)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestDocuments_plainTextFilesAreTaken(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"comments only", "# nothing\n", ""},
		{"byte order mark", "\ufeffa", "a"},
		{"CRLF", "--- a\r\n--- b\r\n", "a\nb"},
		{"percent inside a line", "100%", "100%"},
		{"no line end", "a", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, problems := read(tt.in, String)
			if got != tt.want || problems != "" {
				t.Errorf("got %q with problems %q, want %q", got, problems, tt.want)
			}
		})
	}
}

func TestDocuments_thoseBeforeASyntaxErrorAreYielded(t *testing.T) {
	got, problems := read("--- a\n--- b\n--- [\n", String)
	if got != "a\nb" || !strings.HasPrefix(problems, "f.yaml:4: is not valid YAML") {
		t.Errorf("got %q with problems %q", got, problems)
	}
}

func TestDocuments_stopsWhenTheCallerStops(t *testing.T) {
	for v := range Documents("f.yaml", []byte("--- a\n--- b\n"), new(problem.List)) {
		if v.Line() != 1 {
			t.Errorf("got the document of line %d after the caller stopped", v.Line())
		}
		break
	}
}

// FuzzDocuments: whatever the input, every reader returns, and what is not
// refused is plain text.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"a: &x 1\nb: *x\n<<: *x\n", "? [a]\n: {b: c}\n", "a: !!str 1\n", "- |\n a\n- >-\n b\n", "a: 'b''c'\n\"d\\0\": e\n",
		"{a, b: , ? c}", "--- a\n...\n%TAG ! x\n", "a: ~\n# c\nb: # c\n- 1\n", "\ufeffa: b\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var problems problem.List
		for v := range Documents("f.yaml", data, &problems) {
			visit(t, v)
		}
		for _, p := range problems.Sorted() {
			if strings.ContainsAny(p.Error(), "\n\x00") {
				t.Errorf("problem is not one line: %q", p.Error())
			}
		}
	})
}

// visit reads a value and all below it with every reader.
func visit(t *testing.T, v Value) {
	if text := Text(v); strings.Contains(text, "\x00") || len(text) > maxText {
		t.Errorf("Text returned %q", text)
	}
	Time(v)
	Date(v)
	Prefix(v)
	Duration(0, time.Hour)(v)
	Size(0, 1<<40)(v)
	Int(0, 10)(v)
	for _, e := range v.Entries() {
		visit(t, e.Value)
	}
	for _, item := range v.Items() {
		visit(t, item)
	}
}
