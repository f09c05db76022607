// Package strictyaml reads YAML files that people write by hand and that must
// not be misunderstood: order files and the config file.
//
// It knows no key of either. It takes the plain part of YAML only (no anchors,
// aliases, merge keys, tags or directives), keeps what was written (a scalar's
// own text, never YAML's guess at its type), knows every value's line and
// reports each problem with its remedy. Input is bounded in size by the caller
// and in depth, lines and documents here. It imports policy/problem, the YAML
// library and the standard library. Start reading at Documents, then Mapping.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"bailiff/policy/problem"
)

// What one file may hold. The YAML library spends about 250 octets on a value
// and, inside flow brackets, some 3 KiB until the bracket closes.
const (
	maxDepth     = 16
	maxDocuments = 100_000
	maxLines     = 1 << 20 // a national list written as `block` has 150,000
	maxFlowMarks = 1 << 18 // commas and opening brackets
)

// Documents yields the documents of a file, read one at a time. The first
// syntax error ends it, as nothing after that can be trusted; documents before
// it have been yielded. Every problem goes to problems under the name file.
func Documents(file string, data []byte, problems *problem.List) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		refuse := func(p problem.Problem) {
			p.File = file
			problems.Add(p)
		}
		if p, bad := unfit(data); bad {
			refuse(p)
			return
		}
		loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithPlugin(
			loaderlimits.New(loaderlimits.DepthFunc(checkDepth))))
		if err != nil {
			refuse(syntax(err))
			return
		}
		for count := 1; ; count++ {
			root, err := next(loader)
			switch {
			case err == io.EOF:
				return
			case err != nil:
				refuse(syntax(err))
				return
			case count > maxDocuments:
				refuse(problem.Problem{Line: root.Line, Text: fmt.Sprintf("holds more than %d documents", maxDocuments), Remedy: "split the file"})
				return
			}
			if !yield(Value{node: root, file: file, problems: problems}) {
				return
			}
		}
	}
}

// next loads one document and returns its root; io.EOF after the last.
func next(loader *yaml.Loader) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // a bug of the library must not stop the server
			err = fmt.Errorf("the YAML library gave up: %v", r)
		}
	}()
	var doc yaml.Node
	if err := loader.Load(&doc); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

// checkDepth is asked by the YAML library at every deeper level.
func checkDepth(depth int, _ *loaderlimits.DepthContext) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	return nil
}

// unfit says why data is not given to the YAML library at all: it is no text,
// its lines could be counted in two ways, or it would take too much to read.
func unfit(data []byte) (p problem.Problem, bad bool) {
	line, flowMarks := 1, 0
	refused := func(text, remedy string) (problem.Problem, bool) {
		return problem.Problem{Line: line, Text: text, Remedy: remedy}, true
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		switch {
		case r == utf8.RuneError && size == 1:
			return refused("is not UTF-8 text", "save it as UTF-8; if it is no text file at all, take it out")
		case strange(r, data[at+size:]):
			return refused(fmt.Sprintf("holds the control character %U", r), "remove it; if it is no text file at all, take it out")
		case r == '%' && (at == 0 || data[at-1] == '\n'):
			return refused("begins with %, a YAML directive", "remove the line")
		case r == '\n':
			line++
		case r == ',' || r == '[' || r == '{':
			flowMarks++
		}
		if line > maxLines || flowMarks > maxFlowMarks {
			return refused(fmt.Sprintf("is too long: %d lines, %d commas and brackets are the limit", maxLines, maxFlowMarks),
				"split the file, or move its names to a list file")
		}
		at += size
	}
	return problem.Problem{}, false
}

// strange reports whether r, with rest after it, is no character of a text
// file with lines: a control character, or a line end other than LF and CRLF.
func strange(r rune, rest []byte) bool {
	switch r {
	case '\n', '\t':
		return false
	case '\r':
		return !bytes.HasPrefix(rest, []byte("\n"))
	case '\u2028', '\u2029':
		return true
	}
	return unicode.IsControl(r)
}

// syntax words an error of the YAML library.
func syntax(err error) problem.Problem {
	p := problem.Problem{
		Text:   "is not valid YAML: " + err.Error(),
		Remedy: "look at quotes, brackets and indentation (no tabs) here and above",
	}
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.Line = load.Mark.Line
		p.Text = "is not valid YAML: " + load.Message
		if load.ContextMsg != "" && load.ContextMark.Line > 0 {
			p.Text += fmt.Sprintf(" (%s from line %d)", load.ContextMsg, load.ContextMark.Line)
		}
	}
	return p
}
