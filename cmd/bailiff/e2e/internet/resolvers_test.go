package internet

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bailiff is the resolver under test; peers are what it is compared with.
var (
	bailiff = daemon{"bailiff", "{{.Bailiff}} serve --config {{.Dir}}/bailiff.yaml"}
	peers   = []daemon{
		{"unbound", "unbound -d -p -c {{.Dir}}/unbound.conf"},
		{"bind", "named -g -n 1 -c {{.Dir}}/named.conf"},
		{"kresd", "kresd -n -c {{.Dir}}/kresd.conf {{.Dir}}"},
		{"recursor", "pdns_recursor --config-dir={{.Dir}}"},
	}
)

// resolverSite is what the configuration of a resolver needs.
type resolverSite struct {
	beginning
	Dir, Port string
	Bailiff   string
}

// resolver is one that runs.
type resolver struct {
	*process
	name, address string
}

// startResolver starts one on a free port, and waits until it answers.
func startResolver(t testing.TB, d daemon, at beginning) *resolver {
	t.Helper()
	site := resolverSite{beginning: at, Dir: t.TempDir(), Port: freePort(t), Bailiff: os.Getenv(binaryVariable)}
	subfolder(t, site.Dir, "cache")
	r := &resolver{process: d.start(t, site.Dir, site), name: d.name, address: net.JoinHostPort("127.0.0.1", site.Port)}
	r.await(t, r.address, ".")
	t.Cleanup(func() {
		r.stop()
		if strings.Contains(r.said(), "DATA RACE") {
			t.Errorf("%s: data race:\n%s", filepath.Base(r.Path), r.said())
		}
	})
	return r
}

// freePort is a port that was free for UDP and TCP a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	packets, err := net.ListenPacket("udp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
