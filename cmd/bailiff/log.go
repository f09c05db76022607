package main

import (
	"bytes"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

const (
	maxLogLines = 8192        // waiting to be read: more than the problems of one load
	logPatience = time.Second // at the end, for who reads the log
)

// logQueue stands between the logger and whoever reads the log: one that stops
// reading must hold up neither the clock of the law, nor a reload, nor a query.
// Lines beyond its room are lost; a later line says how many.
type logQueue struct {
	lines chan []byte // nil: the end
	lost  atomic.Uint64
}

func newLogQueue() *logQueue { return &logQueue{lines: make(chan []byte, maxLogLines)} }

// Write takes one line and never waits or fails.
func (l *logQueue) Write(line []byte) (int, error) {
	select {
	case l.lines <- bytes.Clone(line):
	default:
		l.lost.Add(1)
	}
	return len(line), nil
}

// passTo writes the lines to w; log is the logger in front of the queue. The
// caller calls end, which waits for the lines that are there, but not for
// ever.
func (l *logQueue) passTo(w io.Writer, log *slog.Logger) (end func()) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		for line := <-l.lines; line != nil; line = <-l.lines {
			_, _ = w.Write(line)
			if n := l.lost.Swap(0); n > 0 {
				log.Warn("log lines are lost: nobody read them", "lines", n)
			}
		}
	}()
	return func() {
		patience := time.After(logPatience)
		select {
		case l.lines <- nil:
		case <-patience:
			return
		}
		select {
		case <-written:
		case <-patience:
		}
	}
}
