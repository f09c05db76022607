package dnssec

import (
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestSeen_aGoodSignatureIsCheckedOnce(t *testing.T) {
	key := newTestKey(t, "example.com.", dns.ECDSAP256SHA256, zoneKey)
	keys, seen := trusted(t, key), NewSeen()
	for _, tt := range []struct {
		name, record string
		checks       int // of two looks at it
	}{
		{"a proof", "a.example.com. 300 IN NSEC b.example.com. A RRSIG NSEC", 1},
		{"an SOA", "example.com. 300 IN SOA ns.example.com. root.example.com. 1 2 3 4 5", 1},
		{"other data", "a.example.com. 300 IN A 192.0.2.1", 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := set(t, tt.record, key)
			b := seen.NewBudget()
			for range 2 {
				if _, f := keys.Verify(s, noon, b); f != nil {
					t.Fatal(f)
				}
			}
			if got := maxSignatureChecks - b.left[SignatureChecks]; got != tt.checks {
				t.Errorf("got %d signature checks, want %d", got, tt.checks)
			}
		})
	}
}

func TestSeen_vouchesForNothingElse(t *testing.T) {
	made, other := newTestKey(t, "example.com.", dns.ECDSAP256SHA256, zoneKey), newTestKey(t, "example.com.", dns.ECDSAP256SHA256, zoneKey)
	keys, seen := trusted(t, made), NewSeen()
	good := set(t, "a.example.com. 300 IN NSEC b.example.com. A RRSIG NSEC", made)
	if _, f := keys.Verify(good, noon, seen.NewBudget()); f != nil {
		t.Fatal(f)
	}
	forged := Set{RRs: records(t, "a.example.com. 300 IN NSEC z.example.com. A RRSIG NSEC"), Sigs: good.Sigs}
	impostor, ok := newKey(other.DNSKEY, keyRDATA(other.DNSKEY))
	if !ok {
		t.Fatal("no key")
	}
	impostor.tag = made.KeyTag()
	impostors := *keys
	impostors.keys = []key{impostor}
	for _, tt := range []struct {
		name string
		keys *Keys
		set  Set
		at   time.Time
		want int
	}{
		{"another record under the same signature", keys, forged, noon, int(dns.ExtendedErrorCodeDNSBogus)},
		{"the same a year later", keys, good, noon.AddDate(1, 0, 0), int(dns.ExtendedErrorCodeSignatureExpired)},
		{"another key with its tag", &impostors, good, noon, int(dns.ExtendedErrorCodeDNSBogus)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, f := tt.keys.Verify(tt.set, tt.at, seen.NewBudget())
			if got := edeOf(f); got != tt.want {
				t.Errorf("got EDE %d, want %d", got, tt.want)
			}
		})
	}
}
