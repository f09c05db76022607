package list

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"time"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// What one register may hold.
const (
	maxXMLDepth = 16
	maxFields   = 20_000 // of one entry: some name thousands of addresses
)

// register is how a register's XML is built: a root with one element for each
// entry, whose attributes and children are the entry's fields. Whatever stands
// deeper, or beside, is the authority's own affair.
type register struct {
	root, entry string // local names
	read        func(fields []field)
}

// field is an attribute of an entry or the text of a child.
type field struct {
	name string // local
	text string // cut off beyond maxLine: no name, URL or time is that long
	line int
}

// registerReader reads the entries of a register.
type registerReader struct {
	register
	in      *meter
	decoder *xml.Decoder
	depth   int
	fields  []field // of the entry at hand
}

// xml reads a register.
func (c *collector) xml(r io.Reader, from register) {
	x := registerReader{register: from, in: newMeter(r)}
	x.decoder = xml.NewDecoder(x.in)
	x.decoder.CharsetReader = func(label string, rest io.Reader) (io.Reader, error) {
		decoded, err := decodeLabelled(label, rest)
		x.in.allowed = MaxOctets // what is metered from now on is the text in UTF-8
		x.in = newMeter(decoded)
		return x.in, err
	}
	for !c.isFull() {
		err := x.next()
		c.line, _ = x.decoder.InputPos()
		switch {
		case err == io.EOF:
			return
		case err != nil:
			c.refuse(nil, xmlFault(err))
			return
		}
	}
}

// next reads one token and, if it ends an entry, the entry.
func (x *registerReader) next() error {
	token, err := x.decoder.Token()
	if err != nil {
		return err
	}
	x.in.passed(x.decoder.InputOffset())
	switch t := token.(type) {
	case xml.StartElement:
		x.depth++
		return x.start(t)
	case xml.CharData:
		if x.depth == 3 && len(x.fields) > 0 {
			text := &x.fields[len(x.fields)-1].text
			*text += string(t[:min(len(t), maxLine+1-len(*text))])
		}
	case xml.EndElement:
		x.depth--
		if x.depth == 1 && t.Name.Local == x.entry {
			x.read(x.fields)
		}
	}
	return nil
}

// start takes the beginning of an element.
func (x *registerReader) start(t xml.StartElement) error {
	line, _ := x.decoder.InputPos()
	switch {
	case x.depth > maxXMLDepth:
		return errDeep
	case x.depth == 1 && t.Name.Local != x.root:
		return errNoRegister
	case x.depth == 2:
		x.fields = x.fields[:0]
		for _, attribute := range t.Attr {
			x.fields = append(x.fields, field{attribute.Name.Local, attribute.Value, line})
		}
	case x.depth == 3:
		x.fields = append(x.fields, field{name: t.Name.Local, line: line})
	}
	if len(x.fields) > maxFields {
		return errLongEntry
	}
	return nil
}

// Faults of next, beside those of the decoder and of the reader below it.
var (
	errDeep       = problem.Fault{Text: "is nested deeper than 16 levels", Remedy: "fetch the list again"}
	errNoRegister = problem.Fault{Text: "begins with another element than the register does", Remedy: "fetch the list again, or correct format"}
	errLongEntry  = problem.Fault{Text: "has an entry that is too long", Remedy: "fetch the list again"}
)

// xmlFault words an error of the decoder, whose own words may repeat the
// file's.
func xmlFault(err error) error {
	if fault, ok := errors.AsType[problem.Fault](err); ok {
		return fault
	}
	if _, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return problem.Fault{Text: "is not well-formed XML, or not complete", Remedy: "fetch the list again"}
	}
	if strings.HasPrefix(err.Error(), "xml: ") {
		return problem.Fault{Text: "is XML of a version or in an encoding that is not read", Remedy: "convert it to XML 1.0 in UTF-8"}
	}
	return infile.Unreadable(err)
}

// parseInstant reads a time as registers write it: with a zone, or without one
// in the register's. Every error is a problem.Fault.
func parseInstant(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil && isPlausible(t) {
			return t, nil
		}
	}
	return time.Time{}, problem.Fault{Text: "is no time", Remedy: "fetch the list again"}
}
