// Package outfile writes files that others may read at any moment, and that
// must be whole even after the power went: reports, lists, state.
//
// It knows nothing of what the files hold. It imports the standard library
// only.
package outfile

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// draft is what the names of files begin with that are not whole yet.
const draft = ".new-"

// bufferOctets is room for many small writes at once.
const bufferOctets = 64 << 10

// Replace writes a file beside path and renames it over path once it is on the
// disk: who reads path reads the old content or the new. The error is write's or
// the operating system's; but for one of syncing the folder, path is then as it
// was.
func Replace(path string, mode os.FileMode, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), draft+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename it is not there
	out := bufio.NewWriterSize(f, bufferOctets)
	err = write(out)
	for _, next := range []func() error{out.Flush, func() error { return f.Chmod(mode) }, f.Sync} {
		if err == nil {
			err = next()
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes the names in a folder survive a crash.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// IsDraft reports whether a file of that name is one that Replace had not
// finished: its process was killed, or is still at it.
func IsDraft(name string) bool { return strings.HasPrefix(name, draft) }
