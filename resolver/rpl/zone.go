package rpl

import (
	"strings"

	"github.com/miekg/dns"
)

// zoneTTLSeconds is the TTL of a zone's records that have none.
const zoneTTLSeconds = 300

// zone reads up to ZONE_END: addresses, settings, and records in zone-file form
// whose names are relative to the zone.
func (r *reader) zone(fields []string) {
	z := Zone{Line: r.at, Name: dns.CanonicalName(strings.Join(fields, " "))}
	if _, ok := dns.IsDomainName(z.Name); !ok || len(fields) != 1 {
		r.refuse(z.Name, "not the name of a zone", "write ZONE_BEGIN and one name")
	}
	for {
		fields, ok := r.next()
		switch {
		case !ok:
			r.refuse("", "the file ends within a zone", "end it with ZONE_END")
			return
		case fields[0] == "ZONE_END":
			r.scenario.Zones = append(r.scenario.Zones, z)
			return
		case fields[0] == "ADDRESS":
			z.Addresses = append(z.Addresses, r.address(fields[1:]))
		case strings.HasSuffix(fields[0], ":"):
			z.Settings = append(z.Settings, Setting{
				Key: strings.TrimSuffix(fields[0], ":"), Value: strings.Join(fields[1:], " "), Line: r.at,
			})
		default:
			r.zoneRecord(&z)
		}
	}
}

// zoneRecord reads a record, in the zone or refused.
func (r *reader) zoneRecord(z *Zone) {
	rr, err := parseRecord(r.line(), z.Name, zoneTTLSeconds)
	if err != nil {
		r.refuseRecord(err)
		return
	}
	rr.Header().Name = dns.CanonicalName(rr.Header().Name)
	if !dns.IsSubDomain(z.Name, rr.Header().Name) {
		r.refuse(rr.Header().Name, "outside of the zone", "add it to the zone it is in")
		return
	}
	z.Records = append(z.Records, rr)
}
