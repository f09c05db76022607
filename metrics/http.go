package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// What the HTTP server bears: a few scrapers and probes, and whoever else
// finds the port.
const (
	maxConnections = 64
	maxScrapes     = 4 // at once; more get 503
	maxHeaderBytes = 16 << 10
	readTimeout    = 5 * time.Second // of a whole request
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute // two scrape intervals of a minute
)

// Server serves /metrics, /healthz (the process runs) and /readyz (it answers
// queries), to GET and HEAD.
type Server struct {
	listener net.Listener
	http     http.Server
	unready  atomic.Pointer[string] // why; nil: ready
	done     sync.WaitGroup
}

// Listen opens the address; port 0 takes a free one. Nothing is served before
// Serve, and the server is not ready before Ready.
func Listen(address netip.AddrPort, c *Collector, log *slog.Logger) (*Server, error) {
	registry := prometheus.NewRegistry()
	for _, each := range []prometheus.Collector{
		c, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(each); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	network := "tcp6" // [::] leaves 0.0.0.0 alone, and the other way round
	if address.Addr().Is4() {
		network = "tcp4"
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(address))
	if err != nil {
		return nil, fmt.Errorf("metrics: listen on %s: %w", address, err)
	}
	s := &Server{listener: netutil.LimitListener(l, maxConnections)}
	s.Unready("starting")
	s.http = http.Server{
		Handler:        s.handler(registry),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers' mistakes
	}
	return s, nil
}

func (s *Server) handler(registry prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if reason := s.unready.Load(); reason != nil {
			http.Error(w, *reason, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	return mux
}

// Address is the address open, with the port that was taken.
func (s *Server) Address() netip.AddrPort {
	return s.listener.Addr().(*net.TCPAddr).AddrPort()
}

// Serve starts to answer. It returns at once.
func (s *Server) Serve() {
	s.done.Go(func() { _ = s.http.Serve(s.listener) }) // returns when Shutdown is called
}

// Ready makes /readyz say so.
func (s *Server) Ready() { s.unready.Store(nil) }

// Unready makes /readyz answer 503 with the reason.
func (s *Server) Unready(reason string) { s.unready.Store(&reason) }

// Shutdown lets the requests under way end until ctx ends, and closes.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.done.Wait()
	return err
}
