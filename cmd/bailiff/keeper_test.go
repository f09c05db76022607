package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

// startedKeeper returns a keeper of one order file, with its log.
func startedKeeper(t *testing.T, orders string) (k *keeper, file string, log *bytes.Buffer) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "orders.yaml")
	write(t, file, orders)
	log = new(bytes.Buffer)
	k = newKeeper(&config{orders: []string{file}}, policy.NewStore(), newLogger(logConfig{level: slog.LevelInfo}, log))
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	return k, file, log
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReload_severalOrdersDoNotGoAtOnce(t *testing.T) {
	folder := t.TempDir()
	files := []string{filepath.Join(folder, "a.yaml"), filepath.Join(folder, "b.yaml")}
	for i, file := range files {
		write(t, file, fmt.Sprintf("id: o%d\nauthority: Test\nblock: [a%d.example]\n", i, i))
	}
	log := new(bytes.Buffer)
	k := newKeeper(&config{orders: []string{folder}}, policy.NewStore(), newLogger(logConfig{level: slog.LevelInfo}, log))
	if err := k.start(); err != nil {
		t.Fatal(err)
	}
	left := func() int { k.reload(); return len(k.law.Load().Orders()) }
	hide := func(file string) { _ = os.Rename(file, file+".gone") }
	hide(files[0])
	hide(files[1])
	if got := left(); got != 2 || !strings.Contains(log.String(), folder+": holds no order, where 2 were loaded; bring the files back") {
		t.Errorf("both files gone: got %d orders in force, want both; log:\n%s", got, log)
	}
	_ = os.Rename(files[0]+".gone", files[0])
	if got := left(); got != 1 {
		t.Errorf("one file back: got %d orders in force, want 1", got)
	}
	hide(files[0])
	if got := left(); got != 0 {
		t.Errorf("the last one gone: got %d orders in force, want none", got)
	}
}

func TestFollowClock_ordersBeginAndEndOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		at := func(d time.Duration) string { return start.Add(d).Format(time.RFC3339Nano) }
		k, _, log := startedKeeper(t, fmt.Sprintf("id: a\nauthority: Test\nvalid: {from: %s, until: %s}\nblock: [a.example]\n",
			at(1500*time.Millisecond), at(time.Hour)))
		ctx, cancel := context.WithCancel(t.Context())
		go k.followClock(ctx)
		for _, tt := range []struct {
			after time.Duration
			want  uint64 // generation
		}{
			{1499 * time.Millisecond, 1}, {1501 * time.Millisecond, 2}, {time.Hour - time.Millisecond, 2}, {time.Hour + time.Millisecond, 3},
		} {
			time.Sleep(time.Until(start.Add(tt.after)))
			synctest.Wait()
			if got := k.law.Load().Generation; got != tt.want {
				t.Errorf("after %v: got generation %d, want %d", tt.after, got, tt.want)
			}
		}
		cancel()
		synctest.Wait()
		for _, want := range []string{`msg="order in-force" order=a`, `msg="order lapsed" order=a`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("got no %s in\n%s", want, log)
			}
		}
	})
}

func TestReload_aLowerRevisionIsRejected(t *testing.T) {
	k, file, log := startedKeeper(t, "id: a\nrevision: 2\nauthority: Test\nblock: [a.example]\n")
	write(t, file, "id: a\nrevision: 1\nauthority: Test\nblock: [a.example]\n")
	k.reload()
	if !strings.Contains(log.String(), "is a lower revision than the loaded one (2)") || k.law.Load().Generation != 1 {
		t.Errorf("got generation %d and\n%s", k.law.Load().Generation, log)
	}
}

func TestReload_aPanicLeavesTheOldOrders(t *testing.T) {
	k, file, log := startedKeeper(t, "id: a\nauthority: Test\nblock: [a.example]\n")
	k.prints.seed = maphash.Seed{} // hashing with it panics
	write(t, file, "id: b\nauthority: Test\nblock: [b.example]\n")
	k.reload()
	if !strings.Contains(log.String(), "ended in a panic") || k.law.Load().Orders()[0].ID != "a" {
		t.Errorf("got\n%s", log)
	}
}

func TestFingerprints_tellWhatChanged(t *testing.T) {
	const list = "rules: [{list: list.txt, format: domains}]"
	document := func(id, rest string) string { return "---\nid: " + id + "\nauthority: Test\n" + rest + "\n" }
	first := document("a", "block: [a.example]\noverrides: [{guard: size, approved_by: A, reason: B}]") + document("b", list) + document("c", "block: [c.example]")
	for _, tt := range []struct {
		name, orders, list string
		want               changes
	}{
		{"nothing", first, "l.example\n", changes{}},
		{"where it stands", "# moved\n\n" + first, "# moved\nl.example\n", changes{}},
		{"a name of a list", first, "m.example\n", changes{changed: []string{"b"}}},
		{"a word of an order", strings.Replace(first, "Test", "Other", 1), "l.example\n", changes{changed: []string{"a"}}},
		{"the end", strings.Replace(first, "block: [c", "valid: {until: 2030-01-01T00:00:00Z}\nblock: [c", 1), "l.example\n", changes{changed: []string{"c"}}},
		{"another order instead", strings.Replace(first, "id: a", "id: d", 1), "l.example\n", changes{added: []string{"d"}, removed: []string{"a"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			prints := newKeeper(new(config), nil, nil).prints
			load := func(orders, list string) fingerprints {
				write(t, "orders.yaml", orders)
				write(t, "list.txt", list)
				var problems problem.List
				set := order.Load([]string{"orders.yaml"}, &problems)
				if problems.Refused() {
					t.Fatal(problems.Sorted())
				}
				return prints.of(set)
			}
			before := load(first, "l.example\n")
			if got := before.changesTo(load(tt.orders, tt.list)); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestShortened_longListsEndInACount(t *testing.T) {
	if got := shortened(make([]string, 20)); len(got) != 20 {
		t.Errorf("got %d, want 20", len(got))
	}
	if got := shortened(make([]string, 25)); len(got) != 21 || got[20] != "and 5 more" {
		t.Errorf("got %q", got)
	}
}
