package probing

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"bailiff/policy"
)

// transport is how a question is asked.
type transport uint8

const (
	udp transport = iota
	tcp
)

// String is the word of reports, and net's name.
func (t transport) String() string {
	if t == tcp {
		return "tcp"
	}
	return "udp"
}

const (
	tries       = 4               // of a question that gets no reply
	silentTries = 2               // of one that must get none
	freeTimeout = 5 * time.Second // of a name that has to be resolved, at least
	udpPayload  = 1232            // DNS flag day 2020
	clockLag    = 2 * time.Second // how late a server may notice that an order begins or ends
)

// outcome is how a question ended.
type outcome struct {
	want expectation
	got  string // the reply in a few words; empty: it is as expected
	over transport
	lost int // tries without a reply that there should have been
}

// prove asks until there is a reply or it is given up, and compares.
func (p *Probe) prove(ctx context.Context, l *line, q *question) (o outcome) {
	for try := 1; ; try++ {
		now := time.Now()
		law := p.lawAt(now)
		o.want, o.over = expect(law, p.Client, q, now), l.transport
		p.queries[l.transport].Add(1)
		reply, err := l.ask(ctx, q, o.want.order != nil || q.free(), p.patience(q))
		switch {
		case err != nil && o.want.silence():
			if try == silentTries {
				return o
			}
		case err != nil:
			if o.lost++; try == tries || ctx.Err() != nil {
				p.unanswered()
				o.got = "no answer"
				return o
			}
		case reply.Truncated && l.transport == udp:
			p.replied()
			return p.proveOverTCP(ctx, q, o.lost)
		default:
			p.replied()
			difference := p.compare(q, &o.want, reply)
			if difference == "" {
				return o
			}
			if try == tries || law.Holds(now.Add(-clockLag)) && law.Holds(now.Add(clockLag)) {
				o.got = summary(reply) + ": " + difference
				return o
			}
			time.Sleep(clockLag) // an order or rule begins or ends about now
		}
	}
}

// lawAt is the law at an instant, which is now.
func (p *Probe) lawAt(now time.Time) *policy.Snapshot {
	if law := p.Law.Load(); law.Holds(now) {
		return law
	}
	p.Law.Advance(now)
	return p.Law.Load()
}

// proveOverTCP does as a client does with a reply that was truncated.
func (p *Probe) proveOverTCP(ctx context.Context, q *question, lost int) outcome {
	l := newLine(p.Server, tcp)
	defer l.close()
	o := p.prove(ctx, l, q)
	o.lost += lost
	return o
}

// patience is how long a try waits. Names under order, and all others without
// RD, are answered at once.
func (p *Probe) patience(q *question) time.Duration {
	if q.free() {
		return max(p.Timeout, freeTimeout)
	}
	return p.Timeout
}

func (p *Probe) compare(q *question, want *expectation, reply *dns.Msg) string {
	switch {
	case want.silence():
		return "an answer"
	case q.free() || want.order == nil:
		return p.blocked.differs(reply)
	}
	return want.differs(q, reply)
}

// line is one worker's way to the server: a socket, or a connection that is
// opened again when it breaks.
type line struct {
	server    netip.AddrPort
	transport transport
	conn      net.Conn // nil: not open
	id        uint16
	buffer    []byte
}

func newLine(server netip.AddrPort, over transport) *line {
	size := 2 * udpPayload // what is longer is cut, and no DNS message any more
	if over == tcp {
		size = 1 << 16
	}
	return &line{server: server, transport: over, buffer: make([]byte, size)}
}

// ask sends the question once and waits for the reply. It returns an error not
// before the patience is over.
func (l *line) ask(ctx context.Context, q *question, recurse bool, patience time.Duration) (*dns.Msg, error) {
	deadline := time.Now().Add(patience)
	for {
		wasOpen := l.conn != nil
		reply, err := l.exchange(ctx, q, recurse, deadline)
		if err == nil {
			return reply, nil
		}
		if l.transport == tcp || !isTimeout(err) {
			l.close()
		}
		if wasOpen && l.transport == tcp && !isTimeout(err) { // it was idle, and the server closed it
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(deadline)):
		}
		return nil, err
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

func (l *line) exchange(ctx context.Context, q *question, recurse bool, deadline time.Time) (*dns.Msg, error) {
	if l.conn == nil {
		conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, l.transport.String(), l.server.String())
		if err != nil {
			return nil, err
		}
		l.conn, l.id = conn, uint16(rand.Uint32())
	}
	if err := l.conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	l.id++
	query := q.pack(l.id, recurse)
	if err := l.send(query); err != nil {
		return nil, err
	}
	for {
		packet, err := l.receive()
		if err != nil {
			return nil, err
		}
		reply := new(dns.Msg)
		if isReplyTo(packet, query) && reply.Unpack(packet) == nil {
			return reply, nil
		} // else a late reply to an earlier try, or none at all
	}
}

func (l *line) send(query []byte) error {
	if l.transport == tcp {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	}
	_, err := l.conn.Write(query)
	return err
}

func (l *line) receive() ([]byte, error) {
	if l.transport == udp {
		n, err := l.conn.Read(l.buffer)
		return l.buffer[:n], err
	}
	if _, err := io.ReadFull(l.conn, l.buffer[:2]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(l.buffer))
	_, err := io.ReadFull(l.conn, l.buffer[:size])
	return l.buffer[:size], err
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close()
		l.conn = nil
	}
}

const headerSize = 12

// pack is the query. A name that no order is expected to answer for is asked
// without RD: that costs the server's upstreams nothing.
func (q *question) pack(id uint16, recurse bool) []byte {
	const rd = 0x01
	b := []byte{byte(id >> 8), byte(id), 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}
	if recurse {
		b[2] |= rd
	}
	b = append(b, q.name.Wire()...)
	b = append(b, byte(q.qtype>>8), byte(q.qtype), 0, dns.ClassINET)
	return append(b, 0, 0, byte(dns.TypeOPT), udpPayload>>8, udpPayload&0xff, 0, 0, 0, 0, 0, 0)
}

// isReplyTo reports whether a packet answers the query: its ID and its question.
func isReplyTo(packet, query []byte) bool {
	question := query[headerSize : len(query)-11] // the OPT record takes 11
	return len(packet) >= headerSize+len(question) && packet[2]&0x80 != 0 &&
		bytes.Equal(packet[:2], query[:2]) && bytes.Equal(packet[headerSize:headerSize+len(question)], question)
}
