package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"bailiff/policy/problem"
)

// What the API's HTTP server bears: a few readers, and whoever else finds the
// port.
const (
	maxAPIConnections = 32 // of each listener
	maxAPIHeader      = 16 << 10
	apiReadTimeout    = 5 * time.Second // of a whole request
	apiWriteTimeout   = sketchTime      // of an answer
	apiIdleTimeout    = time.Minute
)

// socketFile is the socket of the API in the folder of the journal.
const socketFile = "bailiff.sock"

// apiServer serves the API on a socket, over TCP, or both.
type apiServer struct {
	listeners []net.Listener
	servers   []*http.Server
	tcp       net.Addr // nil: not over TCP
	socket    string   // path; empty: none
	done      sync.WaitGroup
}

// listenAPI opens what the config asks for; nothing is served before Serve. The
// folder of the socket is there, and no other server's: the journal holds it.
func listenAPI(c *config, handler http.Handler, log *slog.Logger) (*apiServer, error) {
	s := new(apiServer)
	err := s.openTCP(&c.api, handler, log)
	if err == nil && c.state != "" {
		err = s.openSocket(filepath.Join(c.state, socketFile), handler, log)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *apiServer) openTCP(c *apiConfig, handler http.Handler, log *slog.Logger) error {
	if !c.listen.IsValid() {
		return nil
	}
	token, err := c.token()
	if err != nil {
		return err
	}
	protection, err := c.tls()
	if err != nil {
		return err
	}
	network := "tcp6" // [::] leaves 0.0.0.0 alone, and the other way round
	if c.listen.Addr().Is4() {
		network = "tcp4"
	}
	l, err := net.ListenTCP(network, net.TCPAddrFromAddrPort(c.listen))
	if err != nil {
		return fmt.Errorf("api: listen on %s: %w", c.listen, err)
	}
	s.tcp = l.Addr()
	var listener net.Listener = l
	if protection != nil {
		listener = tls.NewListener(l, protection)
	}
	switch {
	case token != nil:
		handler = requireToken(token, handler)
	case c.clientCA == "":
		handler = requireLocalHost(handler)
	}
	s.add(listener, handler, log)
	return nil
}

// openSocket opens the socket for this user alone. One that a dead server left
// behind is replaced. A disk that takes none, full or read-only, stops nothing.
func (s *apiServer) openSocket(path string, handler http.Handler, log *slog.Logger) error {
	if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", path); err == nil {
		conn.Close()
		return problem.Problem{File: path, Text: "is the socket of a server that is running", Remedy: "stop that one, or give each its own state"}
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return problem.Problem{File: path, Text: "is in the way: it is no socket", Remedy: "move it out of the folder"}
	}
	_ = os.Remove(path) // nobody listens; what cannot be removed cannot be bound
	private := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if e := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), uint32(filePrivate)) }); e != nil { // before it has a name
			return e
		}
		return err
	}}
	l, err := private.Listen(context.Background(), "unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return problem.Problem{File: path, Text: "is too long for a socket: 107 octets", Remedy: "take a shorter path for state"}
	}
	if err != nil {
		log.Error("the API has no socket; queries are answered all the same", "cause", err)
		return nil
	}
	if err := os.Chmod(path, filePrivate); err != nil { // where the mode before does not count
		return fmt.Errorf("api: %w", errors.Join(err, l.Close()))
	}
	s.socket = path
	s.add(l, handler, log)
	return nil
}

func (s *apiServer) add(l net.Listener, handler http.Handler, log *slog.Logger) {
	s.listeners = append(s.listeners, netutil.LimitListener(l, maxAPIConnections))
	s.servers = append(s.servers, &http.Server{
		Handler:        handler,
		ReadTimeout:    apiReadTimeout,
		WriteTimeout:   apiWriteTimeout,
		IdleTimeout:    apiIdleTimeout,
		MaxHeaderBytes: maxAPIHeader,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug), // strangers' mistakes
	})
}

// Serve starts to answer. It returns at once.
func (s *apiServer) Serve() {
	for i, server := range s.servers {
		s.done.Go(func() { _ = server.Serve(s.listeners[i]) }) // returns when Shutdown is called
	}
}

// Addresses are where the API is served.
func (s *apiServer) Addresses() (addresses []string) {
	if s.tcp != nil {
		addresses = append(addresses, s.tcp.String())
	}
	if s.socket != "" {
		addresses = append(addresses, "unix:"+s.socket)
	}
	return addresses
}

// Shutdown lets the requests under way end until ctx ends, and closes.
func (s *apiServer) Shutdown(ctx context.Context) error {
	var all []error
	for _, server := range s.servers {
		if err := server.Shutdown(ctx); err != nil {
			all = append(all, err, server.Close())
		}
	}
	s.done.Wait()
	return errors.Join(all...)
}

// close closes what was opened and never served.
func (s *apiServer) close() error {
	var all []error
	for _, l := range s.listeners {
		all = append(all, l.Close())
	}
	return errors.Join(all...)
}

// requireToken lets those pass that show the token whose SHA-256 is sum.
func requireToken(sum []byte, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		shown := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(shown[:], sum) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="bailiff"`)
			refuse(w, http.StatusUnauthorized, "the token is missing or wrong; send Authorization: Bearer TOKEN")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// requireLocalHost keeps web pages out, which a browser on this machine may
// lead here under a name of their own (DNS rebinding).
func requireLocalHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		address, _ := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && !address.IsLoopback() {
			refuse(w, http.StatusForbidden, "the host is not this machine; ask for 127.0.0.1, [::1] or localhost")
			return
		}
		next.ServeHTTP(w, r)
	})
}
