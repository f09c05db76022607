package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"bailiff/metrics"
	"bailiff/policy"
	"bailiff/policy/problem"
	"bailiff/resolver/anchor"
	"bailiff/resolver/exchange"
	"bailiff/resolver/recurse"
)

// anchorFile is what the state of the trust anchors is kept in, below state.
const anchorFile = "trust-anchors.json"

// recursion is what resolves where upstreams' answers are not passed on as they
// are.
type recursion struct {
	sockets  *exchange.Sockets
	anchors  *anchor.Keeper // nil: nothing is validated
	recursor *recurse.Recursor
}

// newRecursion returns nil if answers are forwarded unchecked. The resolver
// closes the Recursor; the caller closes the rest.
func newRecursion(cfg *config, law *policy.Store, counters *metrics.Counters, log *slog.Logger) *recursion {
	if !cfg.asksServers() {
		return nil
	}
	r := &recursion{sockets: exchange.NewSockets(cfg.recursion.source)}
	c := recurse.Config{
		Network: r.sockets, Hints: cfg.hints, Insecure: cfg.recursion.insecure, NoSHA1: !cfg.recursion.sha1, Zones: cfg.allZones(),
		IPv4: cfg.recursion.families.ipv4, IPv6: cfg.recursion.families.ipv6,
		AskLoopback: cfg.recursion.queryLoopback, Own: cfg.owns(localAddresses()),
		Minimise: cfg.recursion.minimise, MixedCase: cfg.recursion.mixedCase, AggressiveNSEC: cfg.recursion.aggressive,
		WantServers: func() bool { return cfg.watch || law.Load().HoldsServers() },
		CacheBytes:  cfg.cache.octets / 2, Observe: counters.Exchanged,
	}
	if cfg.resolution == byForwarding {
		c.MixedCase = cfg.caseRandomisation
	}
	if cfg.validate {
		r.anchors = anchor.New(anchor.Config{Anchors: cfg.anchors, File: cfg.anchorFile(), Log: log})
		c.Anchors = r.anchors.Current
	}
	r.recursor = recurse.New(c)
	return r
}

// anchorFile is empty if no state is kept.
func (c *config) anchorFile() string {
	if c.state == "" {
		return ""
	}
	return filepath.Join(c.state, anchorFile)
}

// allZones are those whose servers are configured: where everything is
// forwarded, the root too.
func (c *config) allZones() []recurse.Zone {
	zones := c.recursion.recurseZones()
	if c.resolution == byForwarding {
		zones = append(zones, recurse.Zone{Name: ".", Forward: true, Servers: addresses(c.upstreams)})
	}
	return zones
}

// recurseZones are those with servers of their own.
func (c *recursionConfig) recurseZones() (zones []recurse.Zone) {
	for _, z := range c.zones {
		if z.local == "" {
			zones = append(zones, recurse.Zone{Name: z.name, Forward: z.forward, Servers: addresses(z.servers)})
		}
	}
	return zones
}

// resolvers are the servers that are asked to resolve: the upstreams, and those
// of forward zones.
func (c *config) resolvers() []netip.AddrPort {
	all := addresses(c.upstreams)
	for _, z := range c.recursion.zones {
		if z.forward {
			all = append(all, addresses(z.servers)...)
		}
	}
	return all
}

func addresses(servers []upstreamServer) []netip.AddrPort {
	list := make([]netip.AddrPort, len(servers))
	for i, s := range servers {
		list[i] = s.address
	}
	return list
}

// owns returns what says of an address whether it is not to be asked although a
// zone names it: it is this machine's, one of local. With query_loopback it may
// be, unless the query would come back here.
func (c *config) owns(local []netip.Addr) func(netip.Addr) bool {
	return func(a netip.Addr) bool {
		return !c.recursion.queryLoopback && slices.Contains(local, a) ||
			slices.ContainsFunc(c.listen, func(l netip.AddrPort) bool { return leadsTo(netip.AddrPortFrom(a, dnsPort), l, local) })
	}
}

// dnsPort is where the name servers of zones are asked.
const dnsPort = 53

// follow keeps the trust anchors in step with their zones (RFC 5011) until ctx
// ends.
func (r *recursion) follow(ctx context.Context) {
	if r != nil && r.anchors != nil {
		r.anchors.Run(ctx, r.recursor.DNSKEY)
	}
}

func (r *recursion) close() {
	if r != nil {
		r.sockets.Close()
	}
}

// readAnchors reads the trust anchors that are configured; the root's, if none
// are.
func (c *config) readAnchors(problems *problem.List) (anchors []dns.RR) {
	if len(c.recursion.trustAnchors) == 0 {
		return anchor.Root()
	}
	for _, file := range c.recursion.trustAnchors {
		anchors = append(anchors, anchor.Read(file, problems)...)
	}
	return dns.Dedup(anchors, nil)
}

// resolutionStatus is how names that are free are resolved.
type resolutionStatus struct {
	Mode         string         `json:"mode"` // forward, recurse
	Validate     bool           `json:"validate"`
	TrustAnchors []anchorStatus `json:"trust_anchors"` // empty: nothing is validated
}

// anchorStatus is where a trust anchor stands (RFC 5011 section 4).
type anchorStatus struct {
	Zone  string `json:"zone"`
	Tag   uint16 `json:"tag"`
	State string `json:"state"`
}

// status is that of this moment.
func (r *recursion) status(cfg *config) resolutionStatus {
	s := resolutionStatus{Mode: cfg.resolution.String(), Validate: cfg.validate, TrustAnchors: []anchorStatus{}}
	if cfg.validate {
		for _, a := range r.anchors.Info() {
			s.TrustAnchors = append(s.TrustAnchors, anchorStatus{a.Zone, a.Tag, a.State.String()})
		}
	}
	return s
}

// untrusted are the zones whose anchors have all been revoked.
func (s resolutionStatus) untrusted() (zones []string) {
	trusted := map[string]bool{}
	for _, a := range s.TrustAnchors {
		trusted[a.Zone] = trusted[a.Zone] || a.State == anchor.Valid.String() || a.State == anchor.Missing.String()
	}
	for zone, ok := range trusted {
		if !ok {
			zones = append(zones, zone)
		}
	}
	return zones
}

// tags names the trust anchors by zone and key tag, as one word.
func (s resolutionStatus) tags() string {
	words := make([]string, len(s.TrustAnchors))
	for i, a := range s.TrustAnchors {
		words[i] = fmt.Sprintf("%s/%d", a.Zone, a.Tag)
	}
	return strings.Join(words, ",")
}

// String says it in one line.
func (s resolutionStatus) String() string {
	if !s.Validate {
		return s.Mode + ", not validating"
	}
	return s.Mode + ", validating from " + strings.ReplaceAll(s.tags(), ",", " ")
}
