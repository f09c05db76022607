package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy"
	"bailiff/policy/guard"
	"bailiff/policy/name"
)

// restarted is a keeper that starts after another one kept what it had compiled
// in the same state folder.
func restarted(t *testing.T, cfg *config) (k *keeper, log *bytes.Buffer) {
	t.Helper()
	log = new(bytes.Buffer)
	logger := newLogger(logConfig{level: slog.LevelInfo}, log)
	k = newKeeper(cfg, policy.NewStore(), logger)
	k.compiled = newCompiledStore(cfg, k.options, logger)
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	k.keepCompiled()
	return k, log
}

// twoOrders is a configuration with two orders, one of them with a list.
func twoOrders(t *testing.T) (cfg *config, folder string) {
	t.Helper()
	folder = t.TempDir()
	write(t, filepath.Join(folder, "a.yaml"), "id: a\nrevision: 2\nauthority: Test\nblock: [a.example]\n")
	write(t, filepath.Join(folder, "b.yaml"), "id: b\nauthority: Test\nanswer: {action: notice, notice: {ipv4: [192.0.2.80]}}\nrules: [{list: b.txt, format: domains}]\n")
	write(t, filepath.Join(folder, "b.txt"), "b1.example\nb2.example\n")
	return &config{orders: []string{folder}, state: t.TempDir()}, folder
}

// blocks is the names of candidates that are under order, as one text.
func (k *keeper) blocks(candidates ...string) string {
	var under []string
	var b name.Buffer
	for _, c := range candidates {
		b.Set([]byte(name.MustParse(c)))
		if k.law.Load().Touches(&b) {
			if all, _ := k.law.Load().Match(&b, netip.Addr{}, nil); len(all) > 0 {
				under = append(under, c+"="+all[0].Order.ID)
			}
		}
	}
	return strings.Join(under, " ")
}

func TestCompiled_aRestartTakesOverWhatDidNotChange(t *testing.T) {
	cfg, folder := twoOrders(t)
	all := []string{"a.example", "b1.example", "b2.example", "new.example"}
	restarted(t, cfg)
	cases := []struct {
		name, file, text string
		read             int // orders that are read again
		want             string
	}{
		{"nothing changed", "", "", 0, "a.example=a b1.example=b b2.example=b"},
		{"a list changed", "b.txt", "b1.example\nnew.example\n", 1, "a.example=a b1.example=b new.example=b"},
		{"a revision went back, as a restart may", "a.yaml", "id: a\nrevision: 1\nauthority: Test\nblock: [a.example]\n", 1, "a.example=a b1.example=b new.example=b"},
		{"once more nothing", "", "", 0, "a.example=a b1.example=b new.example=b"},
	}
	for _, c := range cases {
		if c.file != "" {
			write(t, filepath.Join(folder, c.file), c.text)
		}
		k, log := restarted(t, cfg)
		if got := k.blocks(all...); got != c.want || len(k.set.Orders) != c.read {
			t.Errorf("%s: got %q with %d orders read, want %q with %d; log:\n%s", c.name, got, len(k.set.Orders), c.want, c.read, log)
		}
	}
	if err := os.Remove(filepath.Join(folder, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	restarted(t, cfg)
	if k, _ := restarted(t, cfg); k.blocks(all...) != "a.example=a" || len(k.set.Orders) != 0 {
		t.Errorf("an order less: got %q with %d orders read", k.blocks(all...), len(k.set.Orders))
	}
}

func TestCompiled_whatIsOfNoUseIsCompiledAnew(t *testing.T) {
	change := func(cfg *config, glob string, with func([]byte) []byte) {
		files, err := filepath.Glob(filepath.Join(cfg.state, compiledFolder, glob))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file %s: %v", glob, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			write(t, file, string(with(data)))
		}
	}
	cases := []struct {
		name  string
		spoil func(*config)
		warns bool
	}{
		{"an octet of a part", func(c *config) {
			change(c, "*.part", func(d []byte) []byte { d[len(d)/2] ^= 1; return d })
		}, true},
		{"half a part", func(c *config) { change(c, "*.part", func(d []byte) []byte { return d[:len(d)/2] }) }, true},
		{"an empty part", func(c *config) { change(c, "*.part", func([]byte) []byte { return nil }) }, true},
		{"half an index", func(c *config) { change(c, indexFile, func(d []byte) []byte { return d[:len(d)/2] }) }, true},
		{"an octet of the index", func(c *config) {
			change(c, indexFile, func(d []byte) []byte { return bytes.Replace(d, []byte(`"Orders"`), []byte(`"orderz"`), 1) })
		}, true},
		{"another program", func(c *config) {
			change(c, indexFile, func(d []byte) []byte {
				_, text, _ := bytes.Cut(d, []byte("\n"))
				return withDigest(bytes.Replace(text, []byte(`"Made":"`), []byte(`"Made":"0`), 1))
			})
		}, false},
		{"other notice addresses", func(c *config) { c.notice = trialConfig().notice }, false},
		{"another guard", func(c *config) {
			file := filepath.Join(t.TempDir(), "protected.txt")
			write(t, file, "example.org\n")
			c.protected = guard.Config{NameFiles: []string{file}}
		}, false},
		{"other protected names", func(c *config) { c.protected.Names = []name.Name{name.MustParse("example.org")} }, false},
		{"other protected prefixes", func(c *config) { c.protected.Prefixes = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} }, false},
		{"another address of its own", func(c *config) { c.listen = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.53:53")} }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := twoOrders(t)
			restarted(t, cfg)
			c.spoil(cfg)
			k, log := restarted(t, cfg)
			if got, want := k.blocks("a.example", "b1.example"), "a.example=a b1.example=b"; got != want || len(k.set.Orders) != 2 {
				t.Errorf("got %q with %d orders read, want %q with 2", got, len(k.set.Orders), want)
			}
			if warned := strings.Contains(log.String(), "the orders are compiled anew"); warned != c.warns {
				t.Errorf("got a warning: %v, want %v; log:\n%s", warned, c.warns, log)
			}
			if k, _ := restarted(t, cfg); len(k.set.Orders) != 0 {
				t.Errorf("the start after that reads %d orders again, want none", len(k.set.Orders))
			}
		})
	}
}

func TestCompiled_whatALoadMadeOutOfDateIsNotTakenOver(t *testing.T) {
	cfg, folder := twoOrders(t)
	was := "id: a\nrevision: 2\nauthority: Test\nblock: [a.example]\n"
	k, _ := restarted(t, cfg)
	write(t, filepath.Join(folder, "a.yaml"), was+"title: later\n")
	if _, problems := k.load(); problems.Refused() {
		t.Fatal(problems.Sorted())
	}
	write(t, filepath.Join(folder, "a.yaml"), was) // and the process ends before it keeps anything
	if k, _ := restarted(t, cfg); len(k.set.Orders) != 2 {
		t.Errorf("got %d orders read, want 2: the journal says that what is kept was replaced", len(k.set.Orders))
	}
}

func TestCompiled_aFullDiskIsToldAndStopsNothing(t *testing.T) {
	cfg, _ := twoOrders(t)
	write(t, filepath.Join(cfg.state, compiledFolder), "in the way")
	k, log := restarted(t, cfg)
	if got := k.blocks("a.example"); got != "a.example=a" || !strings.Contains(log.String(), "could not be kept") {
		t.Errorf("got %q; log:\n%s", got, log)
	}
}
