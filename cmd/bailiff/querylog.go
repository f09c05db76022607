package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bailiff/policy/name"
)

// Bounds of what is read of query logs.
const (
	maxLogNames = 5_000_000 // up to 3 GiB in memory, with what is derived of them
	maxLogLine  = 64 << 10  // octets: a line of JSON with all its answers
	maxPoints   = 16        // addresses and CNAME targets of one name that are kept
)

// queryLog is what query logs say, each name once.
type queryLog struct {
	queries map[name.Name]uint32
	points  map[name.Name][]string // what a name leads to: addresses and CNAME targets

	unread   int // lines in which no name was found
	leftOver int // queries for names beyond maxLogNames
}

// readLogs reads the logs at paths, or stdin if there are none.
func readLogs(paths []string, stdin io.Reader) (*queryLog, error) {
	l := &queryLog{queries: map[name.Name]uint32{}, points: map[name.Name][]string{}}
	if len(paths) == 0 {
		if err := l.read(stdin); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	for _, path := range paths {
		if err := l.readFile(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return l, nil
}

func (l *queryLog) readFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer f.Close()
	return l.read(f)
}

// read reads one log, compressed by gzip or not.
func (l *queryLog) read(in io.Reader) error {
	r := bufio.NewReaderSize(in, maxLogLine)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // RFC 1952 section 2.3.1
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		r = bufio.NewReaderSize(unpacked, maxLogLine)
	}
	for {
		line, err := r.ReadSlice('\n')
		for tooLong := false; errors.Is(err, bufio.ErrBufferFull); tooLong = true {
			if !tooLong {
				l.unread++
			}
			line = nil
			_, err = r.ReadSlice('\n')
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			l.line(line)
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// line counts the query that a line tells of.
func (l *queryLog) line(line []byte) {
	asked := loggedQuery{Name: qnameIn(string(line))}
	if line[0] == '{' {
		asked = loggedQuery{}
		_ = json.Unmarshal(line, &asked) // what is of another form is not there
	}
	if asked.Name == "" {
		asked.Name = asked.QName
	}
	n, err := name.Parse(asked.Name)
	if err != nil {
		l.unread++
		return
	}
	if _, known := l.queries[n]; !known && len(l.queries) >= maxLogNames {
		l.leftOver++
		return
	}
	l.queries[n]++
	for _, p := range append(asked.Answers, asked.CNAME...) {
		if len(l.points[n]) < maxPoints {
			l.points[n] = appendPoint(l.points[n], p)
		}
	}
}

// loggedQuery is a line of JSON. Keys are taken in any case, others passed
// over.
type loggedQuery struct {
	Name    string `json:"name"`
	QName   string `json:"qname"`
	Answers words  `json:"answers"` // addresses, and names
	CNAME   words  `json:"cname"`
}

// words are one text or a list of them.
type words []string

// UnmarshalJSON takes both forms.
func (w *words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

// qnameIn finds the QNAME in a line of a log, or takes the line for a name.
//
//	dnsmasq: Nov 23 12:00:00 dnsmasq[1]: query[A] www.example.org from 192.0.2.1
//	BIND:    client @0x7f0a 192.0.2.1#4711 (www.example.org): query: www.example.org IN A +E(0)K (192.0.2.53)
//	Unbound: [1700000000] unbound[1:0] info: 192.0.2.1 www.example.org. A IN
func qnameIn(line string) string {
	if _, rest, ok := strings.Cut(line, ": query: "); ok {
		return word(rest, 0)
	}
	if _, rest, ok := strings.Cut(line, " query["); ok {
		return word(rest, 1)
	}
	if _, rest, ok := strings.Cut(line, " info: "); ok && word(rest, 3) == "IN" {
		return word(rest, 1)
	}
	return line
}

// word is the n-th word of a line, empty if there is none.
func word(line string, n int) string {
	if words := strings.Fields(line); n < len(words) {
		return words[n]
	}
	return ""
}
