package rpz

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bailiff/policy"
	"bailiff/policy/name"
	"bailiff/policy/order"
	"bailiff/policy/problem"
)

var at = time.Date(2026, 3, 1, 20, 0, 0, 0, time.UTC)

// load reads orders from their text.
func load(t interface{ Fatal(...any) }, folder, text string) *order.Set {
	file := filepath.Join(folder, "orders.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var problems problem.List
	set := order.Load([]string{file}, &problems)
	if problems.Refused() {
		t.Fatal(problems.Sorted()[0], text)
	}
	return set
}

// write is the zone of the orders, without what stands before the triggers.
func write(t *testing.T, orders string, options Options) (lines []string, report *Report) {
	t.Helper()
	if options.Origin == "" {
		options.Origin = name.MustParse("rpz.example")
	}
	options.At = at
	options.Notice = order.Addresses{IPv4: []netip.Addr{netip.MustParseAddr("192.0.2.80")}}
	var text strings.Builder
	report, err := Plan(load(t, t.TempDir(), orders), options).Write(&text)
	if err != nil {
		t.Fatal(err)
	}
	_, records, _ := strings.Cut(text.String(), "@ IN NS localhost.\n")
	return strings.Split(strings.TrimSuffix(records, "\n"), "\n"), report
}

const court = "id: court\nauthority: Court\n"

func TestWrite_saysOnceWhatHolds(t *testing.T) {
	for _, c := range []struct {
		name, orders, want string
	}{
		{"subtree is the name and what is below", court + "block: [a.example]", "a.example 60 CNAME .\n*.a.example 60 CNAME ."},
		{"exact is the name alone", court + "rules: [{name: a.example, match: exact}]", "a.example 60 CNAME ."},
		{"below is not the name itself", court + "rules: [{name: a.example, match: below}]", "*.a.example 60 CNAME ."},
		{"a name within is left out", court + "block: [a.example, b.a.example, example.test]", "a.example 60 CNAME .\n*.a.example 60 CNAME .\nexample.test 60 CNAME .\n*.example.test 60 CNAME ."},
		{"actions", court + "answer: {action: nodata, ttl: 5s}\nblock: [a.example]\n---\nid: b\nauthority: B\nanswer: {action: drop}\nblock: [b.example]",
			"a.example 5 CNAME *.\n*.a.example 5 CNAME *.\nb.example 60 CNAME rpz-drop.\n*.b.example 60 CNAME rpz-drop."},
		{"notice, the order's own addresses", court + "answer: {action: notice, notice: {ipv4: [192.0.2.1, 192.0.2.2], ipv6: ['2001:db8::1']}}\nrules: [{name: a.example, match: exact}]",
			"a.example 60 A 192.0.2.1\na.example 60 A 192.0.2.2\na.example 60 AAAA 2001:db8::1"},
		{"notice, the server's addresses", court + "answer: {action: notice}\nrules: [{name: a.example, match: exact}]", "a.example 60 A 192.0.2.80"},
		{"exception", court + "block: [a.example]\nrules: [{except: www.a.example, reason: free}]",
			"a.example 60 CNAME .\n*.a.example 60 CNAME .\nwww.a.example CNAME rpz-passthru.\n*.www.a.example CNAME rpz-passthru."},
		{"exception that lifts nothing is left out", court + "block: [a.example]\nrules: [{except: b.example, reason: free}]", "a.example 60 CNAME .\n*.a.example 60 CNAME ."},
		{"an exception lifts its own order only", court + "block: [a.example]\nrules: [{except: www.a.example, reason: free}]\n---\nid: other\nauthority: O\nanswer: {action: nodata}\nblock: [a.example]",
			"a.example 60 CNAME .\n*.a.example 60 CNAME .\nwww.a.example 60 CNAME *.\n*.www.a.example 60 CNAME *."},
		{"names between speak for what is above", court + "block: [a.example]\nrules: [{except: c.b.a.example, match: exact, reason: free}, {except: d.b.a.example, match: exact, reason: free}]",
			"a.example 60 CNAME .\n*.a.example 60 CNAME .\nb.a.example 60 CNAME .\n*.b.a.example 60 CNAME .\n" +
				"c.b.a.example CNAME rpz-passthru.\n*.c.b.a.example 60 CNAME .\nd.b.a.example CNAME rpz-passthru.\n*.d.b.a.example 60 CNAME ."},
		{"no TTL past the end", court + "valid: {until: 2026-03-01T20:00:07Z}\nrules: [{name: a.example, match: exact}, {address: 192.0.2.1}]",
			"a.example 7 CNAME .\n32.1.2.0.192.rpz-ip 7 CNAME .\n128.201.c000.zz.ff9b.64.rpz-ip 7 CNAME .\n48.zz.201.c000.2002.rpz-ip 7 CNAME ."},
		{"addresses", court + "rules: [{address: 192.0.2.0/24}, {address: '2001:db8:0:0:1::/80'}]",
			"24.0.2.0.192.rpz-ip 60 CNAME .\n120.200.c000.zz.ff9b.64.rpz-ip 60 CNAME .\n80.zz.1.0.0.db8.2001.rpz-ip 60 CNAME .\n40.zz.200.c000.2002.rpz-ip 60 CNAME ."},
		{"one prefix of two orders", court + "rules: [{nameserver_address: 192.0.2.0/24}]\n---\nid: b\npriority: 1\nauthority: B\nanswer: {action: drop}\nrules: [{nameserver_address: 192.0.2.0/24}]",
			"24.0.2.0.192.rpz-nsip 60 CNAME rpz-drop."},
		{"name servers", court + "rules: [{nameserver: ns.example}, {except: www.ns.example, reason: no server}]",
			"www.ns.example CNAME rpz-passthru.\n*.www.ns.example CNAME rpz-passthru.\nns.example.rpz-nsdname 60 CNAME .\n*.ns.example.rpz-nsdname 60 CNAME ."},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, _ := write(t, c.orders, Options{})
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestWrite_reportsWhatItLeavesOut(t *testing.T) {
	for _, c := range []struct {
		name, order string
		want        Reason
	}{
		{"pending", "valid: {from: 2026-04-01T00:00:00Z}\nblock: [a.example]", Pending},
		{"lapsed", "valid: {until: 2026-03-01T20:00:00Z}\nblock: [a.example]", Lapsed},
		{"observe", "mode: observe\nblock: [a.example]", Observed},
		{"clients", "clients: [192.0.2.0/24]\nblock: [a.example]", SomeClients},
		{"hidden", "publicity: hidden\nblock: [a.example]", Hidden},
		{"refuse", "answer: {action: refuse}\nblock: [a.example]", Refuses},
		{"rule that has not begun", "rules: [{name: a.example, from: 2026-04-01T00:00:00Z}]", RuleNotInForce},
		{"rule that has ended", "rules: [{name: a.example, until: 2026-03-01T20:00:00Z}]", RuleNotInForce},
		{"any-tld", "rules: [{label: iptv, match: any-tld}]", AnyTLD},
		{"too long for the origin", "rules: [{match: exact, name: " + strings.Repeat("a.", 120) + "example}]", NoOwner},
		{"looks like a trigger", "rules: [{match: exact, name: 32.1.2.0.192.rpz-ip}]", NoOwner},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, report := write(t, court+c.order, Options{})
			if len(lines) != 1 || lines[0] != "" || report.Records != 0 {
				t.Errorf("got %q, want no record", lines)
			}
			if len(report.Left) == 0 || report.Left[0].Reason != c.want || report.Left[0].Count != 1 {
				t.Errorf("got %v, want 1 %v", report.Left, c.want)
			}
		})
	}
}

func TestWrite_writesWhatTheOptionsAskFor(t *testing.T) {
	refuse := court + "answer: {action: refuse}\npublicity: hidden\nrules: [{name: a.example, match: exact}]"
	lines, _ := write(t, refuse, Options{RefuseAs: order.ActionDrop, Hidden: true})
	if want := "a.example 60 CNAME rpz-drop."; lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
}

func TestWrite_reportsNamesFreedOfOtherOrdersAddresses(t *testing.T) {
	const orders = court + "rules: [{address: 192.0.2.1}, {except: a.example, match: exact, reason: free}]"
	lines, report := write(t, orders, Options{})
	if want := "a.example CNAME rpz-passthru."; lines[0] != want {
		t.Errorf("got %q, want %q", lines[0], want)
	}
	if i := len(report.Left); i != 2 {
		t.Errorf("got %v, want hints and explanations only", report.Left)
	}
	_, report = write(t, orders+"\n---\nid: other\nauthority: O\nrules: [{nameserver: ns.example}]", Options{})
	if l := report.Left[1]; l.Reason != LiftedTooFar || l.Count != 1 {
		t.Errorf("got %v, want 1 %v", report.Left, LiftedTooFar)
	}
}

func TestWrite_saysWhenTheZoneEnds(t *testing.T) {
	_, report := write(t, court+"valid: {until: 2026-03-03T00:00:00Z}\nrules: [{name: a.example, from: 2026-03-02T00:00:00Z}]", Options{})
	if want := at.Add(4 * time.Hour); !report.Until.Equal(want) {
		t.Errorf("got %v, want %v", report.Until, want)
	}
}

func TestReasons_haveTheirWords(t *testing.T) {
	for r := range Explanation + 1 {
		if strings.HasPrefix(r.String(), "Reason(") || r.Remedy() == "" {
			t.Errorf("%v: got %q and %q", uint8(r), r, r.Remedy())
		}
	}
}

// TestWrite_decidesAsPolicyDoes asks the zone as daemons do, which differ in
// how far wildcards reach, and compares with the orders themselves.
func TestWrite_decidesAsPolicyDoes(t *testing.T) {
	folder := t.TempDir()
	all := []string{"test"} // every name of up to four labels below test
	for range 4 {
		for _, rest := range all {
			all = append(all, "a."+rest, "b."+rest, "a-b."+rest)
		}
		slices.Sort(all)
		all = slices.Compact(all)
	}
	rapid.Check(t, func(t *rapid.T) {
		set := load(t, folder, drawOrders(t))
		zone := Plan(set, Options{Origin: name.MustParse("rpz.example"), At: at})
		var text strings.Builder
		if _, err := zone.Write(&text); err != nil {
			t.Fatal(err)
		}
		records := map[string]string{}
		for line := range strings.Lines(text.String()) {
			owner, data, _ := strings.Cut(strings.TrimSpace(line), " ")
			records[owner] = data[strings.LastIndexByte(data, ' ')+1:]
		}
		program := policy.Compile(set, policy.Options{}, new(problem.List))
		law := policy.NewStore().Install(program, at)
		for _, n := range all {
			want := verdict(law, n)
			for how, lookup := range map[string]func(map[string]string, string) string{"longest match": longest, "closest encloser": encloser} {
				got := lookup(records, n)
				if got == "" || got == "rpz-passthru." {
					got = "pass"
				}
				if got != want {
					t.Fatalf("%s, %s: got %s, want %s\n%s", n, how, got, want, text.String())
				}
			}
		}
	})
}

// drawOrders makes orders over few labels, so that they meet often.
func drawOrders(t *rapid.T) string {
	labels := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "a-b"}), 1, 4)
	var text strings.Builder
	for i := range rapid.IntRange(1, 3).Draw(t, "orders") {
		action := rapid.SampledFrom([]string{"nxdomain", "nodata", "drop"}).Draw(t, "action")
		mode := rapid.SampledFrom([]string{"enforce", "enforce", "observe"}).Draw(t, "mode")
		fmt.Fprintf(&text, "---\nid: order-%d\nauthority: Court\nmode: %s\nanswer: {action: %s}\nrules:\n- {name: last.test}\n", i, mode, action)
		taken := map[string]bool{}
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			n := strings.Join(append(labels.Draw(t, "labels"), "test"), ".")
			match := rapid.SampledFrom([]string{"exact", "below", "subtree"}).Draw(t, "match")
			if taken[n+match] {
				continue
			}
			taken[n+match] = true
			key, reason := "name", ""
			if rapid.IntRange(0, 2).Draw(t, "except") == 0 {
				key, reason = "except", ", reason: free"
			}
			fmt.Fprintf(&text, "- {%s: %s, match: %s%s}\n", key, n, match, reason)
		}
	}
	return text.String()
}

// verdict is what the orders answer, in the zone's words.
func verdict(law *policy.Snapshot, n string) string {
	var key name.Buffer
	key.Set([]byte(name.MustParse(n)))
	matches, answers := law.Match(&key, netip.Addr{}, nil)
	if answers < 0 {
		return "pass"
	}
	return map[order.Action]string{
		order.ActionNXDOMAIN: ".", order.ActionNODATA: "*.", order.ActionDrop: "rpz-drop.",
	}[matches[answers].Order.Answer.Action]
}

// longest reads wildcards as rules on everything below.
func longest(records map[string]string, n string) string {
	if data, found := records[n]; found {
		return data
	}
	for _, rest, more := strings.Cut(n, "."); more; _, rest, more = strings.Cut(rest, ".") {
		if data, found := records["*."+rest]; found {
			return data
		}
	}
	return ""
}

// encloser reads them as the DNS does (RFC 4592 section 3.3.1): a wildcard
// stands for what the zone has no name for.
func encloser(records map[string]string, n string) string {
	exists := map[string]bool{}
	for owner := range records {
		for rest, more := owner, true; more; _, rest, more = strings.Cut(rest, ".") {
			exists[rest] = true
		}
	}
	if exists[n] {
		return records[n]
	}
	for _, rest, more := strings.Cut(n, "."); more; _, rest, more = strings.Cut(rest, ".") {
		if exists[rest] {
			return records["*."+rest]
		}
	}
	return ""
}
