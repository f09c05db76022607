package exchange

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestExchange_idleSocketsAreFewAndHoldNoPort(t *testing.T) {
	s := newSockets(t)
	to := udpServer(t, honestUDP)
	for range 10 {
		mustExchange(t, s, to, UDP)
	}
	if got := len(s.udp.idle); got != 1 {
		t.Fatalf("got %d idle sockets after one exchange at a time, want 1", got)
	}
	address, err := unix.Getsockname(s.udp.idle[0].fd)
	if err != nil || address.(*unix.SockaddrInet4).Port != 0 {
		t.Errorf("got an idle socket at %+v, error %v; want no port", address, err)
	}
	var all sync.WaitGroup
	for range 4 * maxIdleSockets {
		all.Go(func() {
			if _, err := s.Exchange(t.Context(), to, UDP, Pack(ask(t, "www.example.com"), Form{}), enough); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if idle, open := len(s.udp.idle), len(s.udp.open); idle > maxIdleSockets || idle != open {
		t.Errorf("got %d idle sockets of %d open, want all, and no more than %d", idle, open, maxIdleSockets)
	}
}

func TestExchange_aSocketThatFailedIsClosed(t *testing.T) {
	s := newSockets(t)
	silent := udpServer(t, func(*net.UDPConn, netip.AddrPort, []byte) {})
	if _, err := s.Exchange(t.Context(), silent, UDP, Pack(ask(t, "www.example.com"), Form{}), time.Millisecond); err != os.ErrDeadlineExceeded {
		t.Errorf("got error %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if got := len(s.udp.open); got != 0 {
		t.Errorf("got %d open sockets, want none", got)
	}
}

func TestAsk_doesNotHearTheServerBefore(t *testing.T) {
	const mark = 0x0f // an RCODE, to know the forged response by
	query := Pack(ask(t, "www.example.com"), Form{})
	sent := make(chan struct{})
	before := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, _ []byte) {
		forged := respond(query.Message())
		forged[3] |= mark
		for range maxNearMisses {
			conn.WriteToUDPAddrPort(forged, from)
		}
		close(sent)
	})
	s := newSockets(t)
	u, err := s.udp.take(before.Addr(), netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.udp.drop(u)
	u.to.set(before)
	if errno := errors.Join(nonzero(u.connect()), nonzero(u.send(query.Message()))); errno != nil {
		t.Fatal(errno)
	}
	<-sent
	packet, err := u.ask(t.Context(), udpServer(t, honestUDP), query, enough)
	if err != nil || packet[3]&maskRcode == mark {
		t.Errorf("got % x, error %v; want the response of the server that was asked", packet, err)
	}
}

// nonzero is a system call's error, nil where it has none.
func nonzero(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func TestExchange_aMissingSourceIsOurFault(t *testing.T) {
	_, err := newSockets(t, netip.MustParseAddr("192.0.2.1")).
		Exchange(t.Context(), udpServer(t, honestUDP), UDP, Pack(ask(t, "www.example.com"), Form{}), enough)
	if _, ok := errors.AsType[*net.OpError](err); !ok || !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("got error %v, want %v of the network", err, syscall.EADDRNOTAVAIL)
	}
}

func TestClose_leavesUDPExchangesToTheirPatience(t *testing.T) {
	asked := make(chan struct{})
	to := udpServer(t, func(*net.UDPConn, netip.AddrPort, []byte) { close(asked) })
	s := NewSockets(nil)
	query := Pack(ask(t, "www.example.com"), Form{})
	var underway sync.WaitGroup
	underway.Go(func() {
		if _, err := s.Exchange(t.Context(), to, UDP, query, 200*time.Millisecond); err != os.ErrDeadlineExceeded {
			t.Errorf("got error %v, want %v", err, os.ErrDeadlineExceeded)
		}
	})
	<-asked
	s.Close()
	s.Close()
	underway.Wait()
	if _, err := s.Exchange(t.Context(), to, UDP, query, enough); err != net.ErrClosed || len(s.udp.open) != 0 {
		t.Errorf("got error %v, %d open sockets; want %v, none", err, len(s.udp.open), net.ErrClosed)
	}
}
