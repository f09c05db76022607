// Package upstream asks upstream resolvers: forwarding over plain UDP and TCP.
//
// It decides which server is asked, how long it is waited for, which response
// is believed and which of its records belong to the question. It keeps no
// cache, knows no orders and validates no signatures. It may import miekg/dns
// and, of bailiff, resolver/exchange, which sends and receives.
//
// Start reading at Forwarder.Resolve; race.go spreads a question over servers,
// try.go asks one of them, scrub.go and chain.go say which records answer the
// question, and answer.go when that need not be asked.
package upstream

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
)

// questionDeadline bounds one Resolve. A stub resolver gives up after 5 s (the
// default of resolv.conf); half a second is left for the way back.
const questionDeadline = 4500 * time.Millisecond

// Question is what is asked.
type Question = exchange.Question

// Resolver resolves questions: a Forwarder, a Recursor, or a layer over one of
// them. The error of Resolve is a *Failure.
type Resolver interface {
	Resolve(ctx context.Context, q Question) (Answer, error)
	Close()
}

// Exchange is one query to one server, for metrics.
type Exchange struct {
	To    netip.AddrPort
	Rcode int // -1: no response, or another server's came first
	Took  time.Duration
}

// Config says whom to ask and how. It is copied.
type Config struct {
	Servers           []netip.AddrPort // in order of preference until their speed is known
	CaseRandomisation bool             // mixed case in QNAME ("0x20"), for servers that repeat it
	Observe           func(Exchange)   // nil: nobody looks; called by several goroutines at once
	Now               func() time.Time // nil: time.Now
}

// Forwarder resolves questions by asking upstream resolvers. Its methods may
// be called by several goroutines at once. The number of questions under way
// is the caller's to bound: each takes at most maxTries sockets.
type Forwarder struct {
	servers   *roster
	mixedCase bool
	observe   func(Exchange)
	now       func() time.Time
	sockets   *exchange.Sockets

	mu      sync.Mutex // guards closed, and running.Add against running.Wait
	closed  bool
	running sync.WaitGroup
}

// New makes a Forwarder. It opens nothing and asks nobody until Resolve.
func New(c Config) *Forwarder {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(Exchange) {}
	}
	return &Forwarder{
		servers:   newRoster(c.Servers, c.Now),
		mixedCase: c.CaseRandomisation,
		observe:   c.Observe,
		now:       c.Now,
		sockets:   exchange.NewSockets(nil),
	}
}

// Resolve asks the upstreams until one gives an acceptable answer, for at most
// questionDeadline or until ctx ends. The error is always a *Failure. When
// Resolve returns, everything it started has ended.
func (f *Forwarder) Resolve(ctx context.Context, q Question) (Answer, error) {
	if !f.begin() {
		return Answer{}, &Failure{EDE: dns.ExtendedErrorCodeNetworkError, Cause: "the forwarder is closed"}
	}
	defer f.running.Done()

	ctx, cancel := context.WithTimeout(ctx, questionDeadline)
	r := newRace(f, q)
	defer r.tries.Wait()
	defer cancel() // before the wait: it closes the sockets of the tries that lost
	return r.run(ctx)
}

// begin counts one more running question, unless the Forwarder is closed.
func (f *Forwarder) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.running.Add(1)
	return true
}

// Healthy counts the servers that are not backed off.
func (f *Forwarder) Healthy() int {
	return f.servers.healthy()
}

// Close refuses further questions and waits for those under way: at most
// questionDeadline, less if their contexts end. It may be called again.
func (f *Forwarder) Close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.running.Wait()
	f.sockets.Close()
}
