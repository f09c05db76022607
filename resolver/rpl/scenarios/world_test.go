package scenarios

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver"
	"bailiff/resolver/exchange"
	"bailiff/resolver/rpl"
)

// world is what a scenario's resolver meets: servers and clients. Both are
// played by the run alone: a query to a server waits here until the run takes
// it up, and a reply to a client until it is checked.
type world struct {
	mu      sync.Mutex
	waiting []*outQuery // the latest last
	replies []clientReply
	open    int // clients that wait for a reply
	sent    int // queries to servers since the last count
	stir    chan struct{}
}

// newWorld is a world in which nothing has happened.
func newWorld() *world { return &world{stir: make(chan struct{}, 1)} }

// stirred tells the run that something has happened.
func (w *world) stirred() {
	select {
	case w.stir <- struct{}{}:
	default:
	}
}

// outQuery is a query of the resolver that waits for its response.
type outQuery struct {
	to       netip.Addr
	over     exchange.Transport
	message  *dns.Msg
	answered bool
	response chan response
}

// String is whom it asks for what.
func (o *outQuery) String() string { return fmt.Sprintf("%v %s %v", o.to, describe(o.message), o.over) }

// response is what comes of a query: a packet, or an error of the network.
type response struct {
	packet []byte
	err    error
}

// Exchange is exchange.Network. Time is the bubble's: silence costs none of ours.
func (w *world) Exchange(ctx context.Context, to netip.AddrPort, over exchange.Transport, q exchange.Query, patience time.Duration) ([]byte, error) {
	o := &outQuery{to: to.Addr(), over: over, message: new(dns.Msg), response: make(chan response, 1)}
	if err := o.message.Unpack(q.Message()); err != nil {
		return nil, err
	}
	w.add(o)
	defer w.remove(o)
	silence := time.NewTimer(patience)
	defer silence.Stop()
	for {
		select {
		case r := <-o.response:
			switch fit := q.Fit(r.packet); {
			case r.err != nil:
				return nil, r.err
			case fit == exchange.Fits, fit == exchange.Misspelt && over == exchange.TCP:
				return r.packet, nil
			case fit == exchange.Misspelt:
				return nil, exchange.ErrDoubtful
			case over == exchange.TCP:
				return nil, errors.New("a response over tcp that does not fit the query")
			}
		case <-silence.C:
			return nil, os.ErrDeadlineExceeded
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// add lets a query wait.
func (w *world) add(o *outQuery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, o)
	w.sent++
	w.stirred()
}

// remove ends that.
func (w *world) remove(o *outQuery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = slices.DeleteFunc(w.waiting, func(other *outQuery) bool { return other == o })
	w.stirred()
}

// unanswered are the queries that wait, the latest first as testbound has them.
func (w *world) unanswered() (queries []*outQuery) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range slices.Backward(w.waiting) {
		if !o.answered {
			queries = append(queries, o)
		}
	}
	return queries
}

// answer ends a query's wait. Whoever plays the servers calls it once for each.
func (o *outQuery) answer(packet []byte) {
	o.answered = true
	if packet != nil {
		o.response <- response{packet: packet}
	}
}

// fail ends a query's wait with silence, or with the news that nobody listens.
func (o *outQuery) fail(event rpl.Event) {
	o.answered = true
	if event == rpl.Timeout {
		o.response <- response{err: os.ErrDeadlineExceeded}
		return
	}
	o.response <- response{err: syscall.ECONNREFUSED}
}

// count is how many queries were sent since it was called last.
func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = 0
	return sent
}

// clientReply is what a client was told, and where it lives.
type clientReply struct {
	client netip.Addr
	over   exchange.Transport
	packet []byte
}

// asked counts a client that waits. Deckard looks at the last reply only.
func (w *world) asked(d rpl.Dialect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	if d == rpl.Deckard {
		w.replies = nil
	}
}

// Reply is resolver.Replier.
func (w *world) Reply(q *resolver.Query, packet []byte) { w.replied(q, packet) }

// replied notes a reply; without a packet there will be none.
func (w *world) replied(q *resolver.Query, packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	if packet != nil {
		w.replies = append(w.replies, clientReply{q.Client, exchange.Transport(q.Transport), slices.Clone(packet)})
	}
	w.stirred()
}

// clientsWait reports whether a client's reply is still to come.
func (w *world) clientsWait() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open > 0
}

// hasReply reports whether there is a reply to check.
func (w *world) hasReply() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.replies) > 0
}
