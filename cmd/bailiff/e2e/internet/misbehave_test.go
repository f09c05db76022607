package internet

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// behaviour is how a server answers. truth asks a server that has the zone;
// what it returns is behaviour's to change.
type behaviour func(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg)

// misbehaving starts a server at an address of the namespace, UDP and TCP. The
// server at origin knows the truth.
func misbehaving(t testing.TB, away *namespace, address, origin string, b behaviour) {
	t.Helper()
	client := &dns.Client{Net: "tcp", Timeout: time.Second}
	truth := func(query *dns.Msg) *dns.Msg {
		reply, _, err := client.Exchange(query, origin)
		if err != nil {
			return new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
		}
		return reply
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, query *dns.Msg) { b(w, query, truth) })
	udp, tcp := &dns.Server{Handler: handler}, &dns.Server{Handler: handler}
	away.do(t, func() {
		var err error
		if udp.PacketConn, err = net.ListenPacket("udp", address); err != nil {
			t.Error(err)
		}
		if tcp.Listener, err = net.Listen("tcp", address); err != nil {
			t.Error(err)
		}
	})
	for _, s := range []*dns.Server{udp, tcp} {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown() })
	}
}

// altered answers with the truth, after change has been at it.
func altered(change func(reply *dns.Msg)) behaviour {
	return func(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
		reply := truth(query)
		if isUDP(w) {
			reply.Truncate(room(query))
		}
		change(reply)
		_ = w.WriteMsg(reply)
	}
}

func isUDP(w dns.ResponseWriter) bool { return w.LocalAddr().Network() == "udp" }

// room is what a reply over UDP may take, in octets.
func room(query *dns.Msg) int {
	if opt := query.IsEdns0(); opt != nil {
		return max(dns.MinMsgSize, int(opt.UDPSize()))
	}
	return dns.MinMsgSize
}

// honest changes nothing.
func honest(*dns.Msg) {}

func slow(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	time.Sleep(300 * time.Millisecond)
	altered(honest)(w, query, truth)
}

func silentToEDNS(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	if query.IsEdns0() == nil {
		altered(honest)(w, query, truth)
	}
}

func formErrToEDNS(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	refuseEDNS(dns.RcodeFormatError, w, query, truth)
}

func notImpToEDNS(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	refuseEDNS(dns.RcodeNotImplemented, w, query, truth)
}

func refuseEDNS(rcode int, w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	if query.IsEdns0() == nil {
		altered(honest)(w, query, truth)
		return
	}
	_ = w.WriteMsg(new(dns.Msg).SetRcode(query, rcode))
}

func failing(w dns.ResponseWriter, query *dns.Msg, _ func(*dns.Msg) *dns.Msg) {
	_ = w.WriteMsg(new(dns.Msg).SetRcode(query, dns.RcodeServerFailure))
}

func emptyNoError(w dns.ResponseWriter, query *dns.Msg, _ func(*dns.Msg) *dns.Msg) {
	_ = w.WriteMsg(new(dns.Msg).SetReply(query))
}

// truncating says TC over UDP, whatever the size.
func truncating(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	if !isUDP(w) {
		altered(honest)(w, query, truth)
		return
	}
	reply := new(dns.Msg).SetReply(query)
	reply.Truncated, reply.Authoritative = true, true
	_ = w.WriteMsg(reply)
}

// decoyFirst sends packets that are no answer before the one that is.
func decoyFirst(w dns.ResponseWriter, query *dns.Msg, truth func(*dns.Msg) *dns.Msg) {
	if isUDP(w) {
		reply := truth(query)
		forge(reply)
		reply.Id++
		_ = w.WriteMsg(reply)
		reply.Id--
		reply.Question[0].Name = "other." + reply.Question[0].Name
		_ = w.WriteMsg(reply)
	}
	altered(honest)(w, query, truth)
}

// Behaviours that answer with something else than the truth.
var (
	withoutOPT = altered(func(reply *dns.Msg) {
		reply.Extra = slices.DeleteFunc(reply.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
	})
	withoutAA = altered(func(reply *dns.Msg) { reply.Authoritative = false })
	lying     = altered(forge)
	lowerCase = altered(func(reply *dns.Msg) {
		for i := range reply.Question {
			reply.Question[i].Name = strings.ToLower(reply.Question[i].Name)
		}
		for _, rr := range reply.Answer {
			rr.Header().Name = strings.ToLower(rr.Header().Name)
		}
	})
	cnameAndOther = altered(func(reply *dns.Msg) {
		if q := reply.Question[0]; strings.HasPrefix(q.Name, "www.") && q.Qtype == dns.TypeA {
			reply.Answer = append(reply.Answer, record(q.Name+" 3600 CNAME www.plain.test."))
		}
	})
	nxdomainForEmpty = altered(func(reply *dns.Msg) {
		if len(reply.Answer) == 0 {
			reply.Rcode = dns.RcodeNameError
		}
	})
	poisonous = altered(func(reply *dns.Msg) {
		reply.Ns = append(reply.Ns, record("victim.test. 3600 NS ns1.poison.test."), record("test. 3600 NS ns1.poison.test."))
		reply.Extra = append(reply.Extra, record("www.victim.test. 3600 A 192.0.2.66"), record("ns1.victim.test. 3600 A 198.51.100.110"))
	})
	chainThenVictim = altered(func(reply *dns.Msg) {
		if q := reply.Question[0]; strings.HasPrefix(q.Name, "www.") {
			reply.Answer = []dns.RR{record(q.Name + " 3600 CNAME www.victim.test."), record("www.victim.test. 3600 A 192.0.2.66")}
		}
	})
)

// forge changes every address in the answer.
func forge(reply *dns.Msg) {
	for _, rr := range reply.Answer {
		if a, ok := rr.(*dns.A); ok {
			a.A = net.IPv4(192, 0, 2, 66)
		}
	}
}

// refers sends every question on to another zone's server.
func refers(zone, server string) behaviour {
	return func(w dns.ResponseWriter, query *dns.Msg, _ func(*dns.Msg) *dns.Msg) {
		reply := new(dns.Msg).SetReply(query)
		reply.Ns = []dns.RR{record(zone + " 3600 NS " + server)}
		reply.Extra = []dns.RR{record(server + " 3600 A 198.51.100.110")}
		_ = w.WriteMsg(reply)
	}
}

// record parses a record of this file.
func record(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}
