package exchange

import (
	"context"
	"encoding/binary"
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// udpSocket is a socket that one exchange uses at a time. Its system calls do
// not block, so the scheduler is not told of them (RawSyscall).
type udpSocket struct {
	fd       int
	source   netip.Addr    // unspecified where the system chooses
	ready    chan struct{} // of size 1: something may have come
	patience *time.Timer
	to, from sockaddr
	buffer   [udpBufferBytes]byte
}

// sockaddr is struct sockaddr_in or sockaddr_in6 of ip(7), ipv6(7).
type sockaddr struct {
	octets [unix.SizeofSockaddrInet6]byte
	size   uint32
}

// set makes it an address without a zone.
func (a *sockaddr) set(to netip.AddrPort) {
	*a = sockaddr{size: unix.SizeofSockaddrInet6}
	binary.BigEndian.PutUint16(a.octets[2:], to.Port())
	if to.Addr().Is4() {
		binary.NativeEndian.PutUint16(a.octets[:], unix.AF_INET)
		copy(a.octets[4:], to.Addr().AsSlice())
		a.size = unix.SizeofSockaddrInet4
		return
	}
	binary.NativeEndian.PutUint16(a.octets[:], unix.AF_INET6)
	copy(a.octets[8:], to.Addr().AsSlice())
}

// newUDPSocket opens a socket at an address of its family.
func newUDPSocket(source netip.Addr) (*udpSocket, error) {
	family := unix.AF_INET6
	if source.Is4() {
		family = unix.AF_INET
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	u := &udpSocket{fd: fd, source: source, ready: make(chan struct{}, 1), patience: time.NewTimer(0)}
	if source.IsUnspecified() {
		return u, nil
	}
	u.from.set(netip.AddrPortFrom(source, 0))
	_, _, errno := unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&u.from.octets)), uintptr(u.from.size))
	if errno != 0 {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("bind", errno)
	}
	return u, nil
}

// ask makes one exchange with a server of the socket's family.
func (u *udpSocket) ask(ctx context.Context, to netip.AddrPort, q Query, patience time.Duration) ([]byte, error) {
	u.to.set(to)
	if errno := u.connect(); errno != 0 {
		return nil, os.NewSyscallError("connect", errno)
	}
	if errno := u.send(q.Message()); errno != 0 {
		return nil, os.NewSyscallError("sendto", errno)
	}
	u.patience.Reset(patience)
	if err := u.wait(ctx); err != nil {
		return nil, err
	}
	for range maxNearMisses {
		packet, err := u.receive(ctx)
		if err != nil {
			return nil, err
		}
		if response, err := q.accept(packet); response != nil || err != nil {
			return response, err
		}
	}
	return nil, ErrDoubtful
}

// wake ends wait, the next one if none is under way.
func (u *udpSocket) wake() {
	select {
	case u.ready <- struct{}{}:
	default:
	}
}

// wait waits until something may have come.
func (u *udpSocket) wait(ctx context.Context) error {
	select {
	case <-u.ready:
		return nil
	case <-u.patience.C:
		return os.ErrDeadlineExceeded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive is the next packet of the server, the socket's until the next call.
func (u *udpSocket) receive(ctx context.Context) ([]byte, error) {
	for {
		n, errno := u.read()
		switch {
		case errno == unix.EAGAIN:
			if err := u.wait(ctx); err != nil {
				return nil, err
			}
		case errno != 0:
			return nil, os.NewSyscallError("recvfrom", errno)
		case u.from == u.to: // not of the server before: it was in the kernel's hands when the socket left it
			return u.buffer[:n], nil
		}
	}
}

// connect connects the socket to u.to, from a random port if it has none.
func (u *udpSocket) connect() syscall.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(u.fd), uintptr(unsafe.Pointer(&u.to.octets)), uintptr(u.to.size))
	return errno
}

// disconnect takes port and server from the socket. It reports whether nothing
// of them is left in it: neither packets nor errors.
func (u *udpSocket) disconnect() bool {
	u.to = sockaddr{size: unix.SizeofSockaddrInet4} // AF_UNSPEC, see connect(2)
	if u.connect() != 0 {
		return false
	}
	_, errno := u.read()
	return errno == unix.EAGAIN
}

// send sends a packet to the server.
func (u *udpSocket) send(packet []byte) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(u.fd), uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)), 0, 0, 0)
	return errno
}

// read takes a packet, EAGAIN if there is none, into u.buffer and u.from.
func (u *udpSocket) read() (n int, errno syscall.Errno) {
	u.from = sockaddr{size: uint32(len(u.from.octets))}
	size, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(u.fd),
		uintptr(unsafe.Pointer(&u.buffer)), uintptr(len(u.buffer)), 0,
		uintptr(unsafe.Pointer(&u.from.octets)), uintptr(unsafe.Pointer(&u.from.size)))
	return int(size), errno
}
