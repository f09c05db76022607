package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"bailiff/metrics"
	"bailiff/metrics/querylog"
	"bailiff/resolver/listen"
)

// drainTime is how long a stop waits for questions under way: stub resolvers
// ask again after 5 s, a supervisor kills after 10 s or more.
const drainTime = 2 * time.Second

// sockets are where a server is asked.
type sockets struct {
	dns     *listen.Server
	pages   *metrics.Server
	control *apiServer
}

// openSockets opens all of them, or none. Nothing is answered before serve. It
// tells facts, which are what the API says, where they are.
func openSockets(cfg *config, facts *api, queries *querylog.Log, log *slog.Logger) (*sockets, error) {
	dns, err := listen.Listen(listen.Config{Addresses: cfg.listen, Inherited: activation.Files(true), Resolver: facts.resolver, Log: log})
	if err != nil {
		return nil, withRemedy(err)
	}
	version, revision := buildVersion()
	shown := metrics.Config{
		Counters: facts.counters, Reloads: facts.keeper.reloads, Policy: facts.keeper.law, Resolver: facts.resolver, Listeners: dns,
		QueryLog: queries, Journal: facts.journal, Version: version, Revision: revision,
	}
	if r := facts.recursion; r != nil {
		shown.Recursor, shown.Anchors = r.recursor, r.anchors
	}
	pages, err := metrics.Listen(cfg.metrics, metrics.NewCollector(shown), log)
	if err != nil {
		return nil, errors.Join(withRemedy(err), dns.Shutdown(context.Background()))
	}
	facts.listeners, facts.metrics = dns, pages.Address()
	control, err := listenAPI(cfg, facts.handler(), log)
	if err != nil {
		return nil, errors.Join(withRemedy(err), dns.Shutdown(context.Background()), pages.Shutdown(context.Background()))
	}
	return &sockets{dns, pages, control}, nil
}

// serve begins to answer.
func (s *sockets) serve() {
	s.dns.Serve()
	s.pages.Serve()
	s.control.Serve()
	s.pages.Ready()
}

// stop drains. The goroutines that reload and follow the clock end with the
// process: neither holds anything half done.
func (s *sockets) stop(log *slog.Logger) {
	s.pages.Unready("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := errors.Join(s.dns.Shutdown(ctx), s.pages.Shutdown(ctx), s.control.Shutdown(ctx)); err != nil {
		log.Warn("stopped before everything had ended", "cause", err)
		return
	}
	log.Info("stopped")
}

// withRemedy adds to an error of listening what to do about it.
func withRemedy(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w; stop the program that has it (ss -lntup shows it), or take another address", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; give the process CAP_NET_BIND_SERVICE, or take a port above 1023", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w; give the address to an interface first, or take another one", err)
	}
	return err
}
