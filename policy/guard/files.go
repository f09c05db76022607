package guard

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"net/netip"

	"bailiff/policy/infile"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// What the operator's files may hold.
const (
	maxPrefixOctets  = 1 << 24 // 16 MiB: half a million prefixes
	maxPopularOctets = 1 << 27 // 128 MiB: a million names take 34 MiB
	maxLine          = 4096    // octets: what is longer is cut, and no prefix or name
)

// readNames reads a list of names, one a line.
func (g *Guard) readNames(file string, problems *problem.List) {
	groups, digest := list.ReadFile(file, file, list.Options{Format: list.Domains}, problems)
	_, _ = io.WriteString(g.digest, digest)
	for _, group := range groups {
		for e := range group.Names.All() {
			g.tree.protect(name.Name(e.Name), at(file, e.Line))
		}
	}
}

// at is a line of a file as problems name it.
func at(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// readPrefixes reads one prefix or address a line; # begins a comment.
func (g *Guard) readPrefixes(file string, problems *problem.List) {
	whole := problem.Problem{File: file}
	data, err := infile.Read(file, maxPrefixOctets)
	if err != nil {
		problems.Add(whole.Because(err))
		return
	}
	_, _ = g.digest.Write(data)
	none := true
	for number, line := range lines(data) {
		text, _, _ := bytes.Cut(line, []byte("#"))
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		none = false
		p, err := parsePrefix(string(text))
		if err != nil {
			problems.Add(problem.Problem{File: file, Line: number, Value: string(text)}.Because(err))
			continue
		}
		g.prefixes.Insert(p, at(file, number))
	}
	if none {
		problems.Add(whole.Because(problem.Fault{Text: "holds no prefix", Remedy: "fetch it again, or take it out"}))
	}
}

// lines yields the lines of data with their numbers, from 1. Blanks around them
// are left out.
func lines(data []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		number := 0
		for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
			line = bytes.TrimSpace(line[:min(len(line), maxLine)])
			if number++; !yield(number, line) {
				return
			}
		}
	}
}

func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		text = netip.PrefixFrom(a, a.BitLen()).String()
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, problem.Fault{Text: "is no network", Remedy: "write one such as 192.0.2.0/24 or 2001:db8::/32 a line"}
	}
	return p.Masked(), nil
}
