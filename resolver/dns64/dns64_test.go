package dns64

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"bailiff/resolver/upstream"
)

var wellKnown = netip.MustParsePrefix("64:ff9b::/96")

// world is a Resolver with fixed answers, by "name type": an RCODE, then the
// records of the answer section, "--" and those of the authority section. What
// it does not know is a failure. Questions are written down.
type world struct {
	answers map[string]string
	bogus   string // what is bogus
	asked   []string
}

func (w *world) Close() {}

func (w *world) Resolve(_ context.Context, q upstream.Question) (upstream.Answer, error) {
	qname, _, _ := dns.UnpackDomainName(q.Name, 0)
	key := strings.TrimSuffix(qname, ".") + " " + dns.Type(q.Type).String()
	w.asked = append(w.asked, key)
	text, ok := w.answers[key]
	if !ok {
		return upstream.Answer{}, &upstream.Failure{Cause: key + " fails", Bogus: key == w.bogus}
	}
	m := new(dns.Msg)
	m.AuthenticatedData = true
	section := &m.Answer
	for i, line := range strings.Split(text, "\n") {
		switch line = strings.TrimSpace(line); {
		case i == 0:
			m.Rcode = dns.StringToRcode[line]
		case line == "--":
			section = &m.Ns
		default:
			rr, err := dns.NewRR(line)
			if err != nil {
				panic(err)
			}
			*section = append(*section, rr)
		}
	}
	message, err := upstream.Pack(q, m)
	return upstream.Answer{Message: message, EDE: []dns.EDNS0_EDE{{InfoCode: 27}}}, err
}

// question makes one of "name type", with DO and CD after it.
func question(text string) upstream.Question {
	words := strings.Fields(text)
	wire := make([]byte, 255)
	end, err := dns.PackDomainName(dns.Fqdn(words[0]), wire, 0, nil, false)
	if err != nil {
		panic(err)
	}
	return upstream.Question{Name: wire[:end], Type: dns.StringToType[words[1]], DO: strings.Contains(text, " DO"), CD: strings.Contains(text, " CD")}
}

// told writes an answer down as world has it, AD after the RCODE.
func told(t *testing.T, a upstream.Answer, err error) string {
	t.Helper()
	if err != nil {
		return err.Error()
	}
	m := new(dns.Msg)
	if err := m.Unpack(a.Message); err != nil {
		t.Fatal(err)
	}
	lines := []string{dns.RcodeToString[m.Rcode]}
	if m.AuthenticatedData {
		lines[0] += " AD"
	}
	add := func(section []dns.RR) {
		for _, rr := range section {
			lines = append(lines, strings.Join(strings.Fields(rr.String()), " "))
		}
	}
	add(m.Answer)
	if len(m.Ns) > 0 {
		lines = append(lines, "--")
		add(m.Ns)
	}
	return strings.Join(lines, "\n")
}

const (
	soa    = "example. 900 IN SOA ns.example. root.example. 1 2 3 4 300"
	rrsig  = " 5 2 300 20300101000000 20200101000000 1 example. AAAA"
	noData = "NOERROR\n--\n" + soa
)

var answers = map[string]string{
	"four.example AAAA":   noData,
	"four.example A":      "NOERROR\nfour.example. 3600 IN A 192.0.2.33\nfour.example. 60 IN A 198.51.100.1",
	"both.example AAAA":   "NOERROR\nboth.example. 60 IN AAAA 2001:db8::1",
	"mapped.example AAAA": "NOERROR\nmapped.example. 60 IN AAAA ::ffff:192.0.2.1\nmapped.example. 60 IN RRSIG AAAA" + rrsig,
	"mapped.example A":    "NOERROR\nmapped.example. 3600 IN A 192.0.2.33",
	"only.example AAAA":   "NOERROR\nonly.example. 60 IN AAAA ::ffff:192.0.2.1",
	"only.example A":      noData,
	"mixed.example AAAA":  "NOERROR\nmixed.example. 60 IN AAAA ::ffff:192.0.2.1\nmixed.example. 60 IN AAAA 2001:db8::1",
	"none.example AAAA":   "NXDOMAIN\n--\n" + soa,
	"empty.example AAAA":  noData,
	"empty.example A":     noData,
	"alias.example AAAA":  "NOERROR\nalias.example. 30 IN CNAME four.example.\n--\n" + soa,
	"alias.example A":     "NOERROR\nalias.example. 30 IN CNAME four.example.\nalias.example. 30 IN RRSIG CNAME" + rrsig + "\nfour.example. 3600 IN A 192.0.2.33\nfour.example. 3600 IN RRSIG A" + rrsig,
	"nosoa.example AAAA":  "NOERROR",
	"nosoa.example A":     "NOERROR\nnosoa.example. 3600 IN A 192.0.2.33",
	"broken.example A":    "NOERROR\nbroken.example. 3600 IN A 192.0.2.33",
	"half.example AAAA":   noData,
	"ipv4only.arpa AAAA":  "NOERROR\n--\nipv4only.arpa. 86400 IN SOA ns.example. root.example. 1 2 3 4 86400",
	"ipv4only.arpa A":     "NOERROR\nipv4only.arpa. 86400 IN A 192.0.0.170\nipv4only.arpa. 86400 IN A 192.0.0.171",
	"text.example TXT":    "NOERROR\ntext.example. 60 IN TXT x",
	"worse.example AAAA":  "YXDOMAIN\nexample. 60 IN DNAME example.",

	"33.2.0.192.in-addr.arpa PTR": "NOERROR\n33.2.0.192.in-addr.arpa. 60 IN PTR four.example.",
	"34.2.0.192.in-addr.arpa PTR": "NXDOMAIN\n--\n2.0.192.in-addr.arpa. 60 IN SOA ns.example. root.example. 1 2 3 4 300",
}

// TestResolve_followsRFC6147 has what a client is told; AD is set in all that
// comes from below.
func TestResolve_followsRFC6147(t *testing.T) {
	const (
		reverse33 = "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
		reverse34 = "2.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
		reverse35 = "3.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa"
	)
	for _, tt := range []struct{ name, in, want string }{
		{"5.1.6: addresses are made, with the smaller TTL", "four.example AAAA", "NOERROR\nfour.example. 300 IN AAAA 64:ff9b::c000:221\nfour.example. 60 IN AAAA 64:ff9b::c633:6401"},
		{"5.1.1: not where there is one", "both.example AAAA", "NOERROR AD\nboth.example. 60 IN AAAA 2001:db8::1"},
		{"5.1.2: NXDOMAIN stays", "none.example AAAA", "NXDOMAIN AD\n--\n" + soa},
		{"5.1.2: a failure counts as none", "broken.example AAAA", "NOERROR\nbroken.example. 600 IN AAAA 64:ff9b::c000:221"},
		{"5.1.2: but for what is bogus", "bogus.example AAAA", "bogus.example AAAA fails"},
		{"both fail", "dead.example AAAA", "dead.example AAAA fails"},
		{"A fails", "half.example AAAA", "half.example A fails"},
		{"5.1.4: excluded addresses are none", "mapped.example AAAA", "NOERROR\nmapped.example. 600 IN AAAA 64:ff9b::c000:221"},
		{"5.1.4: nor without A", "only.example AAAA", "NOERROR"},
		{"5.1.4: beside another they may stay", "mixed.example AAAA", "NOERROR AD\nmixed.example. 60 IN AAAA ::ffff:192.0.2.1\nmixed.example. 60 IN AAAA 2001:db8::1"},
		{"5.1.6: neither", "empty.example AAAA", "NOERROR AD\n--\n" + soa},
		{"5.1.5: behind an alias", "alias.example AAAA DO", "NOERROR\nalias.example. 30 IN CNAME four.example.\nalias.example. 30 IN RRSIG CNAME" + rrsig + "\nfour.example. 300 IN AAAA 64:ff9b::c000:221"},
		{"5.1.7: no SOA", "nosoa.example AAAA", "NOERROR\nnosoa.example. 600 IN AAAA 64:ff9b::c000:221"},
		{"5.5: DO and CD", "four.example AAAA DO CD", "NOERROR AD\n--\n" + soa},
		{"5.5: CD alone", "nosoa.example AAAA CD", "NOERROR\nnosoa.example. 600 IN AAAA 64:ff9b::c000:221"},
		{"RFC 7050", "ipv4only.arpa AAAA", "NOERROR\nipv4only.arpa. 86400 IN AAAA 64:ff9b::c000:aa\nipv4only.arpa. 86400 IN AAAA 64:ff9b::c000:ab"},
		{"another RCODE", "worse.example AAAA", "YXDOMAIN AD\nexample. 60 IN DNAME example."},
		{"5.2: another type", "text.example TXT", "NOERROR AD\ntext.example. 60 IN TXT \"x\""},
		{"5.2: A", "mapped.example A", "NOERROR AD\nmapped.example. 3600 IN A 192.0.2.33"},
		{"5.3.1: the way back", reverse33 + " PTR", "NOERROR\n" + reverse33 + ". 600 IN CNAME 33.2.0.192.in-addr.arpa.\n33.2.0.192.in-addr.arpa. 60 IN PTR four.example."},
		{"5.3.1: no name", reverse34 + " PTR", "NXDOMAIN\n" + reverse34 + ". 600 IN CNAME 34.2.0.192.in-addr.arpa.\n--\n2.0.192.in-addr.arpa. 60 IN SOA ns.example. root.example. 1 2 3 4 300"},
		{"5.3.1: a failure", reverse35 + " PTR", "35.2.0.192.in-addr.arpa PTR fails"},
		{"another prefix", "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR", "1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR fails"},
		{"a part of an address", "b.9.f.f.4.6.0.0.ip6.arpa PTR", "b.9.f.f.4.6.0.0.ip6.arpa PTR fails"},
		{"no digit", "x" + reverse33[1:] + " PTR", "x" + reverse33[1:] + " PTR fails"},
		{"labels of two", "11.22.00.00.00.cc.00.00.00.00.00.00.00.00.00.00.00.00.00.b9.ff.46.ip6.arpa PTR", "11.22.00.00.00.cc.00.00.00.00.00.00.00.00.00.00.00.00.00.b9.ff.46.ip6.arpa PTR fails"},
		{"another type there", reverse33 + " TXT", reverse33 + " TXT fails"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := New(wellKnown, &world{answers: answers, bogus: "bogus.example AAAA"})
			a, err := l.Resolve(context.Background(), question(tt.in))
			if got := told(t, a, err); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestResolve_asksOnlyWhatItMust(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"there is an address", "both.example AAAA", "both.example AAAA"},
		{"there is none", "four.example AAAA", "four.example AAAA, four.example A"},
		{"no such name", "none.example AAAA", "none.example AAAA"},
		{"bogus", "bogus.example AAAA", "bogus.example AAAA"},
		{"A", "four.example A", "four.example A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{answers: answers, bogus: "bogus.example AAAA"}
			_, _ = New(wellKnown, w).Resolve(context.Background(), question(tt.in))
			if got := strings.Join(w.asked, ", "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestResolve_extendedErrorsAreThoseOfA(t *testing.T) {
	a, err := New(wellKnown, &world{answers: answers}).Resolve(context.Background(), question("four.example AAAA"))
	if err != nil || len(a.EDE) != 1 {
		t.Errorf("got %v, %v, want one extended error", a.EDE, err)
	}
}

// TestEmbed_RFC6052Section24 has the RFC's own table.
func TestEmbed_RFC6052Section24(t *testing.T) {
	v4 := netip.MustParseAddr("192.0.2.33")
	for _, tt := range []struct{ prefix, want string }{
		{"2001:db8::/32", "2001:db8:c000:221::"},
		{"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
		{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
		{"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
		{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
		{"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"},
		{"64:ff9b::/96", "64:ff9b::192.0.2.33"},
	} {
		t.Run(tt.prefix, func(t *testing.T) {
			prefix := netip.MustParsePrefix(tt.prefix)
			if err := Check(prefix); err != nil {
				t.Errorf("got %v, want no error", err)
			}
			got := Embed(prefix, v4)
			if got != netip.MustParseAddr(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if back, ok := Embedded(prefix, got); !ok || back != v4 {
				t.Errorf("got %v, %v back, want %v", back, ok, v4)
			}
		})
	}
	if _, ok := Embedded(netip.Prefix{}, v4); ok {
		t.Error("the zero prefix: got an address, want none")
	}
	if _, ok := Embedded(wellKnown, v4); ok {
		t.Error("an IPv4 address: got one in it, want none")
	}
}

func TestCheck_refusesWhatNoNAT64Translates(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"192.0.2.0/24", "is no IPv6 prefix; write the one that the NAT64 translates, such as 64:ff9b::/96"},
		{"::ffff:192.0.2.0/96", "is no IPv6 prefix; write the one that the NAT64 translates, such as 64:ff9b::/96"},
		{"64:ff9b::1/96", "has bits set beyond its length; write 64:ff9b::/96"},
		{"2001:db8::/33", "has a length that no NAT64 translates; write one of 32, 40, 48, 56, 64 or 96 bits"},
		{"2001:db8::/128", "has a length that no NAT64 translates; write one of 32, 40, 48, 56, 64 or 96 bits"},
		{"2001:db8:0:0:100::/96", "has bits 64 to 71 set; choose a prefix in which they are zero"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			if err := Check(netip.MustParsePrefix(tt.in)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzReversed(f *testing.F) {
	f.Add(question("1.2.2.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa PTR").Name)
	l := New(wellKnown, &world{})
	f.Fuzz(func(t *testing.T, qname []byte) {
		if v4, ok := l.reversed(qname); ok && !v4.Is4() {
			t.Errorf("got %v, want an IPv4 address", v4)
		}
	})
}
