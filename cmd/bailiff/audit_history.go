package main

import (
	"encoding/json"
	"log/slog"
	"time"

	"bailiff/metrics/journal"
)

// history is what a journal says that a new server has to know.
type history struct {
	orders map[string]*auditOrder // that were loaded last, by id
	config configSummary          // of the last start
}

// readHistory reads the journal in folder. What it cannot read it leaves out:
// then the journal tells things twice.
func readHistory(folder string, log *slog.Logger) history {
	h := history{orders: map[string]*auditOrder{}}
	for e, err := range journal.Read(folder) {
		if err != nil {
			log.Warn("journal: a part of what was before is not known", "cause", err)
			continue
		}
		h.add(e)
	}
	return h
}

func (h *history) add(e journal.Entry) {
	known := h.orders[e.Order]
	switch e.Event {
	case journal.Config:
		var c configSummary
		if json.Unmarshal(e.Detail, &c) == nil {
			h.config = c
		}
		return
	case journal.Loaded:
		known = &auditOrder{firsts: map[string]time.Time{}}
		h.orders[e.Order] = known
	case journal.Lifted:
		delete(h.orders, e.Order)
		return
	}
	if known == nil {
		return
	}
	switch e.Event {
	case journal.Loaded, journal.Changed:
		var d orderDetail
		if json.Unmarshal(e.Detail, &d) == nil && d.Digest != "" { // else it is about a rule
			known.digest, known.revision, known.archived = d.Digest, e.Revision, d.Archived
		}
	case journal.Pending, journal.InForce, journal.Lapsed:
		known.state = e.Event
	case journal.FirstAnswer:
		var d firstDetail
		if json.Unmarshal(e.Detail, &d) == nil {
			known.firsts[d.Notice] = e.Time
		}
	}
}
