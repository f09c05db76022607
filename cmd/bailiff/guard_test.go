package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"bailiff/policy"
	"bailiff/policy/guard"
)

// namesOf is an order file over n names.
func namesOf(n int, more string) string {
	var b strings.Builder
	b.WriteString("id: a\nauthority: Test\n" + more + "block:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - d%d.example\n", i)
	}
	return b.String()
}

func TestReload_halfAListLiftsNoBlock(t *testing.T) {
	k, file, log := startedKeeper(t, namesOf(200, ""))
	write(t, file, namesOf(99, "revision: 1\n"))
	k.reload()
	if !strings.Contains(log.String(), "a: loses more than 50 % of its names of trigger name") || k.law.Load().Generation != 1 {
		t.Errorf("got generation %d and\n%s", k.law.Load().Generation, log)
	}
	write(t, file, namesOf(99, "overrides: [{guard: growth, approved_by: A. Example, reason: half of them were lifted}]\n"))
	k.reload()
	want := `level=WARN msg="` + file + `:3: note: override 1: loses more than 50 % of its names of trigger name: revision 0 in force holds 200, this one 99, ` +
		`which is overridden: approved by \"A. Example\", reason: \"half of them were lifted\"" order=a`
	if !strings.Contains(log.String(), want) || k.law.Load().Generation != 2 {
		t.Errorf("got generation %d and\n%s\nwant\n%s", k.law.Load().Generation, log, want)
	}
}

func TestReload_readsTheFilesOfTheGuardAgain(t *testing.T) {
	folder := t.TempDir()
	orders, protected := filepath.Join(folder, "orders.yaml"), filepath.Join(folder, "protected.txt")
	write(t, orders, namesOf(2, ""))
	write(t, protected, "bank.example\n")
	log := new(bytes.Buffer)
	cfg := &config{orders: []string{orders}, protected: guard.Config{NameFiles: []string{protected}}}
	k := newKeeper(cfg, policy.NewStore(), newLogger(logConfig{level: slog.LevelInfo}, log))
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ protected, want string }{
		{"d1.example\n", "d1.example: would hit names of d1.example, which " + protected + ":1 protects"},
		{"not a name\n", "protected.txt:1: "},
	} {
		write(t, protected, step.protected)
		k.reload()
		if !strings.Contains(log.String(), step.want) || k.law.Load().Generation != 1 {
			t.Errorf("got generation %d and\n%s\nwant %s", k.law.Load().Generation, log, step.want)
		}
	}
}
