package e2e

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// spread asks for count names, many at once, with window queries under way on
// each of four sockets. It returns how many had no answer.
func (s *server) spread(count, window int, qname func(i int) string) (lost int) {
	s.t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() {
			missing := s.askMany(c, 4, count, window, qname)
			mu.Lock()
			defer mu.Unlock()
			lost += missing
		})
	}
	clients.Wait()
	return lost
}

// askMany asks for the names first, first+step and so on, below count.
func (s *server) askMany(first, step, count, window int, qname func(i int) string) (lost int) {
	conn, err := net.Dial("udp", s.address)
	if err != nil {
		s.t.Error(err)
		return count / step
	}
	defer conn.Close()
	buffer := make([]byte, 1500)
	underWay := 0
	for i := first; i < count || underWay > 0; {
		for ; i < count && underWay < window; i += step {
			raw, err := new(dns.Msg).SetQuestion(qname(i), dns.TypeA).Pack()
			if err != nil {
				s.t.Error(err)
				return count
			}
			_, _ = conn.Write(raw)
			underWay++
		}
		_ = conn.SetReadDeadline(time.Now().Add(8 * time.Second))
		if _, err := conn.Read(buffer); err != nil {
			return lost + underWay + (count-i)/step
		}
		underWay--
	}
	return lost
}

// RFC 5452: guessing must cost at least 2^30 combinations, and no question may
// be under way twice.
func TestUpstream_tenThousandQueriesAreHardToGuess(t *testing.T) {
	t.Parallel()
	const queries = 10000
	var mu sync.Mutex
	ids, ports := map[uint16]int{}, map[string]int{}
	u := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		_, port, _ := net.SplitHostPort(w.RemoteAddr().String())
		mu.Lock()
		ids[q.Id]++
		ports[port]++
		mu.Unlock()
		time.Sleep(5 * time.Millisecond) // for the name's other query to come meanwhile
		honest(w, q)
	}, honest)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	// Each name is asked for by two queries at about the same time.
	if lost := s.spread(2*queries, 16, func(i int) string { return fmt.Sprintf("n%d.example.", i/2) }); lost > 0 {
		t.Errorf("%d queries got no answer", lost)
	}
	mu.Lock()
	defer mu.Unlock()
	asked := 0
	var octets [2][256]int
	for id, n := range ids {
		asked += n
		octets[0][id>>8] += n
		octets[1][id&255] += n
	}
	if asked < queries {
		t.Fatalf("got %d upstream queries, want %d", asked, queries)
	}
	// On a busy machine an answer comes too late, and its question goes out again.
	if asked > queries+queries/10 {
		t.Errorf("got %d upstream queries for %d names: both queries for a name went out", asked, queries)
	}
	for i, counts := range octets {
		if x := chiSquare(counts[:], asked); x > 400 { // mean 255, 1 in 10^7 above 390
			t.Errorf("octet %d of the IDs: got chi-square %.0f over 256 values, want about 255", i, x)
		}
	}
	most := 0
	for _, n := range ports {
		most = max(most, n)
	}
	if len(ports) < asked/64 || most > 200 { // a port serves 32 questions, and may come again
		t.Errorf("got %d ports for %d queries, one of them %d times", len(ports), asked, most)
	}
}

func chiSquare(counts []int, total int) (x float64) {
	expected := float64(total) / float64(len(counts))
	for _, n := range counts {
		x += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	return x
}

func TestUpstream_whatIsForgedNeitherAnswersNorStays(t *testing.T) {
	t.Parallel()
	forged := []func(m *dns.Msg){
		func(m *dns.Msg) { m.Id++ },
		func(m *dns.Msg) { m.Response = false },
		func(m *dns.Msg) { m.Question[0].Name = "victim.test." },
		func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeAAAA },
		func(m *dns.Msg) { m.Question[0].Name = strings.ToLower(m.Question[0].Name) },
	}
	poison, _ := dns.NewRR("victim.test. 3600 IN A 192.0.2.66")
	delegation, _ := dns.NewRR("test. 3600 IN NS victim.test.")
	u := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		qname := strings.ToLower(q.Question[0].Name)
		var i int
		if _, err := fmt.Sscanf(qname, "forged%d.", &i); err == nil {
			changed(func(m *dns.Msg) {
				m.Answer[0].(*dns.A).A[3] = 66
				forged[i](m)
			})(w, q)
		}
		changed(func(m *dns.Msg) {
			if qname != "victim.test." {
				m.Answer, m.Ns, m.Extra = append(m.Answer, poison), []dns.RR{delegation, poison}, []dns.RR{poison}
			}
		})(w, q)
	}, honest)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	for i := range forged {
		qname := fmt.Sprintf("forged%d.a-name-with-many-letters.test.", i)
		for _, when := range []string{"fresh", "cached"} {
			if got := s.ask(qname, dns.TypeA); len(got.Answer) != 1 || !strings.HasSuffix(got.Answer[0].String(), "\t198.51.100.1") || len(got.Ns) > 0 {
				t.Errorf("%s, %s: got %v, want the true address alone", qname, when, got)
			}
		}
	}
	if got := s.ask("victim.test", dns.TypeA); len(got.Answer) != 1 || !strings.HasSuffix(got.Answer[0].String(), "\t198.51.100.1") {
		t.Errorf("victim: got %v, want its own address", got)
	}
}

func TestUpstream_whatIsMalformedIsNotPassedOn(t *testing.T) {
	t.Parallel()
	broken := func(q *dns.Msg, room int) []byte {
		head, _ := new(dns.Msg).SetReply(q).Pack()
		head[3] |= 0x80 // RA
		var size int
		if _, err := fmt.Sscanf(strings.ToLower(q.Question[0].Name), "rdata%d.", &size); err != nil {
			return bomb(head, room)
		}
		rrtype := q.Question[0].Qtype
		head[7] = 1 // ANCOUNT
		head = append(head, 0xc0, 12, byte(rrtype>>8), byte(rrtype), 0, 1, 0, 0, 0, 60, 0, byte(size))
		for i := range size {
			head = append(head, byte(i*37))
		}
		return head
	}
	u := upstream(t, func(w dns.ResponseWriter, q *dns.Msg) {
		if strings.HasPrefix(strings.ToLower(q.Question[0].Name), "free") {
			honest(w, q)
			return
		}
		packet := broken(q, 1200)
		if strings.HasPrefix(strings.ToLower(q.Question[0].Name), "bomb") {
			packet[2] |= 0x02 // TC
		}
		_, _ = w.Write(packet)
	}, func(w dns.ResponseWriter, q *dns.Msg) { _, _ = w.Write(broken(q, 65000)) })
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	for rrtype := range dns.TypeToRR {
		if rrtype > 127 && rrtype < 256 || rrtype == dns.TypeOPT {
			continue // never asked
		}
		for _, size := range []int{0, 1, 3, 17} {
			got := s.ask(fmt.Sprintf("rdata%d.test", size), rrtype) // which unpacks it: a malformed reply is fatal
			if got.Rcode != dns.RcodeServerFailure && (got.Rcode != dns.RcodeSuccess || len(got.Answer) > 1) {
				t.Errorf("%s with %d octets: got %v", dns.Type(rrtype), size, got)
			}
		}
	}
	start := time.Now()
	s.ask("bomb.test", dns.TypeA)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("a response made to take long took %v", took)
	}
	s.alive("free.test")
}

// bomb is a response filled with records of one long owner name, which each
// costs two octets.
func bomb(head []byte, room int) []byte {
	owner := []byte{0xc0 | byte(len(head)>>8), byte(len(head))}
	packet := append(head, bytes.Repeat([]byte{1, 'a'}, 126)...)
	packet = append(packet, 0)
	count := 0
	for ; len(packet)+20 < room; count++ {
		if count > 0 {
			packet = append(packet, owner...)
		}
		packet = append(packet, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, byte(count>>8), byte(count))
	}
	packet[6], packet[7] = byte(count>>8), byte(count)
	return packet
}

func TestUpstream_itsDeathAndReturnAreNoticed(t *testing.T) {
	t.Parallel()
	u := upstream(t, honest, honest)
	s := bailiff(t, "--orders", oneOrder(t), "--upstream", u.address)
	s.alive("free.test")
	s.spread(100, 10, func(i int) string { return fmt.Sprintf("warm%d.test.", i) })
	before := s.number("go_goroutines")
	u.stop()
	for i := range 50 {
		if got := s.ask(fmt.Sprintf("dead%d.test", i), dns.TypeA); got.Rcode != dns.RcodeServerFailure {
			t.Errorf("while it is dead: got %v, want SERVFAIL", got)
		}
	}
	s.alive("free.test") // under order or cached
	upstreamAt(t, u.address, honest, honest)
	returned := time.Now()
	for _, qname := range []string{"fresh.test", "dead0.test"} {
		for s.ask(qname, dns.TypeA).Rcode != dns.RcodeSuccess {
			if time.Since(returned) > 15*time.Second { // 5 s, and room for a slow machine
				t.Fatalf("%s: no answer %v after the upstream's return", qname, time.Since(returned))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	if after := s.number("go_goroutines"); after > before+20 {
		t.Errorf("got %v goroutines, %v before", after, before)
	}
}

func TestUpstream_theCacheStaysWithinItsSize(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 250)
	u := upstream(t, changed(func(m *dns.Msg) {
		for range 4 {
			m.Answer = append(m.Answer, &dns.TXT{
				Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 300}, Txt: []string{text},
			})
		}
	}), honest)
	config := "cache: {size: 4MiB}\norders: [orders.yaml]\n"
	folder := write(t, map[string]string{"bailiff.yaml": config, "orders.yaml": "id: one\nauthority: Court\nblock: [blocked.test]\n"})
	s := bailiff(t, "--config", folder+"/bailiff.yaml", "--upstream", u.address)
	const label = "-with-a-long-name-so-that-the-cache-is-full-soon."
	fill := func(round int) {
		qname := func(i int) string { return fmt.Sprintf("r%dn%d%[3]s%[3]s%[3]stest.", round, i, label) }
		if lost := s.spread(6000, 16, qname); lost > 0 {
			t.Errorf("%d queries got no answer", lost)
		}
	}
	fill(1) // three quarters
	first := s.number("go_memstats_heap_sys_bytes")
	fill(2)
	fill(3)
	if got := s.number("go_memstats_heap_sys_bytes"); got > first+24<<20 {
		t.Errorf("got %.0f MiB of heap, %.0f MiB when the cache was full first", got/(1<<20), first/(1<<20))
	}
	if s.number(`bailiff_cache_evictions_total{type="success"}`) == 0 {
		t.Errorf("nothing was evicted:\n%s", s.metric(`bailiff_cache_entries{type="success"}`))
	}
	t.Logf("heap %.0f MiB, then %.0f MiB; %s entries", first/(1<<20), s.number("go_memstats_heap_sys_bytes")/(1<<20), s.metric(`bailiff_cache_entries{type="success"}`))
}
