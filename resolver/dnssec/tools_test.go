package dnssec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// toolZone is signed by other people's tools: names and types whose canonical form
// is not simply their wire format.
const toolZone = `example. 3600 IN SOA NS1.Example. Admin.Example. 1 2 3 4 5
example. 3600 IN NS NS1.Example.
example. 3600 IN MX 10 Mail.Example.
NS1.Example. 3600 IN A 192.0.2.1
NS1.Example. 3600 IN A 192.0.2.10
NS1.Example. 3600 IN A 192.0.2.9
mail.example. 3600 IN AAAA 2001:db8::1
*.w.example. 300 IN TXT "b" "c"
*.w.example. 300 IN TXT "a"
*.w.example. 300 IN TXT ""
srv.example. 300 IN SRV 1 2 3 Target.Test.
naptr.example. 300 IN NAPTR 100 10 "U" "E2U+sip" "!^.*$!sip:A@Example!" Repl.Test.
rp.example. 300 IN RP Admin.Test. Text.Test.
afsdb.example. 300 IN AFSDB 1 Host.Test.
https.example. 300 IN HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
caa.example. 300 IN CAA 0 issue "ca.test"
loc.example. 300 IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
ptr.example. 300 IN PTR Host.Test.
dname.example. 300 IN DNAME Other.Test.
type.example. 300 IN TYPE65280 \# 4 41424344
a\000b.c.example. 300 IN A 192.0.2.2
unsigned.example. 300 IN NS Ns.Test.
signed.example. 300 IN NS Ns.Test.
signed.example. 300 IN DS 1 13 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
`

// signers run a tool on the zone in dir/zone and return the name of its output.
var signers = []struct {
	name, program string
	run           func(t *testing.T, dir string) string
}{
	{"ldns RSASHA1 NSEC", "ldns-signzone", ldns("RSASHA1", "")},
	{"ldns RSASHA1-NSEC3-SHA1 NSEC3", "ldns-signzone", ldns("RSASHA1-NSEC3-SHA1", "-n -t 5 -s abcd")},
	{"ldns RSASHA256 NSEC3", "ldns-signzone", ldns("RSASHA256", "-n")},
	{"ldns RSASHA512 NSEC", "ldns-signzone", ldns("RSASHA512", "")},
	{"ldns ECDSAP256SHA256 NSEC3 with opt-out", "ldns-signzone", ldns("ECDSAP256SHA256", "-n -p")},
	{"ldns ECDSAP384SHA384 NSEC", "ldns-signzone", ldns("ECDSAP384SHA384", "")},
	{"ldns ED25519 NSEC", "ldns-signzone", ldns("ED25519", "")},
	{"Knot RSASHA256 NSEC", "kzonesign", knot("rsasha256", "off")},
	{"Knot ECDSAP256SHA256 NSEC3", "kzonesign", knot("ecdsap256sha256", "on")},
	{"Knot ED25519 NSEC3", "kzonesign", knot("ed25519", "on")},
}

// TestVerify_zonesSignedByOtherTools verifies every RRset of them.
func TestVerify_zonesSignedByOtherTools(t *testing.T) {
	for _, tt := range signers {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := exec.LookPath(tt.program); err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "zone"), []byte(toolZone), 0o600); err != nil {
				t.Fatal(err)
			}
			sets := signedSets(t, tt.run(t, dir))
			keys := trustApex(t, sets)
			verifyAll(t, keys, sets)
			denyAll(t, sets)
		})
	}
}

// trustApex takes the zone's first key with the SEP flag for its DS record.
func trustApex(t *testing.T, sets []Set) *Keys {
	t.Helper()
	at := slices.IndexFunc(sets, func(s Set) bool { return s.RRs[0].Header().Rrtype == dns.TypeDNSKEY })
	if at < 0 {
		t.Fatal("got no DNSKEY records")
	}
	for _, rr := range sets[at].RRs {
		if key := rr.(*dns.DNSKEY); key.Flags&dns.SEP != 0 {
			keys, f := Trust("example.", []dns.RR{key.ToDS(dns.SHA384)}, sets[at], time.Now(), NewBudget())
			if f != nil {
				t.Fatal(f)
			}
			return keys
		}
	}
	t.Fatal("got no secure entry point")
	return nil
}

func verifyAll(t *testing.T, keys *Keys, sets []Set) {
	t.Helper()
	for _, s := range sets {
		h := s.RRs[0].Header()
		delegation := h.Rrtype == dns.TypeNS && h.Name != "example."
		if _, f := keys.Verify(s, time.Now(), NewBudget()); (f == nil) == delegation {
			t.Errorf("%s %s: got %v, want signed: %t", h.Name, dns.Type(h.Rrtype), f, !delegation)
		}
	}
}

// denyAll proves what is not in the zone.
func denyAll(t *testing.T, sets []Set) {
	t.Helper()
	d := NewDenial("example.", sets)
	for _, claim := range []string{
		"NXDOMAIN q.example.", "NXDOMAIN q.c.example.", "NODATA ns1.example. TXT", "NODATA c.example. A", "NODATA q.w.example. A",
		"NoCloser q.w.example. w.example.", "Delegation unsigned.example.", "Delegation mail.example.",
	} {
		if got, f := prove(d, claim, NewBudget()); got.String() == "bogus" {
			t.Errorf("%s: got %v (%v), want a proof", claim, got, f)
		}
	}
	for _, claim := range []string{
		"NXDOMAIN ns1.example.", "NXDOMAIN c.example.", "NXDOMAIN q.w.example.", "NODATA ns1.example. A", "NODATA q.w.example. TXT",
		"NoCloser q.w.example. example.", "Delegation signed.example.", "NXDOMAIN q.dname.example.",
	} {
		if got, _ := prove(d, claim, NewBudget()); got.String() == "secure" || got.String() == "none" {
			t.Errorf("%s: got %v, want no proof", claim, got)
		}
	}
}

// signedSets reads a signed zone.
func signedSets(t *testing.T, file string) (sets []Set) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	place := map[string]int{}
	z := dns.NewZoneParser(f, "example.", file)
	for rr, ok := z.Next(); ok; rr, ok = z.Next() {
		h, sig := rr.Header(), (*dns.RRSIG)(nil)
		rrtype := h.Rrtype
		if rrtype == dns.TypeRRSIG {
			sig = rr.(*dns.RRSIG)
			rrtype = sig.TypeCovered
		}
		h.Name = dns.CanonicalName(h.Name)
		key := fmt.Sprint(h.Name, rrtype)
		if _, ok := place[key]; !ok {
			place[key] = len(sets)
			sets = append(sets, Set{})
		}
		s := &sets[place[key]]
		if sig != nil {
			s.Sigs = append(s.Sigs, sig)
		} else {
			s.RRs = append(s.RRs, rr)
		}
	}
	if err := z.Err(); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(sets, func(s Set) bool { return s.RRs == nil })
}

// ldns signs with ldns-signzone.
func ldns(algorithm, options string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		key := runTool(t, dir, "ldns-keygen", "-k", "-a", algorithm, "example.")
		args := slices.Concat(strings.Fields(options), []string{"-f", "signed", "zone", key})
		runTool(t, dir, "ldns-signzone", args...)
		return filepath.Join(dir, "signed")
	}
}

// knot signs with kzonesign.
func knot(algorithm, nsec3 string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		config := fmt.Sprintf(`database:
  storage: %[1]s
policy:
  - id: test
    algorithm: %[2]s
    nsec3: %[3]s
zone:
  - domain: example
    file: %[1]s/zone
    dnssec-signing: on
    dnssec-policy: test
`, dir, algorithm, nsec3)
		if err := os.WriteFile(filepath.Join(dir, "knot.conf"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "out"), 0o700); err != nil {
			t.Fatal(err)
		}
		runTool(t, dir, "kzonesign", "-c", "knot.conf", "-o", "out", "example.")
		return filepath.Join(dir, "out", "zone")
	}
}

// runTool returns what a program prints.
func runTool(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	command := exec.Command(program, args...)
	command.Dir = dir
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, complaints.String())
	}
	return strings.TrimSpace(string(out))
}
