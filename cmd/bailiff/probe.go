package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"bailiff/cmd/bailiff/probing"
	"bailiff/policy/list"
	"bailiff/policy/name"
	"bailiff/policy/problem"
)

// probeFile is the file of the last probe, in the folder of the journal.
const probeFile = "probe.json"

const maxProbeRate = 1_000_000 // queries a second: more than one machine sends

// probeCommand is `bailiff probe` with its flags.
type probeCommand struct {
	configFile string
	orders     []string
	server     netip.AddrPort
	rate       int
	free       string // file; empty: none
	sample     int
	json       string // file, or - for standard output; empty: none
	state      string // folder to keep the result in; empty: none
	timeout    time.Duration
}

func newProbeCommand() *cobra.Command {
	p := new(probeCommand)
	cmd := &cobra.Command{
		Use:   "probe --orders PATH… --server ADDR:PORT",
		Short: "Ask a running server for every name under order, and prove its answers",
		Long: `Ask a running server, over UDP and TCP, for every name under order, and compare its
answers with what the orders say: RCODE, addresses, extended errors, SOA and TTL.

The orders are read as serve reads them; where --orders or --server is not given, the
config file's are taken. Of each name rule in force the name itself and a random name
below it are asked for, A and AAAA; of an any-tld rule the label under some suffixes.
One query of 97 goes over TCP. A lost answer is asked for three times more.

Not probed are rules on addresses and name servers, which depend on the data of free
names, orders in observe mode, and orders for clients other than this machine. With
--free FILE, names that must not be blocked are asked for too, one a line; the server
resolves them.

Give --config as the server has it: it holds the notice addresses. The probe counts as
any client does, in the metrics and as the first answer under an order.

The exit code is 0 if every answer is as the orders say, 1 if not.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&p.configFile, "config", "", "config `FILE`")
	flags.StringArrayVar(&p.orders, "orders", nil, "order file or folder at `PATH`; may be repeated")
	flags.Func("server", "the server's address, `ADDR:PORT`", func(text string) (err error) {
		p.server, err = parseListen(text)
		return err
	})
	flags.IntVar(&p.rate, "rate", 5000, "ask at most `N` queries a second")
	flags.StringVar(&p.free, "free", "", "names that must not be blocked, one a line in `FILE`")
	flags.IntVar(&p.sample, "sample", 4, fmt.Sprintf("try `N` suffixes with an any-tld label, at most %d", probing.MaxSample()))
	flags.StringVar(&p.json, "json", "", "write the result as JSON to `FILE`, - for standard output")
	flags.StringVar(&p.state, "state", "", "keep the result in `DIR`, the server's state, as "+probeFile)
	flags.DurationVar(&p.timeout, "timeout", time.Second, "wait `TIME` for an answer")
	return cmd
}

func (p *probeCommand) check() error {
	switch {
	case len(p.orders) == 0 && p.configFile == "":
		return errors.New("probe: name order files or folders with --orders, or a config file with --config")
	case !p.server.IsValid() && p.configFile == "":
		return errors.New("probe: name the server with --server, or a config file with --config")
	case p.rate < 1 || p.rate > maxProbeRate:
		return fmt.Errorf("probe: --rate %d: is not between 1 and %d; leave it out for 5000", p.rate, maxProbeRate)
	case p.sample < 1 || p.sample > probing.MaxSample():
		return fmt.Errorf("probe: --sample %d: is not between 1 and %d; leave it out for 4", p.sample, probing.MaxSample())
	case p.timeout < time.Millisecond || p.timeout > time.Minute:
		return fmt.Errorf("probe: --timeout %s: is not between 1ms and 1m; leave it out for 1s", p.timeout)
	}
	return nil
}

func (p *probeCommand) run(ctx context.Context, out, stderr io.Writer) error {
	if err := p.check(); err != nil {
		return err
	}
	config, err := p.load()
	if err != nil {
		return err
	}
	started, probe, shown := time.Now(), probing.New(config), newProgress(stderr)
	if err := probe.Check(ctx); err != nil {
		return failed(fmt.Errorf("%s: %w", config.Server, err))
	}
	shown.following(func() string { return fmt.Sprintf("probing %s: %d queries", config.Server, probe.Sent()) },
		func() { err = probe.Run(ctx) })
	result := probe.Result(started, err)
	result.Generation = p.generation(ctx)
	if err := p.write(out, result); err != nil {
		return failed(err)
	}
	if !result.OK() {
		return failure{}
	}
	return nil
}

// load reads the orders as serve would, and finds the server.
func (p *probeCommand) load() (probing.Config, error) {
	var problems problem.List
	cfg := readConfig(p.configFile, &problems)
	if len(p.orders) > 0 {
		cfg.orders = p.orders
	}
	free := p.readFree(&problems)
	law, err := loadLaw(cfg, time.Now(), &problems)
	if err != nil {
		return probing.Config{}, err
	}
	server, err := reachable(cmp.Or(p.server, cfg.listen[0]))
	if err != nil {
		return probing.Config{}, failed(err)
	}
	client, err := localAddress(server)
	if err != nil {
		return probing.Config{}, failed(err)
	}
	return probing.Config{
		Server: server, Client: client, Law: law.store, Rules: law.rules, Free: free,
		Rate: p.rate, Sample: p.sample, Timeout: p.timeout, Digest: newDigest(),
	}, nil
}

// readFree reads the names that no order may answer for.
func (p *probeCommand) readFree(problems *problem.List) (free []name.Name) {
	if p.free == "" {
		return nil
	}
	groups, _ := list.ReadFile(p.free, p.free, list.Options{Format: list.Domains}, problems)
	for _, g := range groups {
		for e := range g.Names.All() {
			free = append(free, name.Name(e.Name))
		}
	}
	return free
}

// reachable is an address to ask one listened on.
func reachable(listened netip.AddrPort) (netip.AddrPort, error) {
	if listened.Port() == 0 {
		return listened, fmt.Errorf("%s: has no port to ask; name the one that was taken with --server", listened)
	}
	return netip.ParseAddrPort(dialled(listened))
}

// localAddress is this machine's address on the way to the server. Nothing is
// sent.
func localAddress(server netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap().WithZone(""), nil //nolint:forcetypeassert // of a UDP socket
}

// newDigest makes what stands for the names of hidden orders: it tells them
// apart in one result, and nothing else; file and line find them.
func newDigest() func(string) string {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return func(text string) string {
		mac := hmac.New(sha256.New, key)
		_, _ = io.WriteString(mac, text)
		return hex.EncodeToString(mac.Sum(nil)[:8])
	}
}

// generation is that of the server whose state is named, 0 if it does not say.
func (p *probeCommand) generation(ctx context.Context) uint64 {
	if p.state == "" {
		return 0
	}
	status, err := fetchStatus(ctx, serverAddress{unix: filepath.Join(p.state, socketFile)})
	if err != nil {
		return 0
	}
	return status.Generation
}
