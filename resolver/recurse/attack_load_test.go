package recurse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
	"go.uber.org/goleak"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// Work that others try to cause.

func TestLoad_referralsToMoreServersThanThereMayBe(t *testing.T) {
	for _, servers := range []int{maxServerNames, 1000, 1500} {
		w := small(t)
		w.changed("198.51.100.3", func(q, m *dns.Msg, over exchange.Transport) *dns.Msg {
			if over == exchange.UDP {
				m.Truncated = true
				return m
			}
			m = new(dns.Msg).SetReply(q)
			m.Compress = true
			for i := range servers {
				m.Ns = append(m.Ns, records(t, fmt.Sprintf("attack.example.test. 300 NS n%d.other.test.", i))...)
			}
			return m
		})
		r := w.recursor(nil)
		if got := resolve(t, r, "www.attack.example.test.", dns.TypeA); !strings.HasPrefix(got, "failure") {
			t.Errorf("%d servers: got %s, want a failure", servers, got)
		}
		if asked := len(w.questions()); asked > 4*maxLookups {
			t.Errorf("%d servers: got %d queries, want at most %d", servers, asked, 4*maxLookups)
		}
	}
}

// TestLoad_aliasesTimesServersTimesLabels multiplies whatever can be (CAMP): each
// link of a chain leads to a delegation to names that are chains themselves.
func TestLoad_aliasesTimesServersTimesLabels(t *testing.T) {
	for _, minimise := range []bool{false, true} {
		w := small(t)
		w.servers[netip.MustParseAddr("198.51.100.3")] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
			name := canonical(q.Question[0].Name)
			m := new(dns.Msg).SetReply(q)
			m.Authoritative = true
			first := strings.SplitN(name, ".", 2)[0]
			switch {
			case strings.HasPrefix(first, "c"):
				m.Answer = records(t, fmt.Sprintf("%s 0 CNAME a.b.c%d.d%d.example.test.", name, rand.IntN(1e9), rand.IntN(1e9)))
			case labels(name) > 3:
				cut := suffix(name, 3)
				m.Authoritative = false
				for range maxServerNames {
					m.Ns = append(m.Ns, records(t, fmt.Sprintf("%s 0 NS c%d.x.y.example.test.", cut, rand.IntN(1e9)))...)
				}
			default:
				m.Answer = records(t, fmt.Sprintf("%s 0 CNAME c%d.a.b.example.test.", name, rand.IntN(1e9)))
			}
			return m
		}
		r := w.recursor(func(c *Config) { c.Minimise = minimise })
		got := resolve(t, r, "c1.example.test.", dns.TypeA)
		if asked := len(w.questions()); asked > maxQueries || !strings.HasPrefix(got, "failure") {
			t.Errorf("minimise %v: got %s after %d queries, want a failure after at most %d", minimise, got, asked, maxQueries)
		}
	}
}

// TestLoad_delegationsToServersOfOthers is the same with delegations back into
// the attacker's zone (NRDelegation): what they cost stays far below a second.
func TestLoad_delegationsToServersOfOthers(t *testing.T) {
	w := small(t)
	w.servers[netip.MustParseAddr("198.51.100.3")] = func(q *dns.Msg, _ exchange.Transport) *dns.Msg {
		name := canonical(q.Question[0].Name)
		m := new(dns.Msg).SetReply(q)
		if labels(name) < 3 {
			m.Authoritative, m.Answer = true, records(t, name+" 300 NS ns.example.test.")
			return m
		}
		for i := range 900 {
			m.Ns = append(m.Ns, records(t, fmt.Sprintf("%s 300 NS n%d.%s", suffix(name, 3), i, name))...)
		}
		return m
	}
	r := w.recursor(nil)
	begun := time.Now()
	for i := range 20 {
		resolve(t, r, fmt.Sprintf("w%d.example.test.", i), dns.TypeA)
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("20 questions took %v", took)
	}
	if asked := len(w.questions()); asked > 20*maxQueries {
		t.Errorf("got %d queries", asked)
	}
}

func TestLoad_aKeyTrapCostsItsOwnQuestionOnly(t *testing.T) { // CVE-2023-50387
	w, _ := signedWorld(t)
	honest := w.servers[netip.MustParseAddr("198.51.100.3")]
	w.changed("198.51.100.3", func(q, m *dns.Msg, _ exchange.Transport) *dns.Msg {
		if q.Question[0].Name != "trap.example.test." {
			return m
		}
		good := honest(new(dns.Msg).SetQuestion("www.example.test.", dns.TypeA), exchange.UDP)
		sig := good.Answer[1].(*dns.RRSIG)
		m.Rcode, m.Ns, m.Answer = 0, nil, records(t, "trap.example.test. 300 CNAME www.example.test.")
		for i := range 100 { // of RRsets whose signatures are all wrong
			bad := dns.Copy(sig).(*dns.RRSIG)
			bad.Hdr.Name, bad.TypeCovered, bad.Labels, bad.OrigTtl = "trap.example.test.", dns.TypeCNAME, 3, uint32(i)
			m.Answer = append(m.Answer, bad)
		}
		return m
	})
	r := w.validating(nil)
	begun := time.Now()
	if got := validated(t, r, "trap.example.test.", dns.TypeA); !strings.HasPrefix(got, "bogus") {
		t.Errorf("got %s, want it bogus", got)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("took %v", took)
	}
	for _, name := range []string{"www.example.test.", "alias.example.test."} {
		if got := validated(t, r, name, dns.TypeA); got != "NOERROR AD" {
			t.Errorf("%s: got %s, want NOERROR AD", name, got)
		}
	}
}

// TestLoad_whatOneQuestionCannotAffordIsNotBogusForOthers: a question that has
// used up its checks meets a fact that another question is looking at.
func TestLoad_whatOneQuestionCannotAffordIsNotBogusForOthers(t *testing.T) {
	w, _ := signedWorld(t)
	r := w.validating(nil)
	unchecked(t, r, "www.example.test.", dns.TypeA)
	shared := r.memory.fact(key{name: "www.example.test.", qtype: dns.TypeA}, w.clock())
	poor := newJob(context.Background(), r, false)
	for range 1000 { // spends it all
		if f, err := poor.find("alias.example.test.", dns.TypeA); err == nil {
			f.verdict.Store(nil)
		}
	}
	if !poor.budget.Exceeded() {
		t.Fatal("the budget has no end")
	}
	if f, err := poor.find("www.example.test.", dns.TypeA); err == nil {
		t.Errorf("got %v, want a failure", f)
	}
	if v := shared.verdict.Load(); v != nil && v.status == bogus {
		t.Error("got it bogus, for all")
	}
	if got := validated(t, r, "www.example.test.", dns.TypeA); got != "NOERROR AD" {
		t.Errorf("got %s, want NOERROR AD", got)
	}
}

func TestLoad_keysCountForWhatTheyTake(t *testing.T) {
	w, _ := signedWorld(t)
	r := w.validating(nil)
	validated(t, r, "www.example.test.", dns.TypeA)
	keys := r.memory.fact(key{name: "example.test.", qtype: dns.TypeDNSKEY}, w.clock())
	if got, want := r.memory.trust("example.test.", w.clock()).size(), keys.size(); got < want {
		t.Errorf("got %d octets, want at least those of the records, %d", got, want)
	}
}

func TestLoad_thousandsOfNamesOfADeadZone(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\ndead NS a.dead\na.dead A 198.51.100.91\ndead NS b.dead\nb.dead A 198.51.100.92\n")
	r := w.recursor(nil)
	resolve(t, r, "www.example.test.", dns.TypeA)
	before := r.Stats().Memory
	begun := time.Now()
	for i := range 10000 {
		if got := resolve(t, r, fmt.Sprintf("r%d.dead.test.", i), dns.TypeA); !strings.HasPrefix(got, "failure") {
			t.Fatalf("got %s, want a failure", got)
		}
		if i%1000 == 0 {
			if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "NOERROR; ") {
				t.Errorf("got %s, want the answer", got)
			}
		}
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if asked := len(w.questions()); asked > 30000 {
		t.Errorf("got %d queries, want at most 3 for a name", asked)
	}
	if grown := r.Stats().Memory - before; grown > 10000 {
		t.Errorf("memory grew by %d octets", grown)
	}
}

// slow is a network whose servers at some addresses are silent, in real time.
type slow struct {
	*world
	silent map[netip.Addr]bool
}

func (s slow) Exchange(ctx context.Context, to netip.AddrPort, over exchange.Transport, q exchange.Query, patience time.Duration) ([]byte, error) {
	if !s.silent[to.Addr()] {
		return s.world.Exchange(ctx, to, over, q, patience)
	}
	select {
	case <-time.After(patience):
		return nil, os.ErrDeadlineExceeded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestLoad_aFloodOfOneDeadZoneLeavesOthersAlone(t *testing.T) {
	w := small(t)
	w.zone("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\nexample NS ns.example\nns.example A 198.51.100.3\ndead NS a.dead\na.dead A 198.51.100.91\n")
	r := w.recursor(func(c *Config) {
		c.Network = slow{w, map[netip.Addr]bool{netip.MustParseAddr("198.51.100.91"): true}}
		c.Now = time.Now
	})
	resolve(t, r, "dead.test.", dns.TypeDS) // all servers on the way are known
	ctx, cancel := context.WithCancel(context.Background())
	var flood sync.WaitGroup
	for i := range 2000 {
		flood.Go(func() {
			_, _ = r.Resolve(ctx, upstream.Question{Name: exchange.Name(fmt.Sprintf("r%d.dead.test.", i)), Type: dns.TypeA})
		})
	}
	begun := time.Now()
	if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "NOERROR; ") {
		t.Errorf("got %s, want the answer", got)
	}
	if took := time.Since(begun); took > 500*time.Millisecond {
		t.Errorf("another zone took %v", took)
	}
	cancel()
	flood.Wait()
}

func TestClose_duringQuestionsWaitsForThemAndLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	w := small(t)
	r := w.recursor(func(c *Config) {
		c.Network = slow{w, map[netip.Addr]bool{netip.MustParseAddr("198.51.100.3"): true}}
		c.Now = time.Now
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i := range 200 {
		running.Go(func() {
			if _, err := r.Resolve(ctx, upstream.Question{Name: exchange.Name(fmt.Sprintf("r%d.example.test.", i%50)), Type: dns.TypeA}); err == nil {
				t.Error("got an answer of a silent server")
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	begun := time.Now()
	r.Close()
	running.Wait()
	if took := time.Since(begun); took > time.Second {
		t.Errorf("took %v", took)
	}
	if _, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name("www.example.test."), Type: dns.TypeA}); err == nil {
		t.Error("got an answer after Close")
	}
}

func TestLoad_manyAtOnceGetWhatOneGets(t *testing.T) {
	w, _ := signedWorld(t)
	r := w.validating(func(c *Config) {
		c.Minimise, c.AggressiveNSEC, c.CacheBytes = true, true, 256<<10
		c.WantServers = func() bool { return true }
	})
	want := map[string]string{
		"www.example.test.": "NOERROR AD", "alias.example.test.": "NOERROR AD", "away.example.test.": "NOERROR", "none.example.test.": "NXDOMAIN AD",
		"www.other.test.": "NOERROR", "www.sub.example.test.": "NOERROR", "none.sub.example.test.": "NXDOMAIN", "b.c.example.test.": "NOERROR AD",
		"none.test.": "NXDOMAIN AD", "none.": "NXDOMAIN AD",
	}
	var running sync.WaitGroup
	for i := range 200 {
		running.Go(func() {
			for name, want := range want {
				if i%4 == 0 {
					unchecked(t, r, name, dns.TypeA)
				}
				if got := validated(t, r, name, dns.TypeA); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
				if i%16 == 0 {
					w.pass(7 * time.Second)
				}
				validated(t, r, fmt.Sprintf("n%d.example.test.", rand.IntN(1000)), dns.TypeA)
			}
		})
	}
	running.Wait()
	if s := r.Stats(); s.Memory > s.MaxMemory {
		t.Errorf("got %d octets, want at most %d", s.Memory, s.MaxMemory)
	}
}

func TestLoad_whatIsAboutToExpireIsNotWaitedFor(t *testing.T) {
	w := small(t)
	dead := map[netip.Addr]bool{}
	ahead := time.Duration(0)
	r := w.recursor(func(c *Config) {
		c.Network = slow{w, dead}
		c.Now = func() time.Time { return time.Now().Add(ahead) }
	})
	resolve(t, r, "www.example.test.", dns.TypeA)
	ahead, dead[netip.MustParseAddr("198.51.100.3")] = 285*time.Second, true
	begun := time.Now()
	if got := resolve(t, r, "www.example.test.", dns.TypeA); !strings.HasPrefix(got, "NOERROR; ") {
		t.Errorf("got %s, want the answer", got)
	}
	if took := time.Since(begun); took > 1500*time.Millisecond {
		t.Errorf("took %v", took)
	}
}
