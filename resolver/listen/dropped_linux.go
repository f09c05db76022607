package listen

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropped is how many datagrams the kernel dropped at the worker's socket since
// that was opened, mostly because its buffer was full. Both numbers are 0 once
// it is closed.
func (w *udpWorker) dropped() (socket, datagrams uint64) {
	const drops, words = 8, 9 // SK_MEMINFO_DROPS, SK_MEMINFO_VARS of linux/sock_diag.h
	var memory [words]uint32
	size := uint32(unsafe.Sizeof(memory))
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return 0, 0
	}
	socket, _ = unix.GetsockoptUint64(w.fd, unix.SOL_SOCKET, unix.SO_COOKIE) // errs before Linux 4.12, as SO_MEMINFO does
	_, _, _ = unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(w.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&memory)), uintptr(unsafe.Pointer(&size)), 0)
	return socket, uint64(memory[drops])
}
