package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// flow is queries that go out at a steady pace, whatever becomes of those before.
type flow struct {
	perSecond int
	queries   [][]byte // asked one after the other, and again from the first
	want      uint8    // RCODE; another counts as wrong
	// answered, where there is one, is told each answer: which query, and when
	// it came. It runs in the generator's thread.
	answered func(query int, rcode uint8, at time.Time)
}

// openLoop sends flows from one socket and one thread, which neither allocates nor
// waits for anything but the next query that is due and the answers.
type openLoop struct {
	socket int
	began  time.Time
	flows  []*running
	open   [1 << 16]asked // by message ID; IDs are used again long after patience
	id     uint16

	underWay int // queries without an answer; those lost stay
	packet   [4096]byte
}

// running is a flow on its way.
type running struct {
	flow
	pause time.Duration // between two queries
	sent  int
	outcome
}

// asked is a query under way; flow is nil if there is none.
type asked struct {
	flow *running
	n    int // which of the flow's
}

// generate sends the flows to the port until ctx ends, and waits for the last
// answers.
func generate(ctx context.Context, port int, flows ...flow) ([]outcome, error) {
	socket, err := dial(port)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(socket) }()
	g := &openLoop{socket: socket}
	for _, f := range flows {
		const seconds = 60 // room for more than a turn takes: it is made before the first query, not between two
		g.flows = append(g.flows, &running{
			flow: f, pause: time.Second / time.Duration(f.perSecond), outcome: outcome{answers: make([]answer, 0, seconds*f.perSecond)},
		})
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()                          // and never unlocked: the thread ends with its priority
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, -10) // as root; else whatever else runs on the core disturbs it
		done <- g.run(ctx)
	}()
	err = <-done
	var outcomes []outcome
	for _, f := range g.flows {
		f.close()
		outcomes = append(outcomes, f.outcome)
	}
	return outcomes, err
}

// dial returns a socket that is connected to the port and never waits.
func dial(port int) (int, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("socket: %w", err)
	}
	const room = 4 << 20 // octets: answers to all that a server may hold back and then answer at once
	_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room)
	to := &unix.SockaddrInet4{Port: port, Addr: netip.MustParseAddr("127.0.0.1").As4()}
	if err := unix.Connect(socket, to); err != nil {
		_ = unix.Close(socket)
		return 0, fmt.Errorf("connect: %w", err)
	}
	return socket, nil
}

// run is the loop. What is due before the end of ctx is sent, however late.
func (g *openLoop) run(ctx context.Context) error {
	g.began = time.Now()
	var length atomic.Int64 // of the flows; known at their end
	defer context.AfterFunc(ctx, func() { length.Store(int64(time.Since(g.began))) })()
	for {
		now, end := time.Since(g.began), time.Duration(length.Load())
		if end != 0 && (now > end+patience || g.underWay == 0) {
			return nil
		}
		next := now + 10*time.Millisecond
		for _, f := range g.flows {
			if due := g.send(f, now, end); due > now {
				next = min(next, due)
			}
		}
		if err := g.receive(); err != nil {
			return err
		}
		g.wait(next)
	}
}

// send sends what is due until now, but nothing after the end unless that is 0, and
// returns when the flow's next query is.
func (g *openLoop) send(f *running, now, end time.Duration) time.Duration {
	if end != 0 {
		now = min(now, end)
	}
	for ; f.due(f.sent) <= now; f.sent++ {
		g.id++
		g.open[g.id] = asked{f, f.sent}
		g.underWay++
		packet := append(g.packet[:0], f.queries[f.sent%len(f.queries)]...)
		packet[0], packet[1] = byte(g.id>>8), byte(g.id)
		f.answers = append(f.answers, answer{due: f.due(f.sent), took: patience})
		if _, err := unix.Write(g.socket, packet); errors.Is(err, unix.ECONNREFUSED) {
			_, _ = unix.Write(g.socket, packet) // the error was about an earlier one
		}
	}
	return f.due(f.sent)
}

func (f *running) due(n int) time.Duration { return time.Duration(n) * f.pause }

// receive takes the answers that are there.
func (g *openLoop) receive() error {
	for {
		n, err := unix.Read(g.socket, g.packet[:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.EINTR): // the server has closed its socket for a moment
			continue
		case err != nil:
			return fmt.Errorf("receive: %w", err)
		}
		if n >= 12 { // a DNS header
			g.take(g.packet[:n])
		}
	}
}

// take notes one answer.
func (g *openLoop) take(packet []byte) {
	to := &g.open[uint16(packet[0])<<8|uint16(packet[1])]
	f := to.flow
	if f == nil {
		return
	}
	now := time.Since(g.began)
	if took := now - f.due(to.n); took < patience {
		f.answers[to.n].took = took
		rcode := packet[3] & 15
		if rcode != f.want {
			f.wrong++
		}
		if f.answered != nil {
			f.answered(to.n%len(f.queries), rcode, g.began.Add(now))
		}
	}
	to.flow = nil
	g.underWay--
}

// wait sleeps until an answer comes, or the time is there.
func (g *openLoop) wait(until time.Duration) {
	left := until - time.Since(g.began)
	if left <= 0 {
		return
	}
	timeout := unix.NsecToTimespec(left.Nanoseconds())
	_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(g.socket), Events: unix.POLLIN}}, &timeout, nil)
}

// close counts what was lost.
func (f *running) close() {
	for _, a := range f.answers {
		if a.took == patience {
			f.lost++
		}
	}
}

// packets are queries for the names' addresses, as packets.
func packets(names []string) ([][]byte, error) {
	var all [][]byte
	for _, name := range names {
		packet, err := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA).Pack()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, packet)
	}
	return all, nil
}

// draw are n names that draw returns, the same in every run.
func draw(n int, name func(r *rand.Rand, i int) string) (names []string) {
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		names = append(names, name(r, i))
	}
	return names
}
