package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy/infile"
	"bailiff/policy/outfile"
)

// history is what a journal says that a new server has to know. It is also the
// content of a file beside the journal, so that a start need read only what came
// after: without the file, or with one that does not fit, it reads everything.
type history struct {
	Up     journal.KeptHead       // to this entry
	Orders map[string]*auditOrder // that were loaded last, by id
	Config configSummary          // of the last start

	entries uint64 // read behind Up
}

// historyFile is the name of the file.
const historyFile = "history.json"

// keepHistoryEvery is after how many entries the file is written anew: a tenth
// of a second to read.
const keepHistoryEvery = 5000

// readHistory reads the journal in folder. What it cannot read it leaves out:
// then the journal tells things twice.
func readHistory(folder string, log *slog.Logger) history {
	if h, err := readKeptHistory(folder); err == nil {
		if h.addAll(journal.ReadAfter(folder, h.Up), log) == nil {
			return h
		}
	}
	h := history{Orders: map[string]*auditOrder{}}
	_ = h.addAll(journal.Read(folder), log) // never ErrNoEntry
	return h
}

// readKeptHistory reads the file.
func readKeptHistory(folder string) (h history, err error) {
	text, err := infile.Read(filepath.Join(folder, historyFile), maxTaken)
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	for _, o := range h.Orders {
		if o == nil || o.Firsts == nil {
			return h, errors.New("no server wrote it")
		}
	}
	if h.Orders == nil {
		h.Orders = map[string]*auditOrder{}
	}
	return h, err
}

// addAll adds the entries. The error is ErrNoEntry, and then there were none.
func (h *history) addAll(entries func(func(journal.Entry, error) bool), log *slog.Logger) error {
	for e, err := range entries {
		switch {
		case errors.Is(err, journal.ErrNoEntry):
			return err
		case err != nil:
			log.Warn("journal: a part of what was before is not known", "cause", err)
		default:
			h.add(e)
		}
		h.entries++
	}
	return nil
}

func (h *history) add(e journal.Entry) {
	known := h.Orders[e.Order]
	switch e.Event {
	case journal.Config:
		var c configSummary
		if json.Unmarshal(e.Detail, &c) == nil {
			h.Config = c
		}
		return
	case journal.Loaded:
		known = &auditOrder{Firsts: map[string]time.Time{}}
		h.Orders[e.Order] = known
	case journal.Lifted:
		delete(h.Orders, e.Order)
		return
	}
	if known == nil {
		return
	}
	switch e.Event {
	case journal.Loaded, journal.Changed:
		var d orderDetail
		if json.Unmarshal(e.Detail, &d) == nil && d.Digest != "" { // else it is about a rule
			known.Digest, known.Revision, known.Archived = d.Digest, e.Revision, d.Archived
		}
	case journal.Pending, journal.InForce, journal.Lapsed:
		known.State = e.Event
	case journal.FirstAnswer:
		var d firstDetail
		if json.Unmarshal(e.Detail, &d) == nil {
			known.Firsts[d.Notice] = e.Time
		}
	}
}

// keepHistory writes the file if enough came since the last time, behind the
// caller. What the journal has lost a new start is to tell again.
func (a *audit) keepHistory() {
	a.mu.Lock()
	defer a.mu.Unlock()
	written := a.journal.Stats().Written
	if written < a.keepAt || a.keeping {
		return
	}
	if text := a.history(); text != nil {
		a.keepAt, a.keeping = written+keepHistoryEvery, true
		go func() { // a disk that hangs holds up nobody
			a.writeHistory(text)
			a.mu.Lock()
			defer a.mu.Unlock()
			a.keeping = false
		}()
	}
}

// history is the file's content, nil while it would not fit the journal. The
// caller holds a.mu.
func (a *audit) history() []byte {
	up, ok := a.journal.End()
	if !ok || !a.began || a.journal.Stats().Lost > 0 {
		return nil
	}
	text, _ := json.Marshal(history{Up: up, Orders: a.orders, Config: a.config}) // of types that marshal
	return text
}

func (a *audit) writeHistory(text []byte) {
	err := outfile.Replace(filepath.Join(a.state, historyFile), filePrivate, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		a.log.Warn("journal: what it comes to could not be kept: the next start takes longer", "cause", err)
	}
}
