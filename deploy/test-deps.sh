#!/bin/sh
# Installs, on Debian and as root, the real programs that the tests run: dig,
# unbound, nsd, BIND, PowerDNS Recursor, Knot Resolver and promtool, and a C compiler
# for the race detector. Elsewhere it says what is missing; the tests skip that.
set -eu
. "$(dirname "$0")/debian-packages.sh"

missing() {
	command -v dig >/dev/null || echo bind9-dnsutils
	command -v unbound >/dev/null || echo unbound
	command -v nsd >/dev/null || echo nsd
	command -v named >/dev/null || echo bind9
	command -v pdns_recursor >/dev/null || echo pdns-recursor
	command -v kresd >/dev/null || echo knot-resolver
	command -v promtool >/dev/null || echo prometheus
	command -v cc >/dev/null || echo gcc libc6-dev
	[ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

provide test-deps
