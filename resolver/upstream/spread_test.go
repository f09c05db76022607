package upstream

import (
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Guessing must cost at least 2^30 combinations (RFC 5452 section 4.5).
func TestResolve_idsAndPortsAreSpread(t *testing.T) {
	const queries = 2000
	var mu sync.Mutex
	ids, ports, spellings := map[uint16]int{}, map[int]int{}, map[string]int{}
	s := startFake(t, func(w dns.ResponseWriter, m *dns.Msg) {
		mu.Lock()
		ids[m.Id]++
		ports[w.RemoteAddr().(*net.UDPAddr).Port]++
		spellings[m.Question[0].Name]++
		mu.Unlock()
		honest(w, m)
	}, nil)
	f := newForwarder(t, Config{Servers: addrs(s), CaseRandomisation: true})
	q := ask(t, "a-name-of-many-letters.example.com")
	for range queries {
		mustResolve(t, f, q)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < queries*95/100 { // 30 pairs of 2000 fall together by chance
		t.Errorf("got %d different IDs in %d queries", len(ids), queries)
	}
	if len(ports) < queries*80/100 { // of 28232 ephemeral ports
		t.Errorf("got %d different ports in %d queries", len(ports), queries)
	}
	if len(spellings) < queries*99/100 {
		t.Errorf("got %d different spellings in %d queries", len(spellings), queries)
	}
	buckets := [16]int{}
	for id, n := range ids {
		buckets[id>>12] += n
	}
	for i, n := range buckets {
		if n < queries/16/2 || n > queries/16*2 {
			t.Errorf("bucket %d of the IDs holds %d, want about %d", i, n, queries/16)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	reply := honestReply(new(dns.Msg).SetQuestion("www.example.com.", dns.TypeA))
	packet, err := reply.Pack()
	if err != nil {
		b.Fatal(err)
	}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		query := make([]byte, 512)
		for {
			n, from, err := conn.(*net.UDPConn).ReadFromUDPAddrPort(query)
			if err != nil {
				return
			}
			copy(packet, query[:2])
			copy(packet[headerOctets:], query[headerOctets:n-optOctets])
			conn.(*net.UDPConn).WriteToUDPAddrPort(packet, from)
		}
	})
	b.Cleanup(func() { conn.Close(); wg.Wait() })

	f := New(Config{Servers: []netip.AddrPort{conn.LocalAddr().(*net.UDPAddr).AddrPort()}, CaseRandomisation: true})
	q := ask(b, "www.example.com")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Resolve(b.Context(), q); err != nil {
			b.Fatal(err)
		}
	}
	f.Close()
}
