package order

import (
	"fmt"
	"slices"
	"time"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// The kinds of notice that a file may hold.
const (
	addition = "addition"
	removal  = "removal"
)

// noticeFile is a notice in a file of its own. Its rules join those of an
// order from Notice.At on; those of a removal leave it then.
type noticeFile struct {
	Notice
	order  string // its id
	rules  []Rule
	source Source
}

// noticeDocuments reads the notices of one file. The orders have been read.
func (l *loader) noticeDocuments(file File, data []byte) {
	if seen := l.scanned[file.Path]; seen != nil {
		if l.now.ids = seen.ids; seen.file != file {
			l.refuse(file.Path, infile.Changed())
		}
	}
	var found problem.List // of one document
	documents := 0
	for v := range strictyaml.Documents(file.Path, data, &found) {
		documents++
		n := l.notice(v, Source{File: file.Path, Line: v.Line(), SHA256: file.SHA256}, &found)
		refused := found.Refused()
		seen := l.ids[n.order]
		if seen == nil || seen.order == nil || seen.order.Publicity == Hidden {
			found.Redact()
		}
		switch {
		case n.order == "": // refused by its reader
		case seen == nil:
			found.Add(n.problem(problem.Fault{
				Text:   "is a notice under " + n.order + ", which is not loaded",
				Remedy: "correct order, or load the file that holds it too",
			}))
		case seen.kept: // with what the notice says
		case seen.order != nil && !refused: // else the order is refused itself
			l.notices = append(l.notices, n)
		}
		l.problems.Merge(&found)
		found = problem.List{}
	}
	if documents == 0 && !found.Refused() {
		l.refuse(file.Path, problem.Fault{Text: "holds no notice", Remedy: "write one, or remove the file"})
	}
	l.problems.Merge(&found)
}

// notice reads one document. Its rules are read as those of an order that
// holds nothing else.
func (l *loader) notice(v strictyaml.Value, source Source, found *problem.List) *noticeFile {
	n := &noticeFile{source: source}
	under := &Order{Source: source}
	r := ruleReader{loader: l, order: under, found: found}
	spelt := v.Mapping(
		strictyaml.Key("order", &n.order, func(v strictyaml.Value) string {
			id := identifier(v)
			if seen := l.ids[id]; seen != nil && seen.order != nil {
				under.Answer = seen.order.Answer // a list may have to agree with it
			}
			return id
		}).Required(),
		strictyaml.Key("id", &n.ID, identifier).Required(),
		strictyaml.Key("at", &n.At, strictyaml.Time).Required(),
		strictyaml.Key("kind", &n.Kind, strictyaml.Word(addition, removal)).Required(),
		strictyaml.Key("by", &n.By, strictyaml.String),
		strictyaml.Key("document", &n.Document, strictyaml.String),
		strictyaml.Key("sha256", &n.SHA256, sha256Hex),
		strictyaml.Key("block", &under.Rules, r.block),
		strictyaml.Key("rules", &under.Rules, r.rules),
	)
	if spelt && len(under.Rules) == 0 {
		v.Refuse("adds and removes nothing", "give block or rules")
	}
	n.rules = under.Rules
	n.settleDates(found)
	return n
}

// settleDates gives the rules of an addition their beginning. A removal's have
// no dates.
func (n *noticeFile) settleDates(found *problem.List) {
	for i := range n.rules {
		r := &n.rules[i]
		p := problem.Problem{File: n.source.File, Line: r.Line, Place: r.Place}
		switch {
		case n.Kind == removal && (!r.From.IsZero() || !r.Until.IsZero()):
			found.Add(p.Because(problem.Fault{
				Text:   "has dates, but a removal takes effect at the notice's at",
				Remedy: "remove from and until",
			}))
		case n.Kind == addition:
			r.Notice = n.ID
			if r.From.Before(n.At) {
				r.From = n.At
			}
			if !r.Until.IsZero() && !r.Until.After(r.From) {
				found.Add(p.Because(problem.Fault{
					Text:   fmt.Sprintf("until %s is not after the notice's at", r.Until.Format(time.RFC3339)),
					Remedy: "give a later until",
				}))
			}
		}
	}
}

// applyNotices lets every notice do its work: additions first, as a removal
// may take away again what one of them added.
func (l *loader) applyNotices() {
	slices.SortStableFunc(l.notices, func(a, b *noticeFile) int { return a.At.Compare(b.At) })
	ends := map[*Order]*removals{}
	for _, n := range l.notices {
		o := l.ids[n.order].order
		if !l.joins(n, o) {
			continue
		}
		o.Notices = append(o.Notices, n.Notice)
		if n.Kind == addition {
			o.Rules = append(o.Rules, n.rules...)
			continue
		}
		if ends[o] == nil {
			ends[o] = &removals{byTarget: map[target][]*end{}}
		}
		ends[o].add(n, o.Publicity)
	}
	for _, o := range l.set.Orders {
		if ends[o] != nil {
			o.remove(ends[o])
			ends[o].refuseUnused(l.problems)
		}
	}
}

// joins reports whether a notice can join the notices of its order.
func (l *loader) joins(n *noticeFile, o *Order) bool {
	switch {
	case hasNotice(o.Notices, n.ID):
		l.problems.Add(n.problem(problem.Fault{
			Text:   "is the id of another notice under " + o.ID + ", in the order or in a file",
			Remedy: "give each notice of an order its own id",
		}))
		return false
	case len(o.Notices) >= maxNotices:
		l.problems.Add(n.problem(problem.Fault{
			Text:   fmt.Sprintf("is one notice more than the %d of an order", maxNotices),
			Remedy: "take over the older ones into the order",
		}))
		return false
	case n.At.Before(o.Received):
		p := n.problem(problem.Fault{
			Text:   fmt.Sprintf("came at %s, before the order (%s)", n.At.Format(time.RFC3339), o.Received.Format(time.RFC3339)),
			Remedy: "check at, and the order's received",
		})
		p.Severity = problem.Note
		l.problems.Add(p)
	}
	return true
}

// problem is a problem with the notice as a whole.
func (n *noticeFile) problem(fault problem.Fault) problem.Problem {
	return problem.Problem{File: n.source.File, Line: n.source.Line, Place: "notice", Value: n.ID}.Because(fault)
}
