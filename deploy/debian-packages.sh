# Installs Debian packages for tests and benchmarks; sourced by the scripts that say
# which. What is there already is left alone; not as root it only says what is missing.
#
# No daemon is started, nor left enabled for the next boot:
#   - packages ask policy-rc.d before they start a service. Where there is none a
#     temporary one says no (101); it is removed on the way out;
#   - packages enable their units whatever policy-rc.d says, so the units of the
#     packages installed here are disabled again.
# shellcheck shell=sh

# /usr/sbin, where the servers are, is not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

# provide NAME installs what the caller's function missing prints, a package a word.
# NAME is the caller's, for what is said.
provide() {
	wanted=$(missing | tr '\n' ' ')
	[ -n "$wanted" ] || return 0
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
		echo "$1: installing $wanted"
		# shellcheck disable=SC2086 # one word a package
		(install_packages $wanted) || echo "$1: the installation failed"
	else
		echo "$1: as root: apt-get install --no-install-recommends $wanted"
	fi
	left=$(missing | tr '\n' ' ')
	[ -z "$left" ] || echo "$1: still missing, what needs it is skipped: $left"
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
