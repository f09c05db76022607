package journal

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bailiff/policy/problem"
)

// LoadedAt is what was in force at an instant.
type LoadedAt struct {
	Load
	Seq        uint64    // of the entry that put it in force
	Since      time.Time // of that entry
	Generation uint64    // at the instant
	Files      []File    // every file it was read from, by path

	// Unsure is true if the server may not have run at the instant: it ended
	// without saying so after From, and began again at To; zero: it has not.
	Unsure   bool
	From, To time.Time

	state string // folder
}

// LoadAt finds in the journal what was in force at t. The error is a
// problem.Problem: the journal does not reach back to t, the server did not
// run, or what it had loaded is not recorded in full. Where a clock was set
// back, the later of two loads counts.
func LoadAt(folder string, t time.Time) (*LoadedAt, error) {
	at, err := findLoad(folder, t)
	if err != nil {
		return nil, err
	}
	if err := at.findFiles(); err != nil {
		return nil, err
	}
	return at, nil
}

// findLoad finds the last load before t, and whether the server ran on until
// then.
func findLoad(folder string, t time.Time) (*LoadedAt, error) {
	at := &LoadedAt{state: folder}
	var began, stopped time.Time // the journal; the server, zero while it runs
	var last Entry
	var damage error
	for e, err := range Read(folder) {
		if err != nil {
			damage = cmp.Or(damage, err)
			continue // what is missing of the load is found by findFiles
		}
		if began.IsZero() {
			began = e.Time
		}
		switch {
		case !e.Time.After(t):
			at.pass(e, &stopped)
		case e.Event == Start && last.Event != Stop && !last.Time.After(t):
			at.Unsure, at.From, at.To = true, last.Time, e.Time
		}
		last = e
	}
	whole := problem.Problem{File: folder, Value: t.Format(time.RFC3339)}
	switch {
	case at.Seq == 0 && damage != nil:
		return nil, damage
	case at.Seq == 0:
		whole.Text = "is before the first load in the journal, which begins at " + began.Format(time.RFC3339)
		whole.Remedy = "give a later time, or the order files with --orders"
		return nil, whole
	case !stopped.IsZero():
		whole.Text = "is a time at which the server did not run: it stopped at " + stopped.Format(time.RFC3339)
		whole.Remedy = "give a time before that, or after the next start"
		return nil, whole
	case t.After(last.Time.Add(2 * HeadEvery)): // no sign of life
		at.Unsure, at.From = true, last.Time
	}
	return at, nil
}

// pass takes one entry before the instant.
func (at *LoadedAt) pass(e Entry, stopped *time.Time) {
	switch e.Event {
	case Start, Reload, Boundary:
		at.Generation = e.Generation
	case Stop:
		*stopped = e.Time
	}
	if load := loadOf(e); load != nil {
		at.Load, at.Seq, at.Since = *load, e.Seq, e.Time
		*stopped = time.Time{}
	}
}

// loadOf is what the entry puts in force, nil if it does not.
func loadOf(e Entry) *Load {
	var detail struct{ Load *Load }
	if e.Event != Start && e.Event != Reload || json.Unmarshal(e.Detail, &detail) != nil {
		return nil
	}
	return detail.Load
}

// findFiles adds up what the loads read, to the one that counts.
func (at *LoadedAt) findFiles() error {
	files := map[string]File{}
	seq, whole, changes := uint64(0), true, 0
	for e, err := range Read(at.state) {
		if err != nil {
			continue // its seq will be missed
		}
		if e.Seq > at.Seq && changes == at.FileChanges {
			break
		}
		whole = whole && e.Seq == seq+1
		seq = e.Seq
		if load := loadOf(e); load != nil && load.AllFiles {
			clear(files)
			whole = true
		}
		var f Files
		if e.Event != FilesLoaded || json.Unmarshal(e.Detail, &f) != nil {
			continue
		}
		f.applyTo(files)
		if e.Seq > at.Seq {
			changes += len(f.Gone) + len(f.Read)
		}
	}
	if !whole || changes != at.FileChanges {
		return problem.Problem{
			File: at.state, Place: name(at.Seq), Text: "is a load whose files are not all recorded",
			Remedy: "bailiff journal verify tells what is missing; give the order files with --orders",
		}
	}
	at.Files = slices.SortedFunc(maps.Values(files), func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return nil
}

// applyTo changes the files of a load, by path, into those of the next.
func (f Files) applyTo(files map[string]File) {
	for _, path := range f.Gone {
		delete(files, path)
	}
	for _, file := range f.Read {
		files[file.Path] = file
	}
}

// Restore writes every file of the load below a folder that is empty. It
// returns the paths to load the orders from, and which file each one that it
// wrote was. The error has the path.
func (at *LoadedAt) Restore(to string) (paths []string, were map[string]string, err error) {
	were = make(map[string]string, len(at.Files))
	for _, f := range at.Files {
		path := at.below(to, f.Path)
		if err := archiveOf(at.state).restore(f.SHA256, path); err != nil {
			return nil, nil, err
		}
		were[path] = f.Path
	}
	for _, p := range at.Paths {
		path := at.below(to, p)
		if were[path] == "" { // a folder, which may have held no order
			if err := os.MkdirAll(path, modeFolder); err != nil {
				return nil, nil, err
			}
		}
		paths = append(paths, path)
	}
	return paths, were, nil
}

// below is where a path of the load stands below another folder: never outside
// of it, whatever the journal says.
func (at *LoadedAt) below(to, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(at.Folder, path)
	}
	return filepath.Join(to, filepath.Clean("/"+path))
}
