package journal

import (
	"encoding/json"
	"time"
)

// run writes what is appended until Close.
func (w *Writer) run() {
	defer close(w.done)
	heads := time.NewTicker(w.headEvery)
	defer heads.Stop()
	for {
		w.flush()
		wake, retry := w.wake, (<-chan time.Time)(nil)
		if w.failing.Load() {
			wake, retry = nil, time.After(retryAfter)
		}
		select {
		case <-wake:
		case <-retry:
		case <-heads.C:
			w.Append(Entry{Event: Head})
		case <-w.closing:
			w.Append(Entry{Event: Head})
			w.flush()
			return
		}
	}
}

// flush writes everything that waits; first what went wrong before.
func (w *Writer) flush() {
	w.take()
	err := w.reopen()
	if err == nil {
		err = w.writeGap()
	}
	for err == nil && len(w.pending) > 0 {
		if err = w.writeEntry(w.pending[0]); err == nil {
			w.drop()
		}
	}
	if err == nil {
		err = w.live.file.Sync()
	}
	switch {
	case err != nil:
		w.fail(err)
		return
	case w.failing.Swap(false):
		w.log.Info("journal: is written again")
	}
	w.settle()
}

// settle notes the end of the chain, if nothing has come meanwhile.
func (w *Writer) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		w.end = KeptHead{w.live.seq, w.live.hash}
	}
}

// take moves the queue to pending.
func (w *Writer) take() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, w.queue...)
	w.queue = nil
	if w.lost.Lost > 0 {
		w.gap.Lost += w.lost.Lost
		w.extendGap(w.lost.From, w.lost.To, "the disk did not keep up")
		w.lost = Missing{}
	}
}

// drop forgets the first pending entry.
func (w *Writer) drop() {
	w.mu.Lock()
	w.octets -= entryOctets + len(w.pending[0].Detail)
	w.mu.Unlock()
	w.pending[0] = Entry{} // its detail
	w.pending = w.pending[1:]
}

// reopen opens the file again after an error, and where somebody has taken it
// away, or its folder.
func (w *Writer) reopen() error {
	if w.live.file != nil && !(inPlace(w.live.file) && inPlace(w.lock)) {
		w.live.close()
		w.extendGap(time.Now(), time.Now(), "the file was moved away or removed while the server wrote it")
		w.log.Error("journal: the file was moved away or removed; a new one goes on behind it", "after", w.live.seq)
	}
	if w.live.file != nil {
		return nil
	}
	if err := w.retake(); err != nil {
		return err
	}
	return w.openLive()
}

// retake makes the folder this server's again, where that was removed and the
// lock and the keys with it.
func (w *Writer) retake() error {
	if inPlace(w.lock) {
		return nil
	}
	lock, err := lockFolder(w.folder)
	if err != nil {
		return err
	}
	w.lock.Close()
	w.lock = lock
	_, err = openKeys(w.folder, w.keys)
	return err
}

// openLive opens the file, and notes a torn line.
func (w *Writer) openLive() error {
	torn, err := w.live.open()
	if torn > 0 {
		w.gap.TornOctets += torn
		w.extendGap(time.Now(), time.Now(), "a line was not written to its end and is cut off")
		w.log.Warn("journal: the last line was not written to its end and is cut off", "octets", torn, "after", w.live.seq)
	}
	return err
}

// extendGap notes why a gap entry is due. The first cause is kept.
func (w *Writer) extendGap(from, to time.Time, cause string) {
	if w.gap.Cause == "" {
		w.gap.Cause, w.gap.From = cause, from.UTC().Round(0)
	}
	w.gap.To = to.UTC().Round(0)
}

// writeGap writes the gap entry, if one is due.
func (w *Writer) writeGap() error {
	if w.gap.Cause == "" {
		return nil
	}
	if w.failing.Load() {
		w.gap.Late = uint64(len(w.pending))
	}
	err := w.writeEntry(Entry{Time: time.Now().UTC().Round(0), Event: Gap, Detail: Detail(w.gap)})
	if err == nil {
		w.gap = Missing{}
	}
	return err
}

// writeEntry writes the next line of the chain.
func (w *Writer) writeEntry(e Entry) error {
	e.Seq, e.Prev = w.live.seq+1, w.live.hash
	if e.Event == Head {
		e.Detail = Detail(w.keys.sign(w.live.seq, w.live.hash, e.Time))
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := w.live.append(text, e.Seq); err != nil {
		return err
	}
	if e.Event == Head { // who keeps the log elsewhere can tell whether the end was cut off
		w.log.Info("journal: head signed", "head", KeptHead{e.Seq - 1, e.Prev}.String(), "key", w.KeyID())
	}
	w.written.Add(1)
	w.lastWrite.Store(time.Now().UnixNano())
	return nil
}

// fail notes that the disk refused, and shouts now and then.
func (w *Writer) fail(err error) {
	now := time.Now()
	w.failures.Add(1)
	w.failing.Store(true)
	w.extendGap(now, now, err.Error())
	if now.Sub(w.shouted) >= shoutEvery {
		w.shouted = now
		w.log.Error("journal: cannot be written; answers go on, entries wait", "cause", err, "waiting", len(w.pending))
	}
}
