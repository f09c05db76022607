package dnssec

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Bounds on the keys of a zone.
const (
	maxKeys    = 64 // a busy zone has 6 in a roll-over
	maxSameTag = 4  // of one tag and algorithm, KeyTrap (PowerDNS max-dnskeys 2)
)

// Keys are the keys with which a zone signs, as vouched for by Trust. Immutable,
// safe for concurrent use.
type Keys struct {
	Zone   string
	Life   time.Duration // how long the signature lets the DNSKEY RRset be kept, see Verified
	wire   []byte
	labels int
	keys   []key
}

// key is a zone key that can be used, parsed once for all signatures.
type key struct {
	tag       uint16
	algorithm uint8
	public    publicKey
	digest    [sha256.Size]byte // of the record's RDATA
}

// Trust makes the zone's Keys of its DNSKEY RRset, if one of the anchors (DS
// records from the parent, or DS and DNSKEY records configured) stands for a key
// in it that has signed it (RFC 4035 section 5.2). Which anchor and which
// algorithm does not matter (RFC 6840 section 5.11).
func Trust(zone string, anchors []dns.RR, keys Set, now time.Time, b *Budget) (*Keys, *Fault) {
	all, ok := newKeys(zone)
	if !ok {
		return nil, fault(dns.ExtendedErrorCodeDNSBogus, "%s: no domain name", zone)
	}
	anchored := *all
	vouchers := newVouchers(all, anchors)
	why := fault(dns.ExtendedErrorCodeDNSKEYMissing, "%s: no DNSKEY record matches a DS record or trust anchor", zone)
	for _, rr := range keys.RRs {
		record, ok := rr.(*dns.DNSKEY)
		if !ok || len(all.keys) == maxKeys {
			break
		}
		rdata := keyRDATA(record)
		if rdata == nil {
			continue
		}
		known := vouchers.standFor(record, rdata)
		if known && record.Flags&dns.ZONE == 0 {
			why = fault(dns.ExtendedErrorCodeNoZoneKeyBitSet, "%s: the DNSKEY record that matches is no zone key", zone)
		}
		k, ok := newKey(record, rdata)
		if !ok {
			continue
		}
		all.add(k)
		if known {
			anchored.add(k)
		}
	}
	if len(anchored.keys) == 0 {
		return nil, why
	}
	v, f := anchored.Verify(keys, now, b)
	if f != nil {
		return nil, f
	}
	all.Life = v.Life
	return all, nil
}

// newKeys returns a zone with no keys yet; ok is false if it is no name.
func newKeys(zone string) (k *Keys, ok bool) {
	var room [maxName]byte
	wire, ok := pack(zone, room[:])
	if !ok {
		return nil, false
	}
	lowerAll(wire)
	return &Keys{Zone: zone, wire: slices.Clone(wire), labels: dns.CountLabel(zone)}, true
}

// add takes a key, unless there are enough of its kind.
func (k *Keys) add(other key) {
	same := 0
	for _, have := range k.keys {
		if have.tag == other.tag && have.algorithm == other.algorithm {
			same++
		}
	}
	if same < maxSameTag {
		k.keys = append(k.keys, other)
	}
}

// newKey makes a key of a record and its RDATA; ok is false if it must not
// validate anything: RFC 4034 section 2.1, RFC 5011 section 2.1.
func newKey(record *dns.DNSKEY, rdata []byte) (k key, ok bool) {
	const protocol = 3
	if record.Flags&(dns.ZONE|dns.REVOKE) != dns.ZONE || record.Protocol != protocol {
		return key{}, false
	}
	k = key{tagOf(rdata), record.Algorithm, parseKey(record.Algorithm, rdata[fixedKey:]), sha256.Sum256(rdata)}
	return k, k.public != nil
}

// fixedKey is the size of a DNSKEY record's RDATA before the public key.
const fixedKey = 4

// keyRDATA is the RDATA of a DNSKEY record, nil if the key is malformed.
func keyRDATA(record *dns.DNSKEY) []byte {
	rdata := make([]byte, fixedKey, fixedKey+base64.StdEncoding.DecodedLen(len(record.PublicKey)))
	binary.BigEndian.PutUint16(rdata, record.Flags)
	rdata[2], rdata[3] = record.Protocol, record.Algorithm
	rdata, err := base64.StdEncoding.AppendDecode(rdata, []byte(record.PublicKey))
	if err != nil {
		return nil
	}
	return rdata
}

// tagOf is the key tag (RFC 4034 appendix B).
func tagOf(rdata []byte) uint16 {
	sum := uint32(0)
	for i, c := range rdata {
		sum += uint32(c) << (8 * (1 - i&1))
	}
	return uint16(sum + sum>>16)
}
