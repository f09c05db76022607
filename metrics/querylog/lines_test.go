package querylog

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver"
)

// line is one query as JSON.
type line struct {
	Time       string    `json:"time"`
	Client     string    `json:"client,omitempty"`
	Proto      string    `json:"proto"`
	Name       string    `json:"name,omitempty"`
	NameDigest string    `json:"name_digest,omitempty"`
	Type       string    `json:"type,omitempty"`
	Rcode      string    `json:"rcode,omitempty"`
	Source     string    `json:"source"`
	Took       float64   `json:"took_seconds"`
	Orders     []matched `json:"orders,omitempty"`
	Answers    []string  `json:"answers,omitempty"`
	CNAME      []string  `json:"cname,omitempty"`
}

// matched is an order that the query falls under.
type matched struct {
	Order   string `json:"order"`
	Rule    string `json:"rule"`
	Trigger string `json:"trigger"`
	Action  string `json:"action"`
	Outcome string `json:"outcome"`
	Decides bool   `json:"decides,omitempty"`
	Value   string `json:"value,omitempty"`
}

// logged asks for names and returns the log as it was written.
func logged(t *testing.T, cfg Config, qnames ...string) string {
	t.Helper()
	cfg.JSONFile = t.TempDir() + "/q.jsonl"
	w := newWorld(t, cfg)
	w.ask(t, qnames...)
	w.close()
	text, err := os.ReadFile(cfg.JSONFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parsed is the log by name; what changes with each run is checked and taken
// out.
func parsed(t *testing.T, text string) map[string]line {
	t.Helper()
	found := map[string]line{}
	for each := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(each), &l); err != nil {
			t.Fatalf("%s: %v", each, err)
		}
		if at, err := time.Parse(time.RFC3339Nano, l.Time); err != nil || time.Since(at) > time.Minute || l.Took <= 0 || l.Took > 60 {
			t.Errorf("got time %s, took %v", l.Time, l.Took)
		}
		l.Time, l.Took = "", 0
		found[l.Name] = l
	}
	return found
}

func TestLines_tellWhatWasAskedWhatWasSaidAndWhy(t *testing.T) {
	got := parsed(t, logged(t, Config{}, "free.test", "alias.test", "www.iptv.test", "to-iptv.test", "watched.test", "pirate.example", "held.test", "nothing.test"))
	iptv := matched{Order: "milan", Rule: "block", Trigger: "name", Action: "notice", Outcome: "enforced", Decides: true}
	watching := matched{Order: "watch", Rule: "block", Trigger: "name", Action: "nxdomain", Outcome: "observed"}
	toIPTV := iptv
	toIPTV.Value = "www.iptv.test"
	for name, want := range map[string]line{
		"free.test":     {Rcode: "NOERROR", Source: "upstream", Answers: []string{"198.51.100.1"}},
		"alias.test":    {Rcode: "NOERROR", Source: "upstream", Answers: []string{"198.51.100.1"}, CNAME: []string{"free.test"}},
		"www.iptv.test": {Rcode: "NOERROR", Source: "order", Orders: []matched{iptv, watching}},
		"to-iptv.test":  {Rcode: "NOERROR", Source: "order", Orders: []matched{toIPTV, watching}},
		"watched.test":  {Rcode: "NOERROR", Source: "upstream", Orders: []matched{watching}, Answers: []string{"198.51.100.2"}},
		"pirate.example": {Rcode: "REFUSED", Source: "order", Orders: []matched{
			{Order: "refusing", Rule: "rule 1", Trigger: "any-tld", Action: "refuse", Outcome: "enforced", Decides: true}}},
		"held.test": {Source: "order", Orders: []matched{
			{Order: "dropping", Rule: "rule 1", Trigger: "address", Action: "drop", Outcome: "enforced", Decides: true, Value: "198.51.100.66"}}},
		"nothing.test": {Rcode: "NXDOMAIN", Source: "upstream"},
	} {
		want.Name, want.Type, want.Client, want.Proto = name, "A", "192.0.2.0/24", "udp"
		gotText, _ := json.Marshal(got[name])
		wantText, _ := json.Marshal(want)
		if string(gotText) != string(wantText) {
			t.Errorf("got  %s\nwant %s", gotText, wantText)
		}
	}
	if len(got) != 8 {
		t.Errorf("got %d names, want 8", len(got))
	}
}

func TestLines_namesOfHiddenOrdersAreDigestsOnly(t *testing.T) {
	text := logged(t, Config{}, "www.hidden.test", "at-secret.test", "at-secret.test")
	for _, secret := range []string{"hidden.test", "at-secret", "198.51.100.99"} {
		if strings.Contains(text, secret) {
			t.Errorf("got %s in\n%s", secret, text)
		}
	}
	digests := map[string]int{}
	for each := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(each), &l); err != nil || len(l.NameDigest) != 16 || l.Orders[0].Order != "secret" {
			t.Errorf("got %s (%v), want a digest and the order", each, err)
		}
		digests[l.NameDigest]++
	}
	if len(digests) != 2 {
		t.Errorf("got digests %v, want one a name", digests)
	}
}

func TestLines_namesHiddenFromOtherClientsAreDigestsToo(t *testing.T) {
	if text := logged(t, Config{}, "www.elsewhere.test"); strings.Contains(text, "elsewhere") || !strings.Contains(text, "name_digest") {
		t.Errorf("got %s, want a digest", text)
	}
}

func TestLines_clientsAreShownAsAsked(t *testing.T) {
	for clients, form := range map[Clients]func(string) bool{
		Truncate: func(s string) bool { return s == "192.0.2.0/24" },
		Full:     func(s string) bool { return s == "192.0.2.77" },
		None:     func(s string) bool { return s == "" },
		Digest:   func(s string) bool { return len(s) == 16 && !strings.Contains(s, ".") },
	} {
		t.Run(clients.String(), func(t *testing.T) {
			text := logged(t, Config{Clients: clients}, "free.test")
			if l := parsed(t, text)["free.test"]; !form(l.Client) {
				t.Errorf("got client %q", l.Client)
			}
			if clients != Full && strings.Contains(text, "192.0.2.77") {
				t.Errorf("got the client in %s", text)
			}
		})
	}
}

func TestLines_oddPacketsAndNamesAreWellFormedLines(t *testing.T) {
	path := t.TempDir() + "/q.jsonl"
	w := newWorld(t, Config{JSONFile: path})
	broken := question(t, "free.test", dns.TypeA)
	broken.Packet = broken.Packet[:14]
	w.put(broken)
	odd := question(t, "free.test", 65280)
	copy(odd.Packet[12:], "\x04\"\\\x00<\x04test\x00")
	w.put(odd)
	stranger := question(t, "free.test", dns.TypeA)
	stranger.Client, stranger.Transport = client.Next(), resolver.TCP
	w.put(stranger)
	w.close()
	text, _ := os.ReadFile(path)
	got := parsed(t, string(text))
	if l := got[""]; l.Rcode != "FORMERR" || l.Type != "" || l.Source != "error" {
		t.Errorf("got %+v, want FORMERR without name and type", l)
	}
	if l := got[`"\\\000<.test`]; l.Type != "TYPE65280" {
		t.Errorf("got %s", text)
	}
	if l := got["free.test"]; l.Proto != "tcp" {
		t.Errorf("got %s", text)
	}
}
