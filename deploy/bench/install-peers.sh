#!/bin/sh
# Installs, on Debian and as root, what `make bench-peers` runs: the resolvers that
# bailiff is measured against, dnsperf (the generator) and nsd (the upstream).
# Elsewhere it says what is missing; the benchmark skips that.
set -eu
. "$(dirname "$0")/../debian-packages.sh"

missing() {
	command -v dnsperf >/dev/null || echo dnsperf
	command -v nsd >/dev/null || echo nsd
	command -v unbound >/dev/null || echo unbound
	command -v named >/dev/null || echo bind9
	command -v dnsdist >/dev/null || echo dnsdist
	command -v pdns_recursor >/dev/null || echo pdns-recursor
	command -v kresd >/dev/null || echo knot-resolver
	dpkg -s lua-cqueues >/dev/null 2>&1 || echo lua-cqueues # without it kresd does not watch its files
}

provide install-peers
