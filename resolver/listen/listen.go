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
	done     sync.WaitGroup
}

// Listen opens every address, or none: an error closes those already open.
// Nothing is answered before Serve.
func Listen(cfg Config) (*Server, error) {
	s := &Server{resolver: cfg.Resolver, log: cfg.Log, tcp: newTCPServer(cfg.Resolver, cfg.Log)}
	for _, a := range cfg.Addresses {
		if err := s.open(a); err != nil {
			return nil, errors.Join(err, s.closeSockets())
		}
	}
	return s, nil
}

// open opens UDP and TCP on one address.
func (s *Server) open(a netip.AddrPort) error {
	const attempts = 10 // a free UDP port may be taken for TCP
	for attempt := 1; ; attempt++ {
		l, err := net.ListenTCP(network("tcp", a), net.TCPAddrFromAddrPort(a))
		if err != nil {
			return fmt.Errorf("listen on %s: %w", a, err)
		}
		got := netip.AddrPortFrom(a.Addr(), l.Addr().(*net.TCPAddr).AddrPort().Port())
		workers, err := openUDP(got, runtime.GOMAXPROCS(0), len(s.udp))
		if err == nil {
			s.tcp.listeners = append(s.tcp.listeners, l)
			s.udp = append(s.udp, workers...)
			s.bound = append(s.bound, got)
			return nil
		}
		_ = l.Close()
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
		s.done.Go(func() { w.serve(s.resolver) })
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
	s.resolver.Drain(ctx)
	err := s.closeSockets()
	s.done.Wait()
	return err
}

func (s *Server) closeSockets() error {
	var all []error
	for _, w := range s.udp {
		all = append(all, w.close())
	}
	return errors.Join(append(all, s.tcp.close())...)
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
