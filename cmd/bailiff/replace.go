package main

import (
	"io"
	"os"
	"path/filepath"
)

// Modes of the files that commands write.
const (
	filePublic  os.FileMode = 0o644
	filePrivate os.FileMode = 0o600 // holds names that nobody else may know
)

// replaceFile writes a file beside path and renames it over path once it is
// whole: nobody ever reads half of it. The error is write's or the operating
// system's; path is then as it was.
func replaceFile(path string, mode os.FileMode, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".bailiff-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // after the rename it is not there
	err = write(f)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
