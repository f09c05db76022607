package main

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/infile"
	"bailiff/policy/order"
)

const (
	maxFilesTold  = 1000            // in one files entry, which has to fit a line
	maxPathsTold  = 200_000         // octets of their paths
	maxTaken      = 64 << 20        // octets of files taken down with a load, and of those that wait
	maxArchiving  = 400_000         // files that wait: two loads of all that may be read
	archiveRetry  = time.Second     // where the disk took nothing
	archivePeriod = 2 * time.Second // at the end, for what is not archived yet
)

// filesTold are the files of the last load that the journal names. The zero
// value is before the first.
type filesTold struct {
	sums map[string]string // by path
	lost uint64            // entries that the journal had lost then
}

// changesTo makes the files of a load those that are told, and returns what to
// tell. After a loss it is all of them.
func (t *filesTold) changesTo(files []order.File, lost uint64) (read []journal.File, gone []string, all bool) {
	if t.sums == nil || t.lost != lost {
		t.sums, t.lost, all = map[string]string{}, lost, true
	}
	left := maps.Clone(t.sums)
	for _, f := range files {
		if t.sums[f.Path] != f.SHA256 {
			read = append(read, journal.File{Path: f.Path, SHA256: f.SHA256})
			t.sums[f.Path] = f.SHA256
		}
		delete(left, f.Path)
	}
	gone = slices.Sorted(maps.Keys(left))
	for _, path := range gone {
		delete(t.sums, path)
	}
	return read, gone, all
}

// tellFiles writes the files entries of a load.
func (a *audit) tellFiles(t telling, read []journal.File, gone []string) {
	var d journal.Files
	octets := 0
	flush := func() {
		if len(d.Read)+len(d.Gone) > 0 {
			a.tell(t, journal.Entry{Event: journal.FilesLoaded, Detail: journal.Detail(d)})
		}
		d, octets = journal.Files{}, 0
	}
	added := func(path string) {
		if octets += len(path); octets > maxPathsTold || len(d.Read)+len(d.Gone) == maxFilesTold {
			flush()
		}
	}
	for _, f := range read {
		d.Read = append(d.Read, f)
		added(f.Path)
	}
	for _, path := range gone {
		d.Gone = append(d.Gone, path)
		added(path)
	}
	flush()
}

// loadedFile is a file of a load.
type loadedFile struct {
	journal.File
	content []byte // nil: to be read from the path, unless it changes before
}

// take takes the files that the journal does not name down as they are, as far
// as there is room: they may change again at once.
func (t *filesTold) take(files []order.File) map[string][]byte {
	content, room := map[string][]byte{}, int64(maxTaken)
	for _, f := range files {
		if t.sums[f.Path] == f.SHA256 {
			continue
		}
		if data, err := infile.Read(f.Path, room); err == nil && digest(string(data)) == f.SHA256 {
			content[f.Path] = data
			room -= int64(len(data))
		}
	}
	return content
}

// archiver puts the files of loads into the archive, behind the reloads.
type archiver struct {
	journal *journal.Writer
	log     *slog.Logger

	mu     sync.Mutex // guards files and octets
	files  []loadedFile
	octets int // of their content
	wake   chan struct{}
	ended  chan struct{}
	done   chan struct{}
}

// newArchiver starts an archiver. The caller calls close.
func newArchiver(w *journal.Writer, log *slog.Logger) *archiver {
	a := &archiver{journal: w, log: log, wake: make(chan struct{}, 1), ended: make(chan struct{}), done: make(chan struct{})}
	go a.run()
	return a
}

// add has the files archived soon. What waits for a disk that does not keep up
// is bounded.
func (a *archiver) add(files []journal.File, content map[string][]byte) {
	a.mu.Lock()
	for _, f := range files {
		next := loadedFile{f, content[f.Path]}
		if a.octets+len(next.content) > maxTaken {
			next.content = nil
		}
		if len(a.files) == maxArchiving {
			a.fail(f, errors.New("too many wait for the disk"))
			continue
		}
		a.octets += len(next.content)
		a.files = append(a.files, next)
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run archives until close. While the disk takes nothing the files wait.
func (a *archiver) run() {
	defer close(a.done)
	ended, closing := a.ended, false
	for {
		var retry <-chan time.Time
		if !a.keepAll(closing) {
			retry = time.After(archiveRetry)
		}
		if closing {
			return
		}
		select {
		case <-a.wake:
		case <-retry:
		case <-ended:
			ended, closing = nil, true
		}
	}
}

// keepAll archives what waits. It reports whether the disk takes it; at the end
// what it does not take is given up.
func (a *archiver) keepAll(closing bool) bool {
	for f, ok := a.next(); ok; f, ok = a.next() {
		err := a.journal.Keep(f.File, f.content)
		switch {
		case err == nil:
			a.drop()
		case journal.MayPass(err) && !closing:
			return false
		default:
			a.drop()
			a.fail(f.File, err)
		}
	}
	return true
}

// next is the file that has waited longest.
func (a *archiver) next() (f loadedFile, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.files) == 0 {
		return f, false
	}
	return a.files[0], true
}

// drop forgets it.
func (a *archiver) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.octets -= len(a.files[0].content)
	a.files[0].content = nil
	a.files = a.files[1:]
}

// fail has the journal say that a file is not archived.
func (a *archiver) fail(f journal.File, err error) {
	a.log.Error("journal: a file that was loaded is not archived", "cause", err)
	a.journal.Append(journal.Entry{Event: journal.Gap, Detail: journal.Detail(journal.Missing{
		Cause: "a file that was loaded is not archived: " + err.Error(), File: &f,
	})})
}

// close waits for what is left, but not for ever.
func (a *archiver) close() {
	close(a.ended)
	select {
	case <-a.done:
	case <-time.After(archivePeriod):
		a.log.Error("journal: the last files that were loaded are not all archived")
	}
}
