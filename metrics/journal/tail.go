package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// SignedHead is a head as it stands in the journal.
type SignedHead struct {
	KeptHead  // the entry that it signs
	SignedAt  time.Time
	Signature Signature
}

// LastHead finds the last signed head of the journal in folder, and its last
// entry. It reads from the end, while the server may write. The head is zero if
// none is there; whether the signature holds is Verify's to say.
func LastHead(folder string) (head SignedHead, last Entry, err error) {
	names, err := rotated(folder)
	if err != nil {
		return SignedHead{}, Entry{}, unreadable(err)
	}
	for _, name := range slices.Backward(append(names, liveFile)) {
		err := backwards(filepath.Join(folder, name), func(text []byte) bool {
			e, err := line{text: text}.entry()
			if err != nil {
				return true // torn, or damaged
			}
			if last.Seq == 0 {
				last = e
			}
			if e.Event == Head && json.Unmarshal(e.Detail, &head.Signature) == nil {
				head.KeptHead, head.SignedAt = KeptHead{e.Seq - 1, e.Prev}, e.Time
			}
			return head.Seq == 0
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // moved away, or rotated meanwhile
			return SignedHead{}, Entry{}, unreadable(err)
		}
		if head.Seq > 0 {
			break
		}
	}
	return head, last, nil
}

// backwards yields the lines of a file from the last to the first, without
// their line feeds, until yield returns false.
func backwards(path string, yield func(text []byte) bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var text []byte // of which the beginning is not read yet
	for at := info.Size(); at > 0; {
		chunk := make([]byte, min(at, maxLine))
		at -= int64(len(chunk))
		if _, err := f.ReadAt(chunk, at); err != nil {
			return err
		}
		text = append(chunk, text...)
		for i := bytes.LastIndexByte(text, '\n'); i >= 0; i = bytes.LastIndexByte(text, '\n') {
			if i+1 < len(text) && !yield(text[i+1:]) {
				return nil
			}
			text = text[:i]
		}
		if len(text) > maxLine {
			text = nil // no entry: Verify names it
		}
	}
	if len(text) > 0 {
		yield(text)
	}
	return nil
}
