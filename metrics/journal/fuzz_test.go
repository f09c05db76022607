package journal

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func FuzzRead_neverPanics(f *testing.F) {
	f.Add([]byte(`{"seq":1,"time":"2026-11-01T00:00:00Z","event":"start","prev":"` + noHash + `"}` + "\n"))
	f.Add([]byte("\n\n{}\n\x00"))
	f.Add([]byte(`{"seq":1,"time":"2026-11-01T00:00:00Z","event":"start","prev":"","detail":{"load":{"file_changes":1,"paths":["../.."]}}}` + "\n" +
		`{"seq":2,"time":"2026-11-01T00:00:00Z","event":"files","prev":"","detail":{"all":true,"read":[{"path":"../../x","sha256":"00"}]}}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, liveFile), text, modePrivate); err != nil {
			t.Fatal(err)
		}
		for e, err := range Read(folder) {
			if (err == nil) != (e.Seq > 0) {
				t.Fatalf("got entry %+v and error %v", e, err)
			}
		}
		if at, err := LoadAt(folder, time.Now()); err == nil {
			_, _, _ = at.Restore(t.TempDir())
		}
		w, err := Open(folder, quiet())
		if err != nil {
			return
		}
		w.Append(Entry{Event: Start})
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		verified(t, folder)
	})
}
