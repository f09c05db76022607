package querylog

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// Bounds of what waits for one sink's file or reader: 16 chunks of about 256
// KiB, some 10,000 entries.
const (
	maxChunks   = 16
	chunkOctets = 256 << 10 // a chunk ends with the entry that reaches it
)

// Pauses between two tries to reach a reader, or to open a file again.
const (
	minRetry = 100 * time.Millisecond
	maxRetry = 5 * time.Second
)

// chunk is entries as they will be written.
type chunk struct {
	octets  []byte
	entries uint64
}

// sink is one form of the log and where it is written. put, flush and end are
// the encoder's, what is below them the sink's own goroutine's.
type sink struct {
	name, path string
	open       func() (*stream, error)
	encode     func(dst []byte, e *entry) []byte
	log        *slog.Logger

	filling    *chunk // nil: none yet
	free, full chan *chunk
	reopen     chan struct{}

	out              *stream // nil: not open
	failing          bool    // the last try to open or write did not succeed, and the log says so
	written, dropped atomic.Uint64

	ctx    context.Context // ends when the reader has had its time
	giveUp context.CancelFunc
	ended  chan struct{} // closed when all is written, or given up
}

func newSink(name, path string, open func() (*stream, error), encode func([]byte, *entry) []byte) *sink {
	s := &sink{
		name: name, path: path, open: open, encode: encode,
		free: make(chan *chunk, maxChunks), full: make(chan *chunk, maxChunks), reopen: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	for range maxChunks {
		s.free <- new(chunk)
	}
	s.ctx, s.giveUp = context.WithCancel(context.Background())
	return s
}

// put encodes an entry, or drops it if everything waits to be written.
func (s *sink) put(e *entry) {
	if s.filling == nil {
		select {
		case s.filling = <-s.free:
		default:
			s.dropped.Add(1)
			return
		}
	}
	s.filling.octets = s.encode(s.filling.octets, e)
	s.filling.entries++
	if len(s.filling.octets) >= chunkOctets {
		s.flush()
	}
}

// flush hands over what was put. There is room for every chunk there is.
func (s *sink) flush() {
	if s.filling != nil {
		s.full <- s.filling
		s.filling = nil
	}
}

// end says that nothing more will come.
func (s *sink) end() { close(s.full) }

// openFile opens a sink's file before start: a wrong path should end the start.
func (s *sink) openFile() (err error) {
	if s.out, err = s.open(); err != nil {
		return fmt.Errorf("query log: %s: %w", s.path, err)
	}
	return nil
}

// run writes until end, or until it has to give up.
func (s *sink) run() {
	defer close(s.ended)
	defer s.giveUp()
	for s.connect() && s.write() {
	}
	for c := range s.full {
		s.dropped.Add(c.entries)
	}
}

// connect opens the stream unless it is open, however often that takes. It
// reports false when it has to give up.
func (s *sink) connect() bool {
	for pause := minRetry; s.out == nil && s.ctx.Err() == nil; pause = min(2*pause, maxRetry) {
		out, err := s.open()
		if err == nil {
			s.out = out
			break
		}
		s.failed(err)
		select {
		case <-s.ctx.Done():
		case <-time.After(pause):
		}
	}
	return s.out != nil
}

// write writes chunks as they come, until the stream has to be opened anew:
// then it reports true.
func (s *sink) write() (again bool) {
	defer context.AfterFunc(s.ctx, s.out.abort)()
	for {
		select {
		case c, open := <-s.full:
			if !open {
				s.out.close()
				return false
			}
			usable := s.writeChunk(c)
			c.octets, c.entries = c.octets[:0], 0
			s.free <- c
			if !usable {
				s.out.abandon()
				s.out = nil
				return true
			}
		case <-s.reopen:
			if s.out.moved() {
				s.out.close()
				s.out = nil
				return true
			}
		}
	}
}

// writeChunk reports whether the stream can be written to further.
func (s *sink) writeChunk(c *chunk) bool {
	usable, err := s.out.write(c.octets)
	if err != nil {
		s.dropped.Add(c.entries)
		s.failed(err)
		return usable
	}
	s.written.Add(c.entries)
	if s.failing {
		s.failing = false
		s.log.Info("the query log is written again")
	}
	return true
}

// failed logs the first of several failures in a row.
func (s *sink) failed(err error) {
	if !s.failing {
		s.failing = true
		s.log.Warn("the query log is not written; entries are dropped and counted until it is", "cause", err)
	}
}
