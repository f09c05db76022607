#!/bin/sh
# Installs, on Debian and as root, the real programs that the tests run: dig,
# unbound, nsd, BIND, PowerDNS Recursor, Knot Resolver and promtool, and a C compiler
# for the race detector. What is there already is left alone. Elsewhere it says what
# is missing; the tests skip that.
#
# No daemon is started, nor left enabled for the next boot:
#   - packages ask policy-rc.d before they start a service. Where there is none a
#     temporary one says no (101); it is removed on the way out;
#   - packages enable their units whatever policy-rc.d says, so the units of the
#     packages installed here are disabled again.
set -eu

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

install_packages() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get -qq update &&
		apt-get -qq install -y --no-install-recommends "$@" >/dev/null &&
		disable_units "$@"
}

# disable_units undoes what the packages' scripts enabled.
disable_units() {
	command -v systemctl >/dev/null || return 0
	for unit in $(dpkg -L "$@" | sed -n 's,.*/systemd/system/\([^/]*\.\(service\|target\)\)$,\1,p' | sort -u); do
		systemctl disable --quiet "$unit" 2>/dev/null || true
	done
}

# /usr/sbin, where the servers are, is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin
wanted=$(missing | tr '\n' ' ')
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	echo "test-deps: installing $wanted"
	# shellcheck disable=SC2086 # one word a package
	(install_packages $wanted) || echo "test-deps: the installation failed"
else
	echo "test-deps: for all tests to run, as root: apt-get install --no-install-recommends $wanted"
fi

left=$(missing | tr '\n' ' ')
[ -z "$left" ] || echo "test-deps: still missing, tests that need it skip: $left"
