package list

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // registers have their authority's zone, whatever the machine has

	"bailiff/policy/problem"
)

// update rewrites the golden files; read the difference before you believe it.
var update = flag.Bool("update", false, "rewrite testdata/*.txt")

// fixtureOptions are those that the fixtures of a format are written for.
func fixtureOptions(t testing.TB, format Format) Options {
	t.Helper()
	options := Options{Format: format, Action: "nxdomain"}
	if format == CSV {
		prague, err := time.LoadLocation("Europe/Prague")
		if err != nil {
			t.Fatal(err)
		}
		options.Table = Table{
			Name: Column{Header: "Adresa Internetové stránky"}, Added: Column{Number: 2},
			Removed:   Column{Header: "Výmaz zveřejněných údajů IS"},
			Delimiter: ';', Encoding: ISO88592, Header: true, Dates: Dates{"02.01.2006", prague},
		}
	}
	return options
}

// readFixture reads a sample; it returns its entries and problems spelt out.
func readFixture(t *testing.T, name string, format Format) (spelt string, refused bool) {
	t.Helper()
	var problems problem.List
	groups, _ := ReadFile(filepath.Join("testdata", name), name, fixtureOptions(t, format), &problems)
	lines := append(spell(groups), spellProblems(&problems)...)
	return strings.Join(lines, "\n") + "\n", problems.Refused()
}

func TestReadFile_eachFormatHasAGoodAndABrokenSample(t *testing.T) {
	for _, format := range Formats() {
		for ending, wantRefused := range map[string]bool{".good": false, ".bad": true} {
			name := format.String() + ending
			t.Run(name, func(t *testing.T) {
				got, refused := readFixture(t, name+".list", format)
				golden := filepath.Join("testdata", name+".txt")
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				if refused != wantRefused {
					t.Errorf("got refused %t", refused)
				}
			})
		}
	}
}
