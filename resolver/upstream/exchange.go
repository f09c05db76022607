package upstream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"

	"github.com/miekg/dns"
)

const (
	udpBufferBytes = 4096 // more than we offer: a whole response is welcome all the same
	maxNearMisses  = 3    // packets that do not fit before UDP is no longer trusted
)

// errDoubtful is why a question leaves UDP: someone may be guessing.
var errDoubtful = errors.New("responses that do not fit the query")

// transport carries messages.
type transport uint8

const (
	udp transport = iota
	tcp
)

// String is the transport's name.
func (t transport) String() string {
	switch t {
	case udp:
		return "udp"
	case tcp:
		return "tcp"
	}
	return fmt.Sprintf("transport(%d)", uint8(t))
}

// try is one question to one server, however many packets that takes. It
// belongs to one goroutine.
type try struct {
	f      *Forwarder
	q      Question
	server *server
	form   form
}

// run asks until there is an answer or a reason why this server has none. It
// never panics: the library that unpacks is fed by strangers, and a panic in
// this goroutine would end the process.
func (t *try) run(ctx context.Context) (answer Answer, failure *Failure) {
	defer func() {
		if p := recover(); p != nil {
			failure = &Failure{Cause: fmt.Sprintf("panic: %v", p)}
		}
		if failure != nil {
			failure.Cause = t.server.addr.String() + ": " + failure.Cause
		}
	}()
	m, err := t.exchange(ctx)
	if err == nil && !t.q.DO && rejectsEDNS(m.Rcode) {
		t.form.edns = false // RFC 6891 section 7; for this question only
		m, err = t.exchange(ctx)
	}
	switch {
	case err == nil:
		answer, err = repack(t.q, m)
	case ctx.Err() != nil: // not the network: the socket was closed under it
		err = errors.New("no response in time")
	}
	return answer, asFailure(err)
}

// rejectsEDNS reports whether the OPT may be what the server dislikes.
func rejectsEDNS(rcode int) bool {
	return rcode == dns.RcodeFormatError || rcode == dns.RcodeNotImplemented || rcode == dns.RcodeBadVers
}

// exchange asks over UDP and, where that response is truncated or doubtful,
// over TCP. Nothing of a truncated response is used.
func (t *try) exchange(ctx context.Context) (*dns.Msg, error) {
	m, err := t.ask(ctx, udp)
	if err == errDoubtful || err == nil && m.Truncated {
		m, err = t.ask(ctx, tcp)
	}
	if err == nil && m.Truncated {
		return nil, errors.New("truncated over tcp")
	}
	return m, err
}

// ask makes one query over one transport and notes how the server did.
func (t *try) ask(ctx context.Context, over transport) (m *dns.Msg, err error) {
	start := t.f.now()
	if over == udp {
		m, err = t.overUDP(ctx, pack(t.q, t.form))
	} else {
		m, err = t.overTCP(ctx, pack(t.q, t.form))
	}
	seen := Exchange{To: t.server.addr, Rcode: -1, Took: t.f.now().Sub(start)}
	if err == nil {
		seen.Rcode = m.Rcode
	}
	t.f.observe(seen)

	switch {
	case over == udp && err == nil:
		t.f.servers.responded(t.server, seen.Took)
	case over == udp && isNetworkError(err) && !isOurs(err) && ctx.Err() == nil:
		t.f.servers.unreachable(t.server)
	}
	return m, err
}

// overUDP sends the query from a fresh socket, so that the kernel chooses a
// random port (RFC 5452 section 9.2), and reads until a packet fits. The socket
// is connected: packets of others do not arrive, ICMP errors do.
func (t *try) overUDP(ctx context.Context, q query) (*dns.Msg, error) {
	conn, err := new(net.Dialer).DialUDP(ctx, "udp", netip.AddrPort{}, t.server.addr)
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, conn)()
	if _, err := conn.Write(q.message()); err != nil {
		return nil, err
	}
	buffer := t.f.buffers.Get().(*[udpBufferBytes]byte)
	defer t.f.buffers.Put(buffer)
	for range maxNearMisses {
		n, err := conn.Read(buffer[:])
		if err != nil {
			return nil, err
		}
		switch q.fit(buffer[:n]) {
		case fits:
			return parse(buffer[:n])
		case misspelt:
			return nil, errDoubtful
		}
	}
	return nil, errDoubtful
}

// overTCP makes one connection for one query. A spelling that is wrong here is
// the server's own way: nobody can forge a response from afar.
func (t *try) overTCP(ctx context.Context, q query) (*dns.Msg, error) {
	conn, err := new(net.Dialer).DialTCP(ctx, "tcp", netip.AddrPort{}, t.server.addr)
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, conn)()
	if _, err := conn.Write(q.packet); err != nil {
		return nil, err
	}
	var length [lengthOctets]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, packet); err != nil {
		return nil, err
	}
	switch q.fit(packet) {
	case unrelated:
		return nil, errors.New("a response over tcp that does not fit the query")
	case misspelt:
		t.f.servers.dropsCase(t.server)
	}
	return parse(packet)
}

// closeWith ends whatever waits on conn when ctx ends. The caller calls what it
// returns when done with conn.
func closeWith(ctx context.Context, conn net.Conn) (done func()) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	return func() {
		stop()
		conn.Close()
	}
}

// parse unpacks a response that fits; of a truncated one the header alone. It
// refuses what the library lets through: fewer records than the header counts,
// and records that lack RDATA.
func parse(packet []byte) (*dns.Msg, error) {
	if packet[2]&bitTC != 0 {
		packet = packet[:headerOctets]
	} else {
		foldQuestion(packet)
		packet = append(packet, 0) // the library takes the end of the packet for the end of the records
	}
	m := new(dns.Msg)
	if err := m.Unpack(packet); err != nil {
		return nil, fmt.Errorf("malformed response: %v", err)
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if lacksRDATA(rr) {
				return nil, fmt.Errorf("malformed response: %s record without all of its RDATA", dns.Type(rr.Header().Rrtype))
			}
		}
	}
	return m, nil
}

// foldQuestion puts the question's name into lower case, in place: the spelling
// was ours, and what the server compressed against it must not carry it on.
func foldQuestion(packet []byte) {
	for at := headerOctets; at < len(packet) && packet[at] != 0 && packet[at] < 64; {
		end := min(at+1+int(packet[at]), len(packet))
		for at++; at < end; at++ {
			packet[at] = lower(packet[at])
		}
	}
}
