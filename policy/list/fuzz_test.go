package list

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
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
	f.Fuzz(func(t *testing.T, text []byte) { checkRead(t, text, Options{Format: Domains}) })
}

func FuzzHosts(f *testing.F) {
	for _, seed := range []string{
		"127.0.0.1 localhost\n0.0.0.0 ads.example tracker.test#x\n", "\ufeff::1 ip6-localhost\r\n:: bücher.example",
		"ads.example\n0.0.0.0\n0.0.0 a.example\n0.0.0.0 *.b.example x", "fe80::1%lo0 a.example\n", "\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkRead(t, text, Options{Format: Hosts}) })
}

// checkRead holds whatever Read makes of text to what every list must keep.
func checkRead(t *testing.T, text []byte, options Options) {
	var problems problem.List
	groups := Read(bytes.NewReader(text), "a.txt", options, &problems)
	lines, entries := bytes.Count(text, []byte("\n"))+1, 0
	for _, g := range groups {
		entries += g.Len()
		if !g.From.IsZero() && !g.Until.IsZero() && !g.Until.After(g.From) {
			t.Fatalf("got a span from %s to %s", g.From, g.Until)
		}
		for _, names := range []Names{g.Names, g.Nameservers} {
			checkNames(t, names, lines)
		}
		for _, p := range slices.Concat(g.Addresses, g.NameserverAddresses) {
			if p.Prefix != p.Masked() || p.Line < 1 || p.Line > lines {
				t.Fatalf("got %s on line %d of %d", p.Prefix, p.Line, lines)
			}
		}
	}
	if entries == 0 && !problems.Refused() {
		t.Fatal("got an empty list without a refusal")
	}
	for _, p := range problems.Sorted() {
		if p.Line > lines || p.Text == "" || p.Remedy == "" || strings.ContainsAny(p.Error(), "\n\x00") {
			t.Fatalf("got problem %q of %d lines", p.Error(), lines)
		}
	}
}

// checkNames holds that every name parses to itself and knows its line.
func checkNames(t *testing.T, names Names, lines int) {
	count := 0
	for e := range names.All() {
		count++
		n := name.Name(e.Name)
		if again, err := name.Parse(n.String()); err != nil || again != n || n.Labels() < 2 {
			t.Fatalf("got %q, which parses to %q, %v", n, again, err)
		}
		if e.Line < 1 || e.Line > lines || e.Match > name.Exact {
			t.Fatalf("got %s on line %d of %d", e.Match, e.Line, lines)
		}
	}
	if count != names.Len() {
		t.Fatalf("got %d names of %d", count, names.Len())
	}
}

// fuzzFormat fuzzes a format from its samples.
func fuzzFormat(f *testing.F, format Format) {
	for _, ending := range []string{".good.list", ".bad.list"} {
		sample, err := os.ReadFile(filepath.Join("testdata", format.String()+ending))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sample)
	}
	options := fixtureOptions(f, format)
	f.Fuzz(func(t *testing.T, text []byte) { checkRead(t, text, options) })
}

func FuzzAdblock(f *testing.F)      { fuzzFormat(f, Adblock) }
func FuzzDnsmasq(f *testing.F)      { fuzzFormat(f, Dnsmasq) }
func FuzzRPZ(f *testing.F)          { fuzzFormat(f, RPZ) }
func FuzzCSV(f *testing.F)          { fuzzFormat(f, CSV) }
func FuzzPLXML(f *testing.F)        { fuzzFormat(f, PLXML) }
func FuzzRUXML(f *testing.F)        { fuzzFormat(f, RUXML) }
func FuzzITADM(f *testing.F)        { fuzzFormat(f, ITADM) }
func FuzzITCNCPO(f *testing.F)      { fuzzFormat(f, ITCNCPO) }
func FuzzPiracyShield(f *testing.F) { fuzzFormat(f, PiracyShield) }
