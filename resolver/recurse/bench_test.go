package recurse

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/exchange"
	"bailiff/resolver/upstream"
)

// recording is a world whose responses are kept packed, so that a benchmark
// measures the Recursor and not the world.
type recording struct {
	*world
	mu   sync.Mutex
	kept map[string][]byte
}

func (r *recording) Exchange(ctx context.Context, to netip.AddrPort, over exchange.Transport, q exchange.Query, patience time.Duration) ([]byte, error) {
	k := to.String() + string(q.Message()[2:])
	r.mu.Lock()
	packet, ok := r.kept[k]
	r.mu.Unlock()
	if !ok {
		var err error
		if packet, err = r.world.Exchange(ctx, to, over, q, patience); err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.kept[k] = packet
		r.mu.Unlock()
	}
	packet = slices.Clone(packet)
	copy(packet, q.Message()[:2])
	return packet, nil
}

// BenchmarkResolve_cold resolves a name in each of 40 zones, half of them signed,
// with nothing known but the anchor; the time is that of one name.
func BenchmarkResolve_cold(b *testing.B) {
	const zones = 40
	w := newWorld(b)
	var delegations string
	for i := range zones {
		apex := fmt.Sprintf("z%d.test.", i)
		delegations += fmt.Sprintf("z%d NS ns.z%d\nns.z%d A 198.51.100.3\n", i, i, i)
		text := "@ NS ns\nns A 198.51.100.3\nwww A 192.0.2.1\n"
		if i%2 == 0 {
			delegations += w.signed(apex, "198.51.100.3", text).ds().String() + "\n"
		} else {
			w.zone(apex, "198.51.100.3", text)
		}
	}
	test := w.signed("test.", "198.51.100.2", "@ NS ns\nns A 198.51.100.2\n"+delegations)
	w.signed(".", "198.51.100.1", "@ NS ns.root.test.\ntest. NS ns.test.\nns.test. A 198.51.100.2\n"+test.ds().String()+"\n")
	network := &recording{world: w, kept: map[string][]byte{}}
	run := func() {
		r := w.validating(func(c *Config) { c.Network, c.Minimise, c.AggressiveNSEC = network, true, true })
		for i := range zones {
			_, err := r.Resolve(context.Background(), upstream.Question{Name: exchange.Name(fmt.Sprintf("www.z%d.test.", i)), Type: dns.TypeA})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	run()
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*zones), "µs/name")
}
