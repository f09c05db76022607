package recurse

import (
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// trust is what is known of a zone's keys. Immutable.
type trust struct {
	zone    string
	status  status
	keys    *dnssec.Keys  // of a secure zone
	fault   *dnssec.Fault // of a bogus zone; of an insecure one why, or nil
	expires time.Time
	octets  int // of the keys in memory, about
}

func (t *trust) fresh(now time.Time) bool { return now.Before(t.expires) }

func (t *trust) size() int { return 512 + t.octets }

const (
	maxTrust   = time.Hour       // how long a zone's keys are believed, whatever their TTL
	bogusTrust = 5 * time.Second // the same of what makes a zone bogus (RFC 9520 section 3.2)
)

// anchor is the deepest zone at or above name that has a trust anchor, "" if
// there is none, or if a negative trust anchor is as deep (RFC 7646 section 2).
func (r *Recursor) anchor(name string) (zone string, records []dns.RR) {
	for _, rr := range r.cfg.Anchors() {
		at := canonical(rr.Header().Name)
		switch {
		case !within(name, at) || zone != "" && below(zone, at):
		case at == zone:
			records = append(records, rr)
		default:
			zone, records = at, []dns.RR{rr}
		}
	}
	for _, n := range r.insecure {
		if within(name, n) && (zone == "" || within(n, zone)) {
			return "", nil
		}
	}
	return zone, records
}

// isUnsigned reports whether a zone is known to need no signatures: only there
// may a server be asked without EDNS because it refused that before, be that
// forged or not.
func (r *Recursor) isUnsigned(zone string) bool {
	if r.cfg.Anchors == nil {
		return true
	}
	if top, _ := r.anchor(zone); top == "" {
		return true
	}
	t := r.memory.trust(zone, r.now())
	return t != nil && t.status == insecure
}

// anchorOf is anchor for a question: records of type DS are the parent's.
func (r *Recursor) anchorOf(name string, qtype uint16) (zone string, records []dns.RR) {
	if qtype == dns.TypeDS && name != "." {
		name = parent(name)
	}
	return r.anchor(name)
}

// trust is what is known of a zone's keys; the chain from the anchor down to it
// is followed where need be (RFC 4035 section 5). The error is that something
// could not be asked for.
func (j *job) trust(zone string) (*trust, error) {
	if t := j.trusts[zone]; t != nil {
		return t, nil
	}
	now := j.r.now()
	if t := j.r.memory.trust(zone, now); t != nil {
		return t, nil
	}
	t, err := j.establish(zone)
	if err != nil {
		return nil, err
	}
	t.zone = zone
	j.trusts[zone] = t
	limit := maxTrust
	if t.status == bogus {
		limit = bogusTrust
	}
	if last := now.Add(limit); t.expires.IsZero() || t.expires.After(last) {
		t.expires = last
	}
	if t.fresh(now) && !j.budget.Exceeded() { // another question may have more left
		j.r.memory.put(key{name: zone, of: ofTrust}, t)
	}
	return t, nil
}

// establish follows the chain for one zone.
func (j *job) establish(zone string) (*trust, error) {
	top, anchors := j.r.anchor(zone)
	if top == "" {
		return &trust{status: insecure}, nil
	}
	var expires time.Time
	if top != zone {
		above, err := j.trustAbove(zone, top)
		if err != nil || above.status != secure {
			return above, err
		}
		ds, err := j.find(zone, dns.TypeDS)
		if err != nil {
			if t := bogusTrustOf(err); t != nil {
				return t, nil
			}
			return nil, err
		}
		expires = ds.stored.Add(ds.life())
		if t := ds.trust(expires); t != nil {
			return t, nil
		}
		anchors = ds.sets[0].RRs
	}
	if j.r.cfg.NoSHA1 {
		anchors = dnssec.WithoutSHA1(anchors)
	}
	if ok, ede := dnssec.Supported(anchors); !ok {
		return &trust{status: insecure, fault: &dnssec.Fault{EDE: ede, Text: "no supported algorithm in the DS records of " + zone}, expires: expires}, nil
	}
	return j.keys(zone, anchors, expires)
}

// trustAbove is the trust in the closest zone known above: below an insecure
// one nothing needs to be asked.
func (j *job) trustAbove(zone, top string) (*trust, error) {
	above := j.r.closest(zone, true).zone
	if !within(above, top) {
		above = top
	}
	t, err := j.trust(above)
	if err != nil || t.status == secure {
		return t, err
	}
	inherited := *t
	return &inherited, nil
}

// bogusTrustOf makes a bogus zone of the failure to find its DS records, nil if
// that is not the kind of failure.
func bogusTrustOf(err error) *trust {
	f := asFailure("", err)
	if !f.Bogus {
		return nil
	}
	return &trust{status: bogus, fault: &dnssec.Fault{EDE: f.EDE, Text: f.Text}}
}

// trust is what a validated fact about DS records says of the zone, nil if that
// is which keys it has.
func (f *fact) trust(expires time.Time) *trust {
	v := f.verdict.Load()
	switch {
	case v.status == insecure:
		return &trust{status: insecure, fault: v.fault, expires: expires}
	case f.kind == isNoData && !v.noCut:
		return &trust{status: insecure, expires: expires}
	case f.kind == isData:
		return nil
	}
	return &trust{status: bogus, fault: &dnssec.Fault{EDE: dns.ExtendedErrorCodeDNSBogus, Text: "signatures by " + f.name + ", where no zone starts"}, expires: expires}
}

// keys asks for a zone's keys, at other servers again if they are not those that
// the anchors vouch for.
func (j *job) keys(zone string, anchors []dns.RR, expires time.Time) (*trust, error) {
	unchecked := j.unchecked
	j.unchecked = true
	defer func() { j.unchecked = unchecked }()
	now := j.r.now()
	f := j.known(zone, dns.TypeDNSKEY)
	var out []*server
	var fault *dnssec.Fault
	for {
		if f == nil {
			var err error
			if f, err = j.iterate(zone, dns.TypeDNSKEY, out); err != nil && j.exhausted() {
				return nil, err
			} else if err != nil {
				if fault == nil {
					fault = &dnssec.Fault{EDE: dns.ExtendedErrorCodeDNSKEYMissing, Text: "no DNSKEY records of " + zone + ": " + asFailure(zone, err).Text}
				}
				break
			}
		}
		var keys *dnssec.Keys
		if fault = noKeys(f); fault == nil {
			keys, fault = dnssec.Trust(zone, anchors, f.sets[0], now, j.budget)
		}
		if fault == nil {
			last := f.stored.Add(min(f.life(), keys.Life))
			if expires.IsZero() || last.Before(expires) {
				expires = last
			}
			return &trust{status: secure, keys: keys, expires: expires, octets: f.size()}, nil
		}
		j.forget(f)
		if len(out) == maxRetries || f.from == nil || j.budget.Exceeded() {
			break
		}
		out, f = append(out, f.from), nil
	}
	return &trust{status: bogus, fault: fault}, nil
}

// noKeys is the fault of a fact that is not about keys at all.
func noKeys(f *fact) *dnssec.Fault {
	if f.kind == isData && f.qtype == dns.TypeDNSKEY {
		return nil
	}
	return &dnssec.Fault{EDE: dns.ExtendedErrorCodeDNSKEYMissing, Text: "no DNSKEY records at " + f.name}
}
