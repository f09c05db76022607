package main

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// seed makes every run draw the same names and the same queries.
const seed = 20261123

// syllables are of two letters each. Made of them, names have beginnings in common
// as real ones do, which letters at random would not.
const syllables = "babecodufigohamekilonuperasetuvawezobimofarihidenagupolelaruvosi"

// label is unlike every other label, by its family, which ends in a letter, and
// by i.
func label(family string, i int) string {
	bits := rand.NewPCG(seed, uint64(i)).Uint64()
	count := 3 + bits%4
	text := make([]byte, 0, 32)
	for range count {
		bits >>= 5
		at := 2 * (bits % uint64(len(syllables)/2))
		text = append(text, syllables[at:at+2]...)
	}
	text = append(text, family...)
	return string(strconv.AppendInt(text, int64(i), 10))
}

// rule is the name of rule i. No rule is below another.
func rule(i int) string {
	name := label("r", i) + ".example"
	if i%7 == 0 {
		return "live." + name
	}
	return name
}

// free is a name that no rule matches.
func free(family string, i int) string { return label(family, i) + ".example" }

// underOrder draws a query that a rule matches: half ask the rule's own name,
// half a name below it.
func underOrder(r *rand.Rand, rules int) string {
	name := rule(r.IntN(rules))
	if r.IntN(2) == 0 {
		return "www." + name
	}
	return name
}

// popularity draws from 0 to n-1, the number k with a chance of about 1/(k+1):
// Zipf's law, which queries of many clients follow.
func popularity(r *rand.Rand, n int) int {
	return min(int(math.Pow(float64(n), r.Float64())), n) - 1
}

// orderID is what the order with the rules is called.
const orderID = "benchmark"

// ruleFiles are the forms in which servers take the rules. Each rule covers its
// name and everything below.
var ruleFiles = []struct{ file, head, line string }{ // ID is the order's
	{file: "names.txt", line: "%s\n"},
	{
		file: "rpz.zone",
		head: "$TTL 300\n@ SOA localhost. root.localhost. 1 3600 900 604800 300\n@ NS localhost.\n",
		line: "%[1]s CNAME .\n*.%[1]s CNAME .\n",
	},
	{file: "local-zones.conf", line: "local-zone: \"%s.\" always_nxdomain\n"},
	{
		file: "order.yaml",
		head: "id: ID\nauthority: Example Court\nrules:\n  - {list: names.txt, format: domains}\n",
	},
}

// writeRules makes the folder and writes n rules to it, from the first on, in every
// form. The order is called id.
func writeRules(folder, id string, first, n int) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	for _, form := range ruleFiles {
		err := writeFile(filepath.Join(folder, form.file), func(w *bufio.Writer) {
			fmt.Fprint(w, strings.Replace(form.head, "ID", id, 1))
			for i := first; i < first+n && form.line != ""; i++ {
				fmt.Fprintf(w, form.line, rule(i))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// writeFile makes the file with what write writes.
func writeFile(path string, write func(*bufio.Writer)) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	write(w)
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
