package resolver

import (
	"strconv"

	"bailiff/policy/name"
)

// localTTLSeconds is the TTL of what is answered from the zones served here.
const localTTLSeconds = 10800 // RFC 6303 section 3

// localZones are the zones that no resolver asks the world about.
var localZones = makeLocalZones()

func makeLocalZones() map[name.Name]localZone {
	zones := map[name.Name]localZone{
		name.MustParse("localhost"):     zoneLoopback, // RFC 6761 section 6.3
		name.MustParse("invalid"):       zoneEmpty,    // RFC 6761 section 6.4
		name.MustParse("onion"):         zoneEmpty,    // RFC 7686 section 2
		name.MustParse("resolver.arpa"): zoneResolver, // RFC 9462 section 6.4: no encrypted transport to designate
		name.MustParse("home.arpa"):     zoneEmpty,    // RFC 8375 section 4
	}
	for _, n := range reverseZones() {
		zones[name.MustParse(n)] = zoneEmpty
	}
	return zones
}

// reverseZones are those of RFC 6303 section 4, and of the shared address
// space (RFC 7793).
func reverseZones() []string {
	zones := []string{
		"10.in-addr.arpa", "168.192.in-addr.arpa", "0.in-addr.arpa", "127.in-addr.arpa", "254.169.in-addr.arpa",
		"2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa", "255.255.255.255.in-addr.arpa",
		"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
		"d.f.ip6.arpa", "8.e.f.ip6.arpa", "9.e.f.ip6.arpa", "a.e.f.ip6.arpa", "b.e.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa",
	}
	for i := 16; i < 32; i++ {
		zones = append(zones, strconv.Itoa(i)+".172.in-addr.arpa")
	}
	for i := 64; i < 128; i++ {
		zones = append(zones, strconv.Itoa(i)+".100.in-addr.arpa")
	}
	return zones
}

// localZone is how a zone is answered.
type localZone uint8

const (
	zoneEmpty    localZone = iota + 1 // NXDOMAIN below the apex
	zoneResolver                      // every name exists; the apex has RESINFO
	zoneLoopback                      // every name has the loopback addresses
)

// Loopback addresses and the name they have, as RDATA.
var (
	loopback4    = []byte{127, 0, 0, 1}
	loopback6    = []byte{15: 1}
	loopbackName = []byte(name.MustParse("localhost"))

	// loopbackReverse are the names that exist in the reverse zones of the
	// loopback addresses; true: with a PTR record, false: only on the way to one.
	loopbackReverse = map[name.Name]bool{
		name.MustParse("0.127.in-addr.arpa"):                                                       false,
		name.MustParse("0.0.127.in-addr.arpa"):                                                     false,
		name.MustParse("1.0.0.127.in-addr.arpa"):                                                   true,
		name.MustParse("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"): true,
	}
)

// everywhere answers for one of the zones that every resolver serves, whose
// apex starts at that label. info is the RDATA of RESINFO.
func (q *Query) everywhere(apex int, zone localZone, info []byte) []byte {
	rcode := rcodeNoError
	hasPTR, exists := loopbackReverse[name.Name(q.name.Wire())]
	if zone == zoneEmpty && apex > 0 && !exists {
		rcode = rcodeNXDomain
	}
	w := q.begin(rcode)
	w.out[2] |= flagAA
	owner := pointer(headerSize)
	switch {
	case zone == zoneLoopback && q.qtype == typeA:
		w.data(owner, typeA, loopback4)
	case zone == zoneLoopback && q.qtype == typeAAAA:
		w.data(owner, typeAAAA, loopback6)
	case hasPTR && q.qtype == typePTR:
		w.data(owner, typePTR, loopbackName)
	case zone == zoneResolver && apex == 0 && q.qtype == typeRESINFO:
		w.data(owner, typeRESINFO, info)
	default:
		soaOwner := pointer(headerSize + q.name.Offset(apex))
		w.soa(soaOwner[:], 1, localTTLSeconds)
	}
	return w.finish(rcode, nil)
}

const infoURLKey = "infourl="

// MaxInfoURL is the length in octets that Config.InfoURL may have: a character
// string has at most 255 (RFC 1035 section 3.3).
const MaxInfoURL = 255 - len(infoURLKey)

// resolverInfo is the RDATA of RESINFO, character strings as in a TXT record
// (RFC 9606 section 4): the extended errors that this server gives, and the
// page about it if there is one. url has at most MaxInfoURL octets.
func resolverInfo(url string) (rdata []byte) {
	pairs := []string{"exterr=" + edeGiven}
	if url != "" {
		pairs = append(pairs, infoURLKey+url)
	}
	for _, pair := range pairs {
		rdata = append(rdata, byte(len(pair)))
		rdata = append(rdata, pair...)
	}
	return rdata
}

func (w *reply) data(owner [2]byte, rrtype uint16, rdata []byte) {
	w.record(answerCount, owner[:], rrtype, localTTLSeconds, len(rdata))
	w.out = append(w.out, rdata...)
}

// localZone returns the zone that QNAME lies in and the label at which its
// apex starts, 0 if it is none of ours. Nearly every query ends at its last
// label.
func (q *Query) localZone() (apex int, zone localZone) {
	last := q.name.Labels() - 1
	if last < 0 {
		return 0, 0
	}
	switch string(q.name.Suffix(last)) {
	case "\x04arpa\x00", "\x09localhost\x00", "\x07invalid\x00", "\x05onion\x00":
	default:
		return 0, 0
	}
	for i := last; i >= 0; i-- {
		if zone, ok := localZones[name.Name(q.name.Suffix(i))]; ok {
			return i, zone
		}
	}
	return 0, 0
}
