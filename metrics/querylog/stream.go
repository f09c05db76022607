package querylog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	framestream "github.com/farsightsec/golang-framestream"
)

const (
	// handshakeTimeout bounds each step of opening and of closing a connection
	// to a reader.
	handshakeTimeout = 2 * time.Second
	// fileMode: a query log is not everybody's to read.
	fileMode = 0o640
)

// contentType is what dnstap frames are called in a frame stream.
var contentType = []byte("protobuf:dnstap.Dnstap")

// stream is an open file, or a connection to a reader.
type stream struct {
	file   *os.File            // nil: a connection
	conn   net.Conn            // nil: a file
	frames *framestream.Writer // says where frames begin and end; nil: lines
}

// write writes whole lines or frames. A file stays usable when the disk is
// full: what was written of them is taken back. A connection does not.
func (s *stream) write(octets []byte) (usable bool, err error) {
	if s.conn != nil {
		_, err = s.conn.Write(octets)
		return err == nil, err
	}
	before, err := s.file.Stat()
	if err != nil {
		return false, err
	}
	if _, err = s.file.Write(octets); err != nil {
		return s.file.Truncate(before.Size()) == nil, err
	}
	return true, nil
}

// moved reports whether the file's path leads elsewhere now. A connection does
// not move.
func (s *stream) moved() bool {
	if s.file == nil {
		return false
	}
	opened, err := s.file.Stat()
	if err != nil {
		return true
	}
	now, err := os.Stat(s.file.Name())
	return err != nil || !os.SameFile(opened, now)
}

// close ends the stream; a reader is told.
func (s *stream) close() {
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Now().Add(handshakeTimeout))
	}
	if s.frames != nil {
		_ = s.frames.Close()
	}
	s.abandon()
}

// abandon closes what cannot be used any more.
func (s *stream) abandon() {
	if s.conn != nil {
		_ = s.conn.Close()
		return
	}
	_ = s.file.Close()
}

// abort ends a write that waits for the reader. It may be called while others
// run.
func (s *stream) abort() {
	if s.conn != nil {
		_ = s.conn.SetDeadline(time.Unix(1, 0))
	}
}

// jsonFile opens the file of lines at path.
func jsonFile(path string) func() (*stream, error) {
	return func() (*stream, error) {
		f, _, err := openFile(path)
		if err != nil {
			return nil, err
		}
		return &stream{file: f}, nil
	}
}

// dnstapFile begins a file of frames at path. A frame stream cannot be
// continued: a file that holds something is renamed to when it was last
// written.
func dnstapFile(path string) func() (*stream, error) {
	return func() (*stream, error) {
		f, info, err := openFile(path)
		if err == nil && info.Size() > 0 {
			_ = f.Close()
			if err = os.Rename(path, path+info.ModTime().UTC().Format(".20060102T150405.000000000Z")); err == nil {
				f, _, err = openFile(path)
			}
		}
		if err != nil {
			return nil, err
		}
		frames, err := framestream.NewWriter(f, &framestream.WriterOptions{ContentTypes: [][]byte{contentType}})
		if err != nil {
			_ = f.Truncate(0)
			_ = f.Close()
			return nil, err
		}
		return &stream{file: f, frames: frames}, nil
	}
}

// dnstapSocket connects to the reader that listens on the Unix socket at path.
func dnstapSocket(path string) func() (*stream, error) {
	return func() (*stream, error) {
		conn, err := (&net.Dialer{Timeout: handshakeTimeout}).DialContext(context.Background(), "unix", path)
		if err != nil {
			return nil, err
		}
		_ = conn.SetDeadline(time.Now().Add(handshakeTimeout))
		frames, err := framestream.NewWriter(conn, &framestream.WriterOptions{
			ContentTypes: [][]byte{contentType}, Bidirectional: true,
		})
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		_ = conn.SetDeadline(time.Time{}) // a reader may be as slow as it likes
		return &stream{conn: conn, frames: frames}, nil
	}
}

// openFile opens a regular file to append to. Anything else is refused without
// waiting for it.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, nil, unwritable(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file; name a file in a folder that bailiff may write to")
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// unwritable words the operating system's refusal, without the path.
func unwritable(err error) error {
	remedy := "check the path"
	if errors.Is(err, fs.ErrPermission) {
		remedy = "let the user bailiff runs as write there"
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err
	}
	return fmt.Errorf("cannot be written (%w); %s", err, remedy)
}
