package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

const court = `
id: it-milano
authority: {kind: court, name: Tribunale di Milano}
answer: {action: notice, ttl: 30s, notice: {ipv4: [192.0.2.80]}}
block: [iptv.test, bücher.test]
---
id: fr-paris
authority: {kind: court, name: Tribunal de Paris}
block: [sport.test]
`

var zone = []string{
	"free A 198.51.100.1", "free AAAA 2001:db8::1",
	"www.free CNAME cdn.iptv", "cdn.iptv A 198.51.100.2",
	"alias CNAME deep", "deep CNAME www.sport", "www.sport A 198.51.100.3",
	"short 2 A 198.51.100.4",
	"dname DNAME sport", "x.sport A 198.51.100.5",
}

func TestMainJob_digSeesOrdersAndTruth(t *testing.T) {
	s := bailiff(t, "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", unbound(t, nsd(t, zone...)).address)
	cases := []struct {
		name string
		dig  string
		want []string
	}{
		{"free name", "free.test A", []string{"status: NOERROR", "free.test.\t\t300\tIN\tA\t198.51.100.1"}},
		{"free name over TCP", "+tcp free.test AAAA", []string{"status: NOERROR", "2001:db8::1"}},
		{"no such name", "nothing.test A", []string{"status: NXDOMAIN", "SOA\tns.test."}},
		{"NODATA", "free.test MX", []string{"status: NOERROR", "ANSWER: 0", "SOA\tns.test."}},
		{"notice", "www.iptv.test A", []string{"status: NOERROR", "flags: qr aa rd ra;", "www.iptv.test.\t\t30\tIN\tA\t192.0.2.80",
			"EDE: 4 (Forged Answer)", "EDE: 16 (Censored): (it-milano: Tribunale di Milano)"}},
		{"notice, other family", "iptv.test AAAA", []string{"status: NOERROR", "ANSWER: 0", "iptv.test.\t\t30\tIN\tSOA\tiptv.test. ."}},
		{"NXDOMAIN", "a.b.sport.test A", []string{"status: NXDOMAIN", "sport.test.\t\t60\tIN\tSOA\tsport.test. .", "EDE: 16 (Censored): (fr-paris: Tribunal de Paris)"}},
		{"over TCP", "+tcp sport.test A", []string{"status: NXDOMAIN", "flags: qr aa rd ra;"}},
		{"RD=0", "+norec sport.test A", []string{"status: NXDOMAIN", "flags: qr aa ra;"}},
		{"DO=1", "+dnssec sport.test A", []string{"status: NXDOMAIN", "flags: do;"}},
		{"no EDNS", "+noedns sport.test A", []string{"status: NXDOMAIN", "ADDITIONAL: 0"}},
		{"CNAME to a name under order", "www.free.test A", []string{"status: NOERROR", "flags: qr rd ra;",
			"www.free.test.\t\t300\tIN\tCNAME\tcdn.iptv.test.", "cdn.iptv.test.\t\t30\tIN\tA\t192.0.2.80"}},
		{"the same from the cache", "www.free.test A", []string{"CNAME\tcdn.iptv.test.", "cdn.iptv.test.\t\t30\tIN\tA\t192.0.2.80"}},
		{"chain of two", "alias.test A", []string{"status: NXDOMAIN", "deep.test.\t\t300\tIN\tCNAME\twww.sport.test.", "sport.test.\t\t60\tIN\tSOA"}},
		{"chain of two from the cache", "alias.test A", []string{"status: NXDOMAIN", "CNAME\twww.sport.test."}},
		{"DNAME to a name under order", "x.dname.test A", []string{"status: NXDOMAIN", "DNAME\tsport.test."}},
		{"capitals", "WWW.Sport.TEST A", []string{"status: NXDOMAIN", ";WWW.Sport.TEST."}},
		{"A-label", "xn--bcher-kva.test A", []string{"192.0.2.80"}},
		{"escaped octet below", `we\032ird.sport.test A`, []string{"status: NXDOMAIN"}},
		{"look-alike is free", "sport.test.example.test A", []string{"status: NXDOMAIN", "SOA\tns.test."}},
		{"suffix of a label is free", "esport.test A", []string{"status: NXDOMAIN", "SOA\tns.test."}},
		{"longest label", strings.Repeat("a", 63) + ".sport.test A", []string{"status: NXDOMAIN", "EDE: 16"}},
		{"longest name", strings.Repeat("a.", 121) + "sport.test A", []string{"status: NXDOMAIN", "EDE: 16"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := s.dig(append([]string{"+noidnin"}, strings.Fields(c.dig)...)...)
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("dig %s: no %q in:\n%s", c.dig, want, out)
				}
			}
		})
	}
}

func TestMainJob_anOrderBeginsAndEndsByItself(t *testing.T) {
	begin := time.Now().Add(3 * time.Second).Truncate(time.Second)
	end := begin.Add(2 * time.Second)
	orders := "id: brief\nauthority: Court\nvalid: {from: " + begin.Format(time.RFC3339) + ", until: " + end.Format(time.RFC3339) + "}\nblock: [free.test]\n"
	s := bailiff(t, "--orders", write(t, map[string]string{"orders.yaml": orders}), "--upstream", unbound(t, nsd(t, zone...)).address)
	if got := s.ask("free.test", dns.TypeA); time.Now().Before(begin) && len(got.Answer) != 1 {
		t.Errorf("pending: got %v, want the truth", got)
	}
	time.Sleep(time.Until(begin) + 200*time.Millisecond)
	got := s.ask("free.test", dns.TypeA)
	if got.Rcode != dns.RcodeNameError {
		t.Errorf("in force: got %v, want NXDOMAIN although the truth is cached", got)
	} else if ttl := got.Ns[0].Header().Ttl; ttl > 2 {
		t.Errorf("in force: got TTL %d, want none past the end of the order", ttl)
	}
	if got := s.metric(`bailiff_order_info{authority="Court",category="",jurisdiction="",order="brief",revision="0",state="in-force"}`); got != "1" {
		t.Errorf("got info series %q, want 1", got)
	}
	time.Sleep(time.Until(end) + 200*time.Millisecond)
	if got := s.ask("free.test", dns.TypeA); len(got.Answer) != 1 {
		t.Errorf("lapsed: got %v, want the truth at once", got)
	}
}

func TestMainJob_aDeadUpstreamUnblocksNothing(t *testing.T) {
	upstream := unbound(t, nsd(t, zone...))
	s := bailiff(t, "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", upstream.address)
	s.dig("short.test", "A")
	upstream.kill()
	time.Sleep(2100 * time.Millisecond) // until short.test is stale
	for range 3 {
		if got := s.ask("sport.test", dns.TypeA); got.Rcode != dns.RcodeNameError {
			t.Errorf("under order: got %v, want NXDOMAIN", got)
		}
	}
	if out := s.dig("free.test", "A"); !strings.Contains(out, "status: SERVFAIL") || !strings.Contains(out, "EDE: 23") && !strings.Contains(out, "EDE: 22") {
		t.Errorf("free: want SERVFAIL with EDE 22 or 23, got\n%s", out)
	}
	if out := s.dig("short.test", "A"); !strings.Contains(out, "short.test.\t\t30\tIN\tA\t198.51.100.4") || !strings.Contains(out, "EDE: 3 (Stale Answer)") {
		t.Errorf("cached: want the stale answer with TTL 30, got\n%s", out)
	}
}

func TestMainJob_metricsAreWhatTheyShould(t *testing.T) {
	s := bailiff(t, "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", unbound(t, nsd(t, zone...)).address)
	s.ask("sport.test", dns.TypeA)
	s.ask("free.test", dns.TypeA)
	s.ask("free.test", dns.TypeA)
	_, body := s.page("/metrics")
	promtool := exec.Command(program(t, "promtool"), "check", "metrics")
	promtool.Stdin = strings.NewReader(body)
	if out, err := promtool.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for series, want := range map[string]string{
		`bailiff_order_matches_total{action="nxdomain",order="fr-paris",outcome="enforced",trigger="name"}`: "1",
		`bailiff_order_matches_total{action="notice",order="it-milano",outcome="enforced",trigger="name"}`:  "0",
		`bailiff_dns_requests_total{family="1",proto="udp",type="A"}`:                                       "3",
		`bailiff_dns_responses_total{rcode="NXDOMAIN",source="order"}`:                                      "1",
		`bailiff_dns_responses_total{rcode="NOERROR",source="cache"}`:                                       "1",
		`bailiff_orders_last_reload_successful`:                                                             "1",
	} {
		if got := s.metric(series); got != want {
			t.Errorf("%s: got %q, want %q", series, got, want)
		}
	}
	for _, secret := range []string{"sport.test", "free.test", "127.0.0.1:"} {
		for line := range strings.Lines(body) {
			if strings.Contains(line, secret) && !strings.Contains(line, "upstream") {
				t.Errorf("a name or client is in the metrics: %s", line)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := s.page(path); status != 200 {
			t.Errorf("%s: got %d %q, want 200", path, status, body)
		}
	}
}

func TestMainJob_explainSaysWhatIsServed(t *testing.T) {
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	orders := filepath.Join(write(t, map[string]string{"orders.yaml": court}), "orders.yaml")
	out, err := exec.Command(path, "explain", "www.sport.test", "--orders", orders, "--json").CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"verdict": "nxdomain"`) && !strings.Contains(string(out), `"verdict":"nxdomain"`) {
		t.Errorf("explain: %v\n%s", err, out)
	}
}

func TestMainJob_stopEndsWellAndAnswersWhatWasAsked(t *testing.T) {
	s := bailiff(t, "--orders", write(t, map[string]string{"orders.yaml": court}), "--upstream", unbound(t, nsd(t, zone...)).address)
	s.ask("free.test", dns.TypeA)
	s.terminate()
	select {
	case <-s.ended: // with exit code 0, as stop checks
	case <-time.After(5 * time.Second):
		t.Errorf("still there 5 s after SIGTERM")
	}
}
