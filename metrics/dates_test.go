package metrics

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"bailiff/policy"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

func TestCollect_aDeadlineIsMissedUntilThereIsAnAnswer(t *testing.T) {
	const past = "2020-11-01T00:00:00Z"
	deadlined := func(received, rest string) *Collector {
		return newCollector(t, "id: a\nauthority: Test\nreceived: "+received+"\nblock: [a.example]\n"+rest)
	}
	tests := []struct {
		name   string
		c      *Collector
		answer bool
		want   string // timestamp, then missed
	}{
		{"none", deadlined(past, ""), false, "0 0"},
		{"passed", deadlined(past, "deadline: {block: 24h}\n"), false, "1.6042752e+09 1"},
		{"passed, answered since", deadlined(past, "deadline: {block: 24h}\n"), true, "1.6042752e+09 0"},
		{"passed, only observed", deadlined(past, "deadline: {block: 24h}\nmode: observe\n"), true, "1.6042752e+09 1"},
		{"passed, but the order has lapsed", deadlined(past, "deadline: {block: 24h}\nvalid: {until: 2020-11-02T12:00:00Z}\n"), false, "1.6042752e+09 0"},
		{"to come", deadlined("2199-01-01T00:00:00Z", "deadline: {block: 24h}\n"), false, "7.2266688e+09 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.answer {
				tt.c.ask("a.example", time.Now())
			}
			at, missed := tt.want[:len(tt.want)-2], tt.want[len(tt.want)-1:]
			expect(t, tt.c, `
bailiff_order_deadline_missed{order="a"} `+missed+`
bailiff_order_deadline_timestamp_seconds{order="a"} `+at+"\n",
				"bailiff_order_deadline_missed", "bailiff_order_deadline_timestamp_seconds")
		})
	}
}

func TestCollect_aReviewIsDueFromItsDayOn(t *testing.T) {
	c := newCollector(t, `
id: none
authority: Test
block: [a.example]
---
id: due
authority: Test
valid: {review: 2020-11-01}
block: [b.example]
---
id: later
authority: Test
valid: {review: 2199-01-01}
block: [c.example]
`)
	expect(t, c, `
bailiff_order_review_due{order="due"} 1
bailiff_order_review_due{order="later"} 0
bailiff_order_review_due{order="none"} 0
bailiff_order_review_timestamp_seconds{order="due"} 1.6041888e+09
bailiff_order_review_timestamp_seconds{order="later"} 7.2265824e+09
bailiff_order_review_timestamp_seconds{order="none"} 0
`, "bailiff_order_review_due", "bailiff_order_review_timestamp_seconds")
}

const noticed = `
id: a
authority: Test
block: [a.example]
rules:
  - {name: b.example, notice: n1}
  - {name: c.example, notice: n2}
notices:
  - {id: n1, at: 2026-11-01T00:00:00Z}
  - {id: n2, at: 2026-11-01T00:00:00Z}
  - {id: no-rules, at: 2026-11-01T00:00:00Z}
`

func TestCollect_aNoticeHasItsOwnClockAcrossReloads(t *testing.T) {
	c := newCollector(t, noticed)
	for i, asked := range []string{"a.example", "www.b.example", "b.example"} {
		c.ask(asked, time.Date(2026, 11, 1, 0, i, 0, 0, time.UTC))
	}
	reload(t, c, noticed+"  - {id: n3}\n")
	c.ask("c.example", time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC))
	expect(t, c, `
bailiff_notice_enforcement_delay_seconds{notice="n1",order="a"} 60
bailiff_notice_enforcement_delay_seconds{notice="n2",order="a"} 3600
`, "bailiff_notice_enforcement_delay_seconds")
}

// reload puts other orders in force.
func reload(t *testing.T, c *Collector, orders string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if err := os.WriteFile(file, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	program := policy.Compile(order.Load([]string{file}, &problems), policy.Options{}, &problems)
	if problems.Refused() {
		t.Fatal(problems.Sorted())
	}
	c.Policy.Install(program, time.Now())
}
