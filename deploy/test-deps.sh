#!/bin/sh
# Installs, on Debian and as root, the real programs that the tests run: dig,
# unbound, nsd, BIND, Knot DNS and Resolver, PowerDNS and its Recursor, what signs
# zones (BIND's, Knot's and ldns' tools), ip and promtool, what tests the
# packages (systemd-analyze, debootstrap, rpm), Chromium and pdftotext, ICU for Python,
# and a C compiler for the race detector. Elsewhere it says what is missing; the tests
# skip that.
set -eu
. "$(dirname "$0")/debian-packages.sh"

missing() {
	command -v dig >/dev/null && command -v dnstap-read >/dev/null || echo bind9-dnsutils
	command -v fstrm_capture >/dev/null || echo fstrm-bin
	command -v unbound >/dev/null || echo unbound
	command -v nsd >/dev/null || echo nsd
	command -v named >/dev/null || echo bind9
	command -v pdns_recursor >/dev/null || echo pdns-recursor
	command -v kresd >/dev/null || echo knot-resolver
	command -v knotd >/dev/null || echo knot
	command -v kzonesign >/dev/null || echo knot-dnssecutils
	command -v pdns_server >/dev/null || echo pdns-server
	dpkg -s pdns-backend-bind >/dev/null 2>&1 || echo pdns-backend-bind
	command -v ldns-signzone >/dev/null || echo ldnsutils
	command -v ip >/dev/null || echo iproute2
	command -v promtool >/dev/null || echo prometheus
	command -v systemd-analyze >/dev/null || echo systemd
	command -v debootstrap >/dev/null || echo debootstrap
	command -v rpm >/dev/null || echo rpm
	command -v chromium >/dev/null || echo chromium
	command -v pdftotext >/dev/null || echo poppler-utils
	/usr/bin/python3 -c 'import icu' 2>/dev/null || echo python3-icu
	command -v cc >/dev/null || echo gcc libc6-dev
	[ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
}

provide test-deps
