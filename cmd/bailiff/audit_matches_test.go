package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bailiff/metrics/journal"
)

// TestAudit_matchesOfADayAddUpAcrossReloadsAndRestarts follows an order that
// stays, and one that goes.
func TestAudit_matchesOfADayAddUpAcrossReloadsAndRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
		put(t, folder, "a.yaml", "id: a\nauthority: Test\nblock: [a.example]\n")
		put(t, folder, "b.yaml", "id: b\nauthority: Test\nmode: observe\nblock: [b.example]\n")
		put(t, folder, "c.yaml", "id: c\nauthority: Test\nblock: [c.example]\n")
		a := startAudited(t, folder, state)
		ctx, cancel := context.WithCancel(t.Context())
		go a.followClock(ctx)
		ask(t, a, "a.example")
		ask(t, a, "b.example")
		a.reload() // nothing goes: nothing is written
		ask(t, a, "a.example")
		put(t, folder, "b.yaml", "id: d\nauthority: Test\nblock: [d.example]\n")
		a.reload()
		time.Sleep(25 * time.Hour)
		ask(t, a, "a.example")
		cancel()
		synctest.Wait()
		a.audit.close()
		a = startAudited(t, folder, state)
		ask(t, a, "a.example")
		a.audit.close()
		var got []string
		for e, err := range journal.Read(state) {
			if err != nil {
				t.Fatal(err)
			}
			var d matchesDetail
			if e.Event != journal.Matches || json.Unmarshal(e.Detail, &d) != nil {
				continue
			}
			got = append(got, fmt.Sprintf("%s %s %d+%d", e.Order, d.Day, d.Enforced, d.Observed))
		}
		want := "b 2000-01-01 0+1, a 2000-01-01 2+0, a 2000-01-02 1+0, a 2000-01-02 1+0"
		if strings.Join(got, ", ") != want {
			t.Errorf("got  %v\nwant %s", got, want)
		}
	})
}
