package recurse

import (
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"bailiff/resolver/dnssec"
)

// fact is what the servers of a zone say about one name and type, or that there
// is no such name. Immutable but for what validation finds.
type fact struct {
	name  string
	qtype uint16
	kind  kind

	sets      []dnssec.Set // the RRset; several for QTYPE ANY. An alias: one CNAME, signed or made from dname
	dname     *dnssec.Set  // the DNAME that the alias follows from; nil: it is a CNAME
	authority []dnssec.Set // the SOA of a denial first, if there is one; NSEC and NSEC3 records

	zone    *cut // whose servers said so
	from    *server
	ttl     uint32 // seconds, at stored
	stored  time.Time
	octets  int  // see size
	tail    bool // it stood behind an alias that was asked for
	verdict atomic.Pointer[verdict]
}

// kind is what a fact says.
type kind uint8

const (
	isData     kind = iota // there is such an RRset
	isAlias                // there is a CNAME
	isNoData               // there are no such records
	isNXDomain             // there is no such name
	isTooLong              // a DNAME above makes a name of it that is too long
)

// verdict is the outcome of validation.
type verdict struct {
	optOut bool // of a denial of DS records: the name may yet exist (RFC 5155 section 9.2), no AD
	status status
	fault  *dnssec.Fault // of bogus data, or why insecure data is so; may be nil
	ofZone bool          // the zone's keys are at fault, not the data
	noCut  bool          // of a denial of DS records: no zone starts at the name
	life   time.Duration // how long the signatures allow the fact to be kept, from stored
}

// status is the security status of data (RFC 4033 section 5).
type status uint8

const (
	insecure status = iota
	secure
	bogus
)

// String is the label value of the metrics.
func (s status) String() string { return [...]string{"insecure", "secure", "bogus"}[s] }

// statuses is the number of statuses.
const statuses = int(bogus) + 1

// key is where the fact is kept. That there is no such name counts for all types,
// but not where the parent says so, of whom DS records are asked.
func (f *fact) key() key {
	if f.kind == isNXDomain && f.qtype != dns.TypeDS {
		return key{name: f.name, of: ofName}
	}
	return key{name: f.name, qtype: f.qtype, of: ofSet}
}

// target is where an alias leads.
func (f *fact) target() string {
	return canonical(f.sets[0].RRs[0].(*dns.CNAME).Target)
}

// soa is the SOA record of a denial, nil without one.
func (f *fact) soa() *dns.SOA {
	if len(f.authority) == 0 {
		return nil
	}
	soa, _ := f.authority[0].RRs[0].(*dns.SOA)
	return soa
}

// life is how long the fact may be kept, from stored.
func (f *fact) life() time.Duration {
	life := time.Duration(f.ttl) * time.Second
	if v := f.verdict.Load(); v != nil && v.status == secure {
		life = min(life, v.life)
	}
	return life
}

// remaining is what is left of the fact's life, in seconds; less than one for
// a fact that is too old.
func (f *fact) remaining(now time.Time) uint32 {
	left := f.life() - now.Sub(f.stored)
	if left <= 0 {
		return 0
	}
	return uint32(min(left, f.life()) / time.Second)
}

// ageing reports the last tenth of a fact's life, in which who asks for it has
// it renewed: prefetching asks then.
func (f *fact) ageing(now time.Time) bool {
	age := now.Sub(f.stored)
	return f.life() >= minAgeing && age >= f.life()*9/10
}

// minAgeing is the life from which on a fact is renewed before its end.
const minAgeing = 10 * time.Second

// fresh reports whether the fact may still be told.
func (f *fact) fresh(now time.Time) bool { return now.Sub(f.stored) < f.life() }

// size is about how many octets the fact takes in memory.
func (f *fact) size() int { return f.octets }

// weigh says how many octets those are, once the fact is complete.
func (f *fact) weigh() int {
	size := 256 + len(f.name)
	for _, s := range f.all() {
		for _, rr := range s.RRs {
			size += 96 + 2*dns.Len(rr)
		}
		for _, sig := range s.Sigs {
			size += 160 + 2*dns.Len(sig)
		}
	}
	return size
}

// all are the fact's RRsets.
func (f *fact) all() []dnssec.Set {
	all := make([]dnssec.Set, 0, len(f.sets)+len(f.authority)+1)
	if f.dname != nil {
		all = append(all, *f.dname)
	}
	return append(append(all, f.sets...), f.authority...)
}
