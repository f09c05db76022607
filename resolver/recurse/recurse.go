// Package recurse resolves names from the root on: it walks the delegations,
// asks the servers of each zone, and believes what they say of their own zone
// only. With trust anchors it validates the answers (RFC 4033 to 4035).
//
// It decides which servers are asked, in what order and form, what of their
// responses is believed, and when a question has cost enough. It knows no
// orders and no clients. Packets are sent by package exchange; package dnssec
// checks signatures and proofs.
//
// Start reading at Recursor.Resolve; job.go follows a chain of names to its
// end, iterate.go walks to the zone of one name, ask.go puts a question to the
// servers of a zone, read.go judges what one of them says, and trust.go and
// validate.go what of that is proven.
package recurse

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// Config says where to start and what to believe. It is copied.
type Config struct {
	Network exchange.Network
	Hints   []Hint // the root servers, until they have told who they are (RFC 8109)

	// Anchors are the trust anchors of this moment, DS and DNSKEY records; nil:
	// nothing is validated. It is called by several goroutines at once.
	Anchors  func() []dns.RR
	NoSHA1   bool     // zones signed with SHA-1 alone count as insecure (RFC 9905)
	Insecure []string // negative trust anchors (RFC 7646): no validation at and below these names

	Zones []Zone // whose servers the operator names

	IPv4, IPv6 bool // which families may be asked

	// AskLoopback lets delegations lead to loopback addresses, never to Own ones;
	// Own may be nil.
	AskLoopback bool
	Own         func(netip.Addr) bool

	Minimise       bool // QNAME minimisation (RFC 9156)
	MixedCase      bool // QNAME in random spelling
	AggressiveNSEC bool // answers from proofs already known (RFC 8198)

	// WantServers tells whether an answer's name servers are of use; nil: never.
	WantServers func() bool

	CacheBytes int64 // bounds what is kept of names and zones
	Now        func() time.Time
	Observe    func(upstream.Exchange) // called by several goroutines at once; may be nil
}

// Hint is a root server.
type Hint struct {
	Name      string
	Addresses []netip.Addr
}

// Zone is a zone whose servers the operator names.
type Zone struct {
	Name    string
	Forward bool // the servers resolve what is below it; false: they are authoritative for it
	Servers []netip.AddrPort
}

// Recursor resolves questions. Its methods may be called by several goroutines
// at once. The number of questions under way is the caller's to bound.
type Recursor struct {
	cfg          Config
	now          func() time.Time
	memory       *memory
	infra        *infra
	hints        *cut            // the root as the hints have it
	configured   map[string]*cut // by zone
	insecure     []string        // negative trust anchors, canonical
	addressTypes []uint16
	ranges       *dnssec.Ranges // nil: proofs answer their own question only
	seen         *dnssec.Seen
	limits       limitCounts
	answers      [statuses]atomic.Uint64

	mu       sync.Mutex     // guards what follows
	underWay map[string]int // questions by the zone whose servers are asked
	sent     map[sending]*delivery
	priming  bool
	running  sync.WaitGroup
	closed   bool
}

// New makes a Recursor. It asks nobody until Resolve.
func New(cfg Config) *Recursor {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observe == nil {
		cfg.Observe = func(upstream.Exchange) {}
	}
	r := &Recursor{
		cfg: cfg, now: cfg.Now, memory: newMemory(cfg.CacheBytes), infra: newInfra(), seen: dnssec.NewSeen(),
		hints: &cut{zone: "."}, configured: map[string]*cut{}, underWay: map[string]int{}, sent: map[sending]*delivery{},
	}
	if cfg.IPv4 {
		r.addressTypes = append(r.addressTypes, dns.TypeA)
	}
	if cfg.IPv6 {
		r.addressTypes = append(r.addressTypes, dns.TypeAAAA)
	}
	for _, h := range cfg.Hints {
		s := nameserver{name: canonical(h.Name)}
		for _, a := range h.Addresses {
			if a = a.Unmap(); a.Is4() && cfg.IPv4 || a.Is6() && cfg.IPv6 {
				s.glue = append(s.glue, r.serverAt(a))
			}
		}
		r.hints.servers = append(r.hints.servers, s)
	}
	for _, z := range cfg.Zones {
		c := &cut{zone: canonical(z.Name), servers: make([]nameserver, 1)}
		for _, a := range z.Servers {
			c.servers[0].glue = append(c.servers[0].glue, r.infra.server(a))
		}
		if z.Forward {
			c.role = forwarding
		}
		r.configured[c.zone] = c
	}
	for _, n := range cfg.Insecure {
		r.insecure = append(r.insecure, canonical(n))
	}
	if cfg.AggressiveNSEC && cfg.Anchors != nil {
		r.ranges = dnssec.NewRanges(cfg.CacheBytes / 8)
	}
	return r
}

// Resolve finds the answer to a question, for at most questionDeadline or until
// ctx ends. The error is always a *upstream.Failure. With CD the answer is not
// validated (RFC 4035 section 3.2.2). When Resolve returns, everything it
// started has ended.
func (r *Recursor) Resolve(ctx context.Context, q upstream.Question) (upstream.Answer, error) {
	if !r.begin() {
		return upstream.Answer{}, failure(dns.ExtendedErrorCodeNetworkError, "shutting down")
	}
	defer r.running.Done()
	name, _, err := dns.UnpackDomainName(q.Name, 0)
	if err != nil {
		return upstream.Answer{}, failure(dns.ExtendedErrorCodeOther, "QNAME: %v", err)
	}
	growStack(len(name))
	ctx, cancel := context.WithTimeout(ctx, questionDeadline)
	defer cancel()
	j := newJob(ctx, r, q.CD || r.cfg.Anchors == nil)
	j.renews = q.Renew
	a, err := j.answer(canonical(name), q)
	switch j.budget.Limit() {
	case dnssec.SignatureChecks, dnssec.FailedSignatures:
		j.hit(LimitSignatures)
	case dnssec.NSEC3Hashes:
		j.hit(LimitHashes)
	}
	var f *upstream.Failure
	if err != nil && !errors.As(err, &f) {
		err = failure(dns.ExtendedErrorCodeOther, "%v", err)
	}
	if f != nil && f.Bogus {
		r.answers[bogus].Add(1)
	}
	return a, err
}

// growStack makes the goroutine's stack the 16 KiB that most questions need at once,
// instead of by doubling and copying as it goes deeper (BenchmarkRecursion of the
// private Internet). The index, a name's length, keeps the compiler from dropping
// the array.
//
//go:noinline
func growStack(at int) byte {
	var room [9 << 10]byte
	return room[at]
}

// begin counts one more running question, unless the Recursor is closed.
func (r *Recursor) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.running.Add(1)
	return true
}

// Close refuses further questions and waits for those under way: at most
// questionDeadline, less if their contexts end. It may be called again.
func (r *Recursor) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.running.Wait()
}

// DNSKEY asks for the keys of a zone as they are now, unvalidated: for whoever
// keeps its trust anchors (RFC 5011). The error is an *upstream.Failure.
func (r *Recursor) DNSKEY(ctx context.Context, zone string) (dnssec.Set, error) {
	if !r.begin() {
		return dnssec.Set{}, failure(dns.ExtendedErrorCodeNetworkError, "shutting down")
	}
	defer r.running.Done()
	ctx, cancel := context.WithTimeout(ctx, questionDeadline)
	defer cancel()
	j := newJob(ctx, r, true)
	f, err := j.iterate(canonical(zone), dns.TypeDNSKEY, nil)
	if err != nil {
		return dnssec.Set{}, asFailure(zone, err)
	}
	if fault := noKeys(f); fault != nil {
		return dnssec.Set{}, failure(fault.EDE, "%s", fault.Text)
	}
	return f.sets[0], nil
}

// Stats are the Recursor's counts at this moment.
type Stats struct {
	Answers           [statuses]uint64 // by Status; none where nothing is validated
	Limits            [NumLimits]uint64
	Servers           int   // remembered
	Memory, MaxMemory int64 // octets of what is known of names and zones
}

// Status names the security status (RFC 4033 section 5) that Stats.Answers
// counts at an index.
func Status(i int) string { return status(i).String() }

// Stats is for metrics.
func (r *Recursor) Stats() (s Stats) {
	for i := range s.Answers {
		s.Answers[i] = r.answers[i].Load()
	}
	s.Limits, s.Servers = r.Limits(), r.infra.count()
	s.Memory, s.MaxMemory = r.memory.usage()
	return s
}

// Limits says how often each limit ended something, since the start.
func (r *Recursor) Limits() (counts [NumLimits]uint64) {
	for i := range counts {
		counts[i] = r.limits[i].Load()
	}
	return counts
}
