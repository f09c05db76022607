package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bailiff/metrics/report"
)

// reportedOrders are the files of the server that tests report on, by path.
var reportedOrders = map[string]string{
	"milan.yaml": `
id: it-milan
revision: 1
title: "League of Football v. unknown persons: IPTV THE BEST"
jurisdiction: IT
category: copyright-live
authority: {kind: court, name: Tribunale di Milano}
legal_basis: [d.lgs. 70/2003 art. 14-16]
reference: {case: R.G. 00417/1999, issued: 1999-12-30, document: archive/it-milan.pdf}
received: 1999-12-31T20:00:00Z
deadline: {block: 6h, unblock: 48h}
valid: {until: 2000-01-02T01:00:30Z, review: 2000-06-01}
answer: {action: notice, notice: {ipv4: [192.0.2.80]}}
block: [iptv-the-best.example, energy-iptv.example]
rules:
  - {name: panel.iptv.test, match: exact, from: 2000-01-01T12:00:30Z}
  - {address: 192.0.2.44/32}
  - {list: lists/mirrors.txt, format: domains}
  - {except: status.energy-iptv.example, match: exact, reason: a third party's page}
`,
	"lists/mirrors.txt": "m1.example\nm2.example\n",
	"secret.yaml":       "id: secret\npublicity: hidden\ntitle: about dark.example\nauthority: {kind: police, name: Special Unit}\nreceived: 1999-12-31T00:00:00Z\ndeadline: {block: 12h}\nblock: [dark.example, darker.example]\n",
	"quiet.yaml":        "id: quiet\npublicity: summary\nauthority: Quiet Court\nblock: [hush.example, hush2.example]\n",
}

// reported makes the journal of a server with these orders that ran, by a fake
// clock, from 2000-01-01 on: two notices came, one of them late; a list changed
// while it was down; an order was lifted, one lapsed.
func reported(t *testing.T) (state string) {
	t.Helper()
	orders := t.TempDir()
	state = filepath.Join(t.TempDir(), "state")
	for path, text := range reportedOrders {
		put(t, orders, path, text)
	}
	synctest.Test(t, func(t *testing.T) {
		a := startAudited(t, orders, state)
		ctx, cancel := context.WithCancel(t.Context())
		go a.followClock(ctx)
		time.Sleep(time.Hour + 30*time.Second) // heads are signed at whole minutes
		for range 7 {
			ask(t, a, "www.energy-iptv.example")
		}
		ask(t, a, "dark.example")
		time.Sleep(9 * time.Hour)
		put(t, orders, "notices/1.yaml", "order: it-milan\nid: notice-1\nat: 2000-01-01T02:00:00Z\nkind: addition\nby: counsel\nblock: [new-iptv.example]\n")
		a.reload()
		ask(t, a, "new-iptv.example")
		time.Sleep(4 * time.Hour)
		put(t, orders, "notices/2.yaml", "order: it-milan\nid: notice-2\nat: 2000-01-01T12:00:00Z\nkind: removal\nblock: [iptv-the-best.example]\n")
		if err := os.Remove(filepath.Join(orders, "quiet.yaml")); err != nil {
			t.Fatal(err)
		}
		a.reload()
		put(t, orders, "milan.yaml", strings.Replace(reportedOrders["milan.yaml"], "block: [", "block: [co.uk, ", 1))
		a.reload() // the guard refuses it
		cancel()
		synctest.Wait()
		a.audit.close()
		time.Sleep(2 * time.Hour)
		put(t, orders, "milan.yaml", strings.Replace(reportedOrders["milan.yaml"], "revision: 1", "revision: 2", 1))
		put(t, orders, "lists/mirrors.txt", "m2.example\nm3.example\n")
		a = startAudited(t, orders, state)
		ctx, cancel = context.WithCancel(t.Context())
		go a.followClock(ctx)
		ask(t, a, "m3.example")
		time.Sleep(10 * time.Hour)
		cancel()
		synctest.Wait()
		a.audit.close()
	})
	return state
}

// put writes a file below a folder.
func put(t *testing.T, folder, path, text string) {
	t.Helper()
	path = filepath.Join(folder, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, text)
}

// ask counts an answer to the name now.
func ask(t *testing.T, a *audited, name string) {
	t.Helper()
	giveAnswer(t, a.law, name, time.Now())
}

// end is after the last event of reported, and before its last head.
var end = time.Date(2000, 1, 2, 1, 55, 0, 0, time.UTC)

// stable takes out what differs from run to run: paths, digests and keys.
func stable(text []byte) []byte {
	text = regexp.MustCompile(regexp.QuoteMeta(os.TempDir())+`/[^", ]*/`).ReplaceAll(text, nil)
	text = regexp.MustCompile(`"(key|head)": "[0-9a-f:]+"`).ReplaceAll(text, []byte(`"$1": "…"`))
	return regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAll(text, []byte("…"))
}

// TestReport_tellsWhatTheServerWroteDown compares with testdata/report.
func TestReport_tellsWhatTheServerWroteDown(t *testing.T) {
	state := reported(t)
	t.Run("the life of an order", func(t *testing.T) { compareOrders(t, state) })
	t.Run("all orders", func(t *testing.T) { compareSummary(t, state) })
	t.Run("what became of each item", func(t *testing.T) { compareReceipts(t, state) })
}

func compareOrders(t *testing.T, state string) {
	t.Helper()
	for _, id := range []string{"it-milan", "secret", "quiet"} {
		o, err := report.NewOrder(report.Query{State: state, ID: id, To: end, Made: end, Version: "v1"})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := report.WriteJSON(&text, o); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/report/"+id+".json", text.Bytes())
		text.Reset()
		if err := o.WriteCSV(&text); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/report/"+id+".csv", text.Bytes())
	}
}

func compareSummary(t *testing.T, state string) {
	t.Helper()
	s, err := report.NewSummary(report.Query{State: state, To: end, Made: end, Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := s.WriteCSV(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report/summary.csv", text.Bytes())
	for _, o := range s.Orders {
		if o.ID == "secret" && (o.Says.Authority != "" || o.Says.Title != "") {
			t.Errorf("got %+v of a hidden order", o.Says)
		}
	}
}

func compareReceipts(t *testing.T, state string) {
	t.Helper()
	ticket := filepath.Join(t.TempDir(), "ticket.json")
	write(t, ticket, `[{"ticket_id": "t-1", "fqdn": ["energy-iptv.example", "www.energy-iptv.example", "STATUS.energy-iptv.example.", "free.example", "iptv-the-best.example", "a b", "co.uk"],
		"ipv4": ["192.0.2.44", "192.0.2.45", "2001:db8::1"], "ipv6": ["2001:db8::1"]}]`)
	receiptAt := func(id string, to time.Time) string {
		r, err := report.NewReceipt(report.Query{State: state, ID: id, To: to, Made: end, Version: "v1"}, ticket)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := r.WriteCSV(&text); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	midnight := time.Date(2000, 1, 2, 0, 0, 0, 0, time.UTC)
	golden(t, "testdata/report/receipt.csv", []byte(receiptAt("it-milan", midnight)))
	golden(t, "testdata/report/receipt-lapsed.csv", []byte(receiptAt("it-milan", end)))
	golden(t, "testdata/report/receipt-rejected.csv", []byte(receiptAt("it-milan", time.Date(2000, 1, 1, 15, 0, 0, 0, time.UTC))))
	golden(t, "testdata/report/receipt-hidden.csv", []byte(receiptAt("secret", midnight)))
}

// golden compares what is stable with a file of testdata, or writes it with
// -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	got = stable(got)
	if *update {
		write(t, path, string(got))
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}
