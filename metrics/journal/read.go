package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bailiff/policy/problem"
)

// The files of the chain.
const (
	liveFile     = "journal.jsonl"
	rotatedFiles = "journal-" // then the first seq in 20 digits, so that names sort in the order of the chain
	lineFiles    = ".jsonl"
)

// maxLine bounds a line with its line feed: the longest detail takes a quarter.
const maxLine = 1 << 20

// Read yields the entries of the journal in folder, oldest first, with memory
// for one at a time. Every second value is a problem.Problem with the file and
// line that is no entry, or with the file that cannot be read; reading goes on
// after it. A line that the server is still writing is left out. The detail of
// an entry is the caller's to keep.
func Read(folder string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for l, err := range lines(folder) {
			var e Entry
			switch {
			case err != nil:
			case l.torn:
				continue
			default:
				e, err = l.entry()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// ErrNoEntry is the error of ReadAfter.
var ErrNoEntry = errors.New("the journal does not hold that entry")

// ReadAfter is Read from behind the entry with the seq and hash of mark, without
// parsing what stands before. Where that entry is not, it yields ErrNoEntry and
// nothing else.
func ReadAfter(folder string, mark KeptHead) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		found, start := false, fmt.Appendf(nil, `{"seq":%d,`, mark.Seq)
		for l, err := range linesAfter(folder, nameBefore(folder, mark.Seq)) {
			var e Entry
			switch {
			case !found:
				found = err == nil && bytes.HasPrefix(l.text, start) && hashOf(l.text) == mark.Hash
				continue
			case err == nil && l.torn:
				continue
			case err == nil:
				e, err = l.entry()
			}
			if !yield(e, err) {
				return
			}
		}
		if !found {
			yield(Entry{}, ErrNoEntry)
		}
	}
}

// nameBefore is the name of the file before the one with the entry seq, "" if
// there is none.
func nameBefore(folder string, seq uint64) string {
	names, err := rotated(folder)
	after, found := slices.BinarySearch(names, rotatedName(seq))
	if found {
		after++
	}
	if err != nil || after < 2 {
		return ""
	}
	return names[after-2]
}

// damageRemedy is what to do about a line that no server wrote.
const damageRemedy = "compare with a copy; bailiff journal verify tells how far the chain holds"

// line is one line of a file. Its text is valid until the next one is read.
type line struct {
	file   string // path
	number int    // from 1
	text   []byte // without the line feed
	torn   bool   // it has no line feed: its writer was stopped, or is at it
}

// entry reads the line.
func (l line) entry() (e Entry, err error) {
	if err := json.Unmarshal(l.text, &e); err != nil || e.Seq == 0 || e.Event == "" {
		return Entry{}, l.problem(problem.Fault{Text: "is no entry of a journal", Remedy: damageRemedy})
	}
	return e, nil
}

// problem is a problem with the line.
func (l line) problem(err error) problem.Problem {
	return problem.Problem{File: l.file, Line: l.number}.Because(err)
}

// lines yields every line of every file. Errors are as those of Read.
func lines(folder string) iter.Seq2[line, error] { return linesAfter(folder, "") }

// linesAfter yields those of the files behind the one named last.
func linesAfter(folder, last string) iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		for last := last; last != liveFile; {
			f, err := openAfter(folder, last)
			switch {
			case err != nil:
				yield(line{}, err)
				return
			case f == nil:
				return
			}
			more := linesOf(f, yield)
			f.Close()
			if !more {
				return
			}
			last = filepath.Base(f.Name())
		}
	}
}

// openAfter opens the file that follows the one named last, "" for the first.
// It returns nil after the last of them. As the server may rotate meanwhile,
// what was opened counts only if its name still stands where it stood.
func openAfter(folder, last string) (*os.File, error) {
	for {
		name, err := nameAfter(folder, last)
		if name == "" || err != nil {
			return nil, err
		}
		f, err := os.Open(filepath.Join(folder, name))
		if again, _ := nameAfter(folder, last); again == name {
			if err != nil {
				return nil, unreadable(err)
			}
			return f, nil
		}
		if err == nil {
			f.Close()
		}
	}
}

// nameAfter is the name of the file that follows last, "" if none does.
func nameAfter(folder, last string) (string, error) {
	names, err := rotated(folder)
	if err != nil {
		return "", unreadable(err)
	}
	at, found := slices.BinarySearch(names, last)
	if found {
		at++
	}
	if at < len(names) {
		return names[at], nil
	}
	if _, err := os.Stat(filepath.Join(folder, liveFile)); !errors.Is(err, fs.ErrNotExist) {
		return liveFile, nil
	}
	if len(names) == 0 {
		return "", problem.Problem{File: folder, Text: "holds no journal", Remedy: "name the folder that `state` names"}
	}
	return "", nil
}

// rotated are the names of the files before the live one, in order.
func rotated(folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder) // sorted
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), rotatedFiles) && strings.HasSuffix(e.Name(), lineFiles) {
			names = append(names, e.Name())
		}
	}
	return names, err
}

func rotatedName(firstSeq uint64) string {
	return fmt.Sprintf("%s%020d%s", rotatedFiles, firstSeq, lineFiles)
}

// unreadable words the operating system's refusal to open or read a file.
func unreadable(err error) problem.Problem {
	p := problem.Problem{Remedy: "check the file and who may read it"}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		p.File, err = e.Path, e.Err
	}
	p.Text = fmt.Sprintf("cannot be read (%v)", err)
	return p
}

// linesOf yields the lines of one file and reports whether to go on.
func linesOf(f *os.File, yield func(line, error) bool) (more bool) {
	in := bufio.NewReaderSize(f, maxLine)
	l := line{file: f.Name()}
	for more = true; more; {
		l.number++
		text, err := in.ReadSlice('\n')
		isLong := errors.Is(err, bufio.ErrBufferFull)
		if isLong {
			err = skipLine(in)
		}
		switch {
		case isLong:
			more = yield(line{}, l.problem(problem.Fault{
				Text: fmt.Sprintf("is longer than %d octets: no entry of a journal", maxLine), Remedy: damageRemedy,
			}))
		case err == nil:
			l.text = text[:len(text)-1]
			more = yield(l, nil)
		case errors.Is(err, io.EOF) && len(text) > 0:
			l.text, l.torn = text, true
			more = yield(l, nil)
		}
		switch {
		case errors.Is(err, io.EOF):
			return more
		case err != nil:
			return more && yield(line{}, unreadable(err))
		}
	}
	return false
}

// skipLine reads to the end of a line of any length.
func skipLine(in *bufio.Reader) error {
	for {
		if _, err := in.ReadSlice('\n'); !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
