//go:build unix

package list

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bailiff/policy/problem"
)

// readFile is ReadFile of a file with this content, its outcome spelt out.
func readFile(t *testing.T, content, sha256hex string) (names, problems []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var l problem.List
	got, _ := ReadFile(path, "lists/a.txt", Options{SHA256: sha256hex}, &l)
	return spell(got), spellProblems(&l)
}

func TestReadFile_theHashIsThatOfTheWholeFile(t *testing.T) {
	const content = "ads.example\n"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	other := strings.Repeat("0", 64)
	for _, tt := range []struct {
		name, sha256hex string
		want            []string
	}{
		{"none asked for", "", nil},
		{"equal", sum, nil},
		{"equal in capitals", strings.ToUpper(sum), nil},
		{"different", other, []string{
			"lists/a.txt: " + sum + ": is its SHA-256, not the " + other + " of the order; fetch the list again or correct sha256",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, problems := readFile(t, content, tt.sha256hex)
			equal(t, names, []string{"1 subtree ads.example"})
			equal(t, problems, tt.want)
		})
	}
}

func TestReadFile_theHashCoversWhatIsNotParsed(t *testing.T) {
	content := "a.example\n\x00\n" + strings.Repeat("# more than a chunk\n", 10_000)
	_, problems := readFile(t, content, fmt.Sprintf("%x", sha256.Sum256([]byte(content))))
	equal(t, problems, []string{"lists/a.txt:2: is not a text file in UTF-8; unpack it or convert it"})
}

func TestReadFile_whatIsNoRegularFileIsRefusedWithoutWaiting(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxOctets+1); err != nil { // a hole: takes no room
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"FIFO", fifo, "is not a regular file; copy its content to a file"},
		{"directory", t.TempDir(), "is a directory; name a file in it"},
		{"too large", large, "is larger than 536870912 octets; split it into smaller files"},
		{"missing", fifo + "x", "cannot be read (no such file or directory); check the path, or remove what names it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var problems problem.List
			if got, _ := ReadFile(tt.in, "lists/a.txt", Options{}, &problems); len(got) != 0 {
				t.Errorf("got %d groups, want none", len(got))
			}
			equal(t, spellProblems(&problems), []string{"lists/a.txt: " + tt.want})
		})
	}
}
