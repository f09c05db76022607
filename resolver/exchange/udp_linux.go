package exchange

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// maxIdleSockets are kept for other queries: descriptors without a port.
const maxIdleSockets = 64

// overUDP sends the query from a random port of its own (RFC 5452 section 9.2)
// and reads until a packet fits. The socket is connected: packets of others do
// not arrive, ICMP errors do.
func (s *Sockets) overUDP(ctx context.Context, to netip.AddrPort, q Query, patience time.Duration) ([]byte, error) {
	if to.Addr().Zone() != "" {
		return s.dialUDP(ctx, to, q, patience)
	}
	u, err := s.udp.take(to.Addr(), s.source(to.Addr()))
	if err != nil {
		return nil, udpError(to, err)
	}
	packet, err := u.ask(ctx, to, q, patience)
	if err != nil {
		s.udp.drop(u)
		return nil, udpError(to, err)
	}
	s.udp.put(u)
	return packet, nil
}

// udpError is an error of a system call as package net would return it.
func udpError(to netip.AddrPort, err error) error {
	if _, ok := errors.AsType[*os.SyscallError](err); !ok {
		return err
	}
	return &net.OpError{Op: "exchange", Net: UDP.String(), Addr: net.UDPAddrFromAddrPort(to), Err: err}
}

// udpSockets are the sockets of Linux. Making one costs more than an exchange on
// it, so they are used again: a socket that is disconnected loses its port, and
// connecting it takes another random one. One goroutine waits for all of them,
// in an epoll set of their own: the runtime's would wake for each packet sent.
type udpSockets struct {
	mu     sync.Mutex
	poll   *os.File // the epoll set, nil before the first socket
	fd     int      // of poll
	open   map[int32]*udpSocket
	idle   []*udpSocket
	closed bool
	waiter sync.WaitGroup
}

// take is an idle socket, or a fresh one.
func (p *udpSockets) take(to, source netip.Addr) (*udpSocket, error) {
	switch {
	case source.IsValid():
	case to.Is4():
		source = netip.IPv4Unspecified()
	default:
		source = netip.IPv6Unspecified()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, u := range slices.Backward(p.idle) {
		if u.source == source {
			p.idle = slices.Delete(p.idle, at, at+1)
			return u, nil
		}
	}
	if err := p.start(); err != nil {
		return nil, err
	}
	return p.add(source)
}

// start makes the epoll set if there is none. The mutex is held.
func (p *udpSockets) start() error {
	switch {
	case p.closed:
		return net.ErrClosed
	case p.poll != nil:
		return nil
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create", err)
	}
	_ = unix.SetNonblock(fd, true) // or the runtime does not wait for it
	poll := os.NewFile(uintptr(fd), "epoll")
	conn, err := poll.SyscallConn()
	if err == nil {
		err = poll.SetReadDeadline(time.Time{}) // fails if it does not
	}
	if err != nil {
		_ = poll.Close()
		return os.NewSyscallError("epoll", err)
	}
	p.poll, p.fd, p.open = poll, fd, map[int32]*udpSocket{}
	p.waiter.Go(func() { _ = conn.Read(p.dispatch) }) // until poll is closed
	return nil
}

// dispatch wakes the sockets for which something has come. It reports false: wait
// for more.
func (p *udpSockets) dispatch(poll uintptr) bool {
	var events [maxIdleSockets]unix.EpollEvent
	for n := len(events); n == len(events); {
		n, _ = unix.EpollWait(int(poll), events[:], 0)
		p.mu.Lock()
		for _, e := range events[:max(n, 0)] {
			if u := p.open[e.Fd]; u != nil {
				u.wake()
			}
		}
		p.mu.Unlock()
	}
	return false
}

// add opens a socket. The mutex is held.
func (p *udpSockets) add(source netip.Addr) (*udpSocket, error) {
	u, err := newUDPSocket(source)
	if err != nil {
		return nil, err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(u.fd)}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, u.fd, &event); err != nil {
		_ = unix.Close(u.fd)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	p.open[event.Fd] = u
	return u, nil
}

// put keeps a socket for another exchange, if nothing more has come for this one.
func (p *udpSockets) put(u *udpSocket) {
	if !u.disconnect() || !p.keep(u) {
		p.drop(u)
	}
}

func (p *udpSockets) keep(u *udpSocket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) == maxIdleSockets {
		return false
	}
	p.idle = append(p.idle, u)
	return true
}

// drop closes a socket.
func (p *udpSockets) drop(u *udpSocket) {
	p.mu.Lock()
	delete(p.open, int32(u.fd))
	p.mu.Unlock()
	_ = unix.Close(u.fd)
}

// close closes the idle sockets and ends the goroutine.
func (p *udpSockets) close() {
	p.mu.Lock()
	poll, idle := p.poll, p.idle
	p.closed, p.idle = true, nil
	p.mu.Unlock()
	for _, u := range idle {
		p.drop(u)
	}
	if poll != nil {
		_ = poll.Close() // waits for dispatch, which takes the mutex
	}
	p.waiter.Wait()
}
