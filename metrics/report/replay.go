package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/infile"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// maxNoticeOctets bounds a notice file: what the loader reads of one.
const maxNoticeOctets = 1 << 24

// told is what the versions of an order said, one after the other.
type told struct {
	tracker  *tracker
	says     Says            // of the last version
	restored bool            // says is from the archive
	secrecy  order.Publicity // the most secret of the versions
	notices  []notice
	known    map[string]bool // ids of them
}

// notice is a notice of the order, and when a version first had it.
type notice struct {
	order.Notice
	loaded   time.Time
	under    order.Deadline // of that version
	hasRules bool           // that it added
}

// replay reads every version of the order from the archive again, as the server
// did, with memory for one of them. A version that the archive does not have is
// marked and passed over. The error has the path.
func replay(state string, r *record, l *life) (*told, error) {
	folder, err := os.MkdirTemp("", "bailiff-report-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	a := &archive{state: state, folder: folder, id: l.id, notices: map[string]string{}, tree: map[string]string{}, about: map[string]bool{}}
	t := &told{tracker: newTracker(r), says: l.says(), known: map[string]bool{}}
	next := 0
	for e, err := range journal.Read(state) {
		switch {
		case next == len(l.versions):
			return t, nil
		case err != nil: // its versions will not hold what they held
		case e.Event == journal.Start || e.Event == journal.Reload || e.Event == journal.FilesLoaded:
			a.add(e)
		case e.Seq == l.versions[next].seq:
			t.take(&l.versions[next], a)
			next++
		}
	}
	for ; next < len(l.versions); next++ { // moved behind later ones
		l.versions[next].unknown = true
	}
	return t, nil
}

// take takes the next version.
func (t *told) take(v *version, a *archive) {
	if v.lifted {
		t.tracker.lift(v)
		return
	}
	o := a.restore(v)
	if o == nil {
		v.unknown = true
		return
	}
	says := saysOf(o)
	if t.restored {
		v.changes = changes(t.says, says)
	}
	t.says, t.restored, t.secrecy = says, true, max(t.secrecy, o.Publicity)
	for _, n := range o.Notices {
		if !t.known[n.ID] {
			t.known[n.ID] = true
			t.notices = append(t.notices, notice{n, v.at, o.Deadline, hasRules(o, n.ID)})
		}
	}
	t.tracker.hold(v, o, a.tree)
}

// publicity is the most secret that the order ever had; where nobody knows,
// hidden.
func (t *told) publicity(l *life) order.Publicity {
	if l.facts["publicity"] == "" && !t.restored {
		return order.Hidden
	}
	return max(t.secrecy, l.publicity)
}

// hasRules reports whether the notice added any.
func hasRules(o *order.Order, notice string) bool {
	return slices.ContainsFunc(o.Rules, func(r order.Rule) bool { return r.Notice == notice })
}

// archive restores the versions of one order, below a folder of its own.
type archive struct {
	state, folder, id string

	load    journal.Load
	notices map[string]string // of the load at hand: SHA-256 by path
	tree    map[string]string // what stands below folder: SHA-256 by path
	about   map[string]bool   // by SHA-256: whether a notice file tells of the order
}

// add follows the loads.
func (a *archive) add(e journal.Entry) {
	if e.Event == journal.FilesLoaded {
		var d journal.Files
		if json.Unmarshal(e.Detail, &d) != nil {
			return
		}
		for _, path := range d.Gone {
			delete(a.notices, path)
		}
		for _, f := range d.Read {
			if isNotice(f.Path) {
				a.notices[f.Path] = f.SHA256
			}
		}
		return
	}
	var d struct{ Load *journal.Load }
	if json.Unmarshal(e.Detail, &d) != nil || d.Load == nil {
		return
	}
	if a.load = *d.Load; a.load.AllFiles {
		clear(a.notices)
	}
}

// restore returns the order as the version held it, nil if the archive does not
// have that. What is wrong with other orders of the same files does not count:
// their lists are not restored. Whether this one is whole its numbers tell.
func (a *archive) restore(v *version) *order.Order {
	wanted := map[string]string{v.detail.File: v.detail.SHA256}
	for _, l := range v.detail.Lists {
		wanted[l.File] = l.SHA256
	}
	for path, digest := range a.notices {
		if about, known := a.about[digest]; about || !known {
			wanted[path] = digest
		}
	}
	if a.sync(wanted) != nil {
		return nil
	}
	var paths []string
	for _, p := range a.load.Paths {
		paths = append(paths, a.below(p))
	}
	var ignored problem.List
	for _, o := range order.Load(paths, &ignored).Orders {
		if o.ID == a.id && v.holds(o) {
			a.rename(o)
			return o
		}
	}
	return nil
}

// rename gives the order's rules the files that they were read from then.
func (a *archive) rename(o *order.Order) {
	were := make(map[string]string, len(a.tree))
	for path := range a.tree {
		were[a.below(path)] = path
	}
	for i := range o.Rules {
		o.Rules[i].File = were[o.Rules[i].File]
	}
}

// holds reports whether the order has as many names as the journal says.
func (v *version) holds(o *order.Order) bool {
	got := Held{Rules: map[string]int{}}
	for i := range o.Rules {
		if r := &o.Rules[i]; r.Except {
			got.Exceptions += r.Len()
		} else {
			got.Rules[r.Trigger.String()] += r.Len()
		}
	}
	for trigger, n := range got.Rules {
		if v.detail.Rules[trigger] != n {
			return false
		}
	}
	return got.Exceptions == v.detail.Exceptions && got.Total() == Held{Rules: v.detail.Rules}.Total()
}

// sync makes the tree hold the wanted files and nothing else, but for notices
// that turn out to be about other orders.
func (a *archive) sync(wanted map[string]string) error {
	for path, digest := range a.tree {
		if wanted[path] != digest {
			a.remove(path)
		}
	}
	for path, digest := range wanted {
		if a.tree[path] == digest {
			continue
		}
		if err := journal.Restore(a.state, digest, a.below(path)); err != nil {
			return err
		}
		a.tree[path] = digest
		if !isNotice(path) {
			continue
		}
		text, err := infile.Read(a.below(path), maxNoticeOctets)
		if a.about[digest] = err == nil && bytes.Contains(text, []byte(a.id)); !a.about[digest] {
			a.remove(path)
		}
	}
	return nil
}

func (a *archive) remove(path string) {
	if err := os.Remove(a.below(path)); err == nil || errors.Is(err, os.ErrNotExist) {
		delete(a.tree, path)
	}
}

// below is where a path of the load stands below the folder: never outside of
// it, whatever the journal says.
func (a *archive) below(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.load.Folder, path)
	}
	return filepath.Join(a.folder, strings.TrimPrefix(filepath.Clean("/"+path), "/"))
}
