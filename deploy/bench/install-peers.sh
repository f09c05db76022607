#!/bin/sh
# Installs, on Debian and as root, what `make bench-peers` runs: the resolvers that
# bailiff is measured against, dnsperf (the generator) and nsd (the upstream). What
# is there already is left alone. Elsewhere it says what is missing; the benchmark
# skips that.
#
# No daemon is started, nor left enabled for the next boot:
#   - packages ask policy-rc.d before they start a service. Where there is none a
#     temporary one says no (101); it is removed on the way out;
#   - packages enable their units whatever policy-rc.d says, so the units of the
#     packages installed here are disabled again.
set -eu

missing() {
	command -v dnsperf >/dev/null || echo dnsperf
	command -v nsd >/dev/null || echo nsd
	command -v unbound >/dev/null || echo unbound
	command -v named >/dev/null || echo bind9
	command -v dnsdist >/dev/null || echo dnsdist
	command -v pdns_recursor >/dev/null || echo pdns-recursor
	command -v kresd >/dev/null || echo knot-resolver
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
	echo "install-peers: installing $wanted"
	# shellcheck disable=SC2086 # one word a package
	(install_packages $wanted) || echo "install-peers: the installation failed"
else
	echo "install-peers: to measure against all peers, as root: apt-get install --no-install-recommends $wanted"
fi

left=$(missing | tr '\n' ' ')
[ -z "$left" ] || echo "install-peers: still missing, the benchmark skips what needs it: $left"
