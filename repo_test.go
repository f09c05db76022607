// Package bailiff_test holds the rules of the repository itself: which package
// may import which, what every file owes its reader, and that the documents and
// examples say what is so.
package bailiff_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// TestImports_pointOneWay holds policy < resolver < metrics < cmd, and what
// must not even be linked into the lower layers.
func TestImports_pointOneWay(t *testing.T) {
	for _, layer := range []struct{ path, direct, linked string }{
		{
			path:   "./policy/...",
			direct: "log log/slog net/http", // the public suffix list links net/http for its cookie jar
			linked: "bailiff/resolver bailiff/metrics bailiff/cmd github.com/miekg/dns github.com/prometheus",
		},
		{path: "./resolver/...", linked: "bailiff/metrics bailiff/cmd github.com/prometheus"},
		{path: "./metrics/...", linked: "bailiff/cmd"},
	} {
		for _, line := range goList(t, "{{.ImportPath}}|{{join .Imports \" \"}}|{{join .Deps \" \"}}", layer.path) {
			pkg, rest, _ := strings.Cut(line, "|")
			imports, deps, _ := strings.Cut(rest, "|")
			for _, found := range among(imports, layer.direct) {
				t.Errorf("%s imports %s", pkg, found)
			}
			for _, found := range among(deps, layer.linked) {
				t.Errorf("%s depends on %s", pkg, found)
			}
		}
	}
}

// goList returns a line for each package.
func goList(t *testing.T, format, packages string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", format, packages).Output()
	if err != nil {
		t.Fatalf("go list %s: %v", packages, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// among returns the packages that are one of unwanted, or below it. Both are
// separated by blanks.
func among(packages, unwanted string) (found []string) {
	for _, pkg := range strings.Fields(packages) {
		if slices.ContainsFunc(strings.Fields(unwanted), func(u string) bool {
			return pkg == u || strings.HasPrefix(pkg, u+"/")
		}) {
			found = append(found, pkg)
		}
	}
	return found
}

func TestPackages_haveADocComment(t *testing.T) {
	documented := map[string]bool{}
	for _, file := range files(t, ".go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		folder := filepath.Dir(file)
		documented[folder] = documented[folder] || parse(t, file).Doc != nil
	}
	for folder, ok := range documented {
		if !ok {
			t.Errorf("%s: no file has a package comment", folder)
		}
	}
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestFiles_haveAtMost400Lines(t *testing.T) {
	const maxLines = 400
	for _, file := range files(t, ".go") {
		if lines := bytes.Count(read(t, file), []byte("\n")); lines > maxLines && !strings.HasSuffix(file, "_test.go") {
			t.Errorf("%s: got %d lines, want at most %d", file, lines, maxLines)
		}
	}
}

func TestTopLevel_holdsTheseFoldersOnly(t *testing.T) {
	want := []string{"bin", "cmd", "deploy", "dist", "docs", "metrics", "policy", "resolver"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(want, e.Name()) {
			t.Errorf("got folder %s, want one of %v", e.Name(), want)
		}
	}
}

var markdownLink = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

func TestDocs_relativeLinksResolve(t *testing.T) {
	for _, file := range files(t, ".md") {
		for _, link := range markdownLink.FindAllSubmatch(read(t, file), -1) {
			target := string(link[1])
			if strings.Contains(target, ":") { // https:, mailto:
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), target)); err != nil {
				t.Errorf("%s: link to %s: %v", file, target, err)
			}
		}
	}
}

var (
	// codeLine is a line of a block of shell code, or a span of code, that
	// begins with one of our commands.
	codeLine   = regexp.MustCompile("(?m)(?:^|`)(make|bailiff) ([a-z][a-z-]*)([^`\n#]*)")
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	longFlag   = regexp.MustCompile(`--[a-z-]+`)
)

func TestDocs_commandsExist(t *testing.T) {
	targets := string(read(t, "Makefile"))
	binary := filepath.Join(t.TempDir(), "bailiff")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "./cmd/bailiff").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	for _, file := range files(t, ".md") {
		for _, c := range commands(read(t, file)) {
			word, flags := c[2], longFlag.FindAllString(c[3], -1)
			if c[1] == "make" {
				if !strings.Contains(targets, "\n"+word+":") {
					t.Errorf("%s: make %s is no target", file, word)
				}
				continue
			}
			args := []string{word}
			if rest := strings.Fields(c[3]); len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
				args = append(args, rest[0]) // of journal verify; what is no command changes nothing
			}
			help, err := exec.Command(binary, append(args, "--help")...).CombinedOutput()
			if err != nil {
				t.Errorf("%s: bailiff %s --help: %v", file, word, err)
			}
			for _, flag := range flags {
				if !bytes.Contains(help, []byte(flag)) {
					t.Errorf("%s: bailiff %s has no %s", file, word, flag)
				}
			}
		}
	}
}

// commands are the uses of make and bailiff in a document's code: the whole,
// the program, its first word and the rest.
func commands(document []byte) (found [][]string) {
	code := codeSpan.FindAllString(string(document), -1)
	for _, block := range shellBlock.FindAllStringSubmatch(string(document), -1) {
		code = append(code, block[1])
	}
	for _, text := range code {
		found = append(found, codeLine.FindAllStringSubmatch(text, -1)...)
	}
	return found
}

func TestExamples_loadWithoutAProblem(t *testing.T) {
	var problems problem.List
	set := order.Load([]string{"deploy/examples"}, &problems)
	guard.New(guard.Config{}, &problems).Check(set, nil, &problems)
	program := policy.Compile(set, policy.Options{}, &problems)
	for _, p := range problems.Sorted() {
		t.Error(p)
	}
	if program == nil {
		t.Fatal("nothing was compiled")
	}
	november := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) // what their README says
	states := map[policy.State]int{}
	for _, o := range policy.NewStore().Install(program, november).Orders() {
		states[o.State(november)]++
	}
	if states[policy.Pending] != 1 || states[policy.Lapsed] != 1 || states[policy.InForce] != 5 {
		t.Errorf("got states %v, want 1 pending, 5 in force, 1 lapsed", states)
	}
}

// TestExamples_listsCarryTheirSHA256 holds that each list is tied to its order;
// that the digest is right is checked when it is loaded.
func TestExamples_listsCarryTheirSHA256(t *testing.T) {
	for _, file := range files(t, ".yaml") {
		if !strings.HasPrefix(file, "deploy/examples/") {
			continue
		}
		text := string(read(t, file))
		if lists, sums := strings.Count(text, "- list:"), strings.Count(text, "sha256: "); lists != sums {
			t.Errorf("%s: got %d digests for %d lists", file, sums, lists)
		}
	}
}

// files are the paths of the repository's files with this ending.
func files(t *testing.T, ending string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && (strings.HasPrefix(entry.Name(), ".") || path == "bin"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, ending):
			paths = append(paths, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
