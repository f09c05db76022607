// Package zonefile reads the zone files that operators write (RFC 1035 section
// 5): local zones, trust anchors, root hints.
//
// It finds the records and says which lines are none, every one of them; what
// the records are good for is the caller's to say. Of the directives it obeys
// $ORIGIN and $TTL. It imports miekg/dns and policy's packages for files and
// problems. Start reading at Read.
package zonefile

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

const (
	maxFileOctets   = 16 << 20 // 16 MiB: some 300,000 records
	maxRecordOctets = 64 << 10 // of text: a key takes 1 KiB, the longest TXT record 64 KiB and its quotes

	defaultTTLSeconds = 3600 // where neither the record nor $TTL says
)

// Record is one record of a zone file.
type Record struct {
	RR      dns.RR // in class IN, ready for the wire, its owner name in lower case
	Line    int    // on which it begins, 1-based
	Comment string // the comments on its lines, without the first semicolon
}

// Read returns the records of a file in their order. Names without a final dot
// are relative to origin until the file says otherwise. What is wrong goes to
// problems, each with its line; those records are missing.
func Read(file, origin string, problems *problem.List) []Record {
	data, err := infile.Read(file, maxFileOctets)
	if err != nil {
		problems.Add(problem.Problem{File: file}.Because(err))
		return nil
	}
	r := reader{file: file, origin: origin, ttlSeconds: defaultTTLSeconds, problems: problems}
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		r.line++
		r.read(strings.TrimRight(line, "\r\n"))
	}
	r.end()
	return r.records
}

// reader is a file being read line by line.
type reader struct {
	file       string
	problems   *problem.List
	records    []Record
	origin     string
	ttlSeconds uint32
	owner      string // of the record before
	line       int

	// The record at hand, which goes over lines where it has a parenthesis.
	begin         int // its first line
	text, comment strings.Builder
	open          bool // a parenthesis is
}

// read takes one line, without its end.
func (r *reader) read(line string) {
	if !r.open {
		r.begin = r.line
		r.text.Reset()
		r.comment.Reset()
	}
	if r.text.Len()+r.comment.Len()+len(line) > maxRecordOctets {
		r.give("", problem.Fault{Text: fmt.Sprintf("is longer than %d octets", maxRecordOctets), Remedy: "correct the record"})
		return
	}
	if err := r.scan(line); err != nil {
		r.give(line, err)
		return
	}
	if !r.open {
		r.take(r.text.String())
	}
}

// give gives the record at hand up.
func (r *reader) give(value string, err error) {
	r.open = false
	r.problems.Add(problem.Problem{File: r.file, Line: r.begin, Value: value}.Because(err))
}

// Faults of the text.
var (
	errQuote       = problem.Fault{Text: "a quotation mark has no other half on its line", Remedy: "close it"}
	errParentheses = problem.Fault{Text: "a parenthesis has no other half", Remedy: "correct the record"}
)

// scan adds a line to the record at hand, without its comment and parentheses.
func (r *reader) scan(line string) error {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			r.text.WriteByte(c)
			i++
			r.text.WriteByte(line[i])
		case c == '"':
			quoted = !quoted
			r.text.WriteByte(c)
		case quoted:
			r.text.WriteByte(c)
		case c == ';':
			r.comment.WriteString(line[i+1:])
			return nil
		case c == '(' || c == ')':
			if r.open == (c == '(') {
				return errParentheses
			}
			r.open = c == '('
			r.text.WriteByte(' ')
		default:
			r.text.WriteByte(c)
		}
	}
	if quoted {
		return errQuote
	}
	r.text.WriteByte(' ') // the end of a line parts words
	return nil
}

// end says that a record was not finished.
func (r *reader) end() {
	if r.open {
		r.give("", errParentheses)
	}
}

// take reads the text of a whole record, or a directive, or nothing.
func (r *reader) take(text string) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return
	}
	var err error
	switch {
	case strings.HasPrefix(words[0], "$"):
		err = r.directive(words)
	default:
		err = r.record(text)
	}
	if err != nil {
		r.give(strings.Join(words, " "), err)
	}
}

// directive obeys a line that begins with a dollar sign.
func (r *reader) directive(words []string) error {
	if len(words) == 2 && strings.EqualFold(words[0], "$ORIGIN") {
		return r.setOrigin(words[1])
	}
	if len(words) == 2 && strings.EqualFold(words[0], "$TTL") {
		// The library knows how TTLs are written (1h30m): as one of a record.
		rr, err := parse(". "+words[1]+" IN A 0.0.0.0", ".", 0)
		if err != nil || words[1][0] < '0' || words[1][0] > '9' {
			return problem.Fault{Text: "is no TTL", Remedy: "write a number of seconds"}
		}
		r.ttlSeconds = rr.Header().Ttl
		return nil
	}
	return problem.Fault{Text: "is a directive that is not read here", Remedy: "write the records themselves, with $ORIGIN and $TTL at most"}
}

// setOrigin makes a name, which may be relative to the origin before, the
// origin.
func (r *reader) setOrigin(name string) error {
	rr, err := parse(name+" IN A 0.0.0.0", r.origin, 0)
	if err != nil {
		return problem.Fault{Text: "is no domain name", Remedy: "correct it"}
	}
	r.origin = rr.Header().Name
	return nil
}

// record reads one record. A text that begins with a blank has the owner of
// the record before.
func (r *reader) record(text string) error {
	if text[0] == ' ' || text[0] == '\t' {
		if r.owner == "" {
			return problem.Fault{Text: "has no owner name", Remedy: "begin the line with one"}
		}
		text = r.owner + text
	}
	rr, err := parse(text, r.origin, r.ttlSeconds)
	if err != nil {
		return err
	}
	r.owner = dns.CanonicalName(rr.Header().Name)
	rr.Header().Name = r.owner
	r.records = append(r.records, Record{RR: rr, Line: r.begin, Comment: r.comment.String()})
	return nil
}

// parse is the record that a line of text holds. The error is a
// problem.Fault.
func parse(text, origin string, ttlSeconds uint32) (dns.RR, error) {
	p := dns.NewZoneParser(strings.NewReader(text+"\n"), origin, "")
	p.SetDefaultTTL(ttlSeconds)
	rr, _ := p.Next()
	if err := p.Err(); err != nil {
		return nil, problem.Fault{Text: "is no record (" + reason(err) + ")", Remedy: "write owner name, TTL, class, type and data"}
	}
	if rr == nil {
		return nil, problem.Fault{Text: "is no record", Remedy: "write owner name, TTL, class, type and data"}
	}
	if rr.Header().Class != dns.ClassINET {
		return nil, problem.Fault{Text: "is in another class than IN", Remedy: "take it out"}
	}
	wire := make([]byte, dns.Len(rr)+dns.MinMsgSize) // what the library counts too few is less than that
	if _, err := dns.PackRR(rr, wire, 0, nil, false); err != nil {
		return nil, problem.Fault{Text: "is no record (" + reason(err) + ")", Remedy: "correct the data"}
	}
	return rr, nil
}

// reason is a library's error without its name and its line, which is always
// the first.
func reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), " at line: ")
	return strings.TrimPrefix(text, "dns: ")
}
