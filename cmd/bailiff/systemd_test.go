package main

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestDialled_aWildcardIsReachedOnLoopback(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0.0.0.0:53", "127.0.0.1:53"},
		{"[::]:53", "[::1]:53"},
		{"192.0.2.53:5300", "192.0.2.53:5300"},
		{"[2001:db8::53]:53", "[2001:db8::53]:53"},
	} {
		if got := dialled(netip.MustParseAddrPort(c.in)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

// TestAnswersAny_oneAddressIsEnoughAndTCPToo: a flood may fill the sockets of
// UDP, and an address may have moved to another machine.
func TestAnswersAny_oneAddressIsEnoughAndTCPToo(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	deaf := silent.LocalAddr().(*net.UDPAddr).AddrPort()
	if answersAny(t.Context(), []netip.AddrPort{deaf}, time.Second/2) {
		t.Error("an address that is silent answers")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetRcode(q, dns.RcodeRefused))
	})}
	go func() { _ = server.ActivateAndServe() }()
	defer func() { _ = server.Shutdown() }()
	if !answersAny(t.Context(), []netip.AddrPort{deaf, l.Addr().(*net.TCPAddr).AddrPort()}, patience) {
		t.Error("REFUSED over TCP does not count as an answer")
	}
}
