//go:build unix

package infile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bailiff/policy/problem"
)

// write makes a file of a test's own.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead_returnsTheWholeFileUpToTheLimit(t *testing.T) {
	got, err := Read(write(t, "id: x\n"), 6)
	if err != nil || string(got) != "id: x\n" {
		t.Errorf("got %q, %v; want the file", got, err)
	}
}

func TestRead_refusalsSayProblemAndRemedyButNotThePath(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	dangling := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"over the limit", write(t, "1234567"), "is larger than 6 octets; split it into smaller files"},
		{"directory", t.TempDir(), "is a directory; name a file in it"},
		{"FIFO without a writer", fifo, "is not a regular file; copy its content to a file"},
		{"device", os.DevNull, "is not a regular file; copy its content to a file"},
		{"missing", filepath.Join(t.TempDir(), "no"), "cannot be read (no such file or directory); check the path, or remove what names it"},
		{"dangling link", dangling, "cannot be read (no such file or directory); check the path, or remove what names it"},
		{"name too long", strings.Repeat("x", 1000), "cannot be read (file name too long); check the file and its disk"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Read(tt.in, 6)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %q, %v; want %s", got, err, tt.want)
			}
			if _, ok := errors.AsType[problem.Fault](err); !ok {
				t.Errorf("got a %T, want a problem.Fault", err)
			}
		})
	}
}

func TestRead_unreadableFileIsRefusedWithTheCause(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	path := write(t, "id: x\n")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	const want = "cannot be read (permission denied); let the user bailiff runs as read it"
	if _, err := Read(path, 6); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestUnchanged_noticesWhateverHappenedSinceOpen(t *testing.T) {
	const changed = "changed while it was read; write a new file and rename it over the old one, then reload"
	for _, tt := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"longer", func(path string) error { return os.WriteFile(path, []byte("id: xyz\n"), 0o600) }, changed},
		{"rewritten", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }, changed},
		{"replaced by rename", func(path string) error { return os.Rename(write(t, "id: z"), path) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "id: x\n")
			f, err := Open(path, 100)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := f.Unchanged(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
