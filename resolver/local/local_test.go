package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/policy/name"
	"bailiff/policy/problem"
	"bailiff/resolver/upstream"
)

const homeZone = `$TTL 300
@           SOA   localhost. root.localhost. 1 3600 600 86400 60
            NS    ns
            TXT   "home"
ns          A     192.0.2.53
www    60   A     192.0.2.1
       30   A     192.0.2.2
            AAAA  2001:db8::1
Printer     CNAME www
twice       CNAME printer
out         CNAME www.example.org.
gone        CNAME nobody
office      CNAME www.office.example.
loop        CNAME pool
pool        CNAME loop
a.b.c       A     192.0.2.3
*.wild      A     192.0.2.4
*.wild      TXT   "wild"
x.wild      A     192.0.2.5
*.alias     CNAME x.alias
`

// inFile puts text into a file of its own.
func inFile(t testing.TB, text string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "zone")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// read reads a zone that has no fault.
func read(t testing.TB, text, apex string) *Zone {
	t.Helper()
	var problems problem.List
	z := Read(inFile(t, text), apex, &problems)
	if len(problems.Sorted()) > 0 {
		t.Fatal(problems.Sorted())
	}
	return z
}

// testZones are two zones and a name elsewhere below one of them.
func testZones(t testing.TB) *Zones {
	t.Helper()
	return New([]*Zone{
		read(t, homeZone, "home.example."),
		read(t, "@ 60 SOA . . 1 2 3 4 5\nwww 60 CNAME deep.home.example.\n", "office.example."),
	}, []string{"lab.home.example."})
}

func question(text string) upstream.Question {
	qname, qtype, _ := strings.Cut(text, " ")
	return upstream.Question{Name: []byte(wire(dns.Fqdn(qname))), Type: dns.StringToType[qtype]}
}

// told writes a message down: RCODE, answer section, "--" and authority section.
func told(t *testing.T, message []byte) string {
	t.Helper()
	var m dns.Msg
	if err := m.Unpack(message); err != nil {
		t.Fatal(err)
	}
	lines := []string{dns.RcodeToString[m.Rcode]}
	for _, rr := range m.Answer {
		lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
	}
	for _, rr := range m.Ns {
		lines = append(lines, "-- "+strings.Join(strings.Fields(rr.String()), " "))
	}
	return strings.Join(lines, "\n")
}

const (
	soa    = "-- home.example. 60 IN SOA localhost. root.localhost. 1 3600 600 86400 60"
	wwwSet = "www.home.example. 30 IN A 192.0.2.1\nwww.home.example. 30 IN A 192.0.2.2"
)

func TestMessage_saysWhatTheZoneHolds(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"an RRset, its TTLs levelled", "www.home.example A", "NOERROR\n" + wwwSet},
		{"the apex", "home.example TXT", "NOERROR\nhome.example. 300 IN TXT \"home\""},
		{"the SOA itself", "home.example SOA", "NOERROR\nhome.example. 300 IN SOA localhost. root.localhost. 1 3600 600 86400 60"},
		{"NODATA", "www.home.example MX", "NOERROR\n" + soa},
		{"NXDOMAIN", "nobody.home.example A", "NXDOMAIN\n" + soa},
		{"NXDOMAIN below a name", "x.www.home.example A", "NXDOMAIN\n" + soa},
		{"an empty non-terminal", "b.c.home.example A", "NOERROR\n" + soa},
		{"below it", "x.b.c.home.example A", "NXDOMAIN\n" + soa},
		{"an alias", "printer.home.example A", "NOERROR\nprinter.home.example. 300 IN CNAME www.home.example.\n" + wwwSet},
		{"an alias of an alias", "twice.home.example AAAA", "NOERROR\ntwice.home.example. 300 IN CNAME printer.home.example.\nprinter.home.example. 300 IN CNAME www.home.example.\nwww.home.example. 300 IN AAAA 2001:db8::1"},
		{"an alias without the type", "printer.home.example MX", "NOERROR\nprinter.home.example. 300 IN CNAME www.home.example.\n" + soa},
		{"an alias of nothing", "gone.home.example A", "NXDOMAIN\ngone.home.example. 300 IN CNAME nobody.home.example.\n" + soa},
		{"the alias itself", "printer.home.example CNAME", "NOERROR\nprinter.home.example. 300 IN CNAME www.home.example."},
		{"ANY at an alias", "printer.home.example ANY", "NOERROR\nprinter.home.example. 300 IN CNAME www.home.example."},
		{"ANY at an empty non-terminal", "c.home.example ANY", "NOERROR\n" + soa},
		{"an alias into another zone and back", "office.home.example A", "NXDOMAIN\noffice.home.example. 300 IN CNAME www.office.example.\nwww.office.example. 60 IN CNAME deep.home.example.\n" + soa},
		{"a wildcard", "any.wild.home.example A", "NOERROR\nany.wild.home.example. 300 IN A 192.0.2.4"},
		{"a wildcard, deeper", "any.any.wild.home.example A", "NOERROR\nany.any.wild.home.example. 300 IN A 192.0.2.4"},
		{"a wildcard without the type", "any.wild.home.example MX", "NOERROR\n" + soa},
		{"a name beside the wildcard", "x.wild.home.example TXT", "NOERROR\n" + soa},
		{"below a name beside the wildcard", "any.x.wild.home.example A", "NXDOMAIN\n" + soa},
		{"the wildcard's own name", "*.wild.home.example A", "NOERROR\n*.wild.home.example. 300 IN A 192.0.2.4"},
		{"the wildcard's closest encloser", "wild.home.example A", "NOERROR\n" + soa},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, whole, err := testZones(t).Message(question(tt.in))
			if err != nil || !whole {
				t.Fatalf("got whole %v, error %v", whole, err)
			}
			if got := told(t, got); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestMessage_anyHasEveryRRset(t *testing.T) {
	message, _, err := testZones(t).Message(question("www.home.example ANY"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(told(t, message), "\n"); got != 3 {
		t.Errorf("got %d records, want 3", got)
	}
}

func TestMessage_aLoopIsAFailure(t *testing.T) {
	for _, in := range []string{"loop.home.example A", "y.alias.home.example A"} {
		if got, _, err := testZones(t).Message(question(in)); err == nil || got != nil {
			t.Errorf("%s: got %v, want a failure", in, got)
		}
	}
}

func TestMessage_anAliasThatLeadsAwayIsNotTheWhole(t *testing.T) {
	got, whole, err := testZones(t).Message(question("out.home.example A"))
	if err != nil || whole {
		t.Fatalf("got whole %v, error %v, want neither", whole, err)
	}
	const want = "NOERROR\nout.home.example. 300 IN CNAME www.example.org."
	if got := told(t, got); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// beyond is a Resolver that knows one name.
type beyond struct{ asked []string }

func (b *beyond) Close() {}

func (b *beyond) Resolve(_ context.Context, q upstream.Question) (upstream.Answer, error) {
	b.asked = append(b.asked, name.Name(q.Name).String())
	m := new(dns.Msg)
	switch name.Name(q.Name).String() {
	case "www.example.org":
		rr, _ := dns.NewRR("www.example.org. 60 IN A 198.51.100.1")
		m.Answer = []dns.RR{rr}
	case "x.lab.home.example":
		m.Rcode = dns.RcodeNameError
	default:
		return upstream.Answer{}, &upstream.Failure{Cause: "no server answered"}
	}
	message, err := upstream.Pack(q, m)
	return upstream.Answer{Message: message, EDE: []dns.EDNS0_EDE{{InfoCode: 27}}}, err
}

func TestResolve_followsAnAliasOutOfTheZone(t *testing.T) {
	for _, tt := range []struct{ name, in, want, asked string }{
		{"out", "out.home.example A", "NOERROR\nout.home.example. 300 IN CNAME www.example.org.\nwww.example.org. 60 IN A 198.51.100.1", "www.example.org"},
		{"in", "www.home.example A", "NOERROR\n" + wwwSet, ""},
		{"another's", "x.lab.home.example A", "NXDOMAIN", "x.lab.home.example"},
		{"beside", "www.example.org A", "NOERROR\nwww.example.org. 60 IN A 198.51.100.1", "www.example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next := new(beyond)
			a, err := NewLayer(testZones(t), next).Resolve(context.Background(), question(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := told(t, a.Message); got != tt.want || strings.Join(next.asked, " ") != tt.asked || len(a.EDE) != len(next.asked) {
				t.Errorf("got\n%s\nasked %v, extended errors %v, want\n%s\nasked %s", got, next.asked, a.EDE, tt.want, tt.asked)
			}
		})
	}
	if _, err := NewLayer(testZones(t), new(beyond)).Resolve(context.Background(), question("nowhere.example A")); err == nil {
		t.Error("got no error where there is no answer beyond, want one")
	}
}

func TestFind_isTheClosestZone(t *testing.T) {
	zones := New(nil, []string{".", "example.", "lab.example."})
	for _, tt := range []struct {
		in   string
		want int
	}{{"x.lab.example", 1}, {"lab.example", 0}, {"www.example", 1}, {"test", 1}, {".", 0}} {
		var b name.Buffer
		b.Set([]byte(wire(dns.Fqdn(tt.in))))
		if z, apex, ok := zones.Find(&b); z != nil || !ok || apex != tt.want {
			t.Errorf("%s: got %v, %d, %v, want the zone that starts at label %d", tt.in, z, apex, ok, tt.want)
		}
		if _, _, ok := New(nil, nil).Find(&b); ok {
			t.Errorf("%s: got a zone where there is none", tt.in)
		}
	}
}

func TestRead_saysWhatIsNotServed(t *testing.T) {
	var many strings.Builder
	for i := range maxRecords + 1 {
		fmt.Fprintf(&many, "many A 192.0.2.%d\n", i)
	}
	const start = "@ SOA localhost. root.localhost. 1 3600 600 86400 60\n"
	for _, tt := range []struct{ name, in, want string }{
		{"no SOA", "www A 192.0.2.1\n", ": has no SOA record of home.example.; add one, such as: @ SOA localhost. root.localhost. 1 3600 600 86400 300"},
		{"two SOAs", start + "@ SOA localhost. root.localhost. 2 3600 600 86400 60\n", ":2: \"home.example. 3600 IN SOA localhost. root.localhost. 2 3600 600 86400 60\": is the second SOA record; remove one of them"},
		{"a SOA below", start + "sub SOA . . 1 2 3 4 5\n", `:2: "sub.home.example. 3600 IN SOA . . 1 2 3 4 5": begins another zone; put it into a file of its own`},
		{"outside", start + "www.example. A 192.0.2.1\n", `:2: "www.example. 3600 IN A 192.0.2.1": is outside of the zone; take it out, or make a zone of its own for it`},
		{"a delegation", start + "sub NS ns.example.\n", `:2: "sub.home.example. 3600 IN NS ns.example.": delegates; name the zone below under recursion zones, with its servers`},
		{"a DNAME", start + "sub DNAME example.\n", `:2: "sub.home.example. 3600 IN DNAME example.": is an alias of many names, which is not served here; write a CNAME for each`},
		{"a signature", start + "@ NSEC www.home.example. A\n", `:2: "home.example. 3600 IN NSEC www.home.example. A": is part of a signed zone; take the zone as it is before it is signed`},
		{"data beside a CNAME", start + "www CNAME example.\nwww A 192.0.2.1\n", `:3: "www.home.example. 3600 IN A 192.0.2.1": stands beside a CNAME; remove one of them: an alias is alone at its name`},
		{"a CNAME beside data", start + "@ CNAME example.\n", `:2: "home.example. 3600 IN CNAME example.": stands beside a CNAME; remove one of them: an alias is alone at its name`},
		{"two CNAMEs", start + "www CNAME example.\nwww CNAME example.org.\n", `:3: "www.home.example. 3600 IN CNAME example.org.": stands beside a CNAME; remove one of them: an alias is alone at its name`},
		{"a large RRset", start + many.String(), `:102: "many.home.example. 3600 IN A 192.0.2.100": is one record too many: an RRset holds at most 100 here; keep those that are needed`},
		{"no record", start + "www A\n", `:2: "www A": is no record (bad A A: "\n"); write owner name, TTL, class, type and data`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := inFile(t, tt.in)
			var problems problem.List
			Read(file, "home.example.", &problems)
			var got []string
			for _, p := range problems.Sorted() {
				got = append(got, strings.TrimPrefix(p.Error(), file))
			}
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRead_aRecordTwiceCountsOnce(t *testing.T) {
	z := read(t, "@ SOA . . 1 2 3 4 5\nwww CNAME a\nwww CNAME a\n", "home.example.")
	message, _, err := New([]*Zone{z}, nil).Message(question("www.home.example CNAME"))
	if err != nil {
		t.Fatal(err)
	}
	if got := told(t, message); strings.Count(got, "\n") != 1 {
		t.Errorf("got %s, want one record", got)
	}
}

// FuzzMessage asks for any name in a zone: there is an answer or a failure, and
// nobody is asked for what is not an alias.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(wire("a.b.c.home.example.")), uint16(1))
	f.Add([]byte(wire("x.alias.home.example.")), uint16(255))
	zones := testZones(f)
	f.Fuzz(func(t *testing.T, qname []byte, qtype uint16) {
		var b name.Buffer
		if b.Read(qname, 0) != len(qname) {
			return
		}
		q := upstream.Question{Name: b.Wire(), Type: qtype}
		if message, _, err := zones.Message(q); err == nil {
			told := new(dns.Msg)
			if err := told.Unpack(message); err != nil {
				t.Errorf("got %v", err)
			}
		}
	})
}
