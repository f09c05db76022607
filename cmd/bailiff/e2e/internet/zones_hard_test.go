package internet

import (
	"fmt"
	"strings"
)

// redirecting zones lead elsewhere.
var redirecting = []*zone{
	{
		name: "chain.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256"),
		text: `c1 CNAME c2.chain.test.
c2 CNAME www.p384.example.
plain CNAME www.plain.test.
bogus CNAME www.expired.test.
nodata CNAME www.rsa256.test.
missing CNAME nope.rsa512.example.
wild CNAME x.wild.p256.test.
*.away CNAME www.plain.example.
*.home CNAME www.rsa256.test.
loop CNAME loop
loop1 CNAME loop2
loop2 CNAME loop1
dangling CNAME www.alldead.test.
back CNAME back.chain.example.
` + links("chain.test.", 8),
		ask: `c1 A
c1 CNAME
plain A NOERROR insecure
bogus A SERVFAIL
nodata TYPE65400
missing A NXDOMAIN
wild A
x.away A NOERROR insecure
x.home A
x.home MX
link0 A
loop A SERVFAIL
loop1 A SERVFAIL
dangling A SERVFAIL
back A NOERROR insecure
`,
	},
	{
		name: "chain.example.", servers: "pdns", status: insecure,
		text: "signed CNAME www.rsa256.test.\nback CNAME c1.chain.test.\n*.w CNAME x.wild.rsa256.test.\n",
		ask:  "signed A\nback A\nx.w A\nnope A NXDOMAIN\n",
	},
	{
		name: "dname.test.", servers: "nsd", sign: withBIND("ECDSAP256SHA256"),
		text: "old DNAME new.dname.test.\nwww.new A 192.0.2.5\nout DNAME plain.example.\nsec DNAME rsa256.test.\n",
		ask: `www.old A
old DNAME
old A
nope.old A NXDOMAIN
www.out A NOERROR insecure
x.wild.sec A
nope.sec A NXDOMAIN
www.old CNAME
`,
	},
	{
		name: "dname.example.", servers: "knot", delegation: "@ NS ns1.rsa256.test.\n", sign: withKnot("ECDSAP256SHA256", "nsec3: on"),
		text: "@ DNAME rsa256.test.\n", ask: "@ DNAME\nwww A\nx.cwild A\n@ SOA\n",
	},
	{name: "dname.plain.example.", servers: "nsd", delegation: "@ NS ns1.plain.test.\n", text: "@ DNAME plain.test.\n", status: insecure, ask: "www A\nx.cwild A\n"},
}

// links is a chain of CNAME records that ends with an address.
func links(origin string, n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "link%d CNAME link%d.%s\n", i, i+1, origin)
	}
	fmt.Fprintf(&text, "link%d A 192.0.2.8\n", n)
	return text.String()
}

// delegated zones are hard to find.
var delegated = []*zone{
	{name: "hoster.example.", servers: "nsd", text: "ns A 198.51.100.4\n", status: insecure, ask: "ns A\n"},
	{name: "outside.test.", servers: "knot", delegation: "@ NS ns.hoster.example.\n", text: usual, status: insecure, ask: aboutFew},
	{name: "sibling.test.", servers: "knot", delegation: "@ NS ns1.rsa256.test.\n", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "noglue.test.", servers: "knot", delegation: "@ NS ns.noglue.test.\n", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "cyclic.test.", servers: "knot", delegation: "@ NS ns.cyclic.example.\n", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "cyclic.example.", servers: "knot", delegation: "@ NS ns.cyclic.test.\n", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "nowhere.test.", servers: "knot", delegation: "@ NS nope.rsa256.test.\n", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "half.test.", servers: "knot", delegation: "@ NS nope.rsa256.test.\n@ NS nope.hoster.example.\n@ NS ns.hoster.example.\n", text: usual, status: insecure, ask: "www A\n"},
	{
		name: "v6only.test.", servers: "knot", delegation: "@ NS ns1\nns1 AAAA 2001:db8:53::4\n",
		sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew,
	},
	{
		name: "big.test.", servers: "nsd", sign: withBIND("RSASHA256"),
		text: "www TXT " + strings.Repeat(`"`+strings.Repeat("x", 250)+`" `, 16) + "\n", ask: "www TXT\nwww A\n",
	},
	{name: "big.example.", servers: "bind", text: manyAddresses(90), status: insecure, ask: "www A\n"},
	{name: "l1.test.", servers: "knot", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: "www A\n"},
	{name: "l2.l1.test.", servers: "nsd", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: "www A\n"},
	{name: "l3.l2.l1.test.", servers: "pdns", sign: withPowerDNS(), text: usual, ask: "www A\n"},
	{name: "l4.l3.l2.l1.test.", servers: "knot", sign: withBIND("ED25519"), text: usual, ask: "www A\nnope A NXDOMAIN\n"},
	{name: "a.b.c.d.l4.l3.l2.l1.test.", servers: "nsd", sign: withBIND("ED25519"), text: usual, ask: "www A\nnope A NXDOMAIN\nc.d.l4.l3.l2.l1.test. A\nwww.b.c.d.l4.l3.l2.l1.test. A NXDOMAIN\n"},
}

func manyAddresses(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "www A 192.0.2.%d\n", i)
	}
	return text.String()
}

// misserved zones have servers that are dead, lame, slow or mad.
var misserved = []*zone{
	{name: "dead.test.", servers: "knot silent", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "lame.test.", servers: "lame knot", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "slow.test.", servers: "slow", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "failing.test.", servers: "failing knot", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "alldead.test.", servers: "silent", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "alllame.test.", servers: "lame", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "allfailing.test.", servers: "failing", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "liar.test.", servers: "liar", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: "www A SERVFAIL\nwww AAAA\n"},
	{
		name: "halfliar.test.", servers: "liar knot", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew,
		apart: "not every peer asks the other server when an answer is bogus",
	},
	{name: "no-edns.test.", servers: "no-edns", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "formerr.test.", servers: "formerr", text: usual, status: insecure, ask: aboutFew},
	{
		name: "notimp.test.", servers: "notimp", text: usual, status: insecure, ask: aboutFew,
		apart: "RFC 6891 section 7 expects FORMERR; a server that does not know EDNS may as well say NOTIMP, Unbound thinks so too",
	},
	{name: "no-opt.test.", servers: "no-opt", text: usual, status: insecure, ask: aboutFew},
	{name: "lower.test.", servers: "lower", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{
		name: "cname.test.", servers: "cname", text: usual, status: insecure, ask: "www AAAA\nmail MX\nwww A\n",
		apart: "a CNAME beside other data (RFC 2181 section 10.1) is taken for either by peers",
	},
	{name: "upward.test.", servers: "upward", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "sideways.test.", servers: "sideways", text: usual, status: insecure, ask: "www A SERVFAIL\n"},
	{name: "tc.test.", servers: "tc", sign: withBIND("ECDSAP256SHA256"), text: usual, ask: aboutFew},
	{name: "decoy.test.", servers: "decoy", text: usual, status: insecure, ask: aboutFew},
	{name: "no-aa.test.", servers: "no-aa", text: usual, status: insecure, ask: "www A\n"},
	{name: "nx-for-ent.test.", servers: "nx-for-ent", text: usual, status: insecure, ask: "a.b.ent A\nwww A\n"},
	{name: "empty.test.", servers: "empty knot", text: usual, status: insecure, ask: "www A\n"},
	{name: "poison.test.", servers: "poison", text: usual, status: insecure, ask: "www A\nwww MX\n"},
	{name: "deceit.test.", servers: "chain", text: usual, status: insecure, ask: "www A\n"},
	// Asked about last, and once: others have told lies about it before.
	{name: "victim.test.", servers: "knot", text: usual, status: insecure, ask: "www A\n@ NS\nns1 A\n"},
}
