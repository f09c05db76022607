package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"bailiff/metrics/querylog"
	"bailiff/policy/name"
)

// Bounds of what is read of query logs.
const (
	maxLogNames = 5_000_000 // up to 3 GiB in memory, with what is derived of them
	maxLogLine  = 64 << 10  // octets: a line of JSON with all its answers
	maxPoints   = 16        // of one name that are kept
)

// queryLog is what query logs say, each name once. A reader of logs of another
// kind hands each query to add.
type queryLog struct {
	queries map[name.Name]uint32
	points  map[name.Name][]point // what a name leads to

	unread   int // lines in which no name was found
	leftOver int // queries for names beyond maxLogNames
}

func newQueryLog() *queryLog {
	return &queryLog{queries: map[name.Name]uint32{}, points: map[name.Name][]point{}}
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
	if start, _ := r.Peek(querylog.StartSize); querylog.IsDnstap(start) {
		return l.readDnstap(r)
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

// readDnstap counts the responses of a dnstap file.
func (l *queryLog) readDnstap(in io.Reader) error {
	unread, err := querylog.ReadDnstap(in, func(r querylog.Response) {
		l.add(r.Name, &loggedQuery{Answers: r.Points.Addresses, CNAME: r.Points.CNAMEs, NS: r.Points.Servers})
	})
	l.unread += unread
	return err
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
	l.add(n, &asked)
}

// add counts queries for a name, with what they say it leads to.
func (l *queryLog) add(n name.Name, asked *loggedQuery) {
	queries, known := l.queries[n]
	if !known && len(l.queries) >= maxLogNames {
		l.leftOver++
		return
	}
	l.queries[n] = queries + min(max(asked.Count, 1), math.MaxUint32-queries)
	for _, text := range slices.Concat(asked.Answers, asked.CNAME) {
		l.addPoint(n, text, pointAddress, pointTarget)
	}
	for _, text := range slices.Concat(asked.NS, asked.NameServers) {
		l.addPoint(n, text, pointServerAddress, pointServer)
	}
}

// addPoint adds where a name leads, once.
func (l *queryLog) addPoint(n name.Name, text string, ifAddress, ifName pointKind) {
	known := l.points[n]
	if p, ok := parsePoint(text, ifAddress, ifName); ok && len(known) < maxPoints && !slices.Contains(known, p) {
		l.points[n] = append(known, p)
	}
}

// loggedQuery is a line of JSON. Keys are taken in any case, others passed
// over.
type loggedQuery struct {
	Name        string `json:"name"`
	QName       string `json:"qname"`
	Count       uint32 `json:"count"`   // of such queries; 0: one
	Answers     words  `json:"answers"` // addresses, and names
	CNAME       words  `json:"cname"`
	NS          words  `json:"ns"`          // name servers of the zone: their names, and addresses
	NameServers words  `json:"nameservers"` // the same
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
