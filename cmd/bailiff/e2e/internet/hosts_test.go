package internet

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// host is a name server: a daemon, one that misbehaves, or only an address.
type host struct {
	addresses []string
	daemon    daemon
	misbehave behaviour
}

// Daemons that serve zones.
var (
	knot  = daemon{"knot", "knotd -c {{.Dir}}/knot.conf"}
	nsd   = daemon{"nsd", "nsd -d -c {{.Dir}}/nsd.conf"}
	named = daemon{"named", "named -g -n 1 -c {{.Dir}}/named.conf"}
	pdns  = daemon{"pdns", "pdns_server --config-dir={{.Dir}}"}
)

// truthful is the host that misbehaving ones ask for the truth.
const truthful = "knot"

// hosts are the name servers. Where a daemon has a zone and its parent, that is
// meant: it answers for the child where another would refer.
var hosts = map[string]host{
	"root": {addresses: []string{"198.51.100.1", "2001:db8:53::1"}, daemon: knot},
	"bind": {addresses: []string{"198.51.100.2", "2001:db8:53::2"}, daemon: named},
	"nsd":  {addresses: []string{"198.51.100.3", "2001:db8:53::3"}, daemon: nsd},
	"knot": {addresses: []string{"198.51.100.4", "2001:db8:53::4"}, daemon: knot},
	"pdns": {addresses: []string{"198.51.100.5"}, daemon: pdns},

	"lame":   {addresses: []string{"198.51.100.5"}}, // PowerDNS refuses what it does not have
	"silent": {addresses: []string{"198.51.100.66"}},

	"slow":       {addresses: []string{"198.51.100.101"}, misbehave: slow},
	"no-edns":    {addresses: []string{"198.51.100.102"}, misbehave: silentToEDNS},
	"formerr":    {addresses: []string{"198.51.100.103"}, misbehave: formErrToEDNS},
	"notimp":     {addresses: []string{"198.51.100.104"}, misbehave: notImpToEDNS},
	"no-opt":     {addresses: []string{"198.51.100.105"}, misbehave: withoutOPT},
	"lower":      {addresses: []string{"198.51.100.106"}, misbehave: lowerCase},
	"cname":      {addresses: []string{"198.51.100.107"}, misbehave: cnameAndOther},
	"upward":     {addresses: []string{"198.51.100.108"}, misbehave: refers(".", "a.root.test.")},
	"sideways":   {addresses: []string{"198.51.100.109"}, misbehave: refers("victim.test.", "ns1.sideways.test.")},
	"poison":     {addresses: []string{"198.51.100.110"}, misbehave: poisonous},
	"liar":       {addresses: []string{"198.51.100.111"}, misbehave: lying},
	"tc":         {addresses: []string{"198.51.100.112"}, misbehave: truncating},
	"failing":    {addresses: []string{"198.51.100.113"}, misbehave: failing},
	"decoy":      {addresses: []string{"198.51.100.114"}, misbehave: decoyFirst},
	"no-aa":      {addresses: []string{"198.51.100.115"}, misbehave: withoutAA},
	"nx-for-ent": {addresses: []string{"198.51.100.116"}, misbehave: nxdomainForEmpty},
	"empty":      {addresses: []string{"198.51.100.117"}, misbehave: emptyNoError},
	"chain":      {addresses: []string{"198.51.100.118"}, misbehave: chainThenVictim},
}

// served is a zone and where its file is.
type served struct{ Name, File string }

// authoritySite is what the configuration of a name server needs.
type authoritySite struct {
	Dir       string
	Addresses []string
	Zones     []served
}

// Only are the addresses of a family, as the type of their records.
func (s authoritySite) Only(rrtype string) []string {
	return slices.DeleteFunc(slices.Clone(s.Addresses), func(a string) bool { return family(a) != rrtype })
}

// serve makes the zones and starts their name servers at the other end of a
// cable. It returns that end and where a resolver begins.
func serve(t testing.TB, zones []*zone) (*namespace, beginning) {
	t.Helper()
	away := newNamespace(t)
	connect(t, away, everyAddress())
	w := newWorkshop(t)
	w.make(zones)
	started := map[string]*process{}
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		h := hosts[name]
		switch own := w.zonesOf(name, zones); {
		case h.misbehave != nil:
			misbehaving(t, away, port53(name), port53(truthful), h.misbehave)
		case h.daemon.name != "" && len(own) > 0:
			site := authoritySite{Dir: subfolder(t, w.folder, name), Addresses: h.addresses, Zones: own}
			away.do(t, func() { started[name] = h.daemon.start(t, site.Dir, site) })
		}
	}
	for name, p := range started {
		own := w.zonesOf(name, zones)
		p.await(t, port53(name), own[len(own)-1].Name)
	}
	return away, w.beginning()
}

// port53 is where a host listens.
func port53(name string) string { return net.JoinHostPort(hosts[name].addresses[0], "53") }

// everyAddress lists those that somebody has.
func everyAddress() (all []string) {
	for name, h := range hosts {
		if name != "silent" {
			all = append(all, h.addresses...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// zonesOf are the zones that a daemon serves: its own, and for the truthful one
// those of the hosts that misbehave.
func (w *workshop) zonesOf(name string, zones []*zone) (own []served) {
	for _, z := range zones {
		if slices.ContainsFunc(strings.Fields(z.servers), func(s string) bool {
			return s == name || name == truthful && hosts[s].misbehave != nil
		}) {
			own = append(own, served{z.name, w.files[z.name]})
		}
	}
	return own
}

// beginning is where a resolver begins.
type beginning struct {
	Hints, Anchors string // files in zone-file form
	Anchor         *dns.DS
}

// beginning writes the files.
func (w *workshop) beginning() beginning {
	w.t.Helper()
	b := beginning{Hints: filepath.Join(w.folder, "root.hints"), Anchors: filepath.Join(w.folder, "root.anchors")}
	hints := ". 3600 IN NS a.root.test.\n"
	for _, a := range hosts["root"].addresses {
		hints += fmt.Sprintf("a.root.test. 3600 IN %s %s\n", family(a), a)
	}
	overwrite(w.t, b.Hints, hints)
	b.Anchor = record(". 3600 IN DS " + w.ds["."][0]).(*dns.DS)
	overwrite(w.t, b.Anchors, b.Anchor.String()+"\n")
	return b
}
