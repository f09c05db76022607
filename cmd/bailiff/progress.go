package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress shows on a terminal that something long is under way.
type progress struct {
	terminal io.Writer // nil: there is none
	interval time.Duration
}

// newProgress returns a progress that shows itself if w is a terminal.
func newProgress(w io.Writer) *progress {
	p := &progress{interval: time.Second}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.terminal = w
		}
	}
	return p
}

// during does a step, which it names with the time it has taken so far once
// that is long. The line is gone when the step is done.
func (p *progress) during(step string, do func()) {
	p.following(func() string { return step }, do)
}

// following is during for a step whose words change with its progress.
func (p *progress) following(step func() string, do func()) {
	if p.terminal == nil {
		do()
		return
	}
	done, shown := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		p.show(step, done)
	}()
	do()
	close(done)
	<-shown
}

// show rewrites its line until done is closed.
func (p *progress) show(step func() string, done <-chan struct{}) {
	const clearLine = "\r\x1b[K"
	started := time.Now()
	ticks := time.NewTicker(p.interval)
	defer ticks.Stop()
	for {
		select {
		case <-done:
			fmt.Fprint(p.terminal, clearLine)
			return
		case <-ticks.C:
			fmt.Fprintf(p.terminal, "%s%s (%d s)", clearLine, step(), int(time.Since(started).Seconds()))
		}
	}
}
