package listen

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// bufferBytes, each way, survives a pause of some milliseconds at 100,000
// queries a second; the kernel caps it at net.core.rmem_max and wmem_max
// without CAP_NET_ADMIN.
const bufferBytes = 4 << 20

// sharedPause is how long the reader of a shared socket waits before it looks
// whether it is to stop: to shut the socket would shut it for everybody.
const sharedPause = 100 * time.Millisecond

// openUDP opens count sockets on one address; number is the first worker's.
func openUDP(a netip.AddrPort, count, number int) (workers []*udpWorker, err error) {
	for i := range count {
		w, err := newUDPWorker(a, number+i)
		if err != nil {
			return nil, errors.Join(err, closeWorkers(workers))
		}
		workers = append(workers, w)
	}
	return workers, nil
}

func newUDPWorker(a netip.AddrPort, number int) (*udpWorker, error) {
	fd, err := unix.Socket(family(a), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	w := &udpWorker{fd: fd, number: number, control: a.Addr().IsUnspecified()}
	options := []option{{unix.SOL_SOCKET, unix.SO_REUSEPORT, 1}}
	if family(a) == unix.AF_INET6 {
		options = append(options, option{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1})
	}
	if err := w.configure(a, options...); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	if err := unix.Bind(fd, sockaddr(a)); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	w.arrange()
	return w, nil
}

// adoptUDP makes a worker of a socket that is bound to a, and closes conn.
func adoptUDP(conn *net.UDPConn, a netip.AddrPort, number int) (*udpWorker, error) {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &udpWorker{number: number, control: a.Addr().IsUnspecified(), shared: true}
	if controlErr := raw.Control(func(fd uintptr) { w.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) }); controlErr != nil || err != nil {
		return nil, errors.Join(controlErr, os.NewSyscallError("fcntl", err))
	}
	pause := unix.NsecToTimeval(int64(sharedPause))
	err = errors.Join(
		os.NewSyscallError("fcntl", unix.SetNonblock(w.fd, false)),
		os.NewSyscallError("setsockopt", unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &pause)),
		w.configure(a),
	)
	if err != nil {
		_ = unix.Close(w.fd)
		return nil, err
	}
	w.arrange()
	return w, nil
}

func family(a netip.AddrPort) int {
	if a.Addr().Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// option is a socket option that holds an int.
type option struct{ level, name, value int }

// configure sets these options, and those that a socket may take before it is
// bound and after.
func (w *udpWorker) configure(a netip.AddrPort, options ...option) error {
	// Replies are at most 1,232 octets: where that does not fit the path they
	// are fragmented rather than told of a path MTU that anyone may forge
	// (RFC 9715 section 3.1).
	packetInfo := option{unix.IPPROTO_IP, unix.IP_PKTINFO, 1}
	mtu := option{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_OMIT}
	if family(a) == unix.AF_INET6 {
		packetInfo = option{unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1}
		mtu = option{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_OMIT}
	}
	options = append(options, mtu)
	if w.control {
		options = append(options, packetInfo)
	}
	for _, o := range options {
		if err := unix.SetsockoptInt(w.fd, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	for forced, capped := range map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF} {
		if unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, forced, bufferBytes) != nil {
			_ = unix.SetsockoptInt(w.fd, unix.SOL_SOCKET, capped, bufferBytes)
		}
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16(), ZoneId: zoneID(a.Addr())}
}

// zoneID is the interface of a link-local address, 0 if it has none.
func zoneID(a netip.Addr) uint32 {
	if a.Zone() == "" {
		return 0
	}
	if i, err := net.InterfaceByName(a.Zone()); err == nil {
		return uint32(i.Index)
	}
	return 0
}
