package list

import (
	"bytes"
	"strings"
	"testing"

	"bailiff/policy/name"
	"bailiff/policy/problem"
)

func FuzzDomains(f *testing.F) {
	for _, seed := range []string{
		"ads.example\n*.tracker.test # x\n", "\ufeffADS.example.\r\n\r\nbücher.example", "nonché\n.\n*.\n*",
		"https://a.example/\n192.0.2.1\na b\n", "\x1f\x8b\x00", "a\xff\n", strings.Repeat("a", maxLine+1) + "\nads.example",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkRead(t, text, Domains) })
}

func FuzzHosts(f *testing.F) {
	for _, seed := range []string{
		"127.0.0.1 localhost\n0.0.0.0 ads.example tracker.test#x\n", "\ufeff::1 ip6-localhost\r\n:: bücher.example",
		"ads.example\n0.0.0.0\n0.0.0 a.example\n0.0.0.0 *.b.example x", "fe80::1%lo0 a.example\n", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkRead(t, text, Hosts) })
}

// checkRead holds whatever Read makes of text to what every list must keep.
func checkRead(t *testing.T, text []byte, format Format) {
	var problems problem.List
	names := Read(bytes.NewReader(text), "a.txt", format, &problems)
	lines := bytes.Count(text, []byte("\n")) + 1
	count, last := 0, 1
	for e := range names.All() {
		count++
		n := name.Name(e.Name)
		if again, err := name.Parse(n.String()); err != nil || again != n || n.Labels() < 2 {
			t.Fatalf("got %q, which parses to %q, %v", n, again, err)
		}
		if e.Line < last || e.Line > lines {
			t.Fatalf("got line %d after %d of %d", e.Line, last, lines)
		}
		last = e.Line
	}
	if count != names.Len() || count == 0 && !problems.Refused() {
		t.Fatalf("got %d names of %d, refused %t", count, names.Len(), problems.Refused())
	}
	for _, p := range problems.Sorted() {
		if p.Line > lines || p.Text == "" || p.Remedy == "" || strings.ContainsAny(p.Error(), "\n\x00") {
			t.Fatalf("got problem %q of %d lines", p.Error(), lines)
		}
	}
}
