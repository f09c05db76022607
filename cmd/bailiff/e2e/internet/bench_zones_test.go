package internet

import (
	"crypto"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Shape of the set that is resolved with a cold cache.
const (
	benchZones  = 2000
	signedOf10  = 4  // zones of ten that are signed, half of them with RSA
	hostedOf10  = 5  // zones of ten whose name servers have names in a hoster's zone
	hosters     = 20 // of whom one in two is signed
	floodedZone = "flooded.test."
)

// benchSet are the zones of the benchmark and a question for each of many.
func benchSet(t testing.TB) (all []*zone, questions []question) {
	t.Helper()
	all = []*zone{
		{name: ".", servers: "root", sign: withKnot("RSASHA256"), delegation: top[0].delegation},
		{name: "test.", servers: "bind", sign: withBIND("ECDSAP256SHA256"), text: top[1].text},
		{name: "example.", servers: "nsd", sign: withBIND("ECDSAP256SHA256", "-3", "-", "-A")},
		{name: floodedZone, servers: "knot", text: usual},
	}
	keys := []signer{
		withKey(newSharedKey(t, dns.ECDSAP256SHA256, 256)),
		withKey(newSharedKey(t, dns.RSASHA256, 2048)),
	}
	for i := range hosters {
		z := &zone{name: fmt.Sprintf("hoster%d.%s", i, tld(i)), servers: "knot", text: "ns A 198.51.100.4\ncdn A 192.0.2.9\n"}
		if i/2%2 == 0 {
			z.sign = keys[i%2]
		}
		all = append(all, z)
	}
	for i := range benchZones {
		z, q := benchZone(i)
		if i/10%10 < signedOf10 {
			z.sign = keys[i/100%2]
		}
		all, questions = append(all, z), append(questions, q)
	}
	return all, questions
}

func tld(i int) string { return [...]string{"test.", "example."}[i%2] }

// benchZone is one zone, and what is asked about it: the address of www, which
// may be an alias, that of the apex, or where mail goes.
func benchZone(i int) (*zone, question) {
	hoster := fmt.Sprintf("hoster%d.%s", i%hosters, tld(i%hosters))
	z := &zone{name: fmt.Sprintf("z%d.%s", i, tld(i/2)), servers: "knot", text: "@ A 192.0.2.1\n@ MX 10 mail\nmail A 192.0.2.2\n"}
	if i%10 < hostedOf10 {
		z.delegation = "@ NS ns." + hoster + "\n"
	}
	z.text += [...]string{"www A 192.0.2.1\n", "www CNAME @\n", "www CNAME cdn." + hoster + "\n"}[i%3]
	q := [...]question{{name: "www." + z.name, qtype: dns.TypeA}, {name: "www." + z.name, qtype: dns.TypeAAAA}, {name: z.name, qtype: dns.TypeMX}}[i/3%3]
	q.rcode = "NOERROR"
	return z, q
}

// sharedKey signs many zones: making one for each would take longer than all
// the rest.
type sharedKey struct {
	public  dns.DNSKEY
	private crypto.Signer
}

func newSharedKey(t testing.TB, algorithm uint8, bits int) sharedKey {
	t.Helper()
	key := sharedKey{public: dns.DNSKEY{
		Hdr:   dns.RR_Header{Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: dns.ZONE | dns.SEP, Protocol: 3, Algorithm: algorithm,
	}}
	private, err := key.public.Generate(bits)
	if err != nil {
		t.Fatal(err)
	}
	key.private = private.(crypto.Signer)
	return key
}

// withKey signs a zone without delegations, with NSEC.
func withKey(key sharedKey) signer {
	return func(w *workshop, z *zone) []string {
		public := key.public
		public.Hdr.Name = z.name
		sets := map[string]map[uint16][]dns.RR{} // by owner name and type
		for _, rr := range append(w.read(z.name), &public) {
			owner := rr.Header().Name
			if sets[owner] == nil {
				sets[owner] = map[uint16][]dns.RR{}
			}
			sets[owner][rr.Header().Rrtype] = append(sets[owner][rr.Header().Rrtype], rr)
		}
		var text strings.Builder
		for _, rr := range key.signed(w.t, z.name, sets) {
			text.WriteString(rr.String() + "\n")
		}
		overwrite(w.t, w.files[z.name], text.String())
		return w.digests(z)
	}
}

// signed returns all records of a zone: those in sets, NSEC and RRSIG.
func (key sharedKey) signed(t testing.TB, zone string, sets map[string]map[uint16][]dns.RR) (all []dns.RR) {
	t.Helper()
	owners := slices.SortedFunc(maps.Keys(sets), canonically)
	for i, owner := range owners {
		types := append(slices.Collect(maps.Keys(sets[owner])), dns.TypeNSEC, dns.TypeRRSIG)
		slices.Sort(types)
		sets[owner][dns.TypeNSEC] = []dns.RR{&dns.NSEC{
			Hdr:        dns.RR_Header{Name: owner, Rrtype: dns.TypeNSEC, Class: dns.ClassINET, Ttl: 300},
			NextDomain: owners[(i+1)%len(owners)], TypeBitMap: types,
		}}
		for _, set := range sets[owner] {
			sig := &dns.RRSIG{
				Hdr:       dns.RR_Header{Ttl: set[0].Header().Ttl},
				Algorithm: key.public.Algorithm, KeyTag: key.public.KeyTag(), SignerName: zone,
				Inception: uint32(time.Now().Add(-time.Hour).Unix()), Expiration: uint32(time.Now().Add(24 * time.Hour).Unix()),
			}
			if err := sig.Sign(key.private, set); err != nil {
				t.Fatal(err)
			}
			all = append(append(all, set...), sig)
		}
	}
	return all
}

// canonically orders names as RFC 4034 section 6.1 does.
func canonically(a, b string) int {
	return slices.Compare(reversed(a), reversed(b))
}

func reversed(name string) []string {
	labels := dns.SplitDomainName(name)
	slices.Reverse(labels)
	return labels
}
