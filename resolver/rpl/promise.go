package rpl

import (
	"slices"

	"github.com/miekg/dns"
)

// What of an expected answer is compared with bailiff's, and what is not:
//
//   - RCODE, opcode, the header's flags, the question and the answer section are
//     compared as they are.
//   - Of the authority section, the SOA of a negative answer and the NSEC and
//     NSEC3 records with their RRSIGs. bailiff sends no NS records there: nobody
//     who asks a resolver follows them (other servers call that minimal
//     responses). Suites that let a server send them expect them.
//   - The additional section is not: bailiff sends none but the OPT. What its
//     options say is compared where an entry has ede=.
//   - Where an entry has ede=6, DNSSEC Bogus, a code that says why will do: 7 to
//     12 are cases of it (RFC 8914 section 4).
//   - The order of records is not, and TTLs with MATCH ttl only.
//
// The same goes for queries that bailiff sends: their authority sections are
// empty.

// promised picks from an authority section what bailiff promises to send. A
// positive answer comes without the SOA of its zone.
func (e *Entry) promised(section []dns.RR) []dns.RR {
	positive := slices.ContainsFunc(e.Message.Answer, func(rr dns.RR) bool {
		return len(e.Message.Question) > 0 && rr.Header().Rrtype == e.Message.Question[0].Qtype
	})
	var kept []dns.RR
	for _, rr := range section {
		switch covered(rr) {
		case dns.TypeSOA:
			if !positive {
				kept = append(kept, rr)
			}
		case dns.TypeNSEC, dns.TypeNSEC3:
			kept = append(kept, rr)
		}
	}
	return kept
}

// promisesEDE reports whether an INFO-CODE is the one expected, or a case of it.
func (e *Entry) promisesEDE(code uint16) bool {
	isCase := dns.ExtendedErrorCodeSignatureExpired <= code && code <= dns.ExtendedErrorCodeNSECMissing
	return code == e.EDE || e.EDE == dns.ExtendedErrorCodeDNSBogus && isCase
}

// covered is the type of a record, or of those it signs.
func covered(rr dns.RR) uint16 {
	if sig, ok := rr.(*dns.RRSIG); ok {
		return sig.TypeCovered
	}
	return rr.Header().Rrtype
}
