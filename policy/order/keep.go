package order

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path/filepath"

	"bailiff/policy/infile"
	"bailiff/policy/list"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// reading is what was read for one order file or notice file.
type reading struct {
	file   File
	lists  []listFile
	names  int      // in the lists
	orders []*Order // of an order file
	ids    []string // of a notice file: the orders it is about
}

// listFile is a list that a rule points at.
type listFile struct {
	folder, path string // of the file with the rule, and as the rule has it
	sha256       string
}

// Reload is Load after an earlier load, which had no refusal and has been
// compiled: the orders of files that are as they were, with their lists and the
// notices about them, are not read again but come back in Set.Kept. before may
// be nil.
func Reload(before *Set, paths []string, problems *problem.List) *Set {
	l := newLoader(before, problems)
	orders, notices := find(paths, problems)
	for _, path := range notices {
		l.scanNotices(path)
	}
	l.about, l.wasAbout = byOrder(l.scanned), byOrder(l.before.notices)
	for _, path := range orders {
		if !l.keep(path) {
			l.file(path, l.documents, l.set.read)
		}
	}
	for _, path := range notices {
		if !l.isDone(path) {
			l.file(path, l.noticeDocuments, l.set.notices)
		}
	}
	l.applyNotices()
	l.set.sort()
	return l.set
}

// scanNotices finds out which orders a notice file is about. What is wrong with
// it is reported when it is read.
func (l *loader) scanNotices(path string) {
	data, err := infile.Read(path, maxFileOctets)
	if err != nil {
		return
	}
	r := &reading{file: File{path, digestOf(data)}}
	l.scanned[path] = r
	if known := l.before.notices[path]; known != nil && known.file == r.file {
		l.scanned[path] = known
		return
	}
	var ignored problem.List
	for v := range strictyaml.Documents(path, data, &ignored) {
		v.Mapping(strictyaml.Key("order", new(string), func(v strictyaml.Value) string {
			r.ids = append(r.ids, strictyaml.String(v))
			return ""
		}))
	}
}

// keep takes the orders of a file over if nothing that was read for them has
// changed, and there is room.
func (l *loader) keep(path string) bool {
	r := l.before.read[path]
	if r == nil || digest(path) != r.file.SHA256 || !r.listsStand() {
		return false
	}
	if len(l.ids)+len(r.orders) > maxOrders || l.names+r.names > maxNames {
		return false // reading it says what is too much
	}
	for _, o := range r.orders {
		if l.ids[o.ID] != nil || !l.noticesStand(o.ID) {
			return false
		}
	}
	for _, o := range r.orders {
		l.ids[o.ID] = &seenID{Source: o.Source, order: o, kept: true}
	}
	l.names += r.names
	l.set.Kept = append(l.set.Kept, r.orders...)
	l.set.add(r, l.set.read)
	return true
}

// noticesStand reports whether the notices about an order are those of before.
func (l *loader) noticesStand(id string) bool {
	for _, r := range l.about[id] {
		if r != l.before.notices[r.file.Path] || !r.listsStand() {
			return false
		}
	}
	return len(l.about[id]) == len(l.wasAbout[id])
}

// byOrder is the notice files about each order.
func byOrder(readings map[string]*reading) map[string][]*reading {
	about := map[string][]*reading{}
	for _, r := range readings {
		for _, id := range r.ids {
			about[id] = append(about[id], r)
		}
	}
	return about
}

// isDone reports whether a notice file need not be read: all it is about was
// kept.
func (l *loader) isDone(path string) bool {
	r := l.scanned[path]
	if r == nil || r != l.before.notices[path] {
		return false
	}
	for _, id := range r.ids {
		if seen := l.ids[id]; seen == nil || !seen.kept {
			return false
		}
	}
	l.names += r.names
	l.set.add(r, l.set.notices)
	return true
}

// listsStand reports whether the lists are as they were.
func (r *reading) listsStand() bool {
	for _, f := range r.lists {
		real, err := inside(f.folder, f.path)
		if err != nil || digest(real) != f.sha256 {
			return false
		}
	}
	return true
}

// add notes a reading among those of its kind.
func (s *Set) add(r *reading, to map[string]*reading) {
	to[r.file.Path] = r
	s.Files = append(s.Files, r.file)
	for _, f := range r.lists {
		s.Files = append(s.Files, File{filepath.Join(f.folder, f.path), f.sha256})
	}
}

// digest is the SHA-256 of a file in hexadecimal, empty if it cannot be read as
// a whole.
func digest(path string) string {
	f, err := infile.Open(path, list.MaxOctets)
	if err != nil {
		return ""
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, list.MaxOctets)); err != nil || f.Unchanged() != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
