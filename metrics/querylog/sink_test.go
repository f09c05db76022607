package querylog

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	framestream "github.com/farsightsec/golang-framestream"
	"github.com/miekg/dns"
)

// reader is a reader of dnstap on a socket.
type reader struct {
	path     string
	listener net.Listener
	mu       sync.Mutex // guards conns and what follows
	conns    []net.Conn
	frames   int
	ended    int           // streams that were ended well
	held     chan struct{} // nil: it reads; else it does not until closed
	done     sync.WaitGroup
}

// listen starts a reader; hold makes it one that accepts and then reads
// nothing.
func listen(t *testing.T, path string, held chan struct{}) *reader {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{path: path, listener: l, held: held}
	r.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.conns = append(r.conns, conn)
			r.mu.Unlock()
			r.done.Go(func() { r.read(conn) })
		}
	})
	return r
}

func (r *reader) read(conn net.Conn) {
	frames, err := framestream.NewReader(conn, &framestream.ReaderOptions{ContentTypes: [][]byte{contentType}, Bidirectional: true})
	if err != nil {
		return
	}
	if r.held != nil {
		<-r.held
	}
	room := make([]byte, maxFrame)
	for {
		_, err := frames.ReadFrame(room)
		r.mu.Lock()
		if err == nil {
			r.frames++
		} else if err == framestream.EOF {
			r.ended++
		}
		r.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (r *reader) count() (frames, ended int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frames, r.ended
}

// kill ends the reader as if its process died.
func (r *reader) kill() {
	_ = r.listener.Close()
	r.mu.Lock()
	for _, c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.done.Wait()
}

// readerPath is a path short enough for a socket.
func readerPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "tap")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "sock")
}

func TestSink_aReaderGetsFramesAndTheEnd(t *testing.T) {
	r := listen(t, readerPath(t), nil)
	w := newWorld(t, Config{DnstapSocket: r.path})
	w.ask(t, "free.test", "held.test")
	w.close()
	// The reader counts the end after it has answered it.
	eventually(t, "3 frames and the end of the stream", func() bool {
		frames, ended := r.count()
		return frames == 3 && ended == 1
	})
	r.kill()
}

func TestSink_aReaderThatComesLateOrDiesIsConnectedToWhenItIsThere(t *testing.T) {
	var text lockedBuffer
	path := readerPath(t)
	w := newWorld(t, Config{DnstapSocket: path, Log: slog.New(slog.NewTextHandler(&text, nil))})
	defer w.close()
	w.ask(t, "free.test")
	eventually(t, "a warning", func() bool { return strings.Contains(text.String(), "the query log is not written") })
	for range 2 {
		r := listen(t, path, nil)
		eventually(t, "frames", func() bool {
			w.ask(t, "free.test")
			time.Sleep(flushInterval)
			frames, _ := r.count()
			return frames > 0
		})
		r.kill()
	}
	eventually(t, "a drop", func() bool { w.ask(t, "free.test"); time.Sleep(flushInterval); return w.Stats()[0].Dropped > 0 })
	log := text.String()
	if strings.Count(log, "the query log is written again") < 1 || strings.Count(log, "\n") > 6 {
		t.Errorf("got log\n%s", log)
	}
}

func TestSink_aReaderThatStopsReadingHoldsUpNoQueryAndNoOtherSink(t *testing.T) {
	held := make(chan struct{})
	r := listen(t, readerPath(t), held)
	path := t.TempDir() + "/q"
	w := newWorld(t, Config{DnstapSocket: r.path, JSONFile: path})
	q := question(t, "localhost", dns.TypeA)
	asked := uint64(0)
	eventually(t, "a drop", func() bool {
		for range 1000 {
			started := time.Now()
			w.resolver.Respond(q)
			if took := time.Since(started); took > time.Second {
				t.Errorf("a query took %s", took)
			}
			asked++
		}
		time.Sleep(time.Millisecond) // let the encoder run
		return w.Stats()[1].Dropped > 0
	})
	eventually(t, "all in the other sink", func() bool { s := w.Stats()[0]; return s.Written+s.Dropped == asked })
	if s := w.Stats()[0]; s.Written < asked/2 {
		t.Errorf("got %+v of %d queries", s, asked)
	}
	close(held)
	eventually(t, "the reader to catch up", func() bool {
		s := w.Stats()[1]
		frames, _ := r.count()
		return s.Written+s.Dropped == asked && uint64(frames) == 2*s.Written
	})
	w.close()
	r.kill()
}

func TestClose_waitsForNoReaderThatHangs(t *testing.T) {
	held := make(chan struct{})
	r := listen(t, readerPath(t), held)
	w := newWorld(t, Config{DnstapSocket: r.path})
	q := question(t, "localhost", dns.TypeA)
	eventually(t, "a drop", func() bool {
		for range 1000 {
			w.resolver.Respond(q)
		}
		time.Sleep(time.Millisecond)
		return w.Stats()[0].Dropped > 0
	})
	started := time.Now()
	w.close()
	if took := time.Since(started); took > closePatience+handshakeTimeout+time.Second {
		t.Errorf("closing took %s", took)
	}
	close(held)
	r.kill()
}

func TestReopen_followsARenamedFile(t *testing.T) {
	for _, form := range []string{"json", "dnstap"} {
		t.Run(form, func(t *testing.T) {
			path := t.TempDir() + "/log"
			cfg := Config{JSONFile: path}
			if form == "dnstap" {
				cfg = Config{DnstapFile: path}
			}
			w := newWorld(t, cfg)
			w.ask(t, "free.test")
			eventually(t, "an entry", func() bool { return w.Stats()[0].Written == 1 })
			w.Reopen() // nothing was renamed: nothing happens
			if err := os.Rename(path, path+".1"); err != nil {
				t.Fatal(err)
			}
			w.Reopen()
			eventually(t, "a new file", func() bool { _, err := os.Stat(path); return err == nil })
			w.ask(t, "alias.test")
			w.close()
			for file, want := range map[string]string{path + ".1": "free", path: "alias"} {
				text, err := os.ReadFile(file)
				if err != nil || !bytes.Contains(text, []byte(want)) {
					t.Errorf("%s: got %q (%v), want %s in it", file, text, err, want)
				}
				if form == "dnstap" && len(framesOf(t, file)) != 2 {
					t.Errorf("%s: want two frames", file)
				}
			}
		})
	}
}

func TestDnstapFile_oneThatIsThereIsRenamed(t *testing.T) {
	path := t.TempDir() + "/log"
	for range 2 {
		w := newWorld(t, Config{DnstapFile: path})
		w.ask(t, "free.test")
		w.close()
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) != 2 {
		t.Fatalf("got %v, want two files", files)
	}
	for _, file := range files {
		if len(framesOf(t, file)) != 2 {
			t.Errorf("%s: want two frames", file)
		}
	}
}

func TestSink_ofAFullDiskNoHalfLineStays(t *testing.T) {
	path := t.TempDir() + "/q"
	w := newWorld(t, Config{JSONFile: path})
	defer w.close()
	w.ask(t, "free.test")
	eventually(t, "an entry", func() bool { return w.Stats()[0].Written == 1 })
	before, _ := os.ReadFile(path)
	lift := limitFileSize(t, uint64(len(before)+20))
	w.ask(t, "alias.test")
	eventually(t, "a drop", func() bool { return w.Stats()[0].Dropped == 1 })
	lift()
	if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
		t.Errorf("got %q, want %q", after, before)
	}
	w.ask(t, "watched.test")
	eventually(t, "another entry", func() bool { return w.Stats()[0].Written == 2 })
}

// limitFileSize makes writes beyond this many octets fail until lift is
// called.
func limitFileSize(t *testing.T, octets uint64) (lift func()) {
	t.Helper()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: octets, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	return func() { _ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) }
}

// lockedBuffer is a buffer for a logger.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
