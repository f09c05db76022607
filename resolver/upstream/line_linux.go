package upstream

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bailiff/resolver/exchange"
)

// How long a source port is used for further questions. A lone question has a
// port of its own; a flood shares one for a few, so that a socket's making is
// shared too. For each question a forger still has to guess port, ID and
// spelling (RFC 5452 section 9.2).
const (
	lineUses     = 32
	linePortLife = 10 * time.Millisecond
)

// maxStrays is how many packets that fit no query a socket may bring before it
// is given up.
const maxStrays = 3

// LineTick is how often Expire wants to be called while questions wait.
const LineTick = 20 * time.Millisecond

var (
	errSlow  = errors.New("no response soon")
	errStray = errors.New("packets that fit no query")
)

// Line is one worker's own way to the upstreams: questions go out and responses
// come in on the worker's thread, many with one system call. It is the first
// try of a question and no more: what is not answered plainly and soon is the
// business of Forwarder.Resolve. It belongs to one goroutine. Its system calls do
// not block, so the scheduler is not told of them (RawSyscall).
type Line struct {
	f       *Forwarder
	poll    int                 // epoll descriptor over the sockets
	sockets map[int]*lineSocket // by descriptor
	current map[*server]*lineSocket
	waiting int
	batch   lineBatch
}

// lineSocket is a connected socket: packets of others do not arrive on it.
type lineSocket struct {
	fd     int
	server *server
	opened time.Time
	used   int     // questions ever sent
	asked  []asked // under way
	unsent int     // how many of them, the last ones, Flush has to send
	strays int
}

// asked is a question under way.
type asked struct {
	query exchange.Query
	q     Question
	sent  time.Time
	until time.Time
	done  func(Answer, error)
}

// udpBufferBytes is more than is offered: a whole response is welcome all the
// same.
const udpBufferBytes = 4096

// lineBatch are the arrays of one sendmmsg or recvmmsg call.
type lineBatch struct {
	headers [lineUses]lineMessage
	iov     [lineUses]unix.Iovec
	packets [lineUses][udpBufferBytes]byte
}

// lineMessage is struct mmsghdr of recvmmsg(2).
type lineMessage struct {
	hdr  unix.Msghdr
	size uint32
}

// NewLine opens a line. The caller closes it, before the Forwarder.
func (f *Forwarder) NewLine() (*Line, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	return &Line{f: f, poll: poll, sockets: map[int]*lineSocket{}, current: map[*server]*lineSocket{}}, nil
}

// Poll is a descriptor that is readable while responses wait for Receive.
func (l *Line) Poll() int { return l.poll }

// Waiting is the number of questions under way.
func (l *Line) Waiting() int { return l.waiting }

// Ask takes a question; Flush sends it. done is called once, from Receive,
// Expire or Close, with the answer, whose message is its own during the call
// only, or with a reason to ask Resolve. Ask reports false, and keeps nothing,
// where the choice of a server is no plain one.
func (l *Line) Ask(q Question, now time.Time, done func(Answer, error)) bool {
	best, ok := l.f.servers.first()
	if !ok {
		return false
	}
	s, err := l.socket(best.server, now)
	if err != nil {
		return false
	}
	form := exchange.Form{EDNS: true, MixedCase: l.f.mixedCase && best.mixedCase}
	packed := exchange.Pack(q, form)
	for s.hasID(packed) {
		packed = exchange.Pack(q, form)
	}
	s.asked = append(s.asked, asked{query: packed, q: q, sent: now, until: now.Add(best.patience), done: done})
	s.used++
	s.unsent++
	l.waiting++
	if s.unsent == lineUses {
		l.send(s)
	}
	return true
}

// socket is the server's socket for the next question.
func (l *Line) socket(to *server, now time.Time) (*lineSocket, error) {
	s := l.current[to]
	if s != nil && s.used < lineUses && now.Sub(s.opened) < linePortLife {
		return s, nil
	}
	fresh, err := l.open(to, now)
	if err != nil {
		return nil, err
	}
	l.current[to] = fresh
	if s != nil {
		l.send(s)
		l.release(s)
	}
	return fresh, nil
}

// open makes a socket; connecting it makes the kernel choose a random port.
func (l *Line) open(to *server, now time.Time) (*lineSocket, error) {
	family, address := unix.AF_INET6, lineAddress(to.addr)
	if to.addr.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err = unix.Connect(fd, address); err == nil {
		err = unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	s := &lineSocket{fd: fd, server: to, opened: now}
	l.sockets[fd] = s
	return s, nil
}

func lineAddress(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func (s *lineSocket) hasID(q exchange.Query) bool {
	return slices.ContainsFunc(s.asked, func(a asked) bool { return string(a.query.Message()[:2]) == string(q.Message()[:2]) })
}

// release closes a socket that is nobody's current one once nothing is under
// way on it.
func (l *Line) release(s *lineSocket) {
	if len(s.asked) == 0 && l.current[s.server] != s {
		delete(l.sockets, s.fd)
		_ = unix.Close(s.fd)
	}
}

// Flush sends what Ask has taken.
func (l *Line) Flush() {
	for _, s := range l.current {
		l.send(s)
	}
}

// send sends a socket's unsent queries. What the kernel does not take is lost,
// as a packet on the way may be; Expire notices.
func (l *Line) send(s *lineSocket) {
	pending := s.asked[len(s.asked)-s.unsent:]
	s.unsent = 0
	for i := range pending {
		message := pending[i].query.Message()
		l.batch.iov[i].Base = &message[0]
		l.batch.iov[i].SetLen(len(message))
		l.batch.point(i)
	}
	for sent := 0; sent < len(pending); {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&l.batch.headers[sent])), uintptr(len(pending)-sent), 0, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return
		}
		sent += int(n)
	}
}

func (b *lineBatch) point(i int) {
	b.headers[i].hdr = unix.Msghdr{Iov: &b.iov[i], Iovlen: 1}
}

// Receive takes the responses that wait.
func (l *Line) Receive(now time.Time) {
	var events [64]unix.EpollEvent
	n, _ := unix.EpollWait(l.poll, events[:], 0)
	for _, e := range events[:max(n, 0)] {
		if s := l.sockets[int(e.Fd)]; s != nil {
			l.read(s, now)
			l.release(s)
		}
	}
}

// read takes the responses on one socket.
func (l *Line) read(s *lineSocket, now time.Time) {
	for i := range lineUses {
		l.batch.iov[i].Base = &l.batch.packets[i][0]
		l.batch.iov[i].SetLen(udpBufferBytes)
		l.batch.point(i)
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&l.batch.headers[0])), lineUses, unix.MSG_DONTWAIT, 0, 0)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0:
		l.f.servers.unreachable(s.server)
		l.giveUp(s, os.NewSyscallError("recvmmsg", errno))
		return
	}
	for i := range int(n) {
		l.match(s, l.batch.packets[i][:l.batch.headers[i].size], now)
	}
	if s.strays >= maxStrays {
		l.giveUp(s, errStray)
	}
}

// match finds the question of a packet.
func (l *Line) match(s *lineSocket, packet []byte, now time.Time) {
	for i := range s.asked {
		a := &s.asked[i]
		switch a.query.Fit(packet) {
		case exchange.Unrelated:
			continue
		case exchange.Misspelt:
			l.end(s, i, Answer{}, exchange.ErrDoubtful)
		case exchange.Fits:
			l.f.servers.responded(s.server, now.Sub(a.sent))
			answer, rcode, err := Read(a.q, packet)
			l.f.observe(Exchange{To: s.server.addr, Rcode: rcode, Took: now.Sub(a.sent)})
			l.end(s, i, answer, err)
		}
		return
	}
	s.strays++
}

// end takes the i-th question off a socket and tells its owner.
func (l *Line) end(s *lineSocket, i int, answer Answer, err error) {
	done, last := s.asked[i].done, len(s.asked)-1
	s.asked[i] = s.asked[last]
	s.asked[last] = asked{}
	s.asked = s.asked[:last]
	l.waiting--
	done(answer, err)
}

// giveUp ends all questions of a socket, which is not used again.
func (l *Line) giveUp(s *lineSocket, err error) {
	s.used = lineUses
	for len(s.asked) > 0 {
		l.f.observe(Exchange{To: s.server.addr, Rcode: -1})
		l.end(s, len(s.asked)-1, Answer{}, err)
	}
}

// Expire ends the questions that have waited as long as their server may take.
func (l *Line) Expire(now time.Time) {
	for _, s := range l.sockets {
		for i := len(s.asked) - 1; i >= 0; i-- {
			if a := &s.asked[i]; now.After(a.until) {
				waited := now.Sub(a.sent)
				l.f.servers.silent(s.server, waited)
				l.f.observe(Exchange{To: s.server.addr, Rcode: -1, Took: waited})
				l.end(s, i, Answer{}, errSlow)
			}
		}
		l.release(s)
	}
}

// Close ends all questions, which go on in Resolve, and closes the sockets.
func (l *Line) Close() {
	clear(l.current)
	for _, s := range l.sockets {
		l.giveUp(s, errSlow)
		l.release(s)
	}
	_ = unix.Close(l.poll)
}
