package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"bailiff/policy/name"
)

func TestQnameIn_knowsTheLinesOfOtherPrograms(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a name", "www.example.org", "www.example.org"},
		{"dnsmasq", "Nov 23 12:00:00 dnsmasq[1]: query[A] www.example.org from 192.0.2.1", "www.example.org"},
		{"BIND", "client @0x7f0a 192.0.2.1#4711 (www.example.org): query: www.example.org IN A +E(0)K (192.0.2.53)", "www.example.org"},
		{"Unbound", "[1700000000] unbound[1:0] info: 192.0.2.1 www.example.org. A IN", "www.example.org."},
		{"Unbound, with the reply", "[1700000000] unbound[1:0] info: 192.0.2.1 www.example.org. A IN NOERROR 0.01 0 45", "www.example.org."},
		{"cut off", "Nov 23 12:00:00 dnsmasq[1]: query[A]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := qnameIn(tt.in); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRead_whatIsNoNameIsCountedAndPassedOver(t *testing.T) {
	long := strings.Repeat("x", 3*maxLogLine)
	in := "a.example\r\n\n" + long + "\nA.Example.\n{\"name\": 7}\n{\n[1]\nb.example"
	log, err := new(candidatesCommand).read(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if log.queries[name.MustParse("a.example")] != 2 || log.queries[name.MustParse("b.example")] != 1 || len(log.queries) != 2 || log.unread != 4 {
		t.Errorf("got %v and %d lines unread, want a.example twice, b.example, 4 unread", log.queries, log.unread)
	}
}

func TestRead_aBrokenArchiveIsAnError(t *testing.T) {
	if _, err := new(candidatesCommand).read(bytes.NewReader([]byte{0x1f, 0x8b, 8, 0})); err == nil || !strings.HasPrefix(err.Error(), "standard input: ") {
		t.Errorf("got %v, want an error about standard input", err)
	}
}

func TestRead_takesWhatJSONTells(t *testing.T) {
	in := `{"name": "a.example", "count": 4294967290, "answers": ["198.51.100.1", "::ffff:198.51.100.1", "127.0.0.1", "10.0.0.1", "edge"], "CNAME": "Edge.example."}
{"qname": "A.example.", "count": 100, "ns": ["ns1.example", "198.51.100.53"], "nameservers": "ns1.EXAMPLE"}
{"name": "b.example", "count": -1, "answers": {"a": 1}}`
	log, err := new(candidatesCommand).read(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	a, b := name.MustParse("a.example"), name.MustParse("b.example")
	if log.queries[a] != math.MaxUint32 || log.queries[b] != 1 {
		t.Errorf("got %d and %d queries, want the most there is and 1", log.queries[a], log.queries[b])
	}
	want := "[address 198.51.100.1 cname edge.example nameserver ns1.example nameserver-address 198.51.100.53]"
	var got []string
	for _, p := range log.points[a] {
		got = append(got, p.kind.String()+" "+p.String())
	}
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestPointKind_everyKindHasItsWord(t *testing.T) {
	for k := range pointServerAddress + 1 {
		if strings.HasPrefix(k.String(), "pointKind(") {
			t.Errorf("got %s", k)
		}
	}
}

func FuzzQueryLog(f *testing.F) {
	for _, line := range []string{"a.example", `{"name": "a.example", "answers": ["192.0.2.1"], "cname": "b.example", "ns": ["ns.example"], "count": 3}`, " info: 1 a.example A IN", ": query: ", "\x1f\x8b"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		log, _ := new(candidatesCommand).read(bytes.NewReader(data))
		if log == nil {
			return
		}
		for n, points := range log.points {
			if log.queries[n] == 0 || len(points) > maxPoints {
				t.Errorf("%s: got %d queries, points %v", n, log.queries[n], points)
			}
		}
	})
}
