// Package listen receives queries and sends replies: framing, and nothing that
// a message says. One file a transport; all of them fill a resolver.Query and
// call Respond.
package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"time"

	"bailiff/resolver"
)

// Config is what a Server needs.
type Config struct {
	// Addresses to serve, UDP and TCP on each. Port 0 takes one free port for
	// both.
	Addresses []netip.AddrPort
	// Inherited are sockets that somebody else, such as systemd, has bound to
	// some of Addresses; they are used instead of own ones. Listen closes the
	// files, whether it ends well or not.
	Inherited []*os.File
	Resolver  *resolver.Resolver
	Log       *slog.Logger
}

// Server is a set of open listeners. Listen opens them, Serve answers.
type Server struct {
	resolver *resolver.Resolver
	log      *slog.Logger
	bound    []netip.AddrPort
	udp      []*udpWorker // of all addresses
	tcp      *tcpServer
	reading  sync.WaitGroup // UDP workers
	done     sync.WaitGroup // everything else
}

// Listen opens every address, or none: an error closes those already open.
// Nothing is answered before Serve.
func Listen(cfg Config) (*Server, error) {
	s := &Server{resolver: cfg.Resolver, log: cfg.Log, tcp: newTCPServer(cfg.Resolver, cfg.Log)}
	given, err := inherit(cfg.Inherited, cfg.Addresses)
	if err != nil {
		return nil, err
	}
	for _, a := range cfg.Addresses {
		if err := s.open(a, given); err != nil {
			given.close()
			return nil, errors.Join(err, s.closeSockets())
		}
	}
	return s, nil
}

// open opens UDP and TCP on one address, as far as they are not given.
func (s *Server) open(a netip.AddrPort, given *inherited) error {
	const attempts = 10 // a free UDP port may be taken for TCP
	for attempt := 1; ; attempt++ {
		listeners, err := given.listenTCP(a)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", a, err)
		}
		got := netip.AddrPortFrom(a.Addr(), listeners[0].Addr().(*net.TCPAddr).AddrPort().Port())
		workers, err := given.openUDP(got, runtime.GOMAXPROCS(0), len(s.udp))
		if err == nil {
			s.tcp.listeners = append(s.tcp.listeners, listeners...)
			s.udp = append(s.udp, workers...)
			s.bound = append(s.bound, got)
			return nil
		}
		for _, l := range listeners {
			_ = l.Close()
		}
		if a.Port() != 0 || attempt == attempts {
			return fmt.Errorf("listen on %s: %w", a, err)
		}
	}
}

// network picks the address family, so that [::] leaves 0.0.0.0 alone.
func network(transport string, a netip.AddrPort) string {
	if a.Addr().Is4() {
		return transport + "4"
	}
	return transport + "6"
}

// Addresses are the addresses open, in the order of Config, with the ports
// that were taken.
func (s *Server) Addresses() []netip.AddrPort { return s.bound }

// Serve starts to answer. It returns at once.
func (s *Server) Serve() {
	for _, w := range s.udp {
		s.reading.Go(func() { w.serve(s.resolver) })
	}
	s.tcp.serve(&s.done)
}

// Shutdown stops to read, lets the queries already read have their answers
// until ctx ends, and closes the sockets. The Resolver must be closed after it
// returns, or its late replies are dropped.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, w := range s.udp {
		w.stop()
	}
	s.tcp.stop()
	s.reading.Wait() // or a closed socket's number might be another's when it is read
	s.resolver.Drain(ctx)
	err := s.closeSockets()
	s.done.Wait()
	return err
}

func (s *Server) closeSockets() error {
	return errors.Join(closeWorkers(s.udp), s.tcp.close())
}

func closeWorkers(workers []*udpWorker) error {
	var all []error
	for _, w := range workers {
		all = append(all, w.close())
	}
	return errors.Join(all...)
}

// clientOf is the client's address as the access list and the orders know it.
func clientOf(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// queryBytes is room for a query over UDP. Longer ones exist in no client: a
// question takes 267 octets and its options a few dozen.
const queryBytes = 4096

// replyBytes is room for every reply over UDP, with its OPT record before
// truncation takes it back.
const replyBytes = 2048

// idleTimeout ends connections without a query (RFC 7766 section 6.2.3).
const idleTimeout = 20 * time.Second
