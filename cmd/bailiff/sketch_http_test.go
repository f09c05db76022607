package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy/name"
	"bailiff/resolver/sketch"
)

// onSocket serves a handler on a unix socket and returns what --server takes.
func onSocket(t *testing.T, handler http.Handler) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bailiff.sock")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Listener = socket
	s.Start()
	t.Cleanup(s.Close)
	return "unix:" + path
}

func TestReadServer_readsWhatTheSketchHandsOut(t *testing.T) {
	names := sketch.New()
	n := name.MustParse("energy-iptv2.example")
	names.Note(sketch.Sight{
		Name: n, Target: name.MustParse("edge.test"), Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.44")},
		Servers: []name.Name{name.MustParse("ns1.test")}, ServerAddresses: []netip.Addr{netip.MustParseAddr("198.51.100.53")},
	})
	mux := http.NewServeMux()
	mux.Handle("GET "+sketchPath, sketchHandler(names))
	overTCP := httptest.NewServer(mux)
	defer overTCP.Close()
	for _, address := range []string{onSocket(t, mux), overTCP.URL, overTCP.URL + "/"} {
		log := newQueryLog()
		if err := log.readServer(address); err != nil {
			t.Fatal(err)
		}
		if log.queries[n] != 1 || len(log.points[n]) != 4 || log.unread != 0 {
			t.Errorf("%s: got %v, %v, %d lines unread, want one name with 4 points", address, log.queries, log.points, log.unread)
		}
	}
}

func TestReadServer_saysWhatIsWrong(t *testing.T) {
	broken := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	tests := []struct{ name, in, want string }{
		{"no names watched", onSocket(t, sketchHandler(nil)), "the server does not watch names; set candidates: {watch: true}"},
		{"another program", onSocket(t, broken), "answers 418 "},
		{"no socket", "unix:" + filepath.Join(t.TempDir(), "none"), "no such file or directory"},
		{"no URL", "localhost:80", "is no address of a server; write unix:PATH"},
		{"no URL either", "http://", "is no address of a server; write unix:PATH"},
	}
	for _, tt := range tests {
		if err := newQueryLog().readServer(tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
