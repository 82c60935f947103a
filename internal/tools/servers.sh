#!/usr/bin/env bash
# What is here of the servers of other people that our tests check, or that stand in front of ours (Debian's versions).
#   servers.sh packages      Debian packages that are missing, one a line
#   servers.sh tags [LIST]   the build tags of the tests that can run, behind those of LIST
#   servers.sh wanting       why tests are left out, in one line; nothing if none is
set -euo pipefail

# Programs of the tag realservers, and the package of each.
proxies=(danted:dante-server microsocks:microsocks tinyproxy:tinyproxy ss-server:shadowsocks-libev trojan:trojan v2ray:v2ray)
# Programs of the tag realfronts.
fronts=(nginx:nginx caddy:caddy)
# Programs of the tag realopenvpn.
tunnels=(openvpn:openvpn ip:iproute2)

# Debian keeps some of them where only root's PATH looks.
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }
missing() { for pair; do has "${pair%%:*}" || echo "${pair#*:}"; done; }

# OpenVPN is run in a network namespace of its own, with a tunnel device.
may_tunnel() { PATH="$PATH:/usr/sbin:/sbin" unshare --net ip tuntap add dev causeway mode tun >/dev/null 2>&1; }

case "${1:-}" in
packages) missing "${proxies[@]}" "${fronts[@]}" "${tunnels[@]}" ;;
tags)
	tags=(${2:+"$2"})
	[[ -n "$(missing "${proxies[@]}")" ]] || tags+=(realservers)
	[[ -n "$(missing "${fronts[@]}")" ]] || tags+=(realfronts)
	[[ -n "$(missing "${tunnels[@]}")" ]] || ! may_tunnel || tags+=(realopenvpn)
	(IFS=,; echo "${tags[*]-}")
	;;
wanting)
	lacks=($(missing "${proxies[@]}" "${fronts[@]}" "${tunnels[@]}"))
	[[ -n "$(missing "${tunnels[@]}")" ]] || may_tunnel || lacks+=("the right to make a network namespace and a tun device")
	(IFS=,; [[ "${#lacks[@]}" == 0 ]] || echo "${lacks[*]}" | sed 's/,/, /g')
	;;
*)
	sed -n '2,5s/^# //p' "$0" >&2
	exit 2
	;;
esac
