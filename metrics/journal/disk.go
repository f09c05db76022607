package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"bailiff/policy/outfile"
	"bailiff/policy/problem"
)

// Modes of what is written: orders may be hidden.
const (
	modeFolder  os.FileMode = 0o700
	modePrivate os.FileMode = 0o600
	modePublic  os.FileMode = 0o644
)

// lockFolder makes the folder if need be and keeps every other server from
// writing there until the file is closed.
func lockFolder(folder string) (*os.File, error) {
	if err := os.MkdirAll(folder, modeFolder); err != nil {
		return nil, unwritable(folder, err)
	}
	path := filepath.Join(folder, "journal.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modePrivate)
	if errors.Is(err, syscall.EROFS) {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, unwritable(path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, problem.Problem{File: folder, Text: "is the state of another server that is running", Remedy: "stop that one, or give each its own folder"}
		}
		return nil, unwritable(path, err)
	}
	return f, nil
}

// writeWhole writes a file that is there whole or not at all, also after a
// crash.
func writeWhole(path string, mode os.FileMode, text []byte) error {
	return outfile.Replace(path, mode, func(f io.Writer) error {
		_, err := f.Write(text)
		return err
	})
}

// removeDrafts removes what a server left behind that was killed while it wrote.
// The caller holds the lock of the state folder.
func removeDrafts(folder string) {
	entries, _ := os.ReadDir(folder) // none: there is nothing to remove
	for _, e := range entries {
		if outfile.IsDraft(e.Name()) {
			_ = os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}

// MayPass reports whether an error of writing may go without anybody changing
// how the server was started: the disk is full, read-only or out of reach.
func MayPass(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EDQUOT, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unwritable words the operating system's refusal to write.
func unwritable(path string, err error) problem.Problem {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	remedy := "check the folder and its disk"
	if errors.Is(err, fs.ErrPermission) {
		remedy = "let the user bailiff runs as write there"
	}
	return problem.Problem{File: path, Text: fmt.Sprintf("cannot be written (%v)", err), Remedy: remedy}
}
