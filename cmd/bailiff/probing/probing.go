// Package probing asks a running server what orders make it answer, over its
// own UDP and TCP, and compares.
//
// What is expected comes from the compiled orders, by policy's own precedence;
// how an answer must look is said here once more, independently of the code
// that writes answers. It asks nobody but the one server, at a bounded rate and
// with a bounded number of questions under way, and keeps a bounded number of
// failures. It may import policy and below, and miekg/dns. Start reading at
// Run; plan.go says what is asked, expect.go what is expected, exchange.go how
// it is asked.
package probing

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// The questions under way: one for each worker, and each worker has a socket of
// its own, so that all cores of the server are asked.
const (
	udpWorkers = 512
	tcpWorkers = 8
	tcpOneIn   = 97 // questions; a prime, as the questions of a rule repeat
)

// When the server counts as gone: no reply for so long, and so many questions
// without one.
const (
	silenceLimit = 15 * time.Second
	silentLimit  = 100
)

// ErrSilent ends a run whose server has stopped to answer.
var ErrSilent = errors.New("the server does not answer any more")

// Config says what is asked of whom. All fields but Free are required.
type Config struct {
	Server  netip.AddrPort
	Client  netip.Addr              // of this machine as the server sees it
	Law     *policy.Store           // the orders loaded; it is advanced with the clock
	Rules   map[string][]order.Rule // by order id, with their names, which compiling takes out of the orders
	Free    []name.Name             // no order may answer for these
	Rate    int                     // questions a second
	Sample  int                     // suffixes for each any-tld label, at most MaxSample
	Timeout time.Duration           // of one try
	Digest  func(name string) string
}

// Probe is one run.
type Probe struct {
	Config
	tally     tally
	queries   [2]atomic.Int64 // sent, by transport
	lastReply atomic.Int64    // Unix nanoseconds
	silent    atomic.Int64    // questions since then that should have had a reply
	cancel    context.CancelCauseFunc
	silence   time.Duration // silenceLimit but in tests
	blocked   blocked       // how orders' answers are recognised, whatever is asked
}

// New prepares a run.
func New(c Config) *Probe {
	return &Probe{Config: c, tally: newTally(), silence: silenceLimit, blocked: newBlocked(c.Law.Load().Orders())}
}

// Sent is the number of queries so far. It may be called while Run runs.
func (p *Probe) Sent() int64 { return p.queries[udp].Load() + p.queries[tcp].Load() }

// Check asks for a name that no order can hold. The error says why a run would
// prove nothing.
func (p *Probe) Check(ctx context.Context) error {
	l := newLine(p.Server, udp)
	defer l.close()
	q := &question{qtype: dns.TypeA}
	q.name.Set([]byte(name.MustParse("localhost")))
	for range tries {
		reply, err := l.ask(ctx, q, true, p.Timeout)
		if err != nil {
			continue
		}
		if codes, _ := extendedErrors(reply); slices.Contains(codes, dns.ExtendedErrorCodeProhibited) {
			return problem.Fault{Text: fmt.Sprintf("does not serve %s (EDE 18)", p.Client), Remedy: "ask from a network in clients.serve"}
		}
		return nil
	}
	return problem.Fault{Text: "does not answer", Remedy: "check that it runs, and that it listens there"}
}

// Run asks everything and returns once all is answered or given up. With an
// error, ctx's or ErrSilent, the result is what was found so far.
func (p *Probe) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.cancel = cancel
	p.lastReply.Store(time.Now().UnixNano())
	questions := map[transport]chan *question{udp: make(chan *question), tcp: make(chan *question)}
	var workers sync.WaitGroup
	for range udpWorkers {
		workers.Go(func() { p.work(ctx, udp, questions[udp]) })
	}
	for range tcpWorkers {
		workers.Go(func() { p.work(ctx, tcp, questions[tcp]) })
	}
	p.feed(ctx, questions)
	for _, c := range questions {
		close(c)
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// feed hands out the questions, no faster than the rate. After a stop it does
// not make up for the time lost.
func (p *Probe) feed(ctx context.Context, to map[transport]chan *question) {
	interval := time.Second / time.Duration(p.Rate)
	due, n := time.Now(), 0
	for q := range p.plan() {
		n++
		q.transport = udp
		if n%tcpOneIn == 0 {
			q.transport = tcp
		}
		if wait := time.Until(due); wait > time.Millisecond {
			time.Sleep(wait)
		} else if wait < -10*time.Millisecond {
			due = time.Now()
		}
		due = due.Add(interval)
		select {
		case <-ctx.Done():
			return
		case to[q.transport] <- q:
		}
	}
}

// work asks question after question.
func (p *Probe) work(ctx context.Context, over transport, questions <-chan *question) {
	l := newLine(p.Server, over)
	defer l.close()
	for q := range questions {
		if ctx.Err() != nil {
			continue
		}
		p.settle(q, p.prove(ctx, l, q))
	}
}

// replied and unanswered notice a server that has gone away.
func (p *Probe) replied() {
	p.lastReply.Store(time.Now().UnixNano())
	p.silent.Store(0)
}

func (p *Probe) unanswered() {
	since := time.Since(time.Unix(0, p.lastReply.Load()))
	if p.silent.Add(1) >= silentLimit && since > p.silence {
		p.cancel(ErrSilent)
	}
}
