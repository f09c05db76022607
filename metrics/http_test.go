package metrics

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// newServer serves the metrics of two orders until the test ends.
func newServer(t *testing.T) *Server {
	t.Helper()
	s, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"), newCollector(t, twoOrders), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Serve()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Log(err) // the test's context may have ended
		}
	})
	return s
}

// get returns status and body.
func get(t *testing.T, s *Server, method, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Address().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestServer_servesItsThreePagesAndNothingElse(t *testing.T) {
	s := newServer(t)
	s.Ready()
	for _, tt := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/metrics", 200, `bailiff_order_rules{order="it-test",trigger="name"} 2`},
		{"GET", "/metrics", 200, "go_goroutines"},
		{"GET", "/metrics", 200, "process_open_fds"},
		{"HEAD", "/metrics", 200, ""},
		{"GET", "/healthz", 200, "ok"},
		{"GET", "/readyz", 200, "ready"},
		{"GET", "/", 404, ""},
		{"GET", "/debug/pprof/", 404, ""},
		{"POST", "/metrics", 405, ""},
		{"DELETE", "/healthz", 405, ""},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			status, body := get(t, s, tt.method, tt.path)
			if status != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("got %d %.200q, want %d with %q", status, body, tt.status, tt.body)
			}
		})
	}
}

func TestServer_isReadyWhenToldAndSaysWhyNot(t *testing.T) {
	s := newServer(t)
	expectReady := func(status int, body string) {
		t.Helper()
		if gotStatus, got := get(t, s, "GET", "/readyz"); gotStatus != status || got != body {
			t.Errorf("got %d %q, want %d %q", gotStatus, got, status, body)
		}
	}
	expectReady(503, "starting\n")
	s.Ready()
	expectReady(200, "ready\n")
	s.Unready("stopping")
	expectReady(503, "stopping\n")
	if status, _ := get(t, s, "GET", "/healthz"); status != 200 {
		t.Errorf("got healthz %d, want 200", status)
	}
}

func TestServer_refusesLongHeaders(t *testing.T) {
	s := newServer(t)
	conn, err := net.Dial("tcp", s.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { // the server may answer before it has read all
		_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: test\r\nX: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
	}()
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 431" {
		t.Errorf("got %q, %v, want HTTP/1.1 431", answer, err)
	}
}

func TestResult_hasAWordForEach(t *testing.T) {
	for r := range results {
		if got := Result(r).String(); strings.Contains(got, "Result") {
			t.Errorf("got %s", got)
		}
	}
}
