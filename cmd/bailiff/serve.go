package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bailiff/metrics"
	"bailiff/metrics/querylog"
	"bailiff/policy"
	"bailiff/policy/problem"
	"bailiff/resolver"
	"bailiff/resolver/upstream"
)

// serveCommand is `bailiff serve` with its flags; each one given overrides the
// config file's key.
type serveCommand struct {
	configFile string
	orders     []string
	listen     []netip.AddrPort
	upstreams  []upstreamServer
	metrics    netip.AddrPort
	state      string
}

func newServeCommand() *cobra.Command {
	s := new(serveCommand)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the resolver",
		Long: `Run the resolver until SIGTERM or SIGINT.

SIGHUP reads the orders and their lists again, all or nothing: if anything is
wrong with them, those in force stay. It also opens the query log anew if its file was
renamed. The config file is read at start only.

Without a config file the resolver listens on 127.0.0.1:5300 and [::1]:5300,
serves private networks, forwards to the name servers of /etc/resolv.conf and,
without --orders, puts its example orders in force.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.ErrOrStderr()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.configFile, "config", "", "config `FILE`")
	flags.StringArrayVar(&s.orders, "orders", nil, "order file or folder at `PATH`; may be repeated")
	flags.Func("listen", "serve on `ADDR:PORT`, UDP and TCP; may be repeated", func(text string) error {
		a, err := parseListen(text)
		s.listen = append(s.listen, a)
		return err
	})
	flags.Func("upstream", "forward to `ADDR[:PORT]`, not with resolution recurse; may be repeated", func(text string) error {
		a, err := parseUpstream(text)
		s.upstreams = append(s.upstreams, upstreamServer{a, problem.Problem{File: "--upstream", Value: text}})
		return err
	})
	flags.Func("metrics", "serve metrics on `ADDR:PORT`", func(text string) (err error) {
		s.metrics, err = parseListen(text)
		return err
	})
	flags.StringVar(&s.state, "state", "", "keep the journal in `DIR`, and what it takes to answer for the past")
	return cmd
}

// run serves until a signal ends it.
func (s *serveCommand) run(stderr io.Writer) error {
	terminated, hangups := catchSignals()
	var problems problem.List
	cfg := s.settle(&problems)
	if problems.Refused() {
		return refused(&problems)
	}
	out := newLogQueue()
	log := newLogger(cfg.log, out)
	defer out.passTo(stderr, log)()
	for _, note := range problems.Sorted() {
		log.Warn(note.Error())
	}
	removeExamples, err := s.useExamples(cfg, log)
	if err != nil {
		return failed(err)
	}
	defer removeExamples()
	return serve(terminated, hangups, cfg, log)
}

// serve answers until terminated ends, and reloads at each of hangups.
func serve(terminated context.Context, hangups <-chan os.Signal, cfg *config, log *slog.Logger) error {
	law := policy.NewStore()
	audit, err := openAudit(cfg, law, log)
	if err != nil {
		return failed(err)
	}
	defer audit.close()
	orders := newKeeper(cfg, law, log)
	orders.audit = audit
	orders.compiled = newCompiledStore(cfg, orders.options, log)
	if err := orders.start(); err != nil {
		return err
	}
	version, _ := buildVersion()
	queries, err := startQueryLog(cfg.queries, version, log)
	if err != nil {
		return failed(err)
	}
	defer queries.Close()
	counters := metrics.NewCounters(cfg.resolvers())
	recursing := newRecursion(cfg, law, counters, log)
	defer recursing.close()
	answering := resolver.New(resolverConfig(cfg, law, recursing, counters, queries, log))
	defer answering.Close()
	facts := &api{
		config: cfg, keeper: orders, counters: counters, meter: newMeter(time.Now()),
		resolver: answering, recursion: recursing, journal: audit.writer(),
	}
	open, err := openSockets(cfg, facts, queries, log)
	if err != nil {
		return failed(err)
	}

	open.serve()
	how := recursing.status(cfg)
	log.Info("ready", "listen", joined(open.dns.Addresses()), "metrics", open.pages.Address().String(),
		"orders", len(law.Load().Orders()), "rules", orders.rules(), "generation", law.Load().Generation, "version", version, "api", strings.Join(open.control.Addresses(), ","),
		"resolution", how.Mode, "validate", how.Validate, "trust_anchors", how.tags())
	go recursing.follow(terminated)
	go facts.meter.follow(terminated, counters)
	go orders.reloadOn(hangups)
	go orders.followClock(terminated)
	supervisor{orders}.ready()
	go supervisor{orders}.watch(terminated, open.dns.Addresses())

	<-terminated.Done()
	log.Info("stopping")
	supervisor{orders}.stopping()
	open.stop(log)
	return nil
}

// catchSignals must come before anything slow: a SIGHUP must not end a process
// that is starting. The context ends at the first SIGTERM or SIGINT; the
// second ends the process at once. However many SIGHUPs come while the orders
// are read, one is kept.
func catchSignals() (terminated context.Context, hangups <-chan os.Signal) {
	signal.Ignore(syscall.SIGPIPE) // a reader of the log that goes away must not lift the blocks
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ends := make(chan os.Signal, 2)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	terminated, cancel := context.WithCancel(context.Background())
	go func() { // to the end of the process
		<-ends
		cancel()
		<-ends
		os.Exit(exitFailure)
	}()
	return terminated, hangup
}

// settle reads the config file, and puts the flags over it. With a refusal
// among problems the config must not be used.
func (s *serveCommand) settle(problems *problem.List) *config {
	cfg := readConfig(s.configFile, problems)
	if problems.Refused() {
		return cfg
	}
	if len(s.orders) > 0 {
		cfg.orders = s.orders
	}
	if len(s.listen) > 0 {
		cfg.listen = s.listen
	}
	if len(s.upstreams) > 0 {
		cfg.upstreams = s.upstreams
	}
	if s.metrics.IsValid() {
		cfg.metrics = s.metrics
	}
	if s.state != "" {
		cfg.state = s.state
	}
	cfg.settleResolution(resolvConf, problems)
	return cfg
}

// useExamples fits a configuration that nobody wrote to the machine: it puts
// the example orders in force, and leaves [::1] out where IPv6 is off. The
// caller calls remove at the end.
func (s *serveCommand) useExamples(cfg *config, log *slog.Logger) (remove func(), err error) {
	remove = func() {}
	if s.configFile != "" {
		return remove, nil
	}
	if len(s.listen) == 0 && !hasIPv6Loopback() {
		log.Warn("this machine has no IPv6 loopback: [::1] is left out")
		cfg.listen = slices.DeleteFunc(cfg.listen, func(a netip.AddrPort) bool { return a.Addr().Is6() })
	}
	if len(s.orders) == 0 {
		var folder string
		if folder, remove, err = extractExamples(); err != nil {
			return nil, err
		}
		cfg.orders = []string{folder}
		log.Warn("no config file and no --orders: the example orders are in force", "folder", folder)
	}
	return remove, nil
}

func hasIPv6Loopback() bool {
	l, err := net.ListenTCP("tcp6", &net.TCPAddr{IP: net.IPv6loopback})
	if err == nil {
		_ = l.Close()
	}
	return err == nil
}

// resolverConfig is the resolver's share of the configuration. With a Recursor
// each has half of the cache: for answers, and for what is known of zones.
func resolverConfig(cfg *config, law *policy.Store, recursing *recursion, counters *metrics.Counters, queries *querylog.Log, log *slog.Logger) resolver.Config {
	c := resolver.Config{
		Policy: law, Clients: cfg.clients, Zones: cfg.local, NAT64: cfg.nat64,
		Upstream:   upstream.Config{Servers: addresses(cfg.upstreams), CaseRandomisation: cfg.caseRandomisation, Observe: counters.Exchanged},
		CacheBytes: cfg.cache.octets, Stale: cfg.cache.stale, Prefetch: cfg.cache.prefetch, Watch: cfg.watch,
		Observer: counters, Record: queries.Recorder(), Log: log,
		StructuredOption: cfg.structured.option, InfoURL: cfg.infoURL,
	}
	if recursing != nil {
		c.Recursor, c.CacheBytes = recursing.recursor, cfg.cache.octets/2
	}
	return c
}

func newLogger(c logConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.level}
	if c.json {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// joined is a list of addresses as one word.
func joined(addresses []netip.AddrPort) string {
	words := make([]string, len(addresses))
	for i, a := range addresses {
		words[i] = a.String()
	}
	return strings.Join(words, ",")
}
