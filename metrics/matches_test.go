package metrics

import (
	"testing"
	"time"

	"bailiff/policy/order"
	"bailiff/policy/problem"
)

func TestCollect_theLastMatchCountsObservedOnesToo(t *testing.T) {
	c := newCollector(t, twoOrders)
	last := time.Date(2026, 11, 1, 0, 1, 30, 999, time.UTC)
	for _, at := range []time.Time{last.Add(-time.Hour), last} {
		c.ask("c.example", at)
	}
	expect(t, c, `
bailiff_order_last_match_timestamp_seconds{order="it-test"} 0
bailiff_order_last_match_timestamp_seconds{order="op-test"} 1.79349129e+09
`, "bailiff_order_last_match_timestamp_seconds")
}

func TestUnmatched_countsFromTheLatestInstantAtWhichAMatchWasPossible(t *testing.T) {
	loaded := time.Now()
	halfway := loaded.Add(30 * time.Minute).Format(time.RFC3339Nano)
	for _, tt := range []struct {
		name, valid string
		matched     time.Duration // after the load; 0: never
		want        time.Duration // an hour after the load
	}{
		{"never matched", "", 0, time.Hour},
		{"matched", "", 20 * time.Minute, 40 * time.Minute},
		{"began since", "valid: {from: " + halfway + "}\n", 0, 30 * time.Minute},
		{"began long ago", "valid: {from: 2020-11-01T00:00:00Z}\n", 0, time.Hour},
		{"pending", "valid: {from: 2199-01-01T00:00:00Z}\n", 0, 0},
		{"lapsed", "valid: {until: 2020-11-01T00:00:00Z}\n", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCollector(t, "id: a\nauthority: Test\nblock: [a.example]\n"+tt.valid)
			if tt.matched != 0 {
				c.ask("a.example", loaded.Add(tt.matched))
			}
			o := c.Policy.Load().Orders()[0]
			got := unmatched(o, loaded.Add(time.Hour))
			if diff := got - tt.want; diff < -5*time.Second || diff > 5*time.Second {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestCollect_guardRefusalsCountByGuard(t *testing.T) {
	c := newCollector(t, twoOrders)
	c.Reloads.Refused([]problem.Problem{
		{Guard: order.GuardPopular.String()}, {Guard: order.GuardPopular.String()}, {Guard: "never"}, {}, {Guard: "unheard of"},
	})
	expect(t, c, `
bailiff_guard_refusals_total{guard="growth"} 0
bailiff_guard_refusals_total{guard="never"} 1
bailiff_guard_refusals_total{guard="popular"} 2
bailiff_guard_refusals_total{guard="prefix"} 0
bailiff_guard_refusals_total{guard="protected"} 0
bailiff_guard_refusals_total{guard="public-suffix"} 0
bailiff_guard_refusals_total{guard="size"} 0
`, "bailiff_guard_refusals_total")
}

func TestCollect_anUpstreamThatIsThereTwiceHasOneSeries(t *testing.T) {
	expect(t, newCollector(t, twoOrders), `
bailiff_upstream_up{to="192.0.2.53:53"} 1
`, "bailiff_upstream_up")
}

func TestUnmatched_aReloadBeginsNothingAnew(t *testing.T) {
	const one, two = "id: a\nauthority: Test\nblock: [a.example]\n", "---\nid: b\nauthority: Test\nblock: [b.example]\n"
	c := newCollector(t, one)
	before := c.Policy.Load().Orders()[0].Tally.Since()
	reload(t, c, one+two)
	orders := c.Policy.Load().Orders()
	if got := orders[0].Tally.Since(); !got.Equal(before) {
		t.Errorf("the order that stays: got %v, want %v", got, before)
	}
	if got := orders[1].Tally.Since(); !got.After(before) {
		t.Errorf("the order that came: got %v, want later than %v", got, before)
	}
}
