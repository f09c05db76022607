package listen

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"bailiff/resolver"
)

// TestUsage_countsWhatTheKernelDrops lets nobody read the sockets.
func TestUsage_countsWhatTheKernelDrops(t *testing.T) {
	s, err := Listen(Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.closeSockets() }()
	if got := s.Usage().Dropped; got != 0 {
		t.Errorf("got %d dropped before the first datagram", got)
	}
	client, err := net.Dial("udp", s.Addresses()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 2 * bufferBytes / 512 { // a datagram takes more room than its octets
		if _, err := client.Write(make([]byte, 512)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Usage().Dropped; got == 0 {
		t.Error("got 0 dropped, want some: more was sent than fits the buffer")
	}
}

func TestUsage_countsConnectionsAndRefusals(t *testing.T) {
	s, err := Listen(Config{Addresses: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:0")}, Resolver: resolver.New(resolver.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Shutdown(t.Context()) }()
	s.Serve()
	for range maxConnectionsClient + 2 {
		c, err := net.Dial("tcp", s.Addresses()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	want := Usage{Connections: maxConnectionsClient, ConnectionsLimit: maxConnections, Refused: 2}
	for end := time.Now().Add(10 * time.Second); s.Usage() != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %+v, want %+v", s.Usage(), want)
		}
	}
}
