package rpl

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy/problem"
)

// Bounds on what is read: the files are ours, or of suites known to be smaller.
const (
	maxFileBytes = 4 << 20
	maxElapse    = 100 * 365 * 24 * time.Hour
)

// defaultTTLSeconds is the TTL of records that have none.
const defaultTTLSeconds = 3600

// Read reads a scenario. Every problem is added to problems, by line; with one
// of them the scenario is not to be run.
func Read(file, text string, problems *problem.List) *Scenario {
	r := &reader{
		file: file, problems: problems, scenario: &Scenario{},
		origin: ".", ttlSeconds: defaultTTLSeconds,
	}
	if len(text) > maxFileBytes {
		r.refuse(file, "more than 4 MiB", "write a shorter scenario")
		return r.scenario
	}
	r.lines = strings.Split(text, "\n")
	r.config()
	r.body()
	return r.scenario
}

// reader goes through the lines of a file once.
type reader struct {
	file       string
	lines      []string
	at         int // lines taken
	problems   *problem.List
	scenario   *Scenario
	origin     string // of relative names: $ORIGIN
	ttlSeconds uint32 // of records without: $TTL
}

// next takes the next line that says something, as fields without the comment.
func (r *reader) next() (fields []string, ok bool) {
	for r.at < len(r.lines) {
		line := uncommented(r.lines[r.at])
		r.at++
		if fields = strings.Fields(line); len(fields) > 0 && fields[0][0] != '#' {
			return fields, true
		}
	}
	return nil, false
}

// line is the line taken last, without its comment.
func (r *reader) line() string {
	return strings.TrimSpace(uncommented(r.lines[r.at-1]))
}

// uncommented is a line up to its semicolon, unless that is quoted or escaped.
func uncommented(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ';':
			if !quoted {
				return line[:i]
			}
		}
	}
	return line
}

// refuse reports a problem of the line taken last.
func (r *reader) refuse(value, text, remedy string) {
	r.problems.Add(problem.Problem{File: r.file, Line: r.at, Value: value, Text: text, Remedy: remedy})
}

// unsupported notes what the line taken last asks for and we do not know.
func (r *reader) unsupported(what string) {
	r.scenario.Unsupported = append(r.scenario.Unsupported, strconv.Itoa(r.at)+": "+what)
}

// body reads what follows the configuration.
func (r *reader) body() {
	for {
		fields, ok := r.next()
		if !ok {
			r.refuse("", "the file ends within the scenario", "end it with SCENARIO_END")
			return
		}
		switch fields[0] {
		case "SCENARIO_BEGIN":
			r.scenario.Title = strings.Join(fields[1:], " ")
		case "RANGE_BEGIN":
			r.serverRange(fields[1:])
		case "ZONE_BEGIN":
			r.zone(fields[1:])
		case "STEP":
			r.step(fields[1:])
		case "$ORIGIN", "$TTL":
			r.directive(fields)
		case "SCENARIO_END":
			return
		default:
			r.refuse(fields[0], "not a part of a scenario", "write RANGE_BEGIN, ZONE_BEGIN, STEP or SCENARIO_END")
		}
	}
}

// directive follows $ORIGIN and $TTL (RFC 1035 section 5.1, RFC 2308 section 4).
func (r *reader) directive(fields []string) {
	if len(fields) < 2 {
		r.refuse(fields[0], "without a value", "add it")
		return
	}
	if fields[0] == "$ORIGIN" {
		r.origin = dns.Fqdn(fields[1])
		return
	}
	r.ttlSeconds = uint32(r.number(fields[1]))
}

// serverRange reads up to RANGE_END.
func (r *reader) serverRange(bounds []string) {
	if len(bounds) < 2 {
		r.refuse(strings.Join(bounds, " "), "not two steps", "write RANGE_BEGIN with the first and the last step")
		bounds = []string{"0", "0"}
	}
	servers := Range{From: r.number(bounds[0]), To: r.number(bounds[1])}
	if len(bounds) > 2 {
		servers.Addresses = append(servers.Addresses, r.address(bounds[2:]))
	}
	for {
		fields, ok := r.next()
		switch {
		case !ok:
			r.refuse("", "the file ends within a range", "end it with RANGE_END")
			return
		case fields[0] == "RANGE_END":
			r.scenario.Ranges = append(r.scenario.Ranges, servers)
			return
		case fields[0] == "ADDRESS":
			servers.Addresses = append(servers.Addresses, r.address(fields[1:]))
		case beginsEntry(fields[0]):
			servers.Entries = append(servers.Entries, r.entry())
		case fields[0] == "$ORIGIN", fields[0] == "$TTL":
			r.directive(fields)
		default:
			r.refuse(fields[0], "not a part of a range", "write ADDRESS, ENTRY_BEGIN or RANGE_END")
		}
	}
}

// step reads one step and its entry.
func (r *reader) step(fields []string) {
	if len(fields) < 2 {
		r.refuse(strings.Join(fields, " "), "a step without number or event", "write STEP, a number and an event")
		return
	}
	s := Step{Number: r.number(fields[0]), Line: r.at}
	if last := len(r.scenario.Steps) - 1; last >= 0 && s.Number <= r.scenario.Steps[last].Number {
		r.refuse(fields[0], "not above the step before", "number the steps in ascending order")
	}
	event, known := events[fields[1]]
	switch {
	case fields[1] == "TRAFFIC": // pauses testbound until nothing waits: every step here does
	case !known:
		r.unsupported("step " + fields[1])
	}
	s.Event = event
	r.stepDetails(&s, fields[2:])
	if known && event.hasEntry() {
		s.Entry = r.stepEntry()
	}
	if !known {
		r.skipFile()
	}
	r.scenario.Steps = append(r.scenario.Steps, s)
}

// stepDetails reads what follows a step's event on its line.
func (r *reader) stepDetails(s *Step, fields []string) {
	switch {
	case s.Event == TimePasses:
		s.Elapse = r.elapse(fields)
	case s.Event == CheckUpstreams:
		s.Most = r.number(strings.Join(fields, " "))
	case len(fields) > 0 && fields[0] == "ADDRESS":
		s.Address = r.address(fields[1:])
	case s.Event == Query && len(fields) > 0:
		r.unsupported("QUERY " + strings.Join(fields, " "))
	}
}

// stepEntry reads the entry that has to follow a step.
func (r *reader) stepEntry() *Entry {
	for {
		fields, ok := r.next()
		switch {
		case ok && beginsEntry(fields[0]):
			return r.entry()
		case ok && (fields[0] == "$ORIGIN" || fields[0] == "$TTL"):
			r.directive(fields)
		default:
			r.refuse("", "a step without its entry", "add ENTRY_BEGIN to ENTRY_END")
			return &Entry{Message: new(dns.Msg)}
		}
	}
}

// beginsEntry reports whether an entry follows. testbound looks at the beginning
// of its keywords only, and files came to rely on it.
func beginsEntry(word string) bool { return strings.HasPrefix(word, "ENTRY_BEGIN") }

// elapse reads "ELAPSE seconds".
func (r *reader) elapse(fields []string) time.Duration {
	if len(fields) < 2 || fields[0] != "ELAPSE" {
		r.unsupported("TIME_PASSES " + strings.Join(fields, " "))
		return 0
	}
	seconds, err := strconv.ParseFloat(fields[1], 64)
	if err != nil || !(seconds >= 0 && seconds <= maxElapse.Seconds()) {
		r.refuse(fields[1], "not a number of seconds", "write one, of at most a century")
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// skipFile passes over the contents of a file that an unknown step is about.
func (r *reader) skipFile() {
	rest := r.at
	if fields, ok := r.next(); !ok || fields[0] != "FILE_BEGIN" {
		r.at = rest
		return
	}
	r.skipTo("FILE_END")
}

// skipTo passes over the lines up to one that starts with the word.
func (r *reader) skipTo(word string) {
	for r.at < len(r.lines) {
		r.at++
		if strings.HasPrefix(strings.TrimSpace(r.lines[r.at-1]), word) {
			return
		}
	}
}

// number reads a number of the language: not negative, of at most 31 bits.
func (r *reader) number(text string) int {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		r.refuse(text, "not a number", "write one of at most 31 bits")
	}
	return int(n)
}

// address reads the one address of a line.
func (r *reader) address(fields []string) netip.Addr {
	text := strings.Join(fields, " ")
	a, err := netip.ParseAddr(text)
	if err != nil {
		r.refuse(text, "not an address", "write one IPv4 or IPv6 address")
	}
	return a
}
