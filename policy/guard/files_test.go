package guard

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// inFolder writes a file into a new folder, which is the working directory
// from then on.
func inFolder(t testing.TB, file, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadPopular_takesTheTop(t *testing.T) {
	const want = "1 example.com, 3 www.example.org"
	for _, c := range []struct{ name, text string }{
		{"names", "\ufeffexample.com\r\ncom\r\nWWW.Example.ORG.\r\nexample.net\r\n"},
		{"rank and name", "1,example.com\n2,com\n3,www.example.org\n4,example.net\n"},
		{"ranks left out", "1,example.com\n3,www.example.org\n4,example.net\n"},
		{"comments", "# of today\n\nexample.com\norg\nwww.example.org\nexample.net\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, "top.txt", c.text)
			var problems problem.List
			var got []string
			names, _ := readTop(Popular{"top.txt", 3}, io.Discard, &problems)
			for _, r := range names {
				got = append(got, strings.Join([]string{string(rune('0' + r.Rank)), r.Name.String()}, " "))
			}
			if strings.Join(got, ", ") != want || printed(&problems) != "" {
				t.Errorf("got %v and\n%s\nwant %s", got, printed(&problems), want)
			}
		})
	}
}

func TestReadPopular_reports(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a stray line", "example.com\nexample..net\nexample.org\n",
			"top.txt:2: note: example..net: has an empty label (two dots in a row); remove one dot"},
		{"a page in its place", "<!DOCTYPE html>\n<html>\n<p>not found</p>\n",
			"top.txt:1: \"<!DOCTYPE html>\": has '<', which no name has, and 2 lines more are wrong: this is no list of popular names; write one name in letters, digits, hyphens and dots"},
		{"ranks that go down", "3,example.com\n2,example.net\n1,example.org\n",
			"top.txt:2: 2,example.net: has no rank beyond the one before, and 1 lines more are wrong: this is no list of popular names; write rank,name with the most popular first"},
		{"nothing", "# nothing\n", "top.txt: holds no name; fetch it again, or take it out"},
		{"less than the top", "example.com\nexample.net\n", "top.txt: note: ends at rank 2, before the first 3 are there; fetch it again, or give a smaller top"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inFolder(t, "top.txt", c.text)
			var problems problem.List
			New(Config{Popular: Popular{"top.txt", 3}}, &problems)
			if got := printed(&problems); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestNew_everyProblemOfTheFilesIsReported(t *testing.T) {
	inFolder(t, "prefixes.txt", "192.0.2.0/33\n198.51.100.0/24 # fine\n::ffff:192.0.2.0/120\nexample.org\n"+strings.Repeat("9", 9999))
	if err := os.WriteFile("empty.txt", []byte("# none\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	New(Config{
		NameFiles: []string{"missing.txt", "prefixes.txt"}, PrefixFiles: []string{"prefixes.txt", "empty.txt", "."}, Popular: Popular{File: "none.csv"},
	}, &problems)
	got := printed(&problems)
	for _, want := range []string{
		".: is a directory; name a file in it",
		"empty.txt: holds no prefix; fetch it again, or take it out",
		"missing.txt: cannot be read (no such file or directory); check the path, or remove what names it",
		"none.csv: cannot be read (no such file or directory); check the path, or remove what names it",
		"prefixes.txt:1: 192.0.2.0/33: is an address, not a name; write it in a rule of its own: {address: …}",
		"prefixes.txt:1: 192.0.2.0/33: is no network; write one such as 192.0.2.0/24 or 2001:db8::/32 a line",
		"prefixes.txt:3: \"::ffff:192.0.2.0/120\": is no network; write one such as 192.0.2.0/24 or 2001:db8::/32 a line",
		"prefixes.txt:4: example.org: is no network; write one such as 192.0.2.0/24 or 2001:db8::/32 a line",
		"prefixes.txt:5: 99999",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}

// FuzzNew: whatever stands in the operator's files, reading them ends, and the
// names that were read are refused.
func FuzzNew(f *testing.F) {
	for _, file := range []string{"popular.csv", "protected.txt", "cdn.txt"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	file := filepath.Join(f.TempDir(), "file")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var problems problem.List
		g := New(Config{NameFiles: []string{file}, PrefixFiles: []string{file}, Popular: Popular{File: file}}, &problems)
		for _, r := range g.tree.popular {
			var key name.Buffer
			key.Set([]byte(r.Name))
			if len(g.tree.findings(&key, name.Exact, file)) == 0 {
				t.Errorf("%s is not refused", r.Name)
			}
		}
		g.Check(&order.Set{Orders: []*order.Order{anOrder(names(name.Subtree, "example.org"))}}, nil, &problems)
	})
}
