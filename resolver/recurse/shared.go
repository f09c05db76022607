package recurse

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"bailiff/resolver/exchange"
)

// sending is one query to one server, ID and spelling aside.
type sending struct {
	to    netip.AddrPort
	over  exchange.Transport
	name  string
	qtype uint16
	form  exchange.Form
}

// delivery is the response to one, once done is closed, for the others that wait.
type delivery struct {
	done   chan struct{}
	waited bool // guarded by the Recursor's mutex
	packet []byte
	err    error
}

// shared sends a query unless the same is under way, and then waits for that
// one's response: identical queries in flight are as many chances for a forger
// (RFC 5452 section 5). The packet is the caller's.
func (r *Recursor) shared(ctx context.Context, s sending, send func() ([]byte, error)) ([]byte, error) {
	r.mu.Lock()
	d, underWay := r.sent[s]
	if underWay {
		d.waited = true
	} else {
		d = &delivery{done: make(chan struct{})}
		r.sent[s] = d
	}
	r.mu.Unlock()
	if !underWay {
		return r.deliver(s, d, send)
	}
	select {
	case <-d.done:
		if (errors.Is(d.err, context.Canceled) || errors.Is(d.err, context.DeadlineExceeded)) && ctx.Err() == nil {
			return r.shared(ctx, s, send) // the other question was given up, not this one
		}
		return slices.Clone(d.packet), d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// deliver sends the query for all that wait.
func (r *Recursor) deliver(s sending, d *delivery, send func() ([]byte, error)) (packet []byte, err error) {
	err = errPanic // unless send returns
	defer func() {
		r.mu.Lock()
		delete(r.sent, s)
		if d.err = err; d.waited {
			d.packet = slices.Clone(packet)
		}
		r.mu.Unlock()
		close(d.done)
	}()
	packet, err = send()
	return packet, err
}

// errPanic is what others get that waited for a query that ended in a panic.
var errPanic = errors.New("a panic")
