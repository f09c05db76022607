package main

import (
	"bufio"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestLogQueue_aReaderThatStopsHoldsNobodyUp(t *testing.T) {
	queue := newLogQueue()
	log := newLogger(logConfig{level: slog.LevelInfo}, queue)
	r, w := io.Pipe() // holds nothing: a write waits for its reader
	end := queue.passTo(w, log)
	const lines = maxLogLines + 1000
	for i := range lines {
		log.Info("line", "n", i)
	}
	var got []string
	for in := bufio.NewScanner(r); in.Scan(); {
		if got = append(got, in.Text()); strings.Contains(in.Text(), `level=WARN msg="log lines are lost: nobody read them" lines=`) {
			break
		}
	}
	end()
	if len(got) < maxLogLines || !strings.HasSuffix(got[0], "n=0") || !strings.HasSuffix(got[maxLogLines-1], "n=8191") {
		t.Errorf("got %d lines, want those there was room for, and how many are lost", len(got))
	}
}

func TestLogQueue_theEndWaitsNotForEver(t *testing.T) {
	queue := newLogQueue()
	_, w := io.Pipe()
	end := queue.passTo(w, newLogger(logConfig{}, queue))
	_, _ = queue.Write([]byte("line\n"))
	start := time.Now()
	end()
	if took := time.Since(start); took > 10*logPatience {
		t.Errorf("took %v, want %v", took, logPatience)
	}
}
