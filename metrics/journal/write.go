package journal

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"bailiff/policy/problem"
)

// What the Writer does by itself, and its bounds.
const (
	HeadEvery = 10 * time.Minute // between two signed heads; one more at the end

	rotateOctets = 64 << 20  // of a file
	maxWaiting   = 128 << 20 // octets of entries waiting for the disk: a load of 100,000 orders takes 60 MiB
	entryOctets  = 300       // of an entry, its detail left aside

	retryAfter    = time.Second // where the disk took nothing
	shoutEvery    = time.Minute
	closePatience = 3 * time.Second // for a disk that hangs
)

// Writer appends to the journal of one folder. Append, Digest and Stats may be
// called from any goroutine; none of them waits for the disk.
type Writer struct {
	folder string
	lock   *os.File
	keys   keys
	log    *slog.Logger

	mu     sync.Mutex // guards what follows
	room   int        // octets that may wait
	queue  []Entry
	octets int      // of queue, and of what run took from it
	end    KeptHead // the last entry of the chain, once all is on the disk; zero until then
	lost   Missing  // as far as it is about lost entries

	wake, closing, done chan struct{}

	written, failures, lostTotal atomic.Uint64
	lastWrite                    atomic.Int64 // Unix nanoseconds
	failing                      atomic.Bool

	// For run alone; see flush.go.
	live      *live
	headEvery time.Duration
	pending   []Entry // taken from queue, not written yet
	gap       Missing // what the next gap entry tells; without a cause: nothing
	shouted   time.Time
}

// Open makes or continues the journal in folder. A torn line at its end is cut
// off and recorded. The error is a problem.Problem: a folder that another
// server uses or that nobody may write to, or keys that are none. A disk that
// is full or read-only for now is no error: entries wait for it.
//
// The caller calls Close.
func Open(folder string, log *slog.Logger) (*Writer, error) {
	return open(folder, log, newLive(folder, rotateOctets))
}

func open(folder string, log *slog.Logger, l *live) (*Writer, error) {
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, err
	}
	removeDrafts(folder)
	removeDrafts(archiveOf(folder).folder)
	w := &Writer{
		folder: folder, lock: lock, log: log, live: l, headEvery: HeadEvery, room: maxWaiting,
		wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	fresh, err := newKeys()
	if err == nil {
		w.keys, err = openKeys(folder, fresh)
	}
	if err == nil {
		err = w.begin()
	}
	if err != nil {
		w.live.close()
		lock.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

// begin opens the file at the end of the chain.
func (w *Writer) begin() error {
	err := w.openLive()
	if err == nil {
		return nil
	}
	if MayPass(err) {
		w.fail(err)
		return nil
	}
	if p, ok := errors.AsType[problem.Problem](err); ok {
		return p
	}
	return unwritable(w.folder, err)
}

// Append adds an entry; a zero Time is now. It never waits: beyond its bounds
// the entry is lost, which a gap entry tells later.
func (w *Writer) Append(e Entry) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Time = e.Time.UTC().Round(0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end = KeptHead{}
	size := entryOctets + len(e.Detail)
	if size > maxLine || w.octets+size > w.room {
		w.lose(e)
		return
	}
	w.octets += size
	w.queue = append(w.queue, e)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// lose counts an entry that there is no room for. The caller holds w.mu.
func (w *Writer) lose(e Entry) {
	if w.lost.Lost++; w.lost.Lost == 1 {
		w.lost.From = e.Time
	}
	w.lost.To = e.Time
	w.lostTotal.Add(1)
}

// End is the last entry of the chain. It reports false while entries wait for
// the disk, and if there is none.
func (w *Writer) End() (last KeptHead, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.end, w.end.Seq > 0
}

// Digest stands for a name that must not be told: the same name has the same
// digest in all of this folder's journal, and who lacks the folder's key learns
// nothing from it.
func (w *Writer) Digest(name string) string { return w.keys.digest(name) }

// KeyID names the key that heads are signed with, as Verify and people do.
func (w *Writer) KeyID() string { return KeyID(w.keys.sign(0, "", time.Time{}).PublicKey) }

// KeyID is a short name of a public key.
func KeyID(key ed25519.PublicKey) string { return hashOf(key)[:16] }

// Stats are the figures of a Writer since it was opened.
type Stats struct {
	Written   uint64 // entries
	Failures  uint64 // attempts that the disk refused
	Lost      uint64 // entries
	LastWrite time.Time
	Failing   bool // the last attempt was refused
}

// Stats returns the figures of this moment. Those of a nil Writer are zero.
func (w *Writer) Stats() Stats {
	if w == nil {
		return Stats{}
	}
	s := Stats{Written: w.written.Load(), Failures: w.failures.Load(), Lost: w.lostTotal.Load(), Failing: w.failing.Load()}
	if at := w.lastWrite.Load(); at != 0 {
		s.LastWrite = time.Unix(0, at)
	}
	return s
}

// Close writes what waits and a signed head, and gives the folder free. It
// waits for the disk, but not for ever; the error is that something is lost.
func (w *Writer) Close() error {
	close(w.closing)
	select {
	case <-w.done:
	case <-time.After(closePatience):
		return fmt.Errorf("%s: journal: the disk does not answer: the last entries are lost", w.folder)
	}
	w.live.close()
	w.lock.Close()
	if w.failing.Load() {
		return fmt.Errorf("%s: journal: %s: %d entries are lost", w.folder, w.gap.Cause, len(w.pending))
	}
	return nil
}
