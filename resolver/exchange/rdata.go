package exchange

import "github.com/miekg/dns"

// lacksRDATA reports whether a record's RDATA is missing, or ends before a name
// that belongs to it. The library unpacks such records, and what it packs of
// them is malformed.
func lacksRDATA(rr dns.RR) bool {
	if rr.Header().Rdlength == 0 {
		return !mayBeEmpty(rr)
	}
	name, has := lastName(rr)
	return has && name == "" // the root is "."
}

// mayBeEmpty reports whether RDATA of no octets is well-formed for the type.
func mayBeEmpty(rr dns.RR) bool {
	switch rr.(type) {
	case *dns.NULL, *dns.APL, *dns.RFC3597:
		return true
	}
	return false
}

// lastName is the last name in the RDATA of a type that has one behind another
// field.
func lastName(rr dns.RR) (name string, has bool) {
	switch rr := rr.(type) {
	case *dns.AFSDB:
		return rr.Hostname, true
	case *dns.HTTPS:
		return rr.Target, true
	case *dns.KX:
		return rr.Exchanger, true
	case *dns.LP:
		return rr.Fqdn, true
	case *dns.MINFO:
		return rr.Email, true
	case *dns.MX:
		return rr.Mx, true
	case *dns.NAPTR:
		return rr.Replacement, true
	case *dns.PX:
		return rr.Mapx400, true
	case *dns.RP:
		return rr.Txt, true
	case *dns.RRSIG:
		return rr.SignerName, true
	case *dns.RT:
		return rr.Host, true
	case *dns.SIG:
		return rr.SignerName, true
	case *dns.SOA:
		return rr.Mbox, true
	case *dns.SRV:
		return rr.Target, true
	case *dns.SVCB:
		return rr.Target, true
	case *dns.TALINK:
		return rr.NextName, true
	}
	return "", false
}
