package order

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// What may stand at and below the paths of one load.
const (
	maxFiles       = 100_000
	maxFolderDepth = 32
)

// noticesFolder is the name of a folder whose files, and those below it, are
// notices and no orders.
const noticesFolder = "notices"

// finder looks for order files and notice files.
type finder struct {
	problems *problem.List
	seen     map[string]bool // real paths of files and folders
	files    []string
}

// find returns the order files and the notice files at and below paths, each
// real file once, in the order of paths and sorted within a folder.
func find(paths []string, problems *problem.List) (orders, notices []string) {
	f := finder{problems: problems, seen: map[string]bool{}}
	for _, path := range paths {
		path = filepath.Clean(path)
		before := len(f.files)
		if !f.add(path, 0) {
			problems.Add(problem.Problem{Severity: problem.Note, File: path, Text: "no order file below"})
		}
		for _, file := range f.files[before:] {
			if isNotice(path, file) {
				notices = append(notices, file)
			} else {
				orders = append(orders, file)
			}
		}
	}
	return orders, notices
}

// isNotice reports whether a file that was found at or below path stands in a
// folder of notices: path itself, or the folder of path if that is the file,
// counts; what lies above does not.
func isNotice(path, file string) bool {
	above := filepath.Dir(path)
	if path == file {
		above = filepath.Dir(above)
	}
	below, err := filepath.Rel(above, filepath.Dir(file))
	return err == nil && slices.Contains(strings.Split(filepath.ToSlash(below), "/"), noticesFolder)
}

// add takes a file, whatever its name, or the order files below a folder. It
// follows symbolic links; as each real path counts once, a loop of them ends.
// It reports whether anything was there, be it seen before or refused.
func (f *finder) add(path string, depth int) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return f.refuse(path, infile.Unreadable(err))
	}
	if real, err = filepath.Abs(real); err != nil {
		return f.refuse(path, infile.Unreadable(err))
	}
	if f.seen[real] {
		return true
	}
	f.seen[real] = true
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return f.refuse(path, infile.Unreadable(err))
	case info.IsDir():
		return f.addFolder(path, depth)
	case len(f.files) >= maxFiles:
		return f.refuse(path, problem.Fault{
			Text:   fmt.Sprintf("is one order file more than the %d that are read", maxFiles),
			Remedy: "write several orders to a file, with --- between them",
		})
	}
	f.files = append(f.files, path)
	return true
}

// addFolder takes the order files below a folder.
func (f *finder) addFolder(folder string, depth int) bool {
	if depth == maxFolderDepth {
		return f.refuse(folder, problem.Fault{
			Text:   fmt.Sprintf("lies deeper than %d folders", maxFolderDepth),
			Remedy: "move it up",
		})
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return f.refuse(folder, infile.Unreadable(err))
	}
	found := false
	for _, e := range entries {
		path := filepath.Join(folder, e.Name())
		if isOrderFile(e.Name()) || isFolder(path, e) {
			found = f.add(path, depth+1) || found
		}
	}
	return found
}

// isOrderFile reports whether an entry of a folder is read by its name. A
// folder of such a name is looked into, as any other.
func isOrderFile(name string) bool {
	return !hidden(name) && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml"))
}

// isFolder reports whether an entry is a folder or a link to one.
func isFolder(path string, e os.DirEntry) bool {
	if hidden(e.Name()) || e.Type().IsRegular() {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

// refuse reports a problem with path and returns true: something was there.
func (f *finder) refuse(path string, err error) bool {
	f.problems.Add(problem.Problem{File: path}.Because(err))
	return true
}
