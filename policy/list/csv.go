package list

import (
	"bytes"
	"fmt"
	"io"

	"bailiff/policy/problem"
)

// Table says what a file of the format CSV holds.
type Table struct {
	Name, Added, Removed Column // Added and Removed: the zero Column if there is none

	Delimiter byte
	Encoding  Encoding
	Header    bool // the first line names the columns
	Dates     Dates
}

// Column is one column of a table, by its number or by its name in the header.
// The zero Column is none.
type Column struct {
	Number int // 1-based
	Header string
}

// Given reports whether c is a column.
func (c Column) Given() bool { return c != Column{} }

// tableReader reads a table line by line.
type tableReader struct {
	*collector
	table  Table
	fields [][]byte // of the line at hand
}

// csv reads the format CSV: a name and everything below it a line (*.name:
// what is below it alone), in force from the first instant of the day it was
// added until that of the day it was removed.
func (c *collector) csv(r io.Reader) {
	t := tableReader{collector: c, table: c.options.Table}
	if !t.table.Header {
		t.findColumns() // refuses those that are known by name
	}
	c.eachLine(t.table.Encoding.decode(r), t.readLine)
}

// readLine reads one line.
func (t *tableReader) readLine(line []byte) {
	line = bytes.TrimRight(line, "\r\n")
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	var err error
	t.fields, err = splitFields(t.fields[:0], line, t.table.Delimiter)
	switch {
	case t.table.Header:
		t.table.Header = false
		t.findColumns()
	case err != nil:
		t.wrong(line, err)
	default:
		t.readRow(line)
	}
}

// readRow reads one line below the header.
func (t *tableReader) readRow(line []byte) {
	for _, column := range []Column{t.table.Name, t.table.Added, t.table.Removed} {
		if column.Number > len(t.fields) {
			t.wrong(line, problem.Fault{
				Text:   fmt.Sprintf("has %d columns, and column %d is needed", len(t.fields), column.Number),
				Remedy: "correct the line, columns or delimiter",
			})
			return
		}
	}
	removed := t.field(t.table.Removed)
	until, err := t.table.Dates.parse(removed)
	if err != nil {
		t.wrong([]byte(removed), err)
		return
	}
	added := t.field(t.table.Added)
	from, err := t.table.Dates.parse(added)
	if err != nil {
		t.wrong([]byte(added), err)
		return
	}
	if err := checkSpan(from, until); err != nil {
		t.wrong(line, err)
		return
	}
	t.addListed(t.group(from, until), []byte(t.field(t.table.Name)))
}

// field returns the text in a column of the line, empty if there is no such
// column in the table.
func (t *tableReader) field(c Column) string {
	if !c.Given() {
		return ""
	}
	return string(t.fields[c.Number-1])
}

// findColumns gives the columns that are known by name their numbers.
func (t *tableReader) findColumns() {
	for _, column := range []*Column{&t.table.Name, &t.table.Added, &t.table.Removed} {
		for i, field := range t.fields {
			if column.Header != "" && column.Header == string(field) {
				column.Number = i + 1
			}
		}
		if column.Given() && column.Number == 0 {
			t.refuse([]byte(column.Header), problem.Fault{
				Text:   "is no column of the header",
				Remedy: "correct columns, encoding or delimiter",
			})
			column.Number = 1 // the list is refused: read on for other problems
		}
	}
}

// splitFields appends the fields of one line to fields, blanks around them
// taken off. A field may be quoted (RFC 4180 section 2), but runs over no line
// end. Every error is a problem.Fault.
func splitFields(fields [][]byte, line []byte, delimiter byte) ([][]byte, error) {
	for {
		var field []byte
		var more bool
		if trimmed := bytes.TrimLeft(line, " "); len(trimmed) > 0 && trimmed[0] == '"' {
			var err error
			if field, line, err = cutQuoted(trimmed[1:]); err != nil {
				return fields, err
			}
			var stray []byte
			if stray, line, more = bytes.Cut(line, []byte{delimiter}); len(bytes.TrimSpace(stray)) > 0 {
				return fields, errQuotes
			}
		} else {
			field, line, more = bytes.Cut(line, []byte{delimiter})
		}
		fields = append(fields, bytes.TrimSpace(field))
		if !more {
			return fields, nil
		}
	}
}

// errQuotes refuses a field whose quotation marks do not stand around it.
var errQuotes = problem.Fault{
	Text:   "has a quotation mark without its other half",
	Remedy: "write each field on one line, its own quotation marks doubled",
}

// cutQuoted splits what follows an opening quotation mark into the field,
// doubled marks made single, and what follows the closing one.
func cutQuoted(text []byte) (field, rest []byte, err error) {
	for {
		part, after, closed := bytes.Cut(text, []byte{'"'})
		field = append(field, part...)
		switch {
		case !closed:
			return nil, nil, errQuotes
		case len(after) == 0 || after[0] != '"':
			return field, after, nil
		}
		field = append(field, '"')
		text = after[1:]
	}
}
