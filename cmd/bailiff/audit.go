package main

import (
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"bailiff/metrics/journal"
	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// audit writes the journal of a server: what became of each order, and when.
// The keeper tells it; a nil *audit, of a server without state, hears and
// writes nothing. Safe for concurrent use; no call waits for the disk.
type audit struct {
	journal *journal.Writer
	archive *archiver
	law     *policy.Store
	log     *slog.Logger
	state   string // folder
	config  configSummary

	mu      sync.Mutex // guards what follows
	began   bool       // the start entry is written
	closed  bool       // nothing is written any more
	load    journal.Load
	files   filesTold
	orders  map[string]*auditOrder // in the journal and not lifted, by id
	waiting []firstAnswer          // for their first answer
	matches matchCounts
	keepAt  uint64 // written entries at which history is kept again
	keeping bool   // it is being written
	stop    func() // ends watch
}

// auditOrder is what the journal says of an order; see history.
type auditOrder struct {
	Digest   string // of what it says
	Revision uint64
	Archived recordPlace          // of its record; zero: nowhere
	State    journal.Event        // pending, in-force or lapsed; empty: not told yet
	Firsts   map[string]time.Time // first answers, by notice; "": the order's own

	record *orderRecord // nil: an earlier process had it; recall brings it back
}

// reading is what the audit takes down of a load before it is compiled.
type reading struct {
	files   []order.File
	records map[string]*orderRecord // of the orders that were read, not of those that were kept, by id
	content map[string][]byte       // of the files that are new or changed, as far as there is room
	started time.Time
}

// openAudit opens the journal of cfg.state, and learns what it says already.
// Without that key the audit is nil. The caller calls close.
func openAudit(cfg *config, law *policy.Store, log *slog.Logger) (*audit, error) {
	if cfg.state == "" {
		return nil, nil
	}
	w, err := journal.Open(cfg.state, log)
	if err != nil {
		return nil, err
	}
	history := readHistory(cfg.state, log)
	folder, err := os.Getwd()
	if err != nil {
		folder = "/" // the paths are absolute, or nothing would have been found
	}
	a := &audit{
		journal: w, law: law, log: log, state: cfg.state, config: summariseConfig(cfg, history.Config), orders: history.Orders,
		load: journal.Load{Folder: folder, Paths: cfg.orders, NoticeIPv4: cfg.notice.IPv4, NoticeIPv6: cfg.notice.IPv6},
	}
	a.keepAt = keepHistoryEvery - min(history.entries, keepHistoryEvery)
	a.archive = newArchiver(w, log)
	a.stop = a.watch()
	return a, nil
}

// read takes down what a load that began at started holds. It must see the
// orders before they are compiled.
func (a *audit) read(set *order.Set, started time.Time) *reading {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &reading{files: set.Files, content: a.files.take(set.Files), records: make(map[string]*orderRecord, len(set.Orders)), started: started}
	for _, o := range set.Orders {
		r.records[o.ID] = a.record(o)
	}
	return r
}

// loaded writes that a load is in force, and what of it is new.
func (a *audit) loaded(r *reading, overrides []guard.Use, problems *problem.List) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := telling{law: a.law.Load(), now: wallClock(), fresh: map[string]bool{}}
	read, gone, all := a.files.changesTo(r.files, a.journal.Stats().Lost)
	a.load.Orders, a.load.AllFiles, a.load.FileChanges = len(t.law.Orders()), all, len(read)+len(gone)
	a.tellLoad(t, reloadDetail(problems, r.started, a.load))
	a.tellFiles(t, read, gone)
	a.archive.add(read, r.content)
	loaded := map[string]*policy.Order{}
	places := a.archiveRecords(r)
	a.recall(r)
	for _, o := range t.law.Orders() {
		loaded[o.ID] = o
		a.tellOrder(t, o, r.records[o.ID], places[o.ID])
	}
	a.followMatches(t)
	for _, id := range slices.Sorted(maps.Keys(a.orders)) {
		if loaded[id] == nil {
			a.tell(t, journal.Entry{Event: journal.Lifted, Order: id, Revision: a.orders[id].Revision})
			delete(a.orders, id)
		}
	}
	for _, use := range overrides {
		if t.fresh[use.Order] {
			a.tellOverride(t, loaded[use.Order], use)
		}
	}
	a.tellStates(t)
	a.awaitFirstAnswers(t.law)
}

// telling is what the entries of one load, or of one boundary, have in common.
type telling struct {
	law   *policy.Snapshot
	now   time.Time
	fresh map[string]bool // the orders that are new or changed, by id
}

// tell appends an entry.
func (a *audit) tell(t telling, e journal.Entry) {
	if !a.closed {
		e.Time, e.Generation = t.now, t.law.Generation
		a.journal.Append(e)
	}
}

// tellLoad writes the entry that begins a load: start, the first time.
func (a *audit) tellLoad(t telling, detail reloadEntry) {
	if a.began {
		a.tell(t, journal.Entry{Event: journal.Reload, Detail: journal.Detail(detail)})
		return
	}
	a.began = true
	version, revision := buildVersion()
	a.tell(t, journal.Entry{Event: journal.Start, Detail: journal.Detail(startDetail{
		Version: version, Revision: revision, Config: a.config.Digest, Key: a.journal.KeyID(), Load: detail.Load,
	})})
	if len(a.config.Changed) > 0 {
		a.tell(t, journal.Entry{Event: journal.Config, Detail: journal.Detail(a.config)})
	}
}

// rejected writes that a load which began at started was refused, and why.
func (a *audit) rejected(problems *problem.List, started time.Time) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := telling{law: a.law.Load(), now: wallClock()}
	detail := reloadDetail(problems, started, journal.Load{})
	detail.Result, detail.Load = "rejected", nil
	a.tell(t, journal.Entry{Event: journal.Reload, Detail: journal.Detail(detail)})
	refusals := 0
	for _, p := range problems.Sorted() {
		if p.Guard == "" || p.Severity != problem.Refusal {
			continue
		}
		if refusals++; refusals > maxRefusals {
			return
		}
		a.tell(t, journal.Entry{
			Event: journal.Refused, Order: p.Order, Rule: p.Place, Detail: journal.Detail(refusedDetail{Guard: p.Guard, Problem: p.Error()}),
		})
	}
}

// advanced writes what the clock has changed.
func (a *audit) advanced(now time.Time) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := telling{law: a.law.Load(), now: now}
	a.tell(t, journal.Entry{Event: journal.Boundary})
	a.tellStates(t)
}

// tellStates writes which orders stand elsewhere than the journal says.
func (a *audit) tellStates(t telling) {
	for _, o := range t.law.Orders() {
		known, state := a.orders[o.ID], stateEvent(o.State(t.now))
		if known != nil && known.State != state {
			known.State = state
			a.tell(t, journal.Entry{Event: state, Order: o.ID, Revision: o.Revision})
		}
	}
}

// stateEvent is the event of an order that begins to stand there.
func stateEvent(s policy.State) journal.Event {
	switch s {
	case policy.Pending:
		return journal.Pending
	case policy.InForce:
		return journal.InForce
	}
	return journal.Lapsed
}

// tellOverride writes an override without which the order would be refused.
func (a *audit) tellOverride(t telling, o *policy.Order, use guard.Use) {
	detail := overrideDetail{Note: use.Note.Error()}
	for _, v := range o.Overrides {
		if v.Place == use.Note.Place {
			detail.Guard, detail.ApprovedBy, detail.At = v.Guard.String(), v.ApprovedBy, v.At
			detail.Reason = a.words(v.Reason, o.Publicity == order.Hidden)
		}
	}
	a.tell(t, journal.Entry{Event: journal.Override, Order: o.ID, Revision: o.Revision, Detail: journal.Detail(detail)})
}

// close writes the end and waits for the disk, but not for ever.
func (a *audit) close() {
	if a == nil {
		return
	}
	a.stop()
	a.archive.close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began {
		t := telling{law: a.law.Load(), now: wallClock()}
		a.tellMatches(t)
		a.tell(t, journal.Entry{Event: journal.Stop})
	}
	a.closed = true
	if err := a.journal.Close(); err != nil {
		a.log.Error(err.Error())
		return
	}
	if text := a.history(); text != nil {
		a.writeHistory(text)
	}
}

// writer is what writes the journal, nil if nothing does.
func (a *audit) writer() *journal.Writer {
	if a == nil {
		return nil
	}
	return a.journal
}
