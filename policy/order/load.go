package order

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// What one load may take.
const (
	maxFileOctets = 1 << 24    // 16 MiB: the largest national list is 3 MiB
	maxOrders     = 100_000    // over all files
	maxNames      = 40_000_000 // over all lists: 1 GiB in memory
)

// Set is everything one load read.
type Set struct {
	Orders []*Order // by ID
	Kept   []*Order // those of an earlier load that are as they were, by ID, without their rules: see Reload
	Files  []File   // every file that was read: orders, lists and notices

	read, notices map[string]*reading // by path
}

// File is one file as it was read.
type File struct {
	Path   string // as the operator named it, joined with the folder's entries
	SHA256 string // hex, of the whole file
}

// Load reads order files and folders, with the lists they point at. Of a folder
// it takes every *.yaml and *.yml below, sorted; hidden entries, editors'
// leftovers and everything else are ignored. A file reached twice is read once.
// Those in a folder named notices add to the orders and take away from them.
//
// Every problem goes to problems. An order that has a refusal, or the id of an
// earlier one, is not in the set. After any refusal the set must not be put in
// force: what is in it serves to find the problems of later steps too.
func Load(paths []string, problems *problem.List) *Set {
	return Reload(nil, paths, problems)
}

func newLoader(before *Set, problems *problem.List) *loader {
	if before == nil {
		before = new(Set)
	}
	return &loader{
		problems: problems, ids: map[string]*seenID{}, before: before, scanned: map[string]*reading{}, now: new(reading),
		set: &Set{read: map[string]*reading{}, notices: map[string]*reading{}},
	}
}

// Forget lets go of the names of the rules, which take most of the memory, once
// they are compiled and nobody else reads them.
func (s *Set) Forget() {
	for _, o := range s.Orders {
		o.Rules = nil
	}
}

func (s *Set) sort() {
	byID := func(a, b *Order) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(s.Orders, byID)
	slices.SortFunc(s.Kept, byID)
}

// loader is the state of one load.
type loader struct {
	problems *problem.List
	ids      map[string]*seenID
	names    int // read so far
	set      *Set
	notices  []*noticeFile
	now      *reading // the file at hand

	before          *Set                  // empty at the first load
	scanned         map[string]*reading   // notice files by path
	about, wasAbout map[string][]*reading // those about an order, now and in before
}

// seenID is where an order id stood first.
type seenID struct {
	Source
	order    *Order // nil: refused
	kept     bool   // from the load before
	reported bool   // as one that stands twice
}

// file reads one file, gives what is in it to documents, and notes it in to.
func (l *loader) file(path string, documents func(File, []byte), to map[string]*reading) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxFileOctets {
		l.refuse(path, problem.Fault{
			Text:   fmt.Sprintf("is larger than %d octets", maxFileOctets),
			Remedy: "move its names to a list file and point a rule at that",
		})
		return
	}
	data, err := infile.Read(path, maxFileOctets)
	if err != nil {
		l.refuse(path, err)
		return
	}
	l.now = &reading{file: File{path, digestOf(data)}}
	documents(l.now.file, data)
	l.set.add(l.now, to)
}

func (l *loader) refuse(path string, err error) {
	l.problems.Add(problem.Problem{File: path}.Because(err))
}

// documents reads the orders of one file.
func (l *loader) documents(file File, data []byte) {
	var found problem.List // of one document
	documents := 0
	for v := range strictyaml.Documents(file.Path, data, &found) {
		documents++
		o := l.order(v, Source{File: file.Path, Line: v.Line(), SHA256: file.SHA256}, &found)
		if l.isNew(o) && !found.Refused() {
			l.set.Orders = append(l.set.Orders, o)
			l.now.orders = append(l.now.orders, o)
			l.ids[o.ID].order = o
		}
		if o.Publicity == Hidden {
			found.Redact()
		}
		l.problems.Merge(&found)
		found = problem.List{}
	}
	if documents == 0 && !found.Refused() {
		l.refuse(file.Path, problem.Fault{Text: "holds no order", Remedy: "write one, or remove the file"})
	}
	l.problems.Merge(&found)
}

// isNew reports whether the order has an id of its own. An id that stood before
// is refused at both places.
func (l *loader) isNew(o *Order) bool {
	first, twice := l.ids[o.ID]
	switch {
	case o.ID == "": // refused by its reader
		return false
	case twice:
		l.refuseTwin(o.ID, o.Source, first.Source)
		if !first.reported {
			l.refuseTwin(o.ID, first.Source, o.Source)
			first.reported = true
		}
		return false
	case len(l.ids) == maxOrders:
		l.refuse(o.Source.File, problem.Fault{
			Text:   fmt.Sprintf("begins the orders beyond %d", maxOrders),
			Remedy: "split the load over several servers",
		})
		return false
	}
	l.ids[o.ID] = &seenID{Source: o.Source}
	return true
}

func (l *loader) refuseTwin(id string, here, there Source) {
	l.problems.Add(problem.Problem{
		File: here.File, Line: here.Line, Place: "id", Value: id,
		Text:   fmt.Sprintf("stands at %s:%d too", there.File, there.Line),
		Remedy: "give each order its own id; of two versions of one order keep the later",
	})
}
