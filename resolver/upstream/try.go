package upstream

import (
	"context"
	"errors"
	"fmt"

	"bailiff/resolver/exchange"
)

// try is one question to one server, however many packets that takes. It
// belongs to one goroutine.
type try struct {
	f      *Forwarder
	q      Question
	server *server
	form   exchange.Form
}

// run asks until there is an answer or a reason why this server has none. It
// never panics: this goroutine's panic would end the process.
func (t *try) run(ctx context.Context) (answer Answer, failure *Failure) {
	defer func() {
		if p := recover(); p != nil {
			failure = &Failure{Cause: fmt.Sprintf("panic: %v", p)}
		}
		if failure != nil {
			failure.Cause = t.server.addr.String() + ": " + failure.Cause
		}
	}()
	answer, rcode, err := t.either(ctx)
	if !t.q.DO && exchange.RejectsEDNS(rcode) {
		t.form.EDNS = false // RFC 6891 section 7; for this question only
		answer, _, err = t.either(ctx)
	}
	if err != nil && err == ctx.Err() {
		err = errors.New("no response in time")
	}
	return answer, asFailure(err)
}

// either asks over UDP and, where that response is truncated or doubtful, over
// TCP.
func (t *try) either(ctx context.Context) (answer Answer, rcode int, err error) {
	answer, rcode, err = t.ask(ctx, exchange.UDP)
	if err == exchange.ErrDoubtful || err == errTruncated {
		answer, rcode, err = t.ask(ctx, exchange.TCP)
	}
	if err == errTruncated {
		err = errors.New("truncated over tcp")
	}
	return answer, rcode, err
}

// ask makes one query over one transport and notes how the server did. rcode is
// the response's, -1 if none came that can be read.
func (t *try) ask(ctx context.Context, over exchange.Transport) (answer Answer, rcode int, err error) {
	query := exchange.Pack(t.q, t.form)
	start := t.f.now()
	packet, err := t.f.sockets.Exchange(ctx, t.server.addr, over, query, questionDeadline)
	seen := Exchange{To: t.server.addr, Rcode: -1, Took: t.f.now().Sub(start)}
	if err != nil {
		t.f.observe(seen)
		if over == exchange.UDP && IsNetworkError(err) && !IsOurs(err) {
			t.f.servers.unreachable(t.server)
		}
		return Answer{}, -1, err
	}
	if over == exchange.TCP && query.Fit(packet) == exchange.Misspelt {
		t.f.servers.dropsCase(t.server)
	}
	answer, seen.Rcode, err = Read(t.q, packet)
	t.f.observe(seen)
	if over == exchange.UDP && seen.Rcode >= 0 {
		t.f.servers.responded(t.server, seen.Took)
	}
	return answer, seen.Rcode, err
}
