package rpl

import "strings"

// config reads the configuration, up to CONFIG_END.
func (r *reader) config() {
	r.scenario.Clauses = []Clause{{}}
	for r.at < len(r.lines) {
		line := r.lines[r.at]
		r.at++
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "CONFIG_END":
			return
		case skipped[word] != "":
			r.unsupported(word)
			r.skipTo(skipped[word])
		case word == "COMMANDLINE", word == "TEMPFILE_NAME":
			r.unsupported(word)
		default:
			r.settings(fieldsOf(line))
		}
	}
	r.refuse("", "the file ends within the configuration", "end that with CONFIG_END")
}

// skipped are the parts of a configuration that are passed over, with the words
// that end them: files that only another resolver reads.
var skipped = map[string]string{"AUTOTRUST_FILE": "AUTOTRUST_END", "TEMPFILE_CONTENTS": "TEMPFILE_END"}

// fieldsOf cuts a line of the configuration into words. Quotes keep one
// together, and a comment begins with a semicolon or, as Unbound has it, with a
// number sign.
func fieldsOf(line string) (fields []string) {
	quoted := false
	for _, word := range strings.FieldsFunc(line, func(c rune) bool {
		if c == '"' {
			quoted = !quoted
		}
		return !quoted && (c == ' ' || c == '\t' || c == '\r')
	}) {
		if word[0] == '#' || word[0] == ';' {
			break
		}
		before, _, commented := strings.Cut(word, ";")
		fields = append(fields, before)
		if commented {
			break
		}
	}
	return fields
}

// settings adds those of one line to the clause they are in: keys, each with
// its value behind it. A key without one begins a clause. Only Deckard's are in
// none.
func (r *reader) settings(fields []string) {
	for len(fields) > 0 {
		key, isKey := strings.CutSuffix(fields[0], ":")
		if !isKey {
			r.refuse(fields[0], "not a setting", "write key: value, or CONFIG_END")
			return
		}
		end := 1
		for end < len(fields) && !isBareKey(fields[end]) {
			end++
		}
		value := strings.Join(fields[1:end], " ")
		fields = fields[end:]
		if value == "" {
			r.scenario.Clauses = append(r.scenario.Clauses, Clause{Name: key, Line: r.at})
			continue
		}
		last := &r.scenario.Clauses[len(r.scenario.Clauses)-1]
		last.Settings = append(last.Settings, Setting{Key: key, Value: strings.Trim(value, `"'`), Line: r.at})
		if last.Name == "" {
			r.scenario.Dialect = Deckard
		}
	}
}

// isBareKey reports whether a word behind another begins a setting.
func isBareKey(word string) bool {
	return len(word) > 1 && word[0] != '"' && strings.IndexByte(word, ':') == len(word)-1
}
