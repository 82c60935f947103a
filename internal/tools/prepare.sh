#!/usr/bin/env bash
# Installs what the tests need where it can (Debian and its kin, as root) or names all that
# is missing in one line and exits 1. Prints nothing when nothing is missing. Servers of other
# people (servers.sh) may be missing, unless SERVERS=required: then their tests are left out.
set -euo pipefail

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
	local bin
	[[ -n "${TEST_DATABASE_URL:-}" ]] && return 0
	has initdb && has postgres && return 0
	if has pg_config && [[ -x "$(pg_config --bindir)/initdb" ]]; then return 0; fi
	for bin in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
		[[ -x "$bin/initdb" && -x "$bin/postgres" ]] && return 0
	done
	return 1
}

# What internal/bitcoin/wallet/oracle and internal/trust/webauthn/oracle ask, pinned by a lock file.
tools="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
oracle="$tools/oracle"
has_oracle() { cmp -s "$oracle/package-lock.json" "$oracle/node_modules/.installed"; }
install_oracle() {
	has_oracle && return 0
	echo "installing the packages of internal/tools/oracle" >&2
	(cd "$oracle" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
	cp "$oracle/package-lock.json" "$oracle/node_modules/.installed"
}

has_chromium() {
	local name
	for name in "${CHROME_BIN:-}" chromium chromium-browser google-chrome google-chrome-stable headless_shell; do
		[[ -n "$name" ]] && has "$name" && return 0
	done
	[[ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]]
}

# Says what apt has to say only when it fails.
install_packages() {
	local said
	said="$(apt-get install -y -qq --no-install-recommends "$@" 2>&1)" && return 0
	echo "$said" | grep -E '^[EW]: ' >&2 || echo "$said" >&2
	return 1
}

# What is installed for a test is not to serve: its services are neither started now nor
# enabled for the next start of the machine.
install_servers() {
	local wanted=("$@") policy=/usr/sbin/policy-rc.d name
	echo "installing ${wanted[*]}" >&2
	if [[ ! -e "$policy" ]]; then
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	apt-get update -qq >&2 || return 1
	# Not every release has all of them, and one that is unknown keeps apt from the others.
	for name in "${wanted[@]}"; do install_packages "$name" || true; done
	has systemctl || return 0
	for name in "${wanted[@]/dante-server/danted}"; do
		systemctl disable --quiet "$name" >/dev/null 2>&1 || true
	done
}

on_debian() { [[ "$(uname -s)" == Linux ]] && has apt-get && has dpkg-query; }
installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

packages=() missing=()
want() { packages+=("$1") missing+=("$2"); }

has_postgres || want postgresql "PostgreSQL 15 or newer (initdb, postgres)"
has_chromium || want chromium "Chromium or Chrome (or CHROME_BIN)"
[[ -z "${RACE:-}" ]] || has "${CC:-gcc}" || want gcc "a C compiler for the race detector"
if on_debian && [[ "$(id -u)" == 0 ]]; then
	# Pages in Persian, Russian and Chinese are looked at as pictures.
	installed fonts-noto-core || want fonts-noto-core "Noto fonts"
	installed fonts-noto-cjk || want fonts-noto-cjk "Noto CJK fonts"
fi
has git || want git git
# What deploy/README.md calls, as its test does.
has curl || want curl curl
has openssl || want openssl openssl
# What trustees sign with.
has ssh-keygen || want openssh-client "OpenSSH 8.9 or newer (ssh-keygen)"
has node || want nodejs "Node.js 20 or newer"
has npm || want npm npm

servers=($("$tools/servers.sh" packages))

if on_debian && [[ "$(id -u)" == 0 ]]; then
	export DEBIAN_FRONTEND=noninteractive
	if ((${#packages[@]})); then
		echo "installing ${packages[*]}" >&2
		apt-get update -qq >&2
		install_packages "${packages[@]}"
	fi
	# Without them, what is missing is said below.
	if ((${#servers[@]})); then install_servers "${servers[@]}" || true; fi
elif ((${#packages[@]})); then
	list="$(printf '%s; ' "${missing[@]}")"
	hint=""
	on_debian && hint=" Install: sudo apt-get install --no-install-recommends ${packages[*]}"
	echo "missing for the tests: ${list%; }.$hint" >&2
	exit 1
fi
install_oracle

wanting="$("$tools/servers.sh" wanting)"
if [[ -n "$wanting" && "${SERVERS:-}" == required ]]; then
	echo "missing for the tests against servers of other people: $wanting" >&2
	exit 1
elif [[ -n "$wanting" ]]; then
	echo "tests against servers of other people are left out, for want of: $wanting" >&2
fi
