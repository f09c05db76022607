//go:build !linux

package listen

// dropped is not told by every system.
func (*udpWorker) dropped() (socket, datagrams uint64) { return 0, 0 }
