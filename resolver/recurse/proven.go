package recurse

import (
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// learnRanges keeps the proofs of a secure denial for other questions (RFC
// 8198). They last no longer than the denial.
func (j *job) learnRanges(zone string, proofs []dnssec.Set, f *fact, v *verdict) {
	if j.r.ranges == nil || v.status != secure || v.optOut || f.soa() == nil {
		return
	}
	until := f.stored.Add(min(time.Duration(f.ttl)*time.Second, v.life))
	for _, s := range proofs {
		j.r.ranges.Add(zone, s, f.authority[0], until)
	}
}

// proven is the denial that proofs already known make of a question, nil if
// they make none. The deepest zone known to be secure is asked for it.
func (j *job) proven(name string, qtype uint16) *fact {
	if j.r.ranges == nil || j.unchecked || j.depth > 0 {
		return nil
	}
	if top, _ := j.r.anchorOf(name, qtype); top == "" {
		return nil
	}
	now, at := j.r.now(), name
	if qtype == dns.TypeDS {
		at = parent(at)
	}
	for j.r.memory.trust(at, now) == nil {
		if at == "." || j.r.configured[at] != nil {
			return nil
		}
		at = parent(at)
	}
	found := j.r.ranges.Find(at, name, qtype, now, j.budget)
	if found == nil {
		return nil
	}
	life := found.Until.Sub(now)
	f := &fact{
		name: name, qtype: qtype, kind: isNoData, zone: j.r.closest(name, qtype == dns.TypeDS),
		authority: append([]dnssec.Set{found.SOA}, found.Proofs...), ttl: uint32(life / time.Second), stored: now,
	}
	if found.NXDOMAIN {
		f.kind = isNXDomain
	}
	v := &verdict{status: secure, life: life}
	if qtype == dns.TypeDS {
		j.judgeNoDS(v, dnssec.NewDenial(at, found.Proofs), name)
	}
	f.verdict.Store(v)
	return f
}
