package main

import (
	"fmt"
	"io/fs"
	"os"

	"bailiff/deploy"
)

// extractExamples writes the embedded example orders to a private folder, as
// orders are read from files. The caller calls remove when done with it.
func extractExamples() (folder string, remove func(), err error) {
	folder, err = os.MkdirTemp("", "bailiff-examples-")
	if err != nil {
		return "", nil, fmt.Errorf("example orders: %w; name orders with --orders", err)
	}
	remove = func() { _ = os.RemoveAll(folder) }
	examples, err := fs.Sub(deploy.Examples, "examples")
	if err == nil {
		err = os.CopyFS(folder, examples)
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("example orders: %w; name orders with --orders", err)
	}
	return folder, remove, nil
}
