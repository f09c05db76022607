package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProgress_showsALongStepAndTakesItsLineAway(t *testing.T) {
	var terminal bytes.Buffer
	p := progress{terminal: &terminal, interval: time.Millisecond}
	p.during("reading a list", func() { time.Sleep(30 * time.Millisecond) })
	got := terminal.String()
	if !strings.Contains(got, "reading a list (0 s)") || !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("got %q, want the step and then an empty line", got)
	}
}

func TestProgress_writesToATerminalOnly(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if newProgress(file).terminal != nil || newProgress(new(bytes.Buffer)).terminal != nil {
		t.Error("got a terminal, want none")
	}
	done := false
	newProgress(file).during("reading", func() { done = true })
	if !done {
		t.Error("the step was not done")
	}
}
