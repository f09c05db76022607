package anchor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// stage is what the test zone publishes from a time on, counted from the
// start.
type stage struct {
	from    time.Duration
	keys    []pair
	signers []pair
}

// play is a Fetch of a zone that goes through its stages.
func play(t *testing.T, stages ...stage) Fetch {
	start := time.Now()
	return func(_ context.Context, name string) (dnssec.Set, error) {
		if name != testZone {
			return dnssec.Set{}, errors.New("another zone was asked for")
		}
		now := time.Now()
		current := stages[0]
		for _, s := range stages {
			if now.Sub(start) >= s.from {
				current = s
			}
		}
		return published(t, now, current.keys, current.signers...), nil
	}
}

// infoOf is where the key stands, Start if it is not known.
func infoOf(k *Keeper, p pair) State {
	for _, i := range k.Info() {
		if i.Tag == p.public.KeyTag() && i.Zone == testZone {
			return i.State
		}
	}
	return Start
}

// trusts reports whether the key is a trust anchor.
func trusts(k *Keeper, p pair) bool {
	for _, a := range k.Current() {
		if stands(a, p.public) {
			return true
		}
	}
	return false
}

// TestRun_followsARollOver goes through a roll-over of sixty days and more,
// the process ending and starting again each day.
func TestRun_followsARollOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKSK(t), newKSK(t)
		fetch := play(t,
			stage{0, []pair{old}, []pair{old}},
			stage{5 * day, []pair{old, fresh}, []pair{old}},
			stage{40 * day, []pair{old, fresh}, []pair{fresh}},
			stage{50 * day, []pair{old.revoked(), fresh}, []pair{old.revoked(), fresh}},
			stage{60 * day, []pair{fresh}, []pair{fresh}},
		)
		file := filepath.Join(t.TempDir(), "anchors.json")
		var log bytes.Buffer
		for today := range 100 {
			k := New(Config{Anchors: []dns.RR{old.ds()}, File: file, Log: slog.New(slog.NewTextHandler(&log, nil))})
			ctx, cancel := context.WithTimeout(context.Background(), day-time.Minute)
			k.Run(ctx, fetch)
			cancel()
			time.Sleep(time.Minute)
			wantOld, wantFresh := Valid, Start
			switch { // by the end of the day
			case today >= 80:
				wantOld, wantFresh = Removed, Valid
			case today >= 50:
				wantOld, wantFresh = Revoked, Valid
			case today >= 35:
				wantFresh = Valid
			case today >= 5:
				wantFresh = AddPend
			}
			if infoOf(k, old) != wantOld || infoOf(k, fresh) != wantFresh {
				t.Fatalf("day %d: got %v and %v, want %v and %v", today, infoOf(k, old), infoOf(k, fresh), wantOld, wantFresh)
			}
			if trusts(k, old) != wantOld.Trusted() || trusts(k, fresh) != wantFresh.Trusted() || k.Faults() > 0 {
				t.Fatalf("day %d: got anchors %v and %d faults", today, k.Current(), k.Faults())
			}
		}
		for _, change := range []string{"add-pending", "valid", "revoked", "removed"} {
			if got := strings.Count(log.String(), "\"trust anchor "+change+"\""); got < 1 || got > 2 {
				t.Errorf("got %d log lines for %s, want one for each key:\n%s", got, change, log.String())
			}
		}
	})
}

func TestRun_looksAsOftenAsSection23Says(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := newKSK(t)
		times, fails := 0, false
		fetch := func(context.Context, string) (dnssec.Set, error) {
			if times++; fails {
				return dnssec.Set{}, errors.New("no answer")
			}
			return published(t, time.Now(), []pair{old}, old), nil // a TTL of one hour
		}
		k := New(Config{Anchors: []dns.RR{old.ds()}})
		for _, fails = range []bool{false, true} {
			times = 0
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Hour+time.Minute)
			k.Run(ctx, fetch)
			cancel()
			if times < 10 || times > 11 {
				t.Errorf("failing %v: got %d looks in ten hours, want one an hour", fails, times)
			}
		}
	})
}

func TestRun_anOldClockDoesNotPutTheNextLookOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, fresh := newKSK(t), newKSK(t)
		offset := 10 * 365 * day
		now := func() time.Time { return time.Now().Add(offset) }
		k := New(Config{Anchors: []dns.RR{old.ds()}, Now: now})
		keys := []pair{old}
		fetch := func(context.Context, string) (dnssec.Set, error) { return published(t, now(), keys, old), nil }
		for _, keys = range [][]pair{{old}, {old, fresh}} {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
			k.Run(ctx, fetch)
			cancel()
			offset = 0
		}
		if got := infoOf(k, fresh); got != AddPend {
			t.Errorf("got %v after the clock was put back, want %v", got, AddPend)
		}
	})
}

// TestNew_goesOnFromEachState keeps a zone with a key in each state.
func TestNew_goesOnFromEachState(t *testing.T) {
	keys := map[State]pair{}
	before := newZone()
	since := time.Now().Add(-day).UTC().Truncate(time.Second)
	for s := AddPend; s <= Removed; s++ {
		keys[s] = newKSK(t)
		before.configured = append(before.configured, keys[s].ds())
		before.keys = append(before.keys, key{keys[s].public, s, since})
	}
	before.configured = before.configured[1:] // a configured key never waits
	file := filepath.Join(t.TempDir(), "anchors.json")
	(&Keeper{zones: []*zone{before}, file: file, log: slog.New(slog.DiscardHandler)}).save()

	k := New(Config{Anchors: before.configured, File: file})
	for s, p := range keys {
		if infoOf(k, p) != s || trusts(k, p) != s.Trusted() {
			t.Errorf("got %v, trusted %v, want %v, %v", infoOf(k, p), trusts(k, p), s, s.Trusted())
		}
	}
	for _, known := range k.zones[0].keys {
		if !known.since.Equal(since) {
			t.Errorf("got %v since %v, want %v", known.state, known.since, since)
		}
	}
	other := New(Config{Anchors: []dns.RR{keys[Revoked].ds()}, File: file})
	if !trusts(other, keys[Revoked]) || infoOf(other, keys[Missing]) != Start {
		t.Errorf("got %v with other anchors configured, want a new beginning", other.Info())
	}
	fixed := New(Config{Anchors: before.configured, File: file, Fixed: true})
	if !trusts(fixed, keys[Revoked]) || trusts(fixed, keys[AddPend]) {
		t.Errorf("got %v where the anchors are fixed, want those configured", fixed.Info())
	}
}

func TestNew_aBrokenStateIsNotUsed(t *testing.T) {
	old := newKSK(t)
	good := `{"version":1,"zones":[{"zone":"example.","configured":[],"keys":[{"dnskey":` + quote(old.public.String()) + `,"state":"valid","since":"2026-01-01T00:00:00Z"}]}]}`
	for _, tt := range []struct {
		name, in string
		want     uint64
	}{
		{"whole", good, 0},
		{"empty", "", 1},
		{"cut short", good[:len(good)/2], 1},
		{"octets", "\x00\xff\x00", 1},
		{"another version", strings.Replace(good, `"version":1`, `"version":2`, 1), 1},
		{"no state", strings.Replace(good, `"valid"`, `"start"`, 1), 1},
		{"no DNSKEY", strings.Replace(good, "DNSKEY", "TXT", 1), 1},
		{"a key of another zone", strings.Replace(good, `"zone":"example."`, `"zone":"example.test."`, 1), 1},
		{"a key that is not read", strings.Replace(good, "257", "70000", 1), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "anchors.json")
			if err := os.WriteFile(file, []byte(tt.in), 0o600); err != nil {
				t.Fatal(err)
			}
			k := New(Config{Anchors: []dns.RR{old.ds()}, File: file})
			if k.Faults() != tt.want || !trusts(k, old) {
				t.Errorf("got %d faults, anchors %v, want %d and the one configured", k.Faults(), k.Current(), tt.want)
			}
		})
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, "\t", " ") + `"` }

func TestNew_withoutAFileBeginsAnew(t *testing.T) {
	k := New(Config{Anchors: Root(), File: filepath.Join(t.TempDir(), "none", "anchors.json")})
	if k.Faults() != 0 || len(k.Current()) != 2 {
		t.Errorf("got %d faults, %d anchors, want 0, 2", k.Faults(), len(k.Current()))
	}
}

// TestSave_anEndBetweenWriteAndRenameLosesNothing leaves what a killed process
// leaves.
func TestSave_anEndBetweenWriteAndRenameLosesNothing(t *testing.T) {
	old := newKSK(t)
	file := filepath.Join(t.TempDir(), "anchors.json")
	first := New(Config{Anchors: []dns.RR{old.ds()}, File: file})
	first.zones[0].keys = []key{{old.public, Revoked, time.Now()}}
	first.save()
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), ".new-123"), []byte(`{"version":1,"zo`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := New(Config{Anchors: []dns.RR{old.ds()}, File: file})
	if infoOf(second, old) != Revoked || second.Faults() != 0 {
		t.Errorf("got %v, %d faults, want what was kept", infoOf(second, old), second.Faults())
	}
	second.zones[0].keys[0].state = Removed
	second.save()
	if third := New(Config{Anchors: []dns.RR{old.ds()}, File: file}); infoOf(third, old) != Removed {
		t.Errorf("got %v, want what was kept last", infoOf(third, old))
	}
	if names, _ := filepath.Glob(file + "*"); len(names) != 1 {
		t.Errorf("got files %v, want one", names)
	}
}

func TestSave_isTriedAgain(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	k := New(Config{Anchors: Root(), File: filepath.Join(folder, "anchors.json")})
	k.save()
	k.save()
	if k.Faults() != 2 || len(k.Current()) != 2 {
		t.Errorf("got %d faults, %d anchors, want 2, 2", k.Faults(), len(k.Current()))
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	k.save()
	k.save()
	if _, err := os.Stat(k.file); err != nil || k.Faults() != 2 {
		t.Errorf("got %v, %d faults, want the file, 2", err, k.Faults())
	}
}

func TestRun_aPanicLeavesTheAnchorsAsTheyWere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		k := New(Config{Anchors: Root(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		k.Run(ctx, func(context.Context, string) (dnssec.Set, error) { panic("a fault") })
		if len(k.Current()) != 2 || !strings.Contains(log.String(), "a fault") {
			t.Errorf("got %d anchors, log %s, want 2 and the fault", len(k.Current()), log.String())
		}
	})
}

func TestRun_aZoneThatRevokedAllIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, root := newKSK(t), Root()
		var log bytes.Buffer
		k := New(Config{Anchors: append(root, old.ds()), Log: slog.New(slog.NewTextHandler(&log, nil))})
		asked := 0
		ctx, cancel := context.WithTimeout(context.Background(), 5*day)
		defer cancel()
		k.Run(ctx, func(_ context.Context, zone string) (dnssec.Set, error) {
			if zone != testZone {
				return dnssec.Set{}, errors.New("no answer")
			}
			asked++
			return published(t, time.Now(), []pair{old.revoked()}, old.revoked()), nil
		})
		if asked != 1 || trusts(k, old) || len(k.Current()) != 2 {
			t.Errorf("got %d looks, anchors %v, want 1 and the root's", asked, k.Current())
		}
		if got := strings.Count(log.String(), "every trust anchor is revoked: the zone is not validated"); got != 1 {
			t.Errorf("got %d lines that say so, want 1:\n%s", got, log.String())
		}
	})
}

func TestRun_fixedAnchorsAskNobody(t *testing.T) {
	k := New(Config{Anchors: Root(), Fixed: true})
	k.Run(context.Background(), func(context.Context, string) (dnssec.Set, error) {
		t.Error("somebody was asked")
		return dnssec.Set{}, nil
	})
}
