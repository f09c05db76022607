package e2e

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// fake is an upstream that does what its handlers say, lies included.
type fake struct {
	address string
	asked   atomic.Int64 // over UDP and TCP
	servers []*dns.Server
}

// upstream starts a fake on a free port, UDP and TCP, until the test ends.
func upstream(t testing.TB, udp, tcp dns.HandlerFunc) *fake {
	t.Helper()
	return upstreamAt(t, "127.0.0.1:0", udp, tcp)
}

// upstreamAt is upstream at an address that may have been another's a moment
// ago.
func upstreamAt(t testing.TB, address string, udp, tcp dns.HandlerFunc) *fake {
	t.Helper()
	for range 50 {
		listener, err := net.Listen("tcp4", address)
		if err == nil {
			packets, err := net.ListenPacket("udp4", listener.Addr().String())
			if err == nil {
				f := &fake{address: listener.Addr().String()}
				f.serve(&dns.Server{PacketConn: packets, Handler: f.counted(udp)})
				f.serve(&dns.Server{Listener: listener, Handler: f.counted(tcp)})
				t.Cleanup(f.stop)
				return f
			}
			_ = listener.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s is not free for both transports", address)
	return nil
}

func (f *fake) serve(s *dns.Server) {
	started := make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() { _ = s.ActivateAndServe() }()
	<-started
	f.servers = append(f.servers, s)
}

func (f *fake) counted(h dns.HandlerFunc) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		f.asked.Add(1)
		h(w, query)
	}
}

// stop closes the port. It may be called again.
func (f *fake) stop() {
	for _, s := range f.servers {
		_ = s.Shutdown()
	}
}

// honest answers every name with 198.51.100.1, whatever the type.
func honest(w dns.ResponseWriter, query *dns.Msg) { _ = w.WriteMsg(truthOn(query)) }

func truthOn(query *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable = true
	m.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300},
		A:   net.IPv4(198, 51, 100, 1).To4(),
	}}
	return m
}

// changed answers as honest does, after change has been at the response.
func changed(change func(m *dns.Msg)) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		m := truthOn(query)
		change(m)
		_ = w.WriteMsg(m)
	}
}

// silent never answers.
func silent(dns.ResponseWriter, *dns.Msg) {}
