package main

import (
	"bytes"
	"context"
	"embed"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// configurations holds a folder for each server; its files are templates that
// take a site.
//
//go:embed peers
var configurations embed.FS

// site is where one server runs: what its configuration and command line need.
type site struct {
	Dir            string // its own folder, for its configuration and whatever it writes
	Rules          string // the folder of ruleFiles
	Port, Upstream int    // on 127.0.0.1
	Bailiff        string // the program

	Control int      // a port on 127.0.0.1 where it takes a reload, if it needs one; 0: it is never reloaded
	State   string   // folder for what bailiff keeps; empty: it keeps nothing
	env     []string // in addition to the benchmark's own
}

// peer is a server to measure.
type peer struct {
	folder  string // below peers/, also its name on the command line; empty if it needs none
	Title   string // its name in the document
	How     string // how it holds the rules
	command string // template of the command line that serves in the foreground
	version string // template of the command line that prints the version

	rules   []string // those of ruleFiles that it reads
	someNew string   // template for sh, takes an update: the names of the small order changed; empty: it looks itself
	allNew  string   // the same when all names changed
	Told    string   // the same for the document: of some, of all
}

const (
	hangUp         = "kill -HUP {{.PID}}"
	recursorReload = "rec_control --timeout=60 --socket-dir={{.Dir}} reload-lua-config && rec_control --timeout=60 --socket-dir={{.Dir}} wipe-cache '.$'"
	dnsdistKey     = "YmVuY2htYXJrIGtleSBmb3IgbG9vcGJhY2sgb25seSE=" // no secret: the console listens for minutes, on loopback
)

var bailiffPeer = peer{
	folder: "bailiff", Title: "bailiff", How: "one order with a list",
	command: "{{.Bailiff}} serve --config {{.Dir}}/bailiff.yaml", version: "{{.Bailiff}} version",
	rules: []string{"order.yaml", "names.txt"}, someNew: hangUp, allNew: hangUp, Told: "SIGHUP",
}

var peers = []peer{
	{
		folder: "unbound-local", Title: "Unbound local-zone", How: "`local-zone: NAME always_nxdomain`",
		command: "unbound -d -c {{.Dir}}/unbound.conf", version: "unbound -V",
		rules: []string{"local-zones.conf"}, allNew: hangUp, Told: "`unbound-control local_zones_remove` and `local_zones`; SIGHUP, which empties the cache",
		someNew: "unbound-control -c {{.Dir}}/unbound.conf local_zones_remove <{{.Old}}/names.txt && " +
			"sed 's/$/ always_nxdomain/' {{.New}}/names.txt | unbound-control -c {{.Dir}}/unbound.conf local_zones",
	},
	{
		folder: "unbound-rpz", Title: "Unbound RPZ", How: "`rpz:` from a file",
		command: "unbound -d -c {{.Dir}}/unbound.conf", version: "unbound -V",
		rules: []string{"rpz.zone"}, Told: "`unbound-control auth_zone_reload` of the zone",
		someNew: "unbound-control -c {{.Dir}}/unbound.conf auth_zone_reload change.bench",
		allNew:  "unbound-control -c {{.Dir}}/unbound.conf auth_zone_reload rpz.bench",
	},
	{
		folder: "bind", Title: "BIND RPZ", How: "`response-policy`, zone from a file",
		command: "named -f -n 1 -c {{.Dir}}/named.conf", version: "named -v",
		rules: []string{"rpz.zone"}, someNew: hangUp, allNew: hangUp, Told: "SIGHUP, which reads the zones whose files changed",
	},
	{
		folder: "recursor", Title: "PowerDNS Recursor RPZ", How: "`rpzFile`",
		command: "pdns_recursor --config-dir={{.Dir}}", version: "pdns_recursor --version",
		rules: []string{"rpz.zone"}, Told: "`rec_control reload-lua-config`, which reads all zones, and `wipe-cache`: its packet cache goes before RPZ",
		someNew: recursorReload,
		allNew:  recursorReload,
	},
	{
		folder: "dnsdist", Title: "dnsdist", How: "`SuffixMatchNodeRule`, `RCodeAction`",
		command: "dnsdist --supervised -C {{.Dir}}/dnsdist.conf", version: "dnsdist --version",
		rules: []string{"names.txt"}, Told: "a new rule in the place of the old one, over the console",
		someNew: `dnsdist -C /dev/null -c 127.0.0.1:{{.Control}} -k ` + dnsdistKey + ` -e 'block("change", "{{.Rules}}/change/names.txt")'`,
		allNew:  `dnsdist -C /dev/null -c 127.0.0.1:{{.Control}} -k ` + dnsdistKey + ` -e 'block("all", "{{.Rules}}/names.txt")'`,
	},
	{
		folder: "kresd", Title: "Knot Resolver RPZ", How: "`policy.rpz`",
		command: "kresd -n -c {{.Dir}}/kresd.conf {{.Dir}}", version: "kresd --version",
		rules: []string{"rpz.zone"}, Told: "nothing: it watches the files",
	},
}

// upstream answers every name below example, and needs no rules.
var upstream = peer{
	folder: "nsd", Title: "NSD", How: "the upstream: a wildcard",
	command: "nsd -d -c {{.Dir}}/nsd.conf", version: "nsd -v",
}

// generator has no configuration, and is started anew for each turn.
var generator = peer{Title: "dnsperf", How: "the generator", version: "dnsperf -h"}

func peerNames() []string {
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = p.folder
	}
	return names
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// Config is where the server's configuration lies, seen from the document.
func (p peer) Config() string {
	if p.folder == "" {
		return ""
	}
	return "../deploy/bench/peers/" + p.folder
}

// program is the program that serves, as it is looked up in PATH.
func (p peer) program() string { return strings.Fields(p.command)[0] }

// configure makes the server's folder, and writes its configuration there.
func (p peer) configure(at site) error {
	if err := os.MkdirAll(filepath.Join(at.Dir, "cache"), 0o700); err != nil {
		return err
	}
	folder := path.Join("peers", p.folder)
	files, err := fs.ReadDir(configurations, folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := fs.ReadFile(configurations, path.Join(folder, f.Name()))
		if err != nil {
			return err
		}
		filled, err := fill(string(text), at)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(at.Dir, f.Name()), []byte(filled), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// fill puts the site into a template.
func fill(text string, at any) (string, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var filled bytes.Buffer
	err = t.Execute(&filled, at)
	return filled.String(), err
}

// versionNumber is the word after a program's name, or after "version".
var versionNumber = regexp.MustCompile(`(?i)\b(?:version|bailiff|bind|dnsdist|recursor) (\S+)`)

// askVersion returns the version that the program prints; "unknown" if it does
// not say. Its exit code says nothing: not every program has an option for this.
func (p peer) askVersion(ctx context.Context, bailiff string) string {
	line, err := fill(p.version, site{Bailiff: bailiff})
	if err != nil {
		return "unknown"
	}
	words := strings.Fields(line)
	out, _ := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput() //nolint:gosec // from the tables of this program
	found := versionNumber.FindSubmatch(out)
	if found == nil {
		return "unknown"
	}
	return string(found[1])
}
