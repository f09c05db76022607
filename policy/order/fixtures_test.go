package order

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy/problem"
)

// update rewrites the *.bad.txt beside the fixtures; read the difference
// before you believe it.
var update = flag.Bool("update", false, "rewrite testdata/*.bad.txt")

// fixtures returns the files of testdata with this ending.
func fixtures(t testing.TB, ending string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*" + ending)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures *%s: %v", ending, err)
	}
	return paths
}

// printed is every problem, one a line, with slashes in every path.
func printed(problems *problem.List) string {
	var b strings.Builder
	for _, p := range problems.Sorted() {
		b.WriteString(filepath.ToSlash(p.Error()) + "\n")
	}
	return b.String()
}

func TestLoad_everyProblemOfABadFileIsReported(t *testing.T) {
	for _, path := range fixtures(t, ".bad.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var problems problem.List
			Load([]string{path}, &problems)
			got := printed(&problems)
			golden := strings.TrimSuffix(path, ".yaml") + ".txt"
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
			if !problems.Refused() {
				t.Error("got no refusal")
			}
		})
	}
}

func TestLoad_goodFilesHaveNoProblem(t *testing.T) {
	for _, path := range fixtures(t, ".good.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			var problems problem.List
			set := Load([]string{path}, &problems)
			if got := printed(&problems); got != "" {
				t.Errorf("got problems\n%s", got)
			}
			if len(set.Orders) == 0 {
				t.Error("got no order")
			}
		})
	}
}
