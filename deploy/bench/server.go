package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

const (
	startTime = 5 * time.Minute  // many times what the slowest peer takes for a million rules
	stopTime  = 10 * time.Second // after which it is killed
)

// server is a running server. Whoever started it stops it.
type server struct {
	peer
	site
	pid    int
	cancel context.CancelFunc
	ended  chan struct{} // closed when the process has
}

// cores are what servers and what everything else is pinned to; the same one
// where the machine has one only.
func cores() (servers, others string) {
	return "0", strconv.Itoa(min(1, runtime.NumCPU()-1))
}

// pinned is a command line that runs on one core.
func pinned(ctx context.Context, core string, arguments ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "taskset", append([]string{"-c", core}, arguments...)...) //nolint:gosec // from the tables of this program
}

// start starts the peer at the site, and returns at once. What the server says
// goes to the file log in its folder.
func start(ctx context.Context, p peer, at site, core string) (*server, error) {
	if err := p.configure(at); err != nil {
		return nil, err
	}
	line, err := fill(p.command, at)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(at.Dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := pinned(ctx, core, strings.Fields(line)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = at.Dir, log, log
	cmd.Env = append(os.Environ(), at.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	s := &server{peer: p, site: at, cancel: cancel, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	s.pid = cmd.Process.Pid
	go func() {
		defer close(s.ended)
		_ = cmd.Wait() // how it ended is in its log
	}()
	return s, nil
}

// stop ends the server and waits for its end.
func (s *server) stop() {
	s.cancel()
	<-s.ended
}

// await returns once the server carries out n rules, from the first on, and answers
// free names.
func (s *server) await(ctx context.Context, first, n int) error {
	limit := time.NewTimer(startTime)
	defer limit.Stop()
	for attempt := 0; ; attempt++ {
		cause := s.verify(ctx, first, n, attempt)
		if cause == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			return fmt.Errorf("ended before it was ready: %s", s.lastWords())
		case <-limit.C:
			return fmt.Errorf("not ready after %v: %w: %s", startTime, cause, s.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// verify lets a handful of rules stand for all, not the last alone: servers take
// rules in an order of their own.
func (s *server) verify(ctx context.Context, first, n, attempt int) error {
	fresh := fmt.Sprintf("p%d.", attempt) // no cache has it
	for _, of := range witnesses(first, n) {
		for _, name := range []string{fresh + of, of} {
			if err := s.expect(ctx, name, dns.RcodeNameError); err != nil {
				return err
			}
		}
	}
	return s.expect(ctx, fresh+free("v", 0), dns.RcodeSuccess)
}

// witnesses are the names of up to three of n rules, from the first on.
func witnesses(first, n int) (names []string) {
	for _, i := range []int{n - 1, n / 2, 0}[:min(n, 3)] {
		names = append(names, rule(first+i))
	}
	return names
}

// expect asks for the name's address, and returns an error unless the answer
// has the RCODE.
func (s *server) expect(ctx context.Context, name string, rcode int) error {
	client := dns.Client{Timeout: 100 * time.Millisecond}
	query := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	reply, _, err := client.ExchangeContext(ctx, query, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if reply.Rcode != rcode {
		return fmt.Errorf("%s: got %s, want %s", name, dns.RcodeToString[reply.Rcode], dns.RcodeToString[rcode])
	}
	return nil
}

// lastWords is the end of the server's log, on one line.
func (s *server) lastWords() string {
	text, err := os.ReadFile(filepath.Join(s.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	const most = 500 // octets
	text = text[max(0, len(text)-most):]
	return strings.Join(strings.Fields(string(text)), " ")
}

// freePort is a port that nobody has on 127.0.0.1, neither over UDP nor over TCP.
func freePort() (int, error) {
	for range 100 {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return 0, err
		}
		port := c.LocalAddr().(*net.UDPAddr).Port
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		_ = c.Close()
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}
