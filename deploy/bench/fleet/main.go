// Command fleet does the arithmetic of docs/capacity.md: what so many queries and rules
// need (capacity.go, tables.go), and a simulation of an order that rolls out over the servers of
// many anycast sites (roll.go, plan.go). It measures nothing: what a query and a rule
// cost are the constants in capacity.go, from docs/benchmarks.md.
//
// The same seed gives the same tables. It prints them, or with --write puts them into
// the document; a test holds that the document has them.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	write := flag.String("write", "", "`document` to put the tables into; else they are printed")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

// run prints the tables, or puts them into the document.
func run(document string) error {
	if document == "" {
		for _, b := range blocks() {
			fmt.Printf("%s\n\n%s\n", b.name, b.table)
		}
		return nil
	}
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	if text, err = fill(text); err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	return os.WriteFile(document, text, 0o644) //nolint:gosec // a document is for everybody
}

// block is a table, and the name of the marks in the document that it stands between.
type block struct{ name, table string }

func blocks() []block {
	return []block{
		{"measured", measuredTable()},
		{"upstream", hitsTable()},
		{"places", needsTable()},
		{"memory", memoryTable()},
		{"metrics", metricsTable()},
		{"roll", rollTable()},
	}
}

// fill puts each block between its marks.
func fill(document []byte) ([]byte, error) {
	for _, b := range blocks() {
		begin, end := fmt.Appendf(nil, "<!-- %s: go run ./deploy/bench/fleet -->\n", b.name), fmt.Appendf(nil, "<!-- end of %s -->", b.name)
		before, rest, begins := bytes.Cut(document, begin)
		_, after, ends := bytes.Cut(rest, end)
		if !begins || !ends {
			return nil, fmt.Errorf("has no place for %s: it needs the lines %q and %q", b.name, begin, end)
		}
		document = bytes.Join([][]byte{before, begin, []byte(b.table), end, after}, nil)
	}
	return document, nil
}
