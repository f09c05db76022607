package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The generator keeps this many questions open, from this many sockets; a new
// one goes out when an answer arrives (a closed loop). A server that has not been
// told otherwise has room for some 190 in its socket.
const (
	outstanding = 100
	clients     = 8
)

// load is what dnsperf says about one of its runs.
type load struct {
	completed, lost int
	rcodes          map[string]int // RCODE → answers
	took            time.Duration
}

// share is the part of the answers that have the RCODE.
func (l load) share(rcode string) float64 {
	return float64(l.rcodes[rcode]) / float64(max(1, l.completed))
}

// dnsperf asks what the file holds: once, or again and again for as long as
// given. Zero means once.
func dnsperf(ctx context.Context, port int, file string, seconds int) (load, error) {
	length := []string{"-n", "1"}
	if seconds > 0 {
		length = []string{"-l", strconv.Itoa(seconds)}
	}
	command := append([]string{
		"dnsperf", "-s", "127.0.0.1", "-p", strconv.Itoa(port), "-d", file,
		"-q", strconv.Itoa(outstanding), "-c", strconv.Itoa(clients),
	}, length...)
	_, core := cores()
	out, err := pinned(ctx, core, command...).Output()
	if err != nil {
		return load{}, fmt.Errorf("dnsperf: %w", err)
	}
	return parseDnsperf(string(out))
}

var (
	statistic  = regexp.MustCompile(`(?m)^ +(Queries completed|Queries lost|Response codes|Run time \(s\)): +(.*)$`)
	rcodeCount = regexp.MustCompile(`([A-Z]\w*) (\d+) \(`)
)

// parseDnsperf reads the statistics at the end of dnsperf's output.
func parseDnsperf(out string) (load, error) {
	found := map[string]string{}
	for _, m := range statistic.FindAllStringSubmatch(out, -1) {
		found[m[1]] = m[2]
	}
	l := load{rcodes: map[string]int{}}
	for _, m := range rcodeCount.FindAllStringSubmatch(found["Response codes"], -1) {
		l.rcodes[m[1]], _ = strconv.Atoi(m[2]) // \d+
	}
	var faults [3]error
	l.completed, faults[0] = leadingNumber(found["Queries completed"])
	l.lost, faults[1] = leadingNumber(found["Queries lost"])
	seconds, err := strconv.ParseFloat(found["Run time (s)"], 64)
	faults[2] = err
	l.took = time.Duration(seconds * float64(time.Second))
	for _, err := range faults {
		if err != nil {
			return load{}, fmt.Errorf("dnsperf: %q: has no statistics: %w", out, err)
		}
	}
	return l, nil
}

// leadingNumber reads "123 (45.6%)".
func leadingNumber(text string) (int, error) {
	number, _, _ := strings.Cut(text, " ")
	return strconv.Atoi(number)
}
