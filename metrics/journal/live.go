package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bailiff/policy/outfile"
	"bailiff/policy/problem"
)

// live is the file at the end of the chain. Its methods are for one goroutine.
type live struct {
	folder string
	limit  int64 // octets of a file before the next begins

	file  *os.File // nil: to be opened
	size  int64    // octets, whole lines only
	first uint64   // seq of the file's first line; 0: it has none
	found bool     // seq and hash are known
	seq   uint64   // of the last line of the chain
	hash  string   // of that line, hex; zeros before the first

	write func(*os.File, []byte) (int, error) // (*os.File).Write but in tests
}

// noHash stands before the first line of the chain.
var noHash = strings.Repeat("0", 2*sha256.Size)

func newLive(folder string, limit int64) *live {
	return &live{folder: folder, limit: limit, hash: noHash, write: (*os.File).Write}
}

// findEnd learns where the chain ends, from the files. From then on the server
// knows better.
func (l *live) findEnd() error {
	if l.found {
		return nil
	}
	names, err := rotated(l.folder)
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(append(names, liveFile)) {
		end, err := endOf(filepath.Join(l.folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if end.seq > 0 {
			l.seq, l.hash = end.seq, end.hash
			break
		}
	}
	l.found = true
	return nil
}

// open makes the file ready for the next line. It cuts off a line that was not
// written to its end, and returns how many octets that were.
func (l *live) open() (torn int64, err error) {
	if err := l.findEnd(); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(filepath.Join(l.folder, liveFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, modePrivate)
	if err != nil {
		return 0, err
	}
	whole, torn, err := wholeLines(f)
	if err == nil && torn > 0 {
		err = f.Truncate(whole)
	}
	if err == nil {
		l.first, err = firstSeq(f)
	}
	if err == nil {
		err = outfile.SyncFolder(l.folder)
	}
	if err != nil {
		f.Close()
		return 0, err
	}
	l.file, l.size = f, whole
	return torn, nil
}

// append writes one line, which it gets without its line feed, in one call.
// After an error the file has to be opened again, and the line is not in it.
func (l *live) append(line []byte, seq uint64) error {
	line = append(line, '\n')
	if l.size > 0 && l.size+int64(len(line)) > l.limit {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	if _, err := l.write(l.file, line); err != nil {
		_ = l.file.Truncate(l.size) // else open cuts off what is too much
		l.close()
		return err
	}
	if l.first == 0 {
		l.first = seq
	}
	l.size += int64(len(line))
	l.seq, l.hash = seq, hashOf(line[:len(line)-1])
	return nil
}

// rotate gives the file its name in the chain and begins the next.
func (l *live) rotate() error {
	err := l.file.Sync()
	if err == nil {
		err = os.Rename(l.file.Name(), filepath.Join(l.folder, rotatedName(l.first)))
	}
	l.close()
	if err == nil {
		_, err = l.open()
	}
	return err
}

// inPlace reports whether an open file still has its name: somebody may have
// moved it, and what is written would be lost.
func inPlace(f *os.File) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(f.Name())
	return err == nil && os.SameFile(mine, there)
}

func (l *live) close() {
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

// end is where a file's chain ends.
type end struct {
	seq  uint64 // 0: the file has no whole line
	hash string
}

// endOf reads the end of a file. Lines that are no entries, as a disk may leave
// behind, are counted like entries: the chain goes on behind them.
func endOf(path string) (end, error) {
	f, err := os.Open(path)
	if err != nil {
		return end{}, err
	}
	defer f.Close()
	whole, _, err := wholeLines(f)
	if whole == 0 || err != nil {
		return end{}, err
	}
	text := make([]byte, min(whole, 2*maxLine))
	if _, err := f.ReadAt(text, whole-int64(len(text))); err != nil {
		return end{}, err
	}
	text = text[:len(text)-1]
	found := end{hash: hashOf(text[bytes.LastIndexByte(text, '\n')+1:])}
	for damaged := uint64(0); len(text) > 0; damaged++ {
		at := bytes.LastIndexByte(text, '\n') + 1
		if e, err := (line{text: text[at:]}).entry(); err == nil {
			found.seq = e.Seq + damaged
			return found, nil
		}
		text = text[:max(0, at-1)]
	}
	return end{}, problem.Problem{
		File: path, Text: "does not end in entries of a journal",
		Remedy: "move the file out of the folder, keep it, and start again",
	}
}

// wholeLines is how many octets of the file are whole lines, and how many
// follow.
func wholeLines(f *os.File) (whole, torn int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	size := info.Size()
	text := make([]byte, 64<<10)
	for at := size; at > 0; {
		n := min(at, int64(len(text)))
		at -= n
		if _, err := f.ReadAt(text[:n], at); err != nil {
			return 0, 0, err
		}
		if i := bytes.LastIndexByte(text[:n], '\n'); i >= 0 {
			whole = at + int64(i) + 1
			return whole, size - whole, nil
		}
	}
	return 0, size, nil
}

// firstSeq is the seq of the file's first line, 0 if it has none, or one that
// is no entry.
func firstSeq(f *os.File) (uint64, error) {
	var e struct{ Seq uint64 }
	err := json.NewDecoder(io.NewSectionReader(f, 0, maxLine)).Decode(&e)
	if errors.Is(err, fs.ErrClosed) {
		return 0, err
	}
	return e.Seq, nil
}

func hashOf(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}
