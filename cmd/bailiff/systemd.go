package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/miekg/dns"

	"bailiff/metrics"
	"bailiff/policy"
)

// supervisor tells systemd how the server does (sd_notify(3)). Where nobody
// listens (no NOTIFY_SOCKET) it does nothing.
type supervisor struct{ keeper *keeper }

// ready ends the start or a reload.
func (s supervisor) ready() { s.tell(daemon.SdNotifyReady, "STATUS="+s.status()) }

// reloading begins a reload. Type=notify-reload takes it for the answer to its
// SIGHUP by the time.
func (s supervisor) reloading() {
	s.tell(daemon.SdNotifyReloading, strings.TrimSpace(daemon.SdNotifyMonotonicUsec()), "STATUS=reading the orders")
}

func (s supervisor) stopping() { s.tell(daemon.SdNotifyStopping, "STATUS=stopping") }

func (s supervisor) tell(assignments ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(assignments, "\n")); err != nil {
		s.keeper.log.Warn("systemd was not told", "error", err)
	}
}

// status is the line that systemctl status shows.
func (s supervisor) status() string {
	law := s.keeper.law.Load()
	states := countStates(law.Orders(), time.Now())
	text := fmt.Sprintf("orders: %d in force, %d pending, %d lapsed; generation %d",
		states[policy.InForce], states[policy.Pending], states[policy.Lapsed], law.Generation)
	if s.keeper.reloads.Last() == metrics.ResultRejected {
		return "the last reload was rejected; " + text
	}
	return text
}

// statusPause is how late the status follows an order that begins or ends.
const statusPause = 10 * time.Second

// watch keeps the status up to date, until ctx ends. Where WatchdogSec= is set
// it also says that the server lives: the clock of the law turns, and one of the
// addresses answers a query. Where none ever did, for example because of this
// machine's firewall, the clock is enough.
func (s supervisor) watch(ctx context.Context, addresses []netip.AddrPort) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	log := s.keeper.log
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("no watchdog", "error", err)
	}
	pause := statusPause
	if watchdog > 0 {
		pause = max(2*maxPause, min(pause, watchdog/6)) // the clock may take maxPause for a turn
	}
	told, turned, proven := s.status(), s.keeper.turns.Load(), false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if status := s.status(); status != told {
			s.tell("STATUS=" + status)
			told = status
		}
		if watchdog == 0 {
			continue
		}
		answers, before := answersAny(ctx, addresses, pause), turned
		turned, proven = s.keeper.turns.Load(), proven || answers
		switch {
		case turned == before:
			log.Error("the clock of the orders stands still; if it stays so, systemd restarts the server")
		case proven && !answers:
			log.Error("no address answers a query of our own; if it stays so, systemd restarts the server")
		default:
			s.tell(daemon.SdNotifyWatchdog)
		}
	}
}

// answersAny reports whether one of the server's addresses answers a query,
// over UDP or, where a flood has filled the sockets, TCP. Whatever the answer:
// to loopback it may be REFUSED.
func answersAny(ctx context.Context, addresses []netip.AddrPort, patience time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, transport := range []string{"udp", "tcp"} {
		client := &dns.Client{Net: transport, Timeout: time.Second}
		for _, a := range addresses {
			q := new(dns.Msg).SetQuestion("localhost.", dns.TypeA) // no order can hold it
			if _, _, err := client.ExchangeContext(ctx, q, dialled(a)); err == nil {
				return true
			}
		}
	}
	return false
}

// dialled is an address to reach one listened on: loopback for a wildcard.
func dialled(a netip.AddrPort) string {
	loopback := net.IPv6loopback.String()
	switch {
	case !a.Addr().IsUnspecified():
		return a.String()
	case a.Addr().Is4():
		loopback = "127.0.0.1"
	}
	return net.JoinHostPort(loopback, fmt.Sprint(a.Port()))
}
