package anchor

import (
	"crypto"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// testZone is a zone whose keys the tests hold.
const testZone = "example."

// pair is a key of the test zone.
type pair struct {
	public  *dns.DNSKEY
	private crypto.Signer
}

// newPair makes a key with these flags.
func newPair(t testing.TB, flags uint16) pair {
	t.Helper()
	public := &dns.DNSKEY{
		Hdr:   dns.RR_Header{Name: testZone, Rrtype: dns.TypeDNSKEY, Class: dns.ClassINET, Ttl: 3600},
		Flags: flags, Protocol: 3, Algorithm: dns.ECDSAP256SHA256,
	}
	private, err := public.Generate(256)
	if err != nil {
		t.Fatal(err)
	}
	return pair{public, private.(crypto.Signer)}
}

func newKSK(t testing.TB) pair { return newPair(t, dns.ZONE|dns.SEP) }

// revoked is the key with its REVOKE bit.
func (p pair) revoked() pair {
	public := *p.public
	public.Flags |= dns.REVOKE
	return pair{&public, p.private}
}

func (p pair) ds() dns.RR { return p.public.ToDS(dns.SHA256) }

// published is a DNSKEY set as the zone signs it at now, with the keys that
// sign.
func published(t testing.TB, now time.Time, keys []pair, signers ...pair) dnssec.Set {
	t.Helper()
	var set dnssec.Set
	for _, k := range keys {
		set.RRs = append(set.RRs, k.public)
	}
	for _, k := range signers {
		sig := &dns.RRSIG{
			Algorithm: k.public.Algorithm, KeyTag: k.public.KeyTag(), SignerName: testZone,
			Inception: uint32(now.Add(-2 * day).Unix()), Expiration: uint32(now.Add(20 * day).Unix()),
		}
		if err := sig.Sign(k.private, set.RRs); err != nil {
			t.Fatal(err)
		}
		set.Sigs = append(set.Sigs, sig)
	}
	return set
}

// states are the keys of a zone by tag.
func states(z *zone) map[uint16]State {
	found := map[uint16]State{}
	for _, k := range z.keys {
		found[k.record.KeyTag()] = k.state
	}
	return found
}

// want compares the states of keys with those expected.
func want(t *testing.T, z *zone, when string, expected map[uint16]State) {
	t.Helper()
	if got := states(z); fmt.Sprint(got) != fmt.Sprint(expected) {
		t.Errorf("%s: got %v, want %v", when, got, expected)
	}
}

// newZone is the test zone with its anchors.
func newZone(anchors ...dns.RR) *zone { return &zone{name: testZone, configured: anchors} }

// TestState_after holds the state table of RFC 5011 section 4.2, row by row.
func TestState_after(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   State
		seen bool
		age  time.Duration
		want State
	}{
		{"AddPend, KeyRem", AddPend, false, holdDown, Start},
		{"AddPend, KeyPres before AddTime", AddPend, true, holdDown - time.Second, AddPend},
		{"AddPend, AddTime", AddPend, true, holdDown, Valid},
		{"Valid, KeyPres", Valid, true, 0, Valid},
		{"Valid, KeyRem", Valid, false, 0, Missing},
		{"Missing, KeyPres", Missing, true, 0, Valid},
		{"Missing, KeyRem", Missing, false, 10 * 365 * day, Missing},
		{"Revoked before RemTime", Revoked, true, holdDown - time.Second, Revoked},
		{"Revoked, RemTime", Revoked, false, holdDown, Removed},
		{"Removed, KeyPres", Removed, true, holdDown, Removed},
		{"Removed, KeyRem", Removed, false, holdDown, Removed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.after(tt.seen, tt.age); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLearn_aNewKeyIsTrustedAfterThirtyDays(t *testing.T) {
	old, fresh := newKSK(t), newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	both := []pair{old, fresh}
	for _, tt := range []struct {
		after time.Duration
		want  State
	}{{0, AddPend}, {29 * day, AddPend}, {30 * day, Valid}} {
		at := now.Add(tt.after)
		if _, err := z.learn(published(t, at, both, old), at); err != nil {
			t.Fatal(err)
		}
		want(t, z, tt.after.String(), map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): tt.want})
	}
	// From now on the new key alone will do.
	at := now.Add(31 * day)
	if _, err := z.learn(published(t, at, both, fresh), at); err != nil {
		t.Errorf("signed by the new key: got %v, want no error", err)
	}
}

func TestLearn_aNewKeyThatWentAwayWaitsAnew(t *testing.T) {
	old, fresh := newKSK(t), newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	for _, tt := range []struct {
		after time.Duration
		keys  []pair
		want  map[uint16]State
	}{
		{0, []pair{old, fresh}, map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): AddPend}},
		{20 * day, []pair{old}, map[uint16]State{old.public.KeyTag(): Valid}},
		{21 * day, []pair{old, fresh}, map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): AddPend}},
		{31 * day, []pair{old, fresh}, map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): AddPend}},
		{51 * day, []pair{old, fresh}, map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): Valid}},
	} {
		at := now.Add(tt.after)
		if _, err := z.learn(published(t, at, tt.keys, old), at); err != nil {
			t.Fatal(err)
		}
		want(t, z, tt.after.String(), tt.want)
	}
}

// TestLearn_onlyTrustAnchorsVouch has sets that must change nothing.
func TestLearn_onlyTrustAnchorsVouch(t *testing.T) {
	old, pending, attacker, zsk := newKSK(t), newKSK(t), newKSK(t), newPair(t, dns.ZONE)
	now := time.Now().Round(0)
	later := now.Add(40 * day)
	forged := published(t, later, []pair{old, attacker}, old)
	forged.RRs[1] = newKSK(t).public
	for _, tt := range []struct {
		name string
		in   dnssec.Set
	}{
		{"unsigned", published(t, later, []pair{old, attacker})},
		{"signed by the new key itself", published(t, later, []pair{old, attacker}, attacker)},
		{"signed by a key that waits", published(t, later, []pair{old, pending, attacker}, pending)},
		{"signed by a zone-signing key", published(t, later, []pair{old, zsk, attacker}, zsk)},
		{"changed after signing", forged},
		{"without the anchor", published(t, later, []pair{attacker}, attacker)},
		{"signatures expired", published(t, now.Add(-25*day), []pair{old, attacker}, old)},
		{"empty", dnssec.Set{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := newZone(old.ds())
			if _, err := z.learn(published(t, now, []pair{old, pending, zsk}, old), now); err != nil {
				t.Fatal(err)
			}
			changed, err := z.learn(tt.in, later)
			if err == nil || len(changed) > 0 {
				t.Errorf("got changes %v, error %v, want none, one", changed, err)
			}
			want(t, z, "after it", map[uint16]State{old.public.KeyTag(): Valid, pending.public.KeyTag(): AddPend})
		})
	}
}

func TestLearn_aKeyThatIsNotForSecureEntryIsPassedOver(t *testing.T) {
	old, zsk := newKSK(t), newPair(t, dns.ZONE)
	z, now := newZone(old.ds()), time.Now().Round(0)
	if _, err := z.learn(published(t, now, []pair{old, zsk}, old), now); err != nil {
		t.Fatal(err)
	}
	want(t, z, "with a ZSK", map[uint16]State{old.public.KeyTag(): Valid})
}

func TestLearn_aConfiguredKeyIsTrustedAtOnce(t *testing.T) {
	first, second, zsk := newKSK(t), newKSK(t), newPair(t, dns.ZONE)
	z, now := newZone(first.public, second.ds(), zsk.public), time.Now().Round(0)
	if _, err := z.learn(published(t, now, []pair{first, second, zsk}, second), now); err != nil {
		t.Fatal(err)
	}
	want(t, z, "first look", map[uint16]State{first.public.KeyTag(): Valid, second.public.KeyTag(): Valid, zsk.public.KeyTag(): Valid})
	if got := len(z.anchors()); got != 3 {
		t.Errorf("got %d anchors, want the 3 configured", got)
	}
}

func TestLearn_aMissingKeyStaysTrusted(t *testing.T) {
	old, other := newKSK(t), newKSK(t)
	z, now := newZone(old.ds(), other.ds()), time.Now().Round(0)
	tags := func(s State) map[uint16]State {
		return map[uint16]State{old.public.KeyTag(): s, other.public.KeyTag(): Valid}
	}
	for _, tt := range []struct {
		name string
		keys []pair
		sign pair
		want map[uint16]State
	}{
		{"both", []pair{old, other}, other, tags(Valid)},
		{"one is missing", []pair{other}, other, tags(Missing)},
		{"it returns and signs", []pair{old, other}, old, tags(Valid)},
	} {
		if _, err := z.learn(published(t, now, tt.keys, tt.sign), now); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		want(t, z, tt.name, tt.want)
	}
}

func TestLearn_aRevokedKeyIsNeverTrustedAgain(t *testing.T) {
	old, other := newKSK(t), newKSK(t)
	z, now := newZone(old.ds(), other.ds()), time.Now().Round(0)
	tags := func(s State) map[uint16]State {
		return map[uint16]State{old.public.KeyTag(): s, other.public.KeyTag(): Valid}
	}
	for _, tt := range []struct {
		name  string
		after time.Duration
		keys  []pair
		want  map[uint16]State
	}{
		{"revoked", 0, []pair{old.revoked(), other}, tags(Revoked)},
		{"comes back without the bit", day, []pair{old, other}, tags(Revoked)},
		{"after the hold-down time", 30 * day, []pair{other}, tags(Removed)},
		{"comes back again", 31 * day, []pair{old, other}, tags(Removed)},
		{"and stays", 70 * day, []pair{old, other}, tags(Removed)},
	} {
		at := now.Add(tt.after)
		if _, err := z.learn(published(t, at, tt.keys, tt.keys...), at); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		want(t, z, tt.name, tt.want)
		if got := z.anchors(); len(got) != 1 || !stands(got[0], other.public) {
			t.Errorf("%s: got anchors %v, want the other key", tt.name, got)
		}
		if _, err := z.learn(published(t, at, []pair{old, other}, old), at); err == nil {
			t.Errorf("%s: a set that only the revoked key signed was believed", tt.name)
		}
	}
}

// TestLearn_aRevocationNeedsTheKeyAlone holds RFC 5011 section 2.1: its own
// signature, and nobody else's.
func TestLearn_aRevocationNeedsTheKeyAlone(t *testing.T) {
	old, other, stranger := newKSK(t), newKSK(t), newKSK(t)
	now := time.Now().Round(0)
	for _, tt := range []struct {
		name string
		in   dnssec.Set
		want State
	}{
		{"signed by itself only", published(t, now, []pair{old.revoked(), other, stranger}, old.revoked()), Revoked},
		{"signed by the other only", published(t, now, []pair{old.revoked(), other}, other), Missing},
		{"signed by a stranger only", published(t, now, []pair{old.revoked(), other, stranger}, stranger), Valid},
		{"its signature is of another set", dnssec.Set{
			RRs:  published(t, now, []pair{old.revoked(), other}).RRs,
			Sigs: published(t, now, []pair{old.revoked()}, old.revoked()).Sigs,
		}, Valid},
		{"its signature has expired", published(t, now.Add(-30*day), []pair{old.revoked()}, old.revoked()), Valid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := newZone(old.ds(), other.ds())
			if _, err := z.learn(published(t, now, []pair{old, other}, old), now); err != nil {
				t.Fatal(err)
			}
			_, _ = z.learn(tt.in, now)
			want(t, z, "after it", map[uint16]State{old.public.KeyTag(): tt.want, other.public.KeyTag(): Valid})
		})
	}
}

func TestLearn_aKeyNeverSeenCanRevokeItself(t *testing.T) {
	old := newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	changed, err := z.learn(published(t, now, []pair{old.revoked()}, old.revoked()), now)
	if len(changed) != 1 || !errors.Is(err, errNoAnchor) || len(z.anchors()) != 0 {
		t.Errorf("got changes %v, error %v, anchors %v, want the revocation, errNoAnchor, none", changed, err, z.anchors())
	}
}

func TestLearn_aKeyThatWaitsCanOnlyGoAway(t *testing.T) {
	old, fresh := newKSK(t), newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	for _, keys := range [][]pair{{old, fresh}, {old, fresh.revoked()}} {
		if _, err := z.learn(published(t, now, keys, keys...), now); err != nil {
			t.Fatal(err)
		}
	}
	want(t, z, "revoked while it waited", map[uint16]State{old.public.KeyTag(): Valid})
}

func TestLearn_aClockPutBackBeginsTheWaitAnew(t *testing.T) {
	old, fresh := newKSK(t), newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	for _, after := range []time.Duration{0, -365 * day, -365*day + 29*day} {
		at := now.Add(after)
		if _, err := z.learn(published(t, at, []pair{old, fresh}, old), at); err != nil {
			t.Fatal(err)
		}
		want(t, z, after.String(), map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): AddPend})
	}
	at := now.Add(-365*day + 30*day)
	if _, err := z.learn(published(t, at, []pair{old, fresh}, old), at); err != nil {
		t.Fatal(err)
	}
	want(t, z, "after thirty days", map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): Valid})
}

func TestLearn_aClockThatRunsAheadTrustsNothingSooner(t *testing.T) {
	old, fresh := newKSK(t), newKSK(t)
	z, now := newZone(old.ds()), time.Now().Round(0)
	set := published(t, now, []pair{old, fresh}, old)
	if _, err := z.learn(set, now); err != nil {
		t.Fatal(err)
	}
	if _, err := z.learn(set, now.Add(10*365*day)); err == nil {
		t.Error("got no error ten years ahead, want one")
	}
	want(t, z, "ten years ahead", map[uint16]State{old.public.KeyTag(): Valid, fresh.public.KeyTag(): AddPend})
}

func TestLearn_newKeysAreBounded(t *testing.T) {
	old := newKSK(t)
	keys := []pair{old}
	for range 2 * maxKeys {
		fresh := newKSK(t)
		keys = append(keys, fresh)
	}
	z, now := newZone(old.ds()), time.Now().Round(0)
	if _, err := z.learn(published(t, now, keys, old), now); err != nil {
		t.Fatal(err)
	}
	if len(z.keys) != maxKeys {
		t.Errorf("got %d keys, want %d", len(z.keys), maxKeys)
	}
}

// TestPauses_areThoseOfSection23 holds RFC 5011 section 2.3.
func TestPauses_areThoseOfSection23(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		name           string
		ttl, expires   time.Duration
		refresh, retry time.Duration
	}{
		{"half and a tenth of the TTL", 2 * day, 20 * day, day, 2 * day / 10},
		{"half and a tenth of the signature's time", 20 * day, 4 * day, 2 * day, 4 * day / 10},
		{"at least an hour", time.Minute, 20 * day, time.Hour, time.Hour},
		{"at most 15 days and one", 60 * day, 90 * day, 15 * day, day},
		{"no TTL", 0, 20 * day, time.Hour, time.Hour},
		{"about to expire", 20 * day, -day, time.Hour, time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sig := &dns.RRSIG{OrigTtl: uint32(tt.ttl / time.Second), Expiration: uint32(now.Add(tt.expires).Unix())}
			refresh, retry := pauses(dnssec.Set{Sigs: []*dns.RRSIG{sig}}, now)
			if (refresh-tt.refresh).Abs() > time.Second || (retry-tt.retry).Abs() > time.Second {
				t.Errorf("got %v, %v, want %v, %v", refresh, retry, tt.refresh, tt.retry)
			}
		})
	}
}
