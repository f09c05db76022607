package list

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"

	"bailiff/policy/infile"
	"bailiff/policy/problem"
)

// lines cuts text into lines in constant memory.
type lines struct {
	in     *bufio.Reader
	number int   // of the line next returned last, 1-based
	left   int64 // octets that may still be read
}

func newLines(r io.Reader, limit int64) lines {
	const chunkBytes = 64 << 10 // thousands of lines a system call
	return lines{in: bufio.NewReaderSize(r, chunkBytes), left: limit}
}

// Faults of next, beside those of the reader below it.
var (
	errLongLine = problem.Fault{
		Text:   fmt.Sprintf("is a line of more than %d octets", maxLine),
		Remedy: "write one name a line",
	}
	errNotText = problem.Fault{
		Text:   "is not a text file in UTF-8",
		Remedy: "unpack it or convert it",
	}
	errLarge = problem.Fault{
		Text:   fmt.Sprintf("is larger than %d octets", MaxOctets),
		Remedy: "split it into smaller lists",
	}
)

// next returns one line, good until the next call, with its line end. The error
// is io.EOF after the last line; after errLongLine there may be more lines; any
// other is final.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if len(line) == 0 && err == io.EOF {
		return nil, io.EOF
	}
	l.number++
	l.left -= int64(len(line))
	whole := err == nil || err == io.EOF
	if bytes.IndexByte(line, 0) >= 0 || whole && !utf8.Valid(line) {
		return nil, errNotText
	}
	long := len(line) > maxLine
	for err == bufio.ErrBufferFull && l.left >= 0 {
		line, err = l.in.ReadSlice('\n')
		l.left -= int64(len(line))
	}
	switch {
	case l.left < 0:
		return nil, errLarge
	case err != nil && err != io.EOF:
		return nil, infile.Unreadable(err)
	case long:
		return nil, errLongLine
	}
	return line, nil
}
