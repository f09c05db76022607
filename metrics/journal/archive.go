package journal

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bailiff/policy/infile"
	"bailiff/policy/outfile"
	"bailiff/policy/problem"
)

// maxArchived bounds a file of the archive: the largest list that is read.
const maxArchived = 1 << 29

// An editor may be at a file that has been read: its old content is tried for
// that long.
const (
	putAttempts = 3
	putPause    = 100 * time.Millisecond
)

// archive keeps the files of loads by their SHA-256, each once.
type archive struct{ folder string }

// archiveOf is where the state folder keeps the files of loads.
func archiveOf(folder string) archive { return archive{filepath.Join(folder, "archive")} }

// Keep puts the file into the archive of the Writer's folder, if it is not
// there: content, or if that is nil what is at the path. It fails if that does
// not have the SHA-256 of f. The error has the path. It waits for the disk.
func (w *Writer) Keep(f File, content []byte) error {
	a := archiveOf(w.folder)
	to, err := a.path(f.SHA256)
	if err != nil {
		return err
	}
	if info, err := os.Stat(to); err == nil && info.Size() > 0 {
		return nil
	}
	if err := os.MkdirAll(a.folder, modeFolder); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := a.put(f, content, to)
		if err == nil || attempt == putAttempts || MayPass(err) {
			return err
		}
		time.Sleep(putPause)
	}
}

// put archives one file.
func (a archive) put(f File, content []byte, to string) error {
	var from io.Reader = bytes.NewReader(content)
	if content == nil {
		file, err := infile.Open(f.Path, maxArchived)
		if err != nil {
			return problem.Problem{File: f.Path}.Because(err)
		}
		defer file.Close()
		from = file
	}
	return outfile.Replace(to, modePrivate, func(draft io.Writer) error {
		sum := sha256.New()
		out, err := gzip.NewWriterLevel(draft, gzip.BestSpeed)
		if err == nil {
			_, err = io.Copy(io.MultiWriter(out, sum), io.LimitReader(from, maxArchived))
		}
		if err == nil {
			err = out.Close()
		}
		if err == nil && hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
			err = fmt.Errorf("%s: has changed since it was loaded: what was loaded is not archived", f.Path)
		}
		return err
	})
}

// Restore writes the file with that SHA-256 from the archive of a state folder
// to a path, where there is none. The error has the path.
func Restore(folder, digest, to string) error { return archiveOf(folder).restore(digest, to) }

// Kept is a file that Keep archived. The error has the path.
func (w *Writer) Kept(digest string) ([]byte, error) {
	var text bytes.Buffer
	err := archiveOf(w.folder).copyTo(&text, digest)
	return text.Bytes(), err
}

// restore writes a file of the archive to a path that is free.
func (a archive) restore(digest, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), modeFolder); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, modePrivate)
	if err != nil {
		return err
	}
	return errors.Join(a.copyTo(out, digest), out.Close())
}

// copyTo writes a file of the archive to out. With an error, what was written
// is not to be used.
func (a archive) copyTo(out io.Writer, digest string) error {
	path, err := a.path(digest)
	if err != nil {
		return err
	}
	damaged := problem.Problem{File: path, Text: "is not the file that was loaded", Remedy: "bring the archive back from a copy"}
	packed, err := os.Open(path)
	if err != nil {
		return unreadable(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		return damaged
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(in, maxArchived)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != digest {
		return damaged
	}
	return nil
}

// path is where the file with that SHA-256 is kept. The digest may come from a
// journal that somebody changed.
func (a archive) path(digest string) (string, error) {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != sha256.Size || strings.ToLower(digest) != digest {
		return "", fmt.Errorf("%s: is no SHA-256", problem.Quote(digest))
	}
	return filepath.Join(a.folder, digest+".gz"), nil
}
