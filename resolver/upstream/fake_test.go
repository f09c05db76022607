package upstream

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// fake is an upstream on loopback that does what its handler says.
type fake struct {
	addr     netip.AddrPort
	udp, tcp atomic.Int32 // queries seen
}

// startFake serves UDP and, unless tcp is nil, TCP on one free port until the
// test ends.
func startFake(t testing.TB, udp, tcp dns.HandlerFunc) *fake {
	t.Helper()
	f := &fake{}
	packets, listener := listen(t)
	f.addr = packets.LocalAddr().(*net.UDPAddr).AddrPort()
	serve(t, &dns.Server{PacketConn: packets, Handler: counted(&f.udp, udp)})
	if tcp == nil {
		listener.Close()
		return f
	}
	serve(t, &dns.Server{Listener: listener, Handler: counted(&f.tcp, tcp)})
	return f
}

// listen opens the same free port for both transports.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, listener
		}
		packets.Close()
	}
	t.Fatal("no port is free for both transports")
	return nil, nil
}

func serve(t testing.TB, s *dns.Server) {
	t.Helper()
	started, ended := make(chan struct{}), make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() {
		defer close(ended)
		if err := s.ActivateAndServe(); err != nil {
			t.Error(err)
		}
	}()
	<-started
	t.Cleanup(func() {
		s.Shutdown()
		<-ended
	})
}

func counted(n *atomic.Int32, h dns.HandlerFunc) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		n.Add(1)
		h(w, query)
	}
}

// deadPort is a UDP port where nobody listens.
func deadPort(t testing.TB) netip.AddrPort {
	t.Helper()
	packets, listener := listen(t)
	packets.Close()
	listener.Close()
	return packets.LocalAddr().(*net.UDPAddr).AddrPort()
}

// honest answers with one A record, repeating the question as it was spelt.
func honest(w dns.ResponseWriter, query *dns.Msg) {
	w.WriteMsg(honestReply(query))
}

func honestReply(query *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable = true
	m.Answer = []dns.RR{&dns.A{
		Hdr: dns.RR_Header{Name: query.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 300},
		A:   net.IPv4(192, 0, 2, 1).To4(),
	}}
	return m
}

// silent never answers.
func silent(dns.ResponseWriter, *dns.Msg) {}

// rcode answers with that RCODE and nothing else.
func rcode(code int) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		w.WriteMsg(new(dns.Msg).SetRcode(query, code))
	}
}

// changed answers as honest does, after change has been at the reply.
func changed(change func(query, reply *dns.Msg)) dns.HandlerFunc {
	return func(w dns.ResponseWriter, query *dns.Msg) {
		reply := honestReply(query)
		change(query, reply)
		w.WriteMsg(reply)
	}
}

// ask is the question for the A records of a name in presentation format.
func ask(t testing.TB, name string) Question {
	t.Helper()
	wire := make([]byte, 255)
	n, err := dns.PackDomainName(dns.Fqdn(name), wire, 0, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	return Question{Name: wire[:n], Type: dns.TypeA}
}

func addrs(fakes ...*fake) []netip.AddrPort {
	var list []netip.AddrPort
	for _, f := range fakes {
		list = append(list, f.addr)
	}
	return list
}

// newForwarder is closed when the test ends.
func newForwarder(t testing.TB, c Config) *Forwarder {
	t.Helper()
	f := New(c)
	t.Cleanup(f.Close)
	return f
}
