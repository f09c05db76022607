package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestReplace_leavesTheOldOneAfterAnError(t *testing.T) {
	const mode os.FileMode = 0o600
	folder := t.TempDir()
	path := filepath.Join(folder, "zone")
	write := func(text string, err error) error {
		return Replace(path, mode, func(w io.Writer) error {
			_, _ = io.WriteString(w, text)
			return err
		})
	}
	if err := write("old", nil); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := write("half of the new", broken); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("got %q, %v; want the old text", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != mode {
		t.Errorf("got %v, %v; want mode %v", info.Mode(), err, mode)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("got %v, want nothing else in the folder", entries)
	}
}
