package resolver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const oneOrder = "id: one\nauthority: Court\nblock: [blocked.test]\n"

func TestRespond_cachedTTLsCountDown(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	w.ask(t, question("free.test", dns.TypeA))
	w.age(100 * time.Second)
	got := w.ask(t, question("FREE.test", dns.TypeA))
	if want := []string{"free.test.\t200\tIN\tA\t198.51.100.1"}; !slices.Equal(lines(got.Answer), want) {
		t.Errorf("got %q, want %q", lines(got.Answer), want)
	}
	if n := w.asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times, want once", n)
	}
}

func TestRespond_rfc2308NegativeLivesAsLongAsItsSOASays(t *testing.T) {
	w := newWorld(t, oneOrder)
	w.ask(t, question("nothing.test", dns.TypeA))
	w.age(59 * time.Second)
	got := w.ask(t, question("nothing.test", dns.TypeA))
	if got.Rcode != dns.RcodeNameError || len(got.Ns) != 1 || got.Ns[0].Header().Ttl != 1 || w.asked.Load() != 1 {
		t.Errorf("after 59 s: got %s %v, asked %d; want NXDOMAIN from the cache, SOA TTL 1", dns.RcodeToString[got.Rcode], got.Ns, w.asked.Load())
	}
	w.age(2 * time.Second)
	if w.ask(t, question("nothing.test", dns.TypeA)); w.asked.Load() != 2 {
		t.Errorf("after 61 s: asked %d, want the upstream asked again", w.asked.Load())
	}
}

func TestRespond_bitsThatChangeAnAnswerAreCachedApart(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	for i := range 8 {
		m := question("free.test", dns.TypeA)
		m.CheckingDisabled, m.AuthenticatedData = i&1 > 0, i&2 > 0
		if i&4 > 0 {
			m.IsEdns0().SetDo()
		}
		w.ask(t, m)
		w.ask(t, m)
		if n := w.asked.Load(); n != int64(i+1) {
			t.Errorf("CD=%v AD=%v DO=%v: the upstream has been asked %d times, want %d", i&1 > 0, i&2 > 0, i&4 > 0, n, i+1)
		}
	}
}

func TestRespond_rfc8767StaleWhenTheUpstreamIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1", "alias.test. 300 IN CNAME late.test.", "late.test. 300 IN A 198.51.100.2")
	w.ask(t, question("free.test", dns.TypeA))
	w.ask(t, question("alias.test", dns.TypeA))
	w.ask(t, question("nothing.test", dns.TypeA))
	w.age(301 * time.Second)
	w.down.Store(true)
	start := time.Now()
	got := w.ask(t, question("free.test", dns.TypeA))
	if want := []string{"free.test.\t30\tIN\tA\t198.51.100.1"}; !slices.Equal(lines(got.Answer), want) {
		t.Errorf("got %q, want %q", lines(got.Answer), want)
	}
	if want := []string{"3 "}; !slices.Equal(errorsOf(got), want) {
		t.Errorf("got EDE %q, want %q (Stale Answer)", errorsOf(got), want)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v, want the client's patience of 1.8 s", took)
	}
	if got, want := errorsOf(w.ask(t, question("nothing.test", dns.TypeA))), []string{"19 "}; !slices.Equal(got, want) {
		t.Errorf("NXDOMAIN: got EDE %q, want %q (Stale NXDOMAIN Answer)", got, want)
	}
	w.reload(t, "id: two\nauthority: Court\nblock: [late.test]\n")
	if got := w.ask(t, question("alias.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("stale truth under a new order: got %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
	w.running.Wait()
	w.age(time.Hour)
	if got := w.ask(t, question("free.test", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("past the stale limit: got %s, want SERVFAIL", dns.RcodeToString[got.Rcode])
	}
}

func TestRespond_oneQuestionInFlightForManyQueries(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	w.down.Store(true) // so that all of them wait
	time.AfterFunc(200*time.Millisecond, func() { w.down.Store(false) })
	m := question("free.test", dns.TypeA)
	for i := range 50 {
		m.Id = uint16(i)
		packet, _ := m.Pack()
		q := &Query{Packet: packet, Client: netip.MustParseAddr("192.0.2.9"), Received: time.Now(), Late: w}
		if reply := w.Respond(q); reply != nil || !q.Waits() {
			t.Fatalf("query %d: got a reply at once", i)
		}
	}
	seen := map[uint16]bool{}
	for range 50 {
		reply := new(dns.Msg)
		if err := reply.Unpack(<-w.late); err != nil || len(reply.Answer) != 1 {
			t.Fatalf("got %v %v, want the answer", reply, err)
		}
		seen[reply.Id] = true
	}
	if len(seen) != 50 {
		t.Errorf("got %d IDs, want each query answered once", len(seen))
	}
	if n := w.asked.Load(); n > 3 {
		t.Errorf("the upstream was asked %d times for one question, want one and its retries", n)
	}
}

func TestJoin_oneClientTakesNotEveryPlace(t *testing.T) {
	w := newWorld(t, oneOrder)
	ask := func(i int, client string) (*flight, place) {
		q := prepared(t, fmt.Sprintf("n%d.test", i), dns.TypeA, false)
		q.Client = netip.MustParseAddr(client)
		q.parse(0)
		return w.flights.join(q.key(), q, forAnswer, nil)
	}
	const questions = 64
	var all []*flight
	for i := range maxWaitingClient {
		f, where := ask(i%questions, "192.0.2.9")
		if where == placeFull {
			t.Fatalf("query %d found no place", i)
		}
		all = append(all, f)
	}
	if _, where := ask(0, "192.0.2.9"); where != placeFull {
		t.Errorf("one more of the same client: got %v, want no place", where)
	}
	if _, where := ask(0, "192.0.2.10"); where != placeWaiting {
		t.Errorf("another client: got %v, want a place", where)
	}
	for _, f := range all[:questions] {
		w.flights.release(f, true)
	}
	if w.flights.waiting != 0 || len(w.flights.clients) != 0 || w.flights.count() != 0 {
		t.Errorf("after all have ended: got %d waiting of %d clients, want none", w.flights.waiting, len(w.flights.clients))
	}
}

func TestRespond_aQueryThatWaitedIsJudgedByTheLawOfItsAnswer(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	w.down.Store(true)
	time.AfterFunc(100*time.Millisecond, func() {
		w.reload(t, "id: two\nauthority: Court\nblock: [free.test]\n")
		w.down.Store(false)
	})
	if got := w.ask(t, question("free.test", dns.TypeA)); got.Rcode != dns.RcodeNameError {
		t.Errorf("got %s, want NXDOMAIN: the order came before the answer", dns.RcodeToString[got.Rcode])
	}
}

func TestRespond_whatDoesNotFitIsTruncated(t *testing.T) {
	var zone []string
	for i := range 100 {
		zone = append(zone, fmt.Sprintf("big.test. 300 IN A 198.51.100.%d", i))
	}
	w := newWorld(t, oneOrder, zone...)
	m := question("big.test", dns.TypeA)
	m.IsEdns0().SetUDPSize(65535)
	for _, when := range []string{"fresh", "cached"} {
		got := w.ask(t, m)
		if !got.Truncated || len(got.Answer) != 0 || got.IsEdns0() == nil {
			t.Errorf("%s: got TC=%v and %d records, want TC and none, whatever size the client offers", when, got.Truncated, len(got.Answer))
		}
	}
	packet, _ := m.Pack()
	q := &Query{Packet: packet, Client: netip.MustParseAddr("192.0.2.9"), Transport: TCP, Received: time.Now()}
	reply := new(dns.Msg)
	if err := reply.Unpack(w.Respond(q)); err != nil || reply.Truncated || len(reply.Answer) != 100 {
		t.Errorf("over TCP: got TC=%v, %d records, %v; want all 100", reply.Truncated, len(reply.Answer), err)
	}
}

func TestRespond_cnameLoopIsSERVFAIL(t *testing.T) {
	w := newWorld(t, oneOrder, "a.test. 300 IN CNAME b.test.", "b.test. 300 IN CNAME a.test.")
	if got := w.ask(t, question("a.test", dns.TypeA)); got.Rcode != dns.RcodeServerFailure {
		t.Errorf("got %s, want SERVFAIL", dns.RcodeToString[got.Rcode])
	}
}

func TestCache_staysWithinItsOctets(t *testing.T) {
	w := newWorld(t, oneOrder)
	for i := range 20000 {
		q := prepared(t, fmt.Sprintf("n%d.%s.test", i, strings.Repeat("x", 50)), dns.TypeA, false)
		q.parse(0)
		w.cache.put(q, &truth{octets: append(q.Packet, make([]byte, 200)...), lifetime: time.Hour})
	}
	size := 0
	for i := range w.cache.shards {
		size += w.cache.shards[i].size
	}
	stats := w.cache.stats()
	if size > 1<<20 || stats.Entries[0] == 0 || stats.Evictions[0] == 0 {
		t.Errorf("got %d octets in %d entries, %d evicted; want at most 1 MiB, the rest evicted", size, stats.Entries[0], stats.Evictions[0])
	}
}

func TestRespond_prefetchRefreshesWhatIsInUse(t *testing.T) {
	w := newWorld(t, oneOrder, "free.test. 300 IN A 198.51.100.1")
	w.prefetch = true
	w.ask(t, question("free.test", dns.TypeA))
	w.age(280 * time.Second)
	got := w.ask(t, question("free.test", dns.TypeA))
	if got.Answer[0].Header().Ttl != 20 {
		t.Errorf("got TTL %d, want the cached 20 at once", got.Answer[0].Header().Ttl)
	}
	w.running.Wait()
	if got := w.ask(t, question("free.test", dns.TypeA)); got.Answer[0].Header().Ttl != 300 || w.asked.Load() != 2 {
		t.Errorf("got TTL %d after %d questions, want 300 after 2", got.Answer[0].Header().Ttl, w.asked.Load())
	}
}
