package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ticketFile is a file with this text.
func ticketFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ticket.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const oneTicket = `{"ticket_id":"t1","status":"open","fqdn":["a.example"],"ipv4":["192.0.2.1"],"ipv6":null,"metadata":{"created_at":"x"}}`

func TestReadTickets_readsATicketManyAndAnAnswer(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a ticket", oneTicket, "t1 fqdn a.example, t1 ipv4 192.0.2.1"},
		{"with a byte order mark", "\ufeff " + oneTicket, "t1 fqdn a.example, t1 ipv4 192.0.2.1"},
		{"many", `[{"fqdn":["b.example"]},` + oneTicket + `]`, " fqdn b.example, t1 fqdn a.example, t1 ipv4 192.0.2.1"},
		{"an answer", `{"status":"success","data":[` + oneTicket + `]}`, "t1 fqdn a.example, t1 ipv4 192.0.2.1"},
		{"what is no name is an item too", `{"ipv6":["x",""]}`, " ipv6 x,  ipv6 "},
		{"nothing in it", `{"fqdn":[],"ipv4":[],"ipv6":[]}`, ""},
	} {
		got, err := readTickets(ticketFile(t, tt.in))
		if err != nil {
			t.Errorf("%s: got %v", tt.name, err)
			continue
		}
		var items []string
		for _, i := range got.items {
			items = append(items, fmt.Sprintf("%s %s %s", i.ticket, i.kind, i.text))
		}
		if strings.Join(items, ", ") != tt.want || len(got.sha256) != 64 {
			t.Errorf("%s: got %q, want %q", tt.name, items, tt.want)
		}
	}
}

func TestReadTickets_whatIsNoneIsAnError(t *testing.T) {
	for name, in := range map[string]string{
		"empty": "", "no JSON": "{", "text": `"a.example"`, "null": "null", "another object": `{"a":1}`, "names alone": `["a.example"]`,
		"a number for a name": `{"fqdn":[1]}`, "an object for names": `{"fqdn":{}}`, "deep": strings.Repeat(`{"data":`, 9) + oneTicket + strings.Repeat("}", 9),
		"very deep": strings.Repeat("[", 100_000), "more after it": oneTicket + "x",
	} {
		if got, err := readTickets(ticketFile(t, in)); err == nil || !strings.Contains(err.Error(), "is no ticket") {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if _, err := readTickets("missing.json"); err == nil || !strings.Contains(err.Error(), "missing.json: cannot be read") {
		t.Errorf("missing: got %v", err)
	}
}

func FuzzReadTickets(f *testing.F) {
	f.Add(oneTicket)
	f.Add(`[[{"data":{"fqdn":["x"]}}]]`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readTickets(ticketFile(t, text))
		if err == nil && strings.Count(text, `"`) < 2*len(got.items) {
			t.Errorf("got %d items of %q", len(got.items), text)
		}
	})
}
