package listen

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
)

// inherited are sockets that somebody else has opened, by the address that they
// are bound to. An address may have several of a kind (SO_REUSEPORT).
type inherited struct {
	tcp map[netip.AddrPort][]*net.TCPListener
	udp map[netip.AddrPort][]*net.UDPConn
}

// inherit takes the sockets over and closes the files. One that is no socket of
// DNS, or bound to none of the addresses, is an error: nobody would read it.
func inherit(files []*os.File, addresses []netip.AddrPort) (*inherited, error) {
	in := &inherited{tcp: map[netip.AddrPort][]*net.TCPListener{}, udp: map[netip.AddrPort][]*net.UDPConn{}}
	var all []error
	for _, f := range files {
		a, err := in.add(f)
		if err == nil && !slices.Contains(addresses, a) {
			err = fmt.Errorf("%s: is not listened on; name the address under listen too, or do not pass it", a)
		}
		if err != nil {
			all = append(all, fmt.Errorf("inherited socket %s: %w", f.Name(), err))
		}
		_ = f.Close()
	}
	if len(all) > 0 {
		in.close()
		return nil, errors.Join(all...)
	}
	return in, nil
}

// add takes one socket over; the file stays the caller's.
func (in *inherited) add(f *os.File) (netip.AddrPort, error) {
	if l, err := net.FileListener(f); err == nil {
		if l, ok := l.(*net.TCPListener); ok {
			a := plain(l.Addr().(*net.TCPAddr).AddrPort())
			in.tcp[a] = append(in.tcp[a], l)
			return a, nil
		}
		_ = l.Close()
	} else if c, err := net.FilePacketConn(f); err == nil {
		if c, ok := c.(*net.UDPConn); ok {
			a := plain(c.LocalAddr().(*net.UDPAddr).AddrPort())
			in.udp[a] = append(in.udp[a], c)
			return a, nil
		}
		_ = c.Close()
	}
	return netip.AddrPort{}, errors.New("is neither UDP nor TCP that listens; pass ListenDatagram= and ListenStream= only")
}

// plain is an address as a config file spells it.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// close closes what nobody has taken. The sockets live on where they came from.
func (in *inherited) close() {
	for _, listeners := range in.tcp {
		for _, l := range listeners {
			_ = l.Close()
		}
	}
	for _, conns := range in.udp {
		for _, c := range conns {
			_ = c.Close()
		}
	}
}

// listenTCP hands out the address's listeners, or opens one.
func (in *inherited) listenTCP(a netip.AddrPort) ([]*net.TCPListener, error) {
	if given := in.tcp[a]; len(given) > 0 {
		delete(in.tcp, a)
		return given, nil
	}
	l, err := net.ListenTCP(network("tcp", a), net.TCPAddrFromAddrPort(a))
	if err != nil {
		return nil, err
	}
	return []*net.TCPListener{l}, nil
}

// openUDP makes workers of the address's sockets, one each, or opens sockets
// for count workers. number is the first worker's.
func (in *inherited) openUDP(a netip.AddrPort, count, number int) (workers []*udpWorker, err error) {
	given := in.udp[a]
	if len(given) == 0 {
		return openUDP(a, count, number)
	}
	for i, conn := range given {
		w, err := adoptUDP(conn, a, number+i)
		if err != nil {
			return nil, errors.Join(err, closeWorkers(workers))
		}
		workers = append(workers, w)
	}
	delete(in.udp, a)
	return workers, nil
}
