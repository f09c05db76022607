package listen

import (
	"encoding/binary"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"bailiff/resolver"
	"bailiff/resolver/upstream"
)

// batch is how many datagrams one system call takes. A lone query is not
// held up: MSG_WAITFORONE returns with what is there.
const batch = 64

// udpWorker is one socket and the one goroutine that reads it, locked to a
// thread: the system calls block it, and the runtime's poller has no part in
// them.
type udpWorker struct {
	fd      int
	number  int
	control bool // a wildcard address: replies must come from where the query went
	shared  bool // with who opened the socket: what it holds after stop is left to the next reader
	stopped atomic.Bool

	mu     sync.RWMutex // late replies against close
	closed bool

	line    *upstream.Line // nil: none could be opened
	expired time.Time      // when line.Expire was last called
	queries [batch]resolver.Query
	good    [batch]bool // the query was read and can be answered
	in, out messages
}

// messages are the arrays of one recvmmsg or sendmmsg call.
type messages struct {
	headers  [batch]mmsghdr
	iov      [batch]unix.Iovec
	names    [batch][28]byte
	controls [batch][64]byte
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr  unix.Msghdr
	size uint32
}

// arrange points the message headers at their buffers, once.
func (w *udpWorker) arrange() {
	packets, replies := make([]byte, batch*queryBytes), make([]byte, batch*replyBytes)
	for i := range batch {
		w.in.point(i, w.control)
		w.out.point(i, w.control)
		w.in.iov[i].Base = &packets[i*queryBytes]
		w.queries[i].Packet = packets[i*queryBytes : (i+1)*queryBytes : (i+1)*queryBytes]
		w.queries[i].Out = replies[i*replyBytes : i*replyBytes : (i+1)*replyBytes]
	}
}

func (m *messages) point(i int, control bool) {
	h := &m.headers[i].hdr
	h.Name = &m.names[i][0]
	h.Iov = &m.iov[i]
	h.Iovlen = 1
	if control {
		h.Control = &m.controls[i][0]
	}
}

// maxLastBatches bounds what is still read after stop: more than the receive
// buffer holds would be queries that came after it.
const maxLastBatches = bufferBytes / queryBytes / batch

// serve answers until the worker is stopped, and then what was waiting.
func (w *udpWorker) serve(r *resolver.Resolver) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if line, err := r.NewLine(); err == nil { // without one, goroutines ask
		w.line = line
		defer line.Close()
	}
	for last := 0; last < maxLastBatches; {
		n := w.receive(w.wait())
		if w.stopped.Load() {
			if n <= 0 || w.in.headers[0].size == 0 {
				return
			}
			if last++; w.shared {
				last = maxLastBatches
			}
		}
		w.send(w.answer(r, n))
		if w.line != nil {
			w.line.Flush()
		}
	}
}

// group is how many queries are read before the first of them is answered: enough
// to wait for memory together, few enough to stay in the first-level cache.
const group = 16

// answer answers the first n datagrams, and returns how many replies there are
// to send.
func (w *udpWorker) answer(r *resolver.Resolver, n int) (replies int) {
	now := time.Now()
	for from := 0; from < n; from += group {
		to := min(from+group, n)
		for i := from; i < to; i++ {
			if w.good[i] = w.prepare(&w.queries[i], i, now); w.good[i] {
				r.Read(&w.queries[i])
			}
		}
		for i := from; i < to; i++ {
			if !w.good[i] {
				continue
			}
			if reply := r.Answer(&w.queries[i]); reply != nil {
				w.address(replies, i, reply)
				replies++
			}
		}
	}
	return replies
}

// wait takes what comes from upstream until a datagram of a client is there.
// While nothing is under way upstream it leaves the waiting to receive. It
// returns the flag that receive needs.
func (w *udpWorker) wait() (flag uintptr) {
	for w.line != nil && w.line.Waiting() > 0 && !w.stopped.Load() {
		ready := [2]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(w.line.Poll()), Events: unix.POLLIN}}
		_, _ = unix.Poll(ready[:], int(upstream.LineTick/time.Millisecond))
		now := time.Now()
		if ready[1].Revents != 0 {
			w.line.Receive(now)
		}
		if now.Sub(w.expired) >= upstream.LineTick {
			w.line.Expire(now)
			w.expired = now
		}
		if ready[0].Revents != 0 {
			return unix.MSG_DONTWAIT
		}
	}
	return unix.MSG_WAITFORONE
}

// receive takes datagrams and returns how many there are, -1 on an error.
func (w *udpWorker) receive(flag uintptr) int {
	for i := range batch {
		h := &w.in.headers[i].hdr
		h.Namelen = uint32(len(w.in.names[i]))
		w.in.iov[i].SetLen(queryBytes)
		if w.control {
			h.SetControllen(len(w.in.controls[i]))
		}
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&w.in.headers[0])), batch, flag, 0, 0)
	if errno != 0 {
		w.pause(errno)
		return -1
	}
	return int(n)
}

// pause keeps an error that stays from taking the whole processor.
func (w *udpWorker) pause(errno unix.Errno) {
	if errno != unix.EINTR && errno != unix.EAGAIN && !w.stopped.Load() {
		time.Sleep(time.Millisecond)
	}
}

// prepare makes a query of the i-th datagram. It reports false for what cannot
// be answered: a truncated datagram, or one without a port to answer to.
func (w *udpWorker) prepare(q *resolver.Query, i int, now time.Time) bool {
	m := &w.in.headers[i]
	peer := addrOf(&w.in.names[i])
	if m.hdr.Flags&unix.MSG_TRUNC != 0 || m.size == 0 || peer.Port() == 0 {
		return false
	}
	q.Packet = q.Packet[:m.size]
	q.Client, q.Transport, q.Received, q.Worker, q.Late, q.Line = clientOf(peer.Addr()), resolver.UDP, now, w.number, w, w.line
	q.Route.Peer, q.Route.PeerLen = w.in.names[i], m.hdr.Namelen
	q.Route.ControlLen = 0
	if w.control {
		q.Route.Control, q.Route.ControlLen = w.in.controls[i], uint32(m.hdr.Controllen)
		leaveByRoute(q.Route.Control[:q.Route.ControlLen])
	}
	return true
}

// addrOf reads a sockaddr_in or sockaddr_in6.
func addrOf(raw *[28]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(raw[2:])
	switch binary.NativeEndian.Uint16(raw[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])), port)
	}
	return netip.AddrPort{}
}

// leaveByRoute turns the packet info of a query into that of its reply: the
// source address is the query's destination, the interface is the routing
// table's choice, but for link-local addresses, which mean nothing without one.
func leaveByRoute(control []byte) {
	if len(control) < unix.SizeofCmsghdr {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := control[unix.CmsgLen(0):]
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		(*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
		if !netip.AddrFrom16(info.Addr).IsLinkLocalUnicast() {
			info.Ifindex = 0
		}
	}
}

// address puts a reply to the i-th query at place k of the next send.
func (w *udpWorker) address(k, i int, reply []byte) {
	route := &w.queries[i].Route
	h := &w.out.headers[k].hdr
	w.out.names[k], h.Namelen = route.Peer, route.PeerLen
	w.out.iov[k].Base = &reply[0]
	w.out.iov[k].SetLen(len(reply))
	if w.control {
		w.out.controls[k] = route.Control
		h.SetControllen(int(route.ControlLen))
	}
}

// send sends the first n replies. A reply that the kernel does not take at once
// is skipped: UDP promises nothing, and the others must go out. To wait would
// be to wait for strangers: replies to addresses of an own network that nobody
// has fill the socket's buffer until ARP gives up. The call never blocks, so the
// scheduler is not told of it (RawSyscall).
func (w *udpWorker) send(n int) {
	for sent := 0; sent < n; {
		done, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&w.out.headers[sent])), uintptr(n-sent), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == unix.EINTR:
		case errno != 0:
			sent++
		default:
			sent += int(done)
		}
	}
}

// Reply sends the reply to a query that had to wait.
func (w *udpWorker) Reply(q *resolver.Query, reply []byte) {
	if reply == nil {
		return
	}
	var m messages1
	m.iov.Base = &reply[0]
	m.iov.SetLen(len(reply))
	m.hdr.Name, m.hdr.Namelen = &q.Route.Peer[0], q.Route.PeerLen
	m.hdr.Iov, m.hdr.Iovlen = &m.iov, 1
	if q.Route.ControlLen > 0 {
		m.hdr.Control = &q.Route.Control[0]
		m.hdr.SetControllen(int(q.Route.ControlLen))
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	if !w.closed {
		_, _, _ = unix.RawSyscall(unix.SYS_SENDMSG, uintptr(w.fd), uintptr(unsafe.Pointer(&m.hdr)), unix.MSG_DONTWAIT)
	}
}

// messages1 is the arrays of one sendmsg call.
type messages1 struct {
	hdr unix.Msghdr
	iov unix.Iovec
}

// stop wakes the worker's reader for good: the queries already in the socket's
// buffer are read, then nothing more. The reader of a shared socket ends by
// itself, within sharedPause.
func (w *udpWorker) stop() {
	w.stopped.Store(true)
	if !w.shared {
		_ = unix.Shutdown(w.fd, unix.SHUT_RD) // ENOTCONN, but it wakes the reader
	}
}

func (w *udpWorker) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return os.NewSyscallError("close", unix.Close(w.fd))
}
