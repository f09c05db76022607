package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/policy/strictyaml"
)

// resolution is how names that are free are resolved.
type resolution uint8

// The ways to resolve.
const (
	byForwarding resolution = iota // other resolvers are asked
	byRecursion                    // the zones' own servers are, from the root on
)

// String is the word of the config file.
func (r resolution) String() string {
	switch r {
	case byForwarding:
		return "forward"
	case byRecursion:
		return "recurse"
	}
	return fmt.Sprintf("resolution(%d)", uint8(r))
}

// Bounds of what is configured for recursion.
const (
	maxAnchorFiles   = 16
	maxInsecureNames = 1000
	maxZones         = 1000
	maxSources       = 64
)

// recursionConfig is what the config file says under recursion.
type recursionConfig struct {
	rootHints     string   // file; empty: those built in
	trustAnchors  []string // files; empty: the root's, built in
	insecure      []string // names, fully qualified
	zones         []zoneConfig
	families      families
	source        []netip.Addr // empty: the system's choice
	queryLoopback bool
	minimise      bool
	mixedCase     bool
	aggressive    bool
	sha1          bool
}

// families are those of name servers' addresses that are asked.
type families struct{ ipv4, ipv6 bool }

// defaultRecursion is what holds for each key under recursion that is not
// given.
func defaultRecursion() recursionConfig {
	return recursionConfig{families: families{ipv4: true, ipv6: true}, minimise: true, aggressive: true, sha1: true}
}

// configReader reads the keys whose meaning depends on other keys into the
// config: resolution first, then dnssec, then the others.
type configReader struct {
	*config
	file                       string
	saysResolution, saysDNSSEC bool
	prefetch                   strictyaml.Value // cache.prefetch, if it is given
}

func (r *configReader) readResolution(v strictyaml.Value) resolution {
	mode := strictyaml.Enum(byForwarding, byRecursion)(v)
	r.saysResolution, r.validate = true, mode == byRecursion
	return mode
}

func (r *configReader) readDNSSEC(v strictyaml.Value) (validate bool) {
	r.saysDNSSEC = true
	return strictyaml.Word("off", "validate")(v) == "validate"
}

// need is what a key is of use for.
type need uint8

const (
	toForward need = iota
	toRecurse
	toValidate
	toAskServers // recursing, or forwarding with validation: what package recurse does
)

// usedTo is the reader for a key that is of use only where there is that need.
// A key that does nothing is refused. It may stand where the file itself has the
// word that makes it idle, for a while perhaps: then that is a note. What says
// false changes nothing, and is fine.
func usedTo[T any](n need, r *configReader, read func(strictyaml.Value) T) func(strictyaml.Value) T {
	return func(v strictyaml.Value) T {
		value := read(v)
		said, text, remedy := r.idle(n)
		switch isOff := any(value) == any(false); {
		case text == "" || isOff:
		case said:
			v.Note(text, remedy)
		default:
			v.Refuse(text, remedy)
		}
		return value
	}
}

// idle says why a need is not there and what would make it so, nothing if it
// is; said reports whether the file has the word for that.
func (r *configReader) idle(n need) (said bool, text, remedy string) {
	switch {
	case n == toForward && r.resolution == byRecursion:
		return r.saysResolution, "does nothing where resolution is recurse", "remove it"
	case n == toRecurse && r.resolution == byForwarding:
		return r.saysResolution, "does nothing where resolution is forward", "write resolution: recurse, or remove it"
	case n == toValidate && !r.validate:
		return r.saysDNSSEC, "does nothing where dnssec is off", "write dnssec: validate, or remove it"
	case n == toAskServers && !r.asksServers():
		return r.saysDNSSEC, "does nothing where answers are forwarded unchecked", "write resolution: recurse or dnssec: validate, or remove it"
	}
	return false, "", ""
}

// asksServers reports whether package recurse resolves: it recurses, and it
// validates what it forwards.
func (c *config) asksServers() bool { return c.resolution == byRecursion || c.validate }

func (r *configReader) readRecursion(v strictyaml.Value) recursionConfig {
	c, path := r.recursion, pathFrom(filepath.Dir(r.file))
	v.Mapping(
		strictyaml.Key("root_hints", &c.rootHints, usedTo(toRecurse, r, path)),
		strictyaml.Key("trust_anchors", &c.trustAnchors, usedTo(toValidate, r, atMost(maxAnchorFiles, "files", strictyaml.ListOrOne(path)))),
		strictyaml.Key("insecure", &c.insecure, usedTo(toValidate, r, atMost(maxInsecureNames, "names", distinct(strictyaml.Parsed(parseInsecure))))),
		strictyaml.Key("families", &c.families, usedTo(toAskServers, r, readFamilies)),
		strictyaml.Key("source", &c.source, usedTo(toAskServers, r, atMost(maxSources, "addresses", distinct(strictyaml.Parsed(parseSource))))),
		strictyaml.Key("zones", &c.zones, r.readZones),
		strictyaml.Key("query_loopback", &c.queryLoopback, usedTo(toAskServers, r, strictyaml.Bool)),
		strictyaml.Key("qname_minimisation", &c.minimise, usedTo(toRecurse, r, strictyaml.Bool)),
		strictyaml.Key("case_randomisation", &c.mixedCase, usedTo(toRecurse, r, strictyaml.Bool)),
		strictyaml.Key("aggressive_nsec", &c.aggressive, usedTo(toValidate, r, strictyaml.Bool)),
		strictyaml.Key("sha1", &c.sha1, usedTo(toValidate, r, strictyaml.Bool)),
		strictyaml.Key("prefetch", &r.cache.prefetch, r.readPrefetch),
	)
	return c
}

// readPrefetch reads cache.prefetch in its other place.
func (r *configReader) readPrefetch(v strictyaml.Value) bool {
	prefetch := strictyaml.Bool(v)
	if r.prefetch.Given() && prefetch != r.cache.prefetch {
		v.Refuse(fmt.Sprintf("differs from cache prefetch: %t", r.cache.prefetch), "remove one of them: they are the same key")
	}
	return prefetch
}

func readFamilies(v strictyaml.Value) (f families) {
	for _, word := range distinct(strictyaml.Word("ipv4", "ipv6"))(v) {
		f.ipv4, f.ipv6 = f.ipv4 || word == "ipv4", f.ipv6 || word == "ipv6"
	}
	return f
}

// parseName reads the name of a zone, fully qualified. Every error is a
// problem.Fault.
func parseName(text string) (string, error) {
	address, _, _ := strings.Cut(text, "/")
	if isAddress(address) {
		return "", problem.Fault{Text: "is an address, not a name", Remedy: "write the reverse zone, such as 2.0.192.in-addr.arpa"}
	}
	n, err := name.Parse(text)
	if err != nil {
		return "", err
	}
	return dns.Fqdn(n.String()), nil
}

func parseInsecure(text string) (string, error) {
	n, err := parseName(text)
	if n == "." {
		err = problem.Fault{Text: "is the root: nothing would be validated", Remedy: "write dnssec: off"}
	}
	return n, err
}

// parseSource reads an address to ask from. Every error is a problem.Fault.
func parseSource(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return a, problem.Fault{Text: "is no address", Remedy: "write one of this machine, such as 192.0.2.1 or 2001:db8::1"}
	case a.Is4In6():
		return a, problem.Fault{Text: "is an IPv4 address in IPv6 form", Remedy: "write " + a.Unmap().String()}
	case a.IsUnspecified(), a.IsMulticast():
		return a, problem.Fault{Text: "is nobody's address", Remedy: "write one of this machine, or leave the choice to the system"}
	}
	return a, nil
}

// distinct is the reader for a list of what read reads, nothing of it twice.
func distinct[T comparable](read func(strictyaml.Value) T) func(strictyaml.Value) []T {
	return func(v strictyaml.Value) (list []T) {
		first := map[T]int{} // value → its line
		for _, item := range v.Items() {
			value := read(item)
			if line, twice := first[value]; twice && value != *new(T) {
				item.Refuse(fmt.Sprintf("stands twice (first on line %d)", line), "remove one of them")
			}
			first[value] = item.Line()
			list = append(list, value)
		}
		return list
	}
}

// atMost is the reader for a list of what read reads, bounded in length.
func atMost[T any](limit int, things string, read func(strictyaml.Value) []T) func(strictyaml.Value) []T {
	return func(v strictyaml.Value) []T {
		list := read(v)
		if len(list) > limit {
			v.Refuse(fmt.Sprintf("holds more than %d %s", limit, things), "keep those that matter")
		}
		return list
	}
}
