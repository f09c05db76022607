package exchange

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// honestUDP responds to everything.
func honestUDP(conn *net.UDPConn, from netip.AddrPort, query []byte) {
	conn.WriteToUDPAddrPort(respond(query), from)
}

func TestExchange_everyQueryHasAPortOfItsOwn(t *testing.T) {
	const queries = 200
	for _, s := range []*Sockets{newSockets(t), newSockets(t, netip.MustParseAddr("127.0.0.1"))} {
		ports := make(chan uint16, queries)
		to := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
			ports <- from.Port()
			honestUDP(conn, from, query)
		})
		seen := map[uint16]bool{}
		for range queries {
			mustExchange(t, s, to, UDP)
			seen[<-ports] = true
		}
		if got := len(seen); got < queries*95/100 { // of 28232 ephemeral ports
			t.Errorf("got %d ports in %d queries", got, queries)
		}
	}
}

func TestExchange_nearMissesAreDoubtful(t *testing.T) {
	wrongID := func(p []byte) []byte { p[0]++; return p }
	flipped := func(p []byte) []byte { p[headerOctets+1] ^= 'a' - 'A'; return p }
	right := func(p []byte) []byte { return p }
	empty := func([]byte) []byte { return nil }
	long := func(p []byte) []byte { return append(p, make([]byte, maxPayload)...) }
	tests := []struct {
		name string
		form Form
		sent []func([]byte) []byte
		want error
	}{
		{"two, then the response", Form{}, []func([]byte) []byte{wrongID, wrongID, right}, nil},
		{"three, then the response", Form{}, []func([]byte) []byte{wrongID, wrongID, wrongID, right}, ErrDoubtful},
		{"empty ones, then the response", Form{}, []func([]byte) []byte{empty, empty, right}, nil},
		{"wrong spelling", Form{MixedCase: true}, []func([]byte) []byte{flipped, right}, ErrDoubtful},
		{"a spelling that was not random", Form{}, []func([]byte) []byte{flipped}, nil},
		{"longer than offered, of a resolver", Form{EDNS: true}, []func([]byte) []byte{long}, nil},
		{"longer than offered, of an authoritative server", Form{EDNS: true, Iterative: true}, []func([]byte) []byte{long}, ErrDoubtful},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
				for _, change := range tt.sent {
					conn.WriteToUDPAddrPort(change(respond(query)), from)
				}
			})
			_, err := newSockets(t).Exchange(t.Context(), to, UDP, Pack(ask(t, "www.example.com"), tt.form), enough)
			if err != tt.want {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
		})
	}
}

func TestExchange_whatComesAfterTheResponseIsForgotten(t *testing.T) {
	to := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
		for range 2 * maxNearMisses {
			honestUDP(conn, from, query)
		}
	})
	s := newSockets(t)
	for range 100 {
		mustExchange(t, s, to, UDP)
	}
}

func TestExchange_otherSourcesAreNotHeard(t *testing.T) {
	const mark = 0x0f // an RCODE, to know the forged response by
	to := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
		for _, source := range []string{"127.0.0.1:0", "127.0.0.2:0"} {
			forger, err := net.ListenPacket("udp4", source)
			if err != nil {
				t.Error(err)
				return
			}
			forged := respond(query)
			forged[3] |= mark
			for range maxNearMisses {
				forger.WriteTo(forged, net.UDPAddrFromAddrPort(from))
			}
			forger.Close()
		}
		honestUDP(conn, from, query)
	})
	if packet := mustExchange(t, newSockets(t), to, UDP); packet[3]&maskRcode == mark {
		t.Errorf("got the response of another port or address")
	}
}

func TestExchange_asksFromTheSourceOfTheServersFamily(t *testing.T) {
	seen := make(chan netip.Addr, 1)
	toUDP := udpServer(t, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
		seen <- from.Addr()
		honestUDP(conn, from, query)
	})
	toTCP, _ := tcpServer(t, func(conn net.Conn, nth int32) {
		seen <- conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		honestTCP(t)(conn, nth)
	})
	tests := []struct {
		name    string
		sources []string
		want    []string
	}{
		{"none: the system's choice", nil, []string{"127.0.0.1"}},
		{"another family's only", []string{"2001:db8::1"}, []string{"127.0.0.1"}},
		{"one of each family", []string{"127.0.0.5", "2001:db8::1"}, []string{"127.0.0.5"}},
		{"several: any", []string{"127.0.0.5", "127.0.0.6"}, []string{"127.0.0.5", "127.0.0.6"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sources []netip.Addr
			for _, source := range tt.sources {
				sources = append(sources, netip.MustParseAddr(source))
			}
			for over, to := range map[Transport]netip.AddrPort{UDP: toUDP, TCP: toTCP} {
				mustExchange(t, newSockets(t, sources...), to, over)
				if got := (<-seen).String(); !slices.Contains(tt.want, got) {
					t.Errorf("%v: got source %s, want one of %s", over, got, tt.want)
				}
			}
		})
	}
}

func TestExchange_asksOverIPv6WithAndWithoutAZone(t *testing.T) {
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skipf("no IPv6: %v", err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer conn.Close()
	running.Go(func() { serveUDP(conn, honestUDP) })
	loopback := netip.IPv6Loopback()
	for _, s := range []*Sockets{newSockets(t), newSockets(t, loopback)} {
		for _, zone := range []string{"", "1"} {
			mustExchange(t, s, netip.AddrPortFrom(loopback.WithZone(zone), conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()), UDP)
		}
	}
}

func TestExchange_silenceEndsWithPatience(t *testing.T) {
	const patience = 80 * time.Millisecond
	udp := udpServer(t, func(*net.UDPConn, netip.AddrPort, []byte) {})
	tcp, _ := tcpServer(t, func(conn net.Conn, _ int32) {
		for readTCP(t, conn) != nil {
		}
	})
	s := newSockets(t)
	for over, to := range map[Transport]netip.AddrPort{UDP: udp, TCP: tcp} {
		start := time.Now()
		_, err := s.Exchange(t.Context(), to, over, Pack(ask(t, "www.example.com"), Form{}), patience)
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took < patience || took > enough {
			t.Errorf("%v: got error %v after %v, want %v after %v", over, err, took, os.ErrDeadlineExceeded, patience)
		}
	}
}

func TestExchange_endsWithItsContext(t *testing.T) {
	asked := make(chan struct{}, 1)
	udp := udpServer(t, func(*net.UDPConn, netip.AddrPort, []byte) { asked <- struct{}{} })
	tcp, _ := tcpServer(t, func(conn net.Conn, _ int32) {
		for readTCP(t, conn) != nil {
			asked <- struct{}{}
		}
	})
	s := newSockets(t)
	for over, to := range map[Transport]netip.AddrPort{UDP: udp, TCP: tcp} {
		ctx, cancel := context.WithCancel(t.Context())
		var ends sync.WaitGroup
		ends.Go(func() { <-asked; cancel() })
		if _, err := s.Exchange(ctx, to, over, Pack(ask(t, "www.example.com"), Form{}), enough); err != context.Canceled {
			t.Errorf("%v: got error %v, want %v", over, err, context.Canceled)
		}
		ends.Wait()
	}
}

func TestExchange_icmpSaysThatNobodyListens(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	for _, over := range []Transport{UDP, TCP} {
		_, err = newSockets(t).Exchange(t.Context(), conn.LocalAddr().(*net.UDPAddr).AddrPort(), over, Pack(ask(t, "www.example.com"), Form{}), enough)
		if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), over.String()) {
			t.Errorf("%v: got error %v, want %v", over, err, syscall.ECONNREFUSED)
		}
	}
}

func TestExchange_thePacketIsTheCallers(t *testing.T) {
	s, to := newSockets(t), udpServer(t, honestUDP)
	first := mustExchange(t, s, to, UDP)
	before := slices.Clone(first)
	mustExchange(t, s, to, UDP)
	if !slices.Equal(first, before) {
		t.Errorf("got % x after another exchange, want % x", first, before)
	}
}

func TestTransportString_namesEveryValue(t *testing.T) {
	for over, want := range map[Transport]string{UDP: "udp", TCP: "tcp", 9: "transport(9)"} {
		if got := over.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func BenchmarkExchange_UDP(b *testing.B) {
	s, q := newSockets(b), ask(b, "www.example.com")
	to := udpServer(b, func(conn *net.UDPConn, from netip.AddrPort, query []byte) {
		query[2] |= bitQR
		conn.WriteToUDPAddrPort(query, from)
	})
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Exchange(ctx, to, UDP, Pack(q, Form{EDNS: true, Iterative: true}), time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
