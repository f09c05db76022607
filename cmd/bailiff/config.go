package main

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/miekg/dns"

	"bailiff/metrics/querylog"
	"bailiff/policy/guard"
	"bailiff/policy/infile"
	"bailiff/policy/order"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
	"bailiff/resolver/dns64"
	"bailiff/resolver/local"
	"bailiff/resolver/recurse"
)

// Bounds of the config file.
const (
	maxConfigOctets = 1 << 20 // 1 MiB: thousands of networks
	maxListen       = 64      // each address takes a socket for each core
	maxUpstreams    = 32

	minCache = 1 << 20 // 1 MiB
	maxCache = 1 << 40 // 1 TiB
	maxStale = 7 * 24 * time.Hour
)

// config is what the config file and the command line settle.
type config struct {
	listen            []netip.AddrPort
	clients           []netip.Prefix // who is served
	orders            []string       // files and folders
	notice            order.Addresses
	protected         guard.Config // but for the server's own addresses
	resolution        resolution
	validate          bool             // answers are validated (DNSSEC)
	upstreams         []upstreamServer // to forward to; empty: those of resolv.conf
	caseRandomisation bool             // of what is forwarded
	recursion         recursionConfig
	hints             []recurse.Hint // the root's name servers; from settleResolution on, as anchors
	anchors           []dns.RR       // trust anchors, DS and DNSKEY records
	local             *local.Zones   // what the zone files hold
	nat64             netip.Prefix   // of the addresses that DNS64 makes; not valid: it is off
	cache             cacheConfig
	metrics           netip.AddrPort
	api               apiConfig
	log               logConfig
	structured        structuredErrors
	watch             bool            // remember the names resolved of late, for candidates
	state             string          // folder of the journal; empty: none is kept
	queries           querylog.Config // its files may be empty: there is no query log
	infoURL           string          // the page about this resolver, for RESINFO; may be empty
}

// upstreamServer is one resolver to forward to, and where it was named.
type upstreamServer struct {
	address netip.AddrPort
	source  problem.Problem // file, line, place and value of a problem with it
}

type cacheConfig struct {
	octets   int64
	stale    time.Duration
	prefetch bool
}

type logConfig struct {
	level slog.Level
	json  bool
}

// defaultConfig is what holds for each key that is not given.
func defaultConfig() *config {
	return &config{
		listen:            []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:5300"), netip.MustParseAddrPort("[::1]:5300")},
		clients:           privateNetworks(),
		caseRandomisation: true,
		recursion:         defaultRecursion(),
		cache:             cacheConfig{octets: 256 << 20, stale: 24 * time.Hour, prefetch: true},
		metrics:           netip.MustParseAddrPort("127.0.0.1:9153"),
	}
}

// privateNetworks are the networks that never arrive from the Internet: a
// resolver that nobody configured must not serve the world (RFC 5358).
func privateNetworks() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"), // loopback
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), // RFC 1918
		netip.MustParsePrefix("100.64.0.0/10"),                                      // RFC 6598: subscribers behind a carrier's NAT
		netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"), // link-local
		netip.MustParsePrefix("fc00::/7"), // RFC 4193
	}
}

// trialConfig is the configuration without a config file. Its notice addresses
// are documentation addresses: they show the action and lead nowhere.
func trialConfig() *config {
	c := defaultConfig()
	c.notice = order.Addresses{
		IPv4: []netip.Addr{netip.MustParseAddr("192.0.2.80")},
		IPv6: []netip.Addr{netip.MustParseAddr("2001:db8::80")},
	}
	return c
}

// readConfig reads the config file; an empty name means that there is none.
// With a refusal among problems the config must not be used.
func readConfig(file string, problems *problem.List) *config {
	if file == "" {
		return trialConfig()
	}
	c := defaultConfig()
	whole := problem.Problem{File: file}
	data, err := infile.Read(file, maxConfigOctets)
	if err != nil {
		problems.Add(whole.Because(err))
		return c
	}
	var found problem.List
	documents := 0
	for v := range strictyaml.Documents(file, data, &found) {
		if documents++; documents == 1 {
			c.read(v, file)
			continue
		}
		v.Refuse("begins a second document", "keep one document in the config file")
		break
	}
	if documents == 0 && !found.Refused() {
		found.Add(whole.Because(problem.Fault{Text: "holds no key", Remedy: "give at least orders, or start without a config file"}))
	}
	problems.Merge(&found)
	return c
}

// read reads the one document of the file.
func (c *config) read(v strictyaml.Value, file string) {
	r := &configReader{config: c, file: file}
	v.Mapping(
		strictyaml.Key("listen", &c.listen, listenList),
		strictyaml.Key("clients", &c.clients, c.readClients),
		strictyaml.Key("orders", &c.orders, strictyaml.List(pathFrom(filepath.Dir(file)))),
		strictyaml.Key("notice", &c.notice, order.ReadAddresses),
		strictyaml.Key("protected", &c.protected, protectedReader(file)),
		strictyaml.Key("resolution", &c.resolution, r.readResolution),
		strictyaml.Key("dnssec", &c.validate, r.readDNSSEC),
		strictyaml.Key("upstreams", &c.upstreams, upstreamReader(file)),
		strictyaml.Key("case_randomisation", &c.caseRandomisation, usedTo(toForward, r, strictyaml.Bool)),
		strictyaml.Key("cache", &c.cache, r.readCache),
		strictyaml.Key("recursion", &c.recursion, r.readRecursion),
		strictyaml.Key("metrics", &c.metrics, c.readMetrics),
		strictyaml.Key("api", &c.api, apiReader(file)),
		strictyaml.Key("log", &c.log, c.readLog),
		strictyaml.Key("structured_errors", &c.structured, readStructuredErrors),
		strictyaml.Key("resolver_info", &c.infoURL, readResolverInfo),
		strictyaml.Key("candidates", &c.watch, readCandidates),
		strictyaml.Key("query_log", &c.queries, queryLogReader(file)),
		strictyaml.Key("dns64", &c.nat64, readDNS64),
		later("tls"),
		strictyaml.Key("state", &c.state, pathFrom(filepath.Dir(file))),
	)
}

func (c *config) readClients(v strictyaml.Value) []netip.Prefix {
	serve := c.clients
	v.Mapping(strictyaml.Key("serve", &serve, strictyaml.List(strictyaml.Prefix)).Required())
	return serve
}

func (r *configReader) readCache(v strictyaml.Value) cacheConfig {
	cache := r.cache
	v.Mapping(
		strictyaml.Key("size", &cache.octets, strictyaml.Size(minCache, maxCache)),
		strictyaml.Key("stale", &cache.stale, strictyaml.Duration(0, maxStale)),
		strictyaml.Key("prefetch", &cache.prefetch, func(v strictyaml.Value) bool {
			r.prefetch = v
			return strictyaml.Bool(v)
		}),
	)
	return cache
}

func (c *config) readMetrics(v strictyaml.Value) netip.AddrPort {
	address := c.metrics
	v.Mapping(strictyaml.Key("listen", &address, strictyaml.Parsed(parseListen)).Required())
	return address
}

func readDNS64(v strictyaml.Value) (prefix netip.Prefix) {
	v.Mapping(strictyaml.Key("prefix", &prefix, strictyaml.Parsed(func(text string) (netip.Prefix, error) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return p, problem.Fault{Text: "is no prefix", Remedy: "write the one that the NAT64 translates, such as 64:ff9b::/96"}
		}
		return p, dns64.Check(p)
	})).Required())
	return prefix
}

func readCandidates(v strictyaml.Value) (watch bool) {
	v.Mapping(strictyaml.Key("watch", &watch, strictyaml.Bool).Required())
	return watch
}

func (c *config) readLog(v strictyaml.Value) logConfig {
	log := c.log
	v.Mapping(
		strictyaml.Key("level", &log.level, func(v strictyaml.Value) (level slog.Level) {
			_ = level.UnmarshalText([]byte(strictyaml.Word("debug", "info", "warn", "error")(v)))
			return level
		}),
		strictyaml.Key("format", &log.json, func(v strictyaml.Value) bool {
			return strictyaml.Word("text", "json")(v) == "json"
		}),
	)
	return log
}

// pathFrom is the reader for a path that starts at folder.
func pathFrom(folder string) func(strictyaml.Value) string {
	return strictyaml.Parsed(func(text string) (string, error) {
		if filepath.IsAbs(text) {
			return text, nil
		}
		return filepath.Join(folder, text), nil
	})
}

// later is a key whose feature is not there yet.
func later(key string) strictyaml.Field {
	return strictyaml.Key(key, new(struct{}), func(v strictyaml.Value) struct{} {
		v.Refuse("is not supported yet", "take the key out")
		return struct{}{}
	})
}
