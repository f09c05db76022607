package anchor

import (
	"errors"
	"slices"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// Times of RFC 5011.
const (
	day = 24 * time.Hour

	holdDown   = 30 * day  // sections 2.4.1 and 2.4.2: before a key is trusted, or forgotten
	minPause   = time.Hour // section 2.3, as the others
	maxRefresh = 15 * day
	maxRetry   = day
)

// Bounds on what a zone can make us do.
const (
	maxKeys           = 32 // remembered for one zone; the root had three in seven years
	maxRevocationSigs = 8  // signatures tried for one revoked key
)

// key is what is known of one key of a zone.
type key struct {
	record *dns.DNSKEY // without the REVOKE bit
	state  State
	since  time.Time // when the state began, by the wall clock
}

// zone is a zone with trust anchors of its own. One goroutine's.
type zone struct {
	name       string // in lower case
	configured []dns.RR
	keys       []key
	due        time.Time     // when its keys are to be looked at again
	retry      time.Duration // the pause after a failure
}

// anchors are what the zone is validated with: the anchors configured, but for
// those revoked, and the keys learnt since. None are left where a zone has
// revoked them all: it counts as if it never had any (section 5).
func (z *zone) anchors() (trusted []dns.RR) {
	for _, a := range z.configured {
		if !slices.ContainsFunc(z.keys, func(k key) bool { return !k.state.Trusted() && stands(a, k.record) }) {
			trusted = append(trusted, a)
		}
	}
	for _, k := range z.keys {
		if k.state.Trusted() && !z.isConfigured(k.record) {
			trusted = append(trusted, k.record)
		}
	}
	return trusted
}

func (z *zone) isConfigured(record *dns.DNSKEY) bool {
	return slices.ContainsFunc(z.configured, func(a dns.RR) bool { return stands(a, record) })
}

// find is where in z.keys a key of the zone is, -1 if it is not known.
func (z *zone) find(record *dns.DNSKEY) int {
	return slices.IndexFunc(z.keys, func(k key) bool { return stands(k.record, record) })
}

var errNoAnchor = errors.New("every trust anchor of the zone is revoked")

// learn takes the zone's DNSKEY set as fetched, and returns the keys whose
// state it changes. Revocations count whoever else signed the set; everything
// else only if a trust anchor did. The error says that none did.
//
// Time is the wall clock's. One that runs ahead changes little: by the wrong
// time the signatures, good for three weeks in the root, are no longer valid.
func (z *zone) learn(set dnssec.Set, now time.Time) (changed []key, err error) {
	changed = z.revoke(set, now)
	anchors := z.anchors()
	if len(anchors) == 0 {
		return changed, errNoAnchor
	}
	if _, fault := dnssec.Trust(z.name, anchors, set, now, dnssec.NewBudget()); fault != nil {
		return changed, fault
	}
	refresh, retry := pauses(set, now)
	z.due, z.retry = now.Add(refresh), retry
	changed = append(changed, z.age(set, now)...)
	return append(changed, z.meet(set, now)...), nil
}

// revoke takes the trust from the anchors that revoke themselves: section 2.1.
func (z *zone) revoke(set dnssec.Set, now time.Time) (changed []key) {
	for _, record := range zoneKeys(set) {
		at := z.find(record)
		trusted := at < 0 && z.isConfigured(record) || at >= 0 && z.keys[at].state.Trusted()
		if record.Flags&dns.REVOKE == 0 || !trusted || !signsItself(record, set, now) {
			continue
		}
		k := key{unrevoked(record), Revoked, now}
		if at < 0 {
			z.keys = append(z.keys, k)
		} else {
			z.keys[at] = k
		}
		changed = append(changed, k)
	}
	return changed
}

// signsItself reports whether a key has signed the set it is in.
func signsItself(record *dns.DNSKEY, set dnssec.Set, now time.Time) bool {
	tried := 0
	for _, sig := range set.Sigs {
		if sig.TypeCovered != dns.TypeDNSKEY || sig.KeyTag != record.KeyTag() || !sig.ValidityPeriod(now) {
			continue
		}
		if tried++; tried > maxRevocationSigs {
			return false
		}
		if sig.Verify(record, set.RRs) == nil {
			return true
		}
	}
	return false
}

// age moves the keys that are known on.
func (z *zone) age(set dnssec.Set, now time.Time) (changed []key) {
	present := zoneKeys(set)
	for i := range z.keys {
		k := &z.keys[i]
		if k.since.After(now) { // the clock was put back: the time begins anew
			k.since = now
		}
		seen := slices.ContainsFunc(present, func(p *dns.DNSKEY) bool { return p.Flags&dns.REVOKE == 0 && stands(k.record, p) })
		if next := k.state.after(seen, now.Sub(k.since)); next != k.state {
			k.state, k.since = next, now
			changed = append(changed, *k)
		}
	}
	z.keys = slices.DeleteFunc(z.keys, func(k key) bool { return k.state == Start })
	return changed
}

// after is the state of a key after a set that a trust anchor signed: the table
// of section 4.2, but for its RevBit. age is how long the state has lasted. A TTL
// of more than the hold-down time, to which section 2.4.1 extends it, is kept
// nowhere here.
func (s State) after(seen bool, age time.Duration) State {
	switch {
	case s == AddPend && !seen:
		return Start
	case s == AddPend && age >= holdDown, s == Missing && seen:
		return Valid
	case s == Valid && !seen:
		return Missing
	case s == Revoked && age >= holdDown:
		return Removed
	}
	return s
}

// meet remembers the keys that are new. An anchor that is configured is
// trusted at once; another must be for secure entry (SEP) to be considered.
func (z *zone) meet(set dnssec.Set, now time.Time) (changed []key) {
	for _, record := range zoneKeys(set) {
		configured := z.isConfigured(record)
		if record.Flags&dns.REVOKE != 0 || record.Flags&dns.SEP == 0 && !configured ||
			z.find(record) >= 0 || len(z.keys) >= maxKeys && !configured {
			continue
		}
		k := key{record: dns.Copy(record).(*dns.DNSKEY), state: AddPend, since: now} // the set is the fetcher's
		if configured {
			k.state = Valid
		}
		z.keys = append(z.keys, k)
		changed = append(changed, k)
	}
	return changed
}

// zoneKeys are the keys of a set that may sign a zone (RFC 4034 section 2.1).
func zoneKeys(set dnssec.Set) (keys []*dns.DNSKEY) {
	for _, rr := range set.RRs {
		if k, ok := rr.(*dns.DNSKEY); ok && k.Flags&dns.ZONE != 0 && k.Protocol == 3 {
			keys = append(keys, k)
		}
	}
	return keys
}

// pauses are the times of section 2.3: until the next look at the keys, and
// until the one after that if it fails.
func pauses(set dnssec.Set, now time.Time) (refresh, retry time.Duration) {
	least := 2 * maxRefresh
	for _, sig := range set.Sigs {
		left := int32(sig.Expiration - uint32(now.Unix())) // RFC 4034 section 3.1.5
		least = min(least, time.Duration(sig.OrigTtl)*time.Second, time.Duration(left)*time.Second)
	}
	return max(least/2, minPause), min(max(least/10, minPause), maxRetry)
}
