// Package internet tests recursion over a small Internet of our own: a root,
// two top-level domains and what lies below them, served by NSD, Knot, BIND and
// PowerDNS out of Debian, and servers beside them that are slow, dead, lame or
// lie. The same questions go to bailiff and to Unbound, BIND, Knot Resolver and
// PowerDNS Recursor; what bailiff answers otherwise than most of them is
// explained in a table, or a bug.
//
// Nothing of it can be seen from outside. The test runs itself again in network
// namespaces of its own: one for the resolvers, one for the name servers, a
// cable between them. That takes root, or a system where users may have
// namespaces; elsewhere the tests are skipped. Programs that are missing fail them in CI (BAILIFF_CI=1).
//
// Start reading at zones_test.go, what there is, and compare_test.go, what is
// asked of it. The benchmark is `make bench-recursion`.
package internet
