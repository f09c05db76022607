package internet

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// What most zones hold.
const usual = `
www A 192.0.2.1
www TXT "of www"
mail MX 10 www
alias CNAME www
a.b.ent A 192.0.2.2
*.wild A 192.0.2.3
real.wild A 192.0.2.4
*.cwild CNAME www
`

// What is asked about usual. Each line is a name (@: the apex), a type, and
// what is to come of it unless that is NOERROR and the zone's status.
const aboutUsual = `
@ SOA
@ NS
@ DNSKEY
www A
www AAAA
www DS
WwW TXT
mail MX
alias A
alias CNAME
nope A NXDOMAIN
b.nope AAAA NXDOMAIN
b.ent A
ent TXT
c.b.ent A NXDOMAIN
x.wild A
x.y.wild A
x.wild AAAA
real.wild A
x.real.wild A NXDOMAIN
x.cwild A
x.cwild MX
`

const aboutFew = `
www A
www AAAA
nope A NXDOMAIN
x.wild A
`

const aboutBogus = `
@ SOA
www A
nope A NXDOMAIN
`

// everyZone is the whole Internet.
func everyZone() []*zone {
	return slices.Concat(top, signed, unsigned, broken, redirecting, delegated, misserved)
}

var top = []*zone{
	{
		name: ".", servers: "root", sign: withKnot("RSASHA256"),
		delegation: "@ NS a.root.test.\n$ORIGIN root.test.\na A 198.51.100.1\na AAAA 2001:db8:53::1\n$ORIGIN .\n",
		ask:        "@ SOA\n@ NS\n@ DNSKEY\nnope A NXDOMAIN\nexample DS\nexample TXT\n",
	},
	{
		name: "test.", servers: "bind", sign: withBIND("ECDSAP256SHA256"),
		text: "a.root A 198.51.100.1\na.root AAAA 2001:db8:53::1\n",
		ask:  "@ SOA\n@ DS\n@ NS\nnope A NXDOMAIN\nx.nope MX NXDOMAIN\na.root A\nroot A\n",
	},
	{
		name: "example.", servers: "nsd", sign: withBIND("ECDSAP256SHA256", "-3", "abcd", "-A"),
		ask: "@ SOA\n@ DS\n@ NS\nnope A NXDOMAIN insecure\nx.nope MX NXDOMAIN insecure\n",
	},
	{
		name: "arpa.", servers: "root", sign: withBIND("ECDSAP256SHA256"),
		delegation: "@ NS a.root.test.\n", ask: "@ SOA\nnope A NXDOMAIN\n",
	},
	{
		name: "in-addr.arpa.", servers: "nsd", sign: withBIND("ECDSAP256SHA256"),
		delegation: "@ NS ns1.example.\n", ask: "@ SOA\n1.2.3.4 PTR NXDOMAIN\n",
	},
	{
		name: "18.198.in-addr.arpa.", servers: "knot", sign: withBIND("ECDSAP256SHA256"),
		delegation: "@ NS ns1.rsa256.test.\n",
		text:       "1.0 PTR www.rsa256.test.\n2.0 CNAME 2.rev.plain.test.\n",
		ask:        "@ SOA\n1.0 PTR\n2.0 PTR insecure\n3.0 PTR NXDOMAIN\n0 PTR\n198.in-addr.arpa. PTR\n",
	},
}

// algorithms and denials, all signed well.
var signed = []*zone{
	{name: "rsa256.test.", servers: "knot", sign: withBIND("RSASHA256"), text: usual, ask: aboutUsual + "@ DS\n"},
	{name: "rsa512.example.", servers: "bind", sign: withLDNS("RSASHA512", "-n", "-s", "abcd"), text: usual, ask: aboutUsual + "@ DS\n"},
	{name: "p256.test.", servers: "pdns", sign: withPowerDNS(), text: usual, ask: aboutUsual},
	{name: "p256.example.", servers: "pdns", sign: withPowerDNS("1 0 0 abcd", "narrow"), text: usual, ask: aboutUsual},
	{name: "p384.example.", servers: "knot", sign: withKnot("ECDSAP384SHA384", "nsec3: on"), text: usual, ask: aboutUsual},
	{name: "ed25519.test.", servers: "nsd", sign: withKnot("ED25519"), text: usual, ask: aboutUsual},
	{
		name: "ed448.example.", servers: "bind", sign: withBIND("ED448"), text: usual, status: insecure, ask: aboutFew,
		apart: "Go's library has no Ed448: an algorithm that is not known (RFC 4035 section 5.2)",
	},
	{
		name: "optout.test.", servers: "nsd", sign: withBIND("ECDSAP256SHA256", "-3", "abcd", "-A"), text: usual,
		ask: "www A\nwww AAAA\nent A\nnope A NXDOMAIN insecure\nx.wild A insecure\nx.wild AAAA insecure\nreal.wild A\nnope.below.optout.test. A NXDOMAIN insecure\n",
	},
	{name: "below.optout.test.", servers: "pdns", text: usual, status: insecure, ask: "@ DS\nwww A\n"},
	{name: "signed.optout.test.", servers: "pdns", sign: withPowerDNS(), text: usual, ask: "@ DS\nwww A\nnope A NXDOMAIN\n"},
	{
		name: "types.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256"),
		text: `@ A 192.0.2.1
@ AAAA 2001:db8::1
@ MX 10 mail
@ CAA 0 issue "ca.example"
_sip._udp SRV 0 5 5060 sip
@ HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
@ TYPE65400 \# 4 0A000001
@ NAPTR 100 10 "u" "sip+E2U" "!^.*$!sip:a@example.org!" .
_25._tcp TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000000
`,
		ask: "@ A\n@ AAAA\n@ MX\n@ CAA\n_sip._udp SRV\n@ HTTPS\n@ TYPE65400\n@ NAPTR\n_25._tcp TLSA\n_udp SRV\n@ SVCB\n@ DS\n_25._tcp NSEC\n",
	},
	{name: "same.test.", servers: "bind", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew + "@ DS\n"},
	{name: "sameplain.test.", servers: "bind", text: usual, status: insecure, ask: aboutFew + "@ DS NOERROR secure\n"},
	{name: "iter50.example.", servers: "knot", sign: withBIND("ECDSAP256SHA256", "-3", "abcd", "-H", "50"), text: usual, ask: aboutFew},
	{name: "iter51.example.", servers: "knot", sign: withBIND("ECDSAP256SHA256", "-3", "abcd", "-H", "51"), text: usual, apart: lowerLimit, ask: iterated},
	{name: "iter150.example.", servers: "knot", sign: withBIND("ECDSAP256SHA256", "-3", "abcd", "-H", "150"), text: usual, apart: lowerLimit, ask: iterated},
	{name: "iter500.example.", servers: "knot", sign: withLDNS("ECDSAP256SHA256", "-n", "-t", "500", "-s", "abcd"), text: usual, ask: iterated},
}

// iterated: what needs a proof by NSEC3 is insecure, the rest is not (RFC 9276
// section 3.2).
const iterated = `
www A
www AAAA NOERROR insecure
nope A NXDOMAIN insecure
x.wild A NOERROR insecure
`

const lowerLimit = "the limit that RFC 9276 leads to is 50 by now; Debian's Unbound, BIND and PowerDNS are at 150"

// unsigned zones, and those that no chain leads to.
var unsigned = []*zone{
	{name: "plain.test.", servers: "nsd", text: usual + "2.rev PTR www\n", status: insecure, ask: aboutUsual + "@ DS NOERROR secure\n"},
	{name: "plain.example.", servers: "pdns", text: usual, status: insecure, ask: aboutUsual + "@ DS\n"},
	{name: "sub.rsa256.test.", servers: "nsd", text: usual, status: insecure, ask: aboutFew + "@ DS NOERROR secure\n"},
	{name: "island.plain.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256"), ds: noDS, text: usual, status: insecure, ask: aboutFew},
	{name: "unknown.test.", servers: "knot", sign: withBIND("ED25519"), ds: "12345 200 2 " + zeros, text: usual, status: insecure, ask: aboutFew},
	{name: "digest.test.", servers: "knot", sign: withBIND("ED25519"), ds: "12345 15 200 " + zeros, text: usual, status: insecure, ask: aboutFew},
}

var zeros = strings.Repeat("00", 32)

// broken zones, each in its own way.
var broken = []*zone{
	{name: "expired.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256", "-s", "-20d", "-e", "now-10d"), text: usual, status: bogus, ask: aboutBogus},
	{name: "future.test.", servers: "nsd", sign: withBIND("ECDSAP256SHA256", "-s", "+10d", "-e", "now+20d"), text: usual, status: bogus, ask: aboutBogus},
	{name: "wrongds.example.", servers: "bind", sign: withBIND("ECDSAP256SHA256"), ds: "12345 13 2 " + zeros, text: usual, status: bogus, ask: aboutBogus},
	{name: "stripped.test.", servers: "nsd", ds: "12345 13 2 " + zeros, text: usual, status: bogus, ask: aboutBogus},
	{
		name: "nosig.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256"), text: usual, status: bogus,
		spoil: without("www.nosig.test.", dns.TypeRRSIG, dns.TypeA),
		ask:   "www A\nwww TXT NOERROR secure\nwww AAAA NOERROR secure\nnope A NXDOMAIN secure\nalias A\n",
	},
	{
		name: "nonsec.test.", servers: "nsd", sign: withBIND("ECDSAP256SHA256"), text: usual, status: bogus,
		spoil: without("mail.nonsec.test.", dns.TypeNSEC, 0),
		ask:   "mail MX NOERROR secure\nnope A NXDOMAIN\nwww AAAA NOERROR secure\n",
	},
	{
		name: "changed.example.", servers: "bind", sign: withBIND("ECDSAP256SHA256"), text: usual, status: bogus, spoil: changed,
		ask: "www A\nwww TXT NOERROR secure\nx.wild A\nnope A NXDOMAIN secure\n",
	},
}
