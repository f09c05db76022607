// Package querylog writes down who asked for what: as lines of JSON in a file,
// and as dnstap, in a file or to a reader on a Unix socket.
//
// It decides nothing and never holds up a query. record, on the query path,
// copies bounded octets into a batch in memory that one worker mostly has to
// itself; one goroutine turns batches into JSON and dnstap, and one a sink
// writes. Whatever has no room on the way, since a disk or reader is slow or
// dead, is dropped and counted.
//
// What tells on people leaves in the form that the configuration asks for:
// clients truncated, as a keyed digest, or not at all. The names of queries
// under a hidden order leave as a keyed digest only. Start reading at record,
// then encode; entry is what is known of a query.
package querylog

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bailiff/resolver"
)

// Config is what a Log needs. Of the file and the socket of dnstap at most one
// may be given.
type Config struct {
	JSONFile     string // of lines of JSON; appended to
	DnstapFile   string // of dnstap frames; one that is there already is renamed
	DnstapSocket string // a Unix socket on which a reader of dnstap listens

	OnlyMatches bool   // of queries that fall under an order
	Sample      uint32 // one of so many queries that fall under none; 0 and 1: all
	Clients     Clients

	Identity, Version string       // of this server, for dnstap; may be empty
	Log               *slog.Logger // nil: none
}

const (
	// flushInterval is how long an entry waits at most before it is encoded.
	flushInterval = 100 * time.Millisecond
	// closePatience is how long the end waits for slow readers.
	closePatience = time.Second
)

// Log is a query log; nil is one that is off. Its methods may be called by
// several goroutines at once, and what Recorder returns also after Close:
// nothing is written then.
type Log struct {
	cfg    Config
	shards []*shard // by worker
	sinks  []*sink
	veil   *veil
	wake   chan struct{} // a batch is half full
	stop   chan struct{}
	done   sync.WaitGroup // the encoder
}

// shard is where the entries of one worker wait to be encoded.
type shard struct {
	mu      sync.Mutex
	filling *batch        // the encoder swaps it
	dropped atomic.Uint64 // entries for which it had no room
	_       [40]byte      // fills a cache line: workers should not share one
}

// Start opens the files, and begins to look for the reader of the socket. A
// file that cannot be opened is the error. Without a file or socket it returns
// nil.
func Start(cfg Config) (*Log, error) {
	if cfg.JSONFile == "" && cfg.DnstapFile == "" && cfg.DnstapSocket == "" {
		return nil, nil
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, veil: newVeil(cfg.Clients), wake: make(chan struct{}, 1), stop: make(chan struct{})}
	if err := l.openSinks(); err != nil {
		l.closeFiles()
		return nil, err
	}
	for range runtime.GOMAXPROCS(0) {
		l.shards = append(l.shards, &shard{filling: newBatch()})
	}
	for _, s := range l.sinks {
		go s.run() // to Close
	}
	l.done.Go(l.encode)
	if cfg.Clients == Full {
		cfg.Log.Warn("the query log shows the full addresses of clients")
	}
	return l, nil
}

// openSinks makes the sinks, those of files open.
func (l *Log) openSinks() error {
	tap := newTap(l.cfg.Identity, l.cfg.Version, l.veil)
	var problems []error
	if path := l.cfg.JSONFile; path != "" {
		problems = append(problems, l.addSink("json", path, jsonFile(path), lines{l.veil}.append).openFile())
	}
	if path := l.cfg.DnstapFile; path != "" {
		problems = append(problems, l.addSink("dnstap", path, dnstapFile(path), tap.append).openFile())
	}
	if path := l.cfg.DnstapSocket; path != "" {
		l.addSink("dnstap", path, dnstapSocket(path), tap.append)
	}
	return errors.Join(problems...)
}

func (l *Log) addSink(name, path string, open func() (*stream, error), encode func([]byte, *entry) []byte) *sink {
	s := newSink(name, path, open, encode)
	s.log = l.cfg.Log.With("sink", name, "path", path)
	l.sinks = append(l.sinks, s)
	return s
}

// closeFiles gives up a start.
func (l *Log) closeFiles() {
	for _, s := range l.sinks {
		s.giveUp()
		if s.out != nil {
			s.out.close()
		}
	}
}

// Recorder is what the resolver tells of queries; nil for a log that is off.
func (l *Log) Recorder() resolver.Record {
	if l == nil {
		return nil
	}
	return l.record
}

// record takes a query for the log. It allocates nothing, and drops what it has
// no room for.
func (l *Log) record(q *resolver.Query, e resolver.Event, reply []byte) {
	if len(q.Matches()) == 0 && !l.samples() {
		return
	}
	s := l.shards[e.Worker%len(l.shards)]
	s.mu.Lock()
	fits := s.filling.add(q, e, reply)
	crowded := s.filling.crowded()
	s.mu.Unlock()
	if !fits {
		s.dropped.Add(1)
	}
	if crowded {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

// samples picks among queries that fall under no order.
func (l *Log) samples() bool {
	return !l.cfg.OnlyMatches && (l.cfg.Sample <= 1 || rand.Uint32N(l.cfg.Sample) == 0)
}

// encode turns batches into what the sinks write, until Close.
func (l *Log) encode() {
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	spare := newBatch()
	for open := true; open; {
		select {
		case <-tick.C:
		case <-l.wake:
		case <-l.stop:
			open = false
		}
		l.veil.rotate(time.Now())
		for _, s := range l.shards {
			s.mu.Lock()
			s.filling, spare = spare, s.filling
			s.mu.Unlock()
			l.encodeBatch(spare)
			spare.reset()
		}
	}
	for _, s := range l.sinks {
		s.end()
	}
}

// encodeBatch gives each sink the entries. A panic, a fault of this program,
// costs the rest of the batch and nothing else.
func (l *Log) encodeBatch(b *batch) {
	defer func() {
		if cause := recover(); cause != nil {
			l.cfg.Log.Error("the query log lost entries to a panic", "cause", cause)
		}
	}()
	for _, s := range l.sinks {
		for i := range b.entries {
			s.put(&b.entries[i])
		}
		s.flush()
	}
}

// Reopen makes the sinks look whether their files were renamed or removed, and
// open new ones if so.
func (l *Log) Reopen() {
	if l == nil {
		return
	}
	for _, s := range l.sinks {
		select {
		case s.reopen <- struct{}{}:
		default: // asked already
		}
	}
}

// Close writes what is there, as far as disk and readers take it within a
// second, and waits no longer than three. It is called once.
func (l *Log) Close() {
	if l == nil {
		return
	}
	close(l.stop)
	l.done.Wait()
	time.AfterFunc(closePatience, func() {
		for _, s := range l.sinks {
			s.giveUp()
		}
	})
	patience := time.After(closePatience + handshakeTimeout)
	for _, s := range l.sinks {
		select {
		case <-s.ended:
		case <-patience: // a disk that hangs
			return
		}
	}
}

// SinkStats are the counts of one sink since the start.
type SinkStats struct {
	Sink             string // json or dnstap
	Written, Dropped uint64 // entries
}

// Stats are the counts of every sink.
func (l *Log) Stats() []SinkStats {
	if l == nil {
		return nil
	}
	crowdedOut := uint64(0)
	for _, s := range l.shards {
		crowdedOut += s.dropped.Load()
	}
	stats := make([]SinkStats, len(l.sinks))
	for i, s := range l.sinks {
		stats[i] = SinkStats{s.name, s.written.Load(), s.dropped.Load() + crowdedOut}
	}
	return stats
}
