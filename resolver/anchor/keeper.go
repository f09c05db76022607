package anchor

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

const fetchDeadline = 30 * time.Second // for one zone's keys; the next look is an hour later

// Fetch asks for the DNSKEY set of a zone and its signatures. The Keeper
// validates it.
type Fetch func(ctx context.Context, zone string) (dnssec.Set, error)

// Config is what a Keeper needs. File, Now and Log may be empty.
type Config struct {
	Anchors []dns.RR // DS and DNSKEY records, owner names in lower case
	File    string   // where the state is kept; empty: nowhere
	Fixed   bool     // the anchors stay as configured, whatever their zones say
	Now     func() time.Time
	Log     *slog.Logger
}

// Info is where one trust anchor stands.
type Info struct {
	Zone  string
	Tag   uint16 // the key tag, without the REVOKE bit
	State State
}

// Keeper keeps the trust anchors in step with the zones' roll-overs, as RFC
// 5011 has it. Current, Info and Faults may be called by several goroutines at
// once, Run by one.
type Keeper struct {
	zones  []*zone // those configured, by name; Run's
	fixed  bool
	file   string
	saved  []byte // what the file holds
	now    func() time.Time
	log    *slog.Logger
	shown  atomic.Pointer[shown]
	faults atomic.Uint64
}

// shown is what others see of the zones. Immutable.
type shown struct {
	anchors []dns.RR
	info    []Info
}

// New returns a Keeper that goes on from the state in cfg.File. If that cannot
// be read, or is of other anchors than those configured, the configured ones
// are where it begins.
func New(cfg Config) *Keeper {
	k := &Keeper{fixed: cfg.Fixed, file: cfg.File, now: cfg.Now, log: cfg.Log}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	for _, a := range cfg.Anchors {
		name := a.Header().Name
		at, known := slices.BinarySearchFunc(k.zones, name, func(z *zone, name string) int { return cmp.Compare(z.name, name) })
		if !known {
			k.zones = slices.Insert(k.zones, at, &zone{name: name, retry: minPause})
		}
		k.zones[at].configured = append(k.zones[at].configured, a)
	}
	if k.file != "" && !k.fixed {
		k.restore()
	}
	k.show()
	return k
}

// Current returns the trust anchors of all zones as they are now. The slice
// and its records are only to be read.
func (k *Keeper) Current() []dns.RR { return k.shown.Load().anchors }

// Info returns where each anchor stands. The slice is only to be read.
func (k *Keeper) Info() []Info { return k.shown.Load().info }

// Faults counts how often the state could not be read or written.
func (k *Keeper) Faults() uint64 { return k.faults.Load() }

// show publishes the zones as they are.
func (k *Keeper) show() {
	s := new(shown)
	for _, z := range k.zones {
		s.anchors = append(s.anchors, z.anchors()...)
		for _, a := range z.configured { // those not seen yet
			if !slices.ContainsFunc(z.keys, func(k key) bool { return stands(a, k.record) }) {
				s.info = append(s.info, Info{z.name, tag(a), Valid})
			}
		}
		for _, known := range z.keys {
			s.info = append(s.info, Info{z.name, known.record.KeyTag(), known.state})
		}
	}
	k.shown.Store(s)
}

// Run looks at the zones' keys whenever that is due, until ctx ends.
func (k *Keeper) Run(ctx context.Context, fetch Fetch) {
	for !k.fixed && ctx.Err() == nil {
		for _, z := range k.zones {
			// A clock that was put back must not put the next look off.
			if now := k.wallClock(); !now.Before(z.due) || z.due.Sub(now) > maxRefresh {
				k.refresh(ctx, z, fetch)
			}
		}
		k.save()
		select {
		case <-ctx.Done():
		case <-time.After(minPause): // no look is due sooner
		}
	}
}

// wallClock is now without the monotonic clock, which stands still while the
// process is down.
func (k *Keeper) wallClock() time.Time { return k.now().Round(0) }

// refresh looks at the keys of one zone. A panic, a fault of this program,
// leaves its anchors as they were.
func (k *Keeper) refresh(ctx context.Context, z *zone, fetch Fetch) {
	defer func() {
		if cause := recover(); cause != nil {
			k.log.Error("looking at the keys of a zone ended in a panic", "zone", z.name, "cause", cause)
		}
	}()
	z.due = k.wallClock().Add(z.retry)
	if len(z.anchors()) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fetchDeadline)
	defer cancel()
	set, err := fetch(ctx, z.name)
	if err != nil {
		k.log.Warn("the keys of a zone with trust anchors cannot be fetched", "zone", z.name, "error", err)
		return
	}
	changed, err := z.learn(set, k.wallClock()) // the wall clock: it goes on while the process is down
	k.show()
	for _, c := range changed {
		k.tell(ctx, z, c)
	}
	if err != nil {
		k.log.Warn("no trust anchor has signed the keys of its zone", "zone", z.name, "error", err)
	}
}

// tell logs where a key has come to stand.
func (k *Keeper) tell(ctx context.Context, z *zone, c key) {
	level := slog.LevelInfo
	if c.state == Missing || c.state == Revoked {
		level = slog.LevelWarn
	}
	k.log.Log(ctx, level, "trust anchor "+c.state.String(), "zone", z.name, "tag", c.record.KeyTag())
	if c.state == Revoked && len(z.anchors()) == 0 {
		k.log.Error("every trust anchor is revoked: the zone is not validated until others are configured", "zone", z.name) // RFC 5011 section 5
	}
}
