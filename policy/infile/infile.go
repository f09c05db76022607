// Package infile opens the files an operator names (orders, lists) so that
// none of them can hang or exhaust the process: regular files only, of a
// bounded size, that stay as they are while they are read.
//
// It knows nothing of what the files hold. Every error is a problem.Fault and
// leaves the path out: the caller knows the name the operator gave. It imports
// the standard library and policy/problem only.
package infile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"bailiff/policy/problem"
)

// File is a regular file, open for reading. The caller closes it.
type File struct {
	*os.File
	opened fs.FileInfo
}

// Read returns the whole of the regular file at path, at most limit octets.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path, limit)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1)) // it may have grown since
	switch {
	case err != nil:
		return nil, Unreadable(err)
	case int64(len(data)) > limit:
		return nil, tooLarge(limit)
	}
	if err := f.Unchanged(); err != nil {
		return nil, err
	}
	return data, nil
}

// Open opens the regular file at path, which holds at most limit octets now.
// A FIFO, device, socket or directory is refused without waiting for it.
func Open(path string, limit int64) (*File, error) {
	// O_NONBLOCK: opening a FIFO would wait for its writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Unreadable(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, Unreadable(err)
	}
	if err := acceptable(info, limit); err != nil {
		f.Close()
		return nil, err
	}
	return &File{File: f, opened: info}, nil
}

// acceptable refuses everything but a regular file of at most limit octets.
func acceptable(info fs.FileInfo, limit int64) error {
	switch {
	case info.IsDir():
		return problem.Fault{Text: "is a directory", Remedy: "name a file in it"}
	case !info.Mode().IsRegular():
		return problem.Fault{Text: "is not a regular file", Remedy: "copy its content to a file"}
	case info.Size() > limit:
		return tooLarge(limit)
	}
	return nil
}

// Unchanged reports that size or modification time differ from when f was
// opened: what was read since may be half of the old file and half of the new.
func (f *File) Unchanged() error {
	now, err := f.Stat()
	switch {
	case err != nil:
		return Unreadable(err)
	case now.Size() != f.opened.Size() || !now.ModTime().Equal(f.opened.ModTime()):
		return Changed()
	}
	return nil
}

// Changed words the refusal of a file that was two things in one load.
func Changed() error {
	return problem.Fault{
		Text:   "changed while it was read",
		Remedy: "write a new file and rename it over the old one, then reload",
	}
}

// Unreadable words the operating system's refusal to open or read a file,
// without the path.
func Unreadable(err error) error {
	remedy := "check the file and its disk"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		remedy = "check the path, or remove what names it"
	case errors.Is(err, fs.ErrPermission):
		remedy = "let the user bailiff runs as read it"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return problem.Fault{Text: fmt.Sprintf("cannot be read (%v)", err), Remedy: remedy}
}

// tooLarge words the refusal of a file over limit octets.
func tooLarge(limit int64) error {
	return problem.Fault{Text: fmt.Sprintf("is larger than %d octets", limit), Remedy: "split it into smaller files"}
}
