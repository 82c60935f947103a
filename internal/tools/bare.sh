#!/usr/bin/env bash
# Follows deploy/README.md, all steps but a prober's, on a fresh Debian under a real systemd that can reach no network.
# It needs root, debootstrap, a mirror (SUITE, MIRROR) and 5 GB below /var/tmp, where all that it makes is removed in the end.
set -euo pipefail

suite="${SUITE:-stable}"
here="$(git rev-parse --show-toplevel)"
[[ "$(id -u)" == 0 ]] || { echo "bare.sh needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "missing: debootstrap. Install: apt-get install debootstrap" >&2; exit 1; }

root="$(mktemp -d /var/tmp/causeway-bare-XXXXXX)" init="" cgroup=""
clean() {
	local code=$?
	[[ -z "$init" ]] || kill -9 "$init" 2>/dev/null || true
	wait || true
	findmnt -rno TARGET -R "$root" | sort -r | while read -r mounted; do umount "$mounted"; done
	# What is still mounted is somebody's data: then everything stays.
	if findmnt -rno TARGET | grep -q "^$root"; then echo "$root is still in use" >&2; else rm -rf --one-file-system -- "$root"; fi
	[[ -z "$cgroup" ]] || find "$cgroup" -depth -type d -exec rmdir {} \;
	exit "$code"
}
trap clean EXIT
trap 'exit 130' INT TERM

# Mounts are seen by nobody else, and are gone with this script.
chmod 755 "$root" # it becomes /
mount --bind "$root" "$root"
mount --make-private "$root"
debootstrap --variant=minbase "$suite" "$root" ${MIRROR:+"$MIRROR"} >"$root.log" 2>&1 || { cat "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/"
mkdir -p "$root/usr/local/go" "$root/root/go/pkg/mod" "$root/root/.cache/go-build"
mount --bind "$(go env GOROOT)" "$root/usr/local/go"
mount -o remount,bind,ro "$root/usr/local/go"
mount --bind "$(go env GOMODCACHE)" "$root/root/go/pkg/mod"
mount --bind "$(go env GOCACHE)" "$root/root/.cache/go-build"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
chmod 1777 "$root/dev/shm"
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
	read -r name major minor <<<"$node"
	mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

path=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
clear_env=(env -i HOME=/root TERM=dumb PATH="$path" GOPROXY="$(go env GOPROXY)" DEBIAN_FRONTEND=noninteractive)
inside() { "${clear_env[@]}" chroot "$root" /bin/bash -euo pipefail -c "$1"; }
quietly() { local said; said="$(inside "$1" 2>&1)" || { echo "$said" >&2; return 1; }; }

# Nothing that is installed is started from here.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
quietly "apt-get update -qq; apt-get install -y -qq git make ca-certificates"
# A network that has an authority of its own has it here as well.
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
git clone -q "$here" "$root/root/causeway"

# boot starts the machine's systemd in namespaces of its own.
boot() {
	cgroup=$(findmnt -rno TARGET -t cgroup2 | head -n 1)/causeway-bare-$$
	mkdir "$cgroup"
	(
		echo "$BASHPID" >"$cgroup/cgroup.procs"
		exec unshare --fork --kill-child --pid --mount --uts --ipc --net --cgroup /bin/bash -euc '
			mount --make-rprivate /
			cd "$0"
			umount proc
			mount -t proc proc proc
			mount -t sysfs -o ro sysfs sys
			mount -t cgroup2 cgroup2 sys/fs/cgroup
			mount -t tmpfs -o mode=755 run run
			mount -t tmpfs -o mode=1777 tmp tmp
			mkdir -p mnt/old
			pivot_root . mnt/old
			umount -l /mnt/old
			mount --make-rshared /
			exec env -i container=other PATH="$1" /usr/lib/systemd/systemd --show-status=no' "$root" "$path"
	) >/dev/null 2>&1 &
	local shell=$!
	until init="$(pgrep -P "$shell")" && machine '[[ "$(systemctl is-system-running)" =~ ^(running|degraded)$ ]]' 2>/dev/null; do
		kill -0 "$shell" || { echo "systemd does not start" >&2; return 1; }
		sleep 1
	done
}
machine() { "${clear_env[@]}" nsenter -t "$init" -m -u -i -n -p -C --root /bin/bash -euo pipefail -c "$1"; }

deploy() {
	# What step 1 and 7 install, since the machine reaches no network; the rest they do for real.
	quietly "apt-get install -y -qq systemd systemd-sysv postgresql curl openssl nginx; systemctl mask console-getty.service"
	rm "$root/usr/sbin/policy-rc.d"
	boot
	machine 'mkdir -p /etc/letsencrypt/live/grants.example.org; cd /etc/letsencrypt/live/grants.example.org
		openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=grants.example.org -addext subjectAltName=DNS:grants.example.org \
			-keyout privkey.pem -out fullchain.pem 2>/dev/null
		cp fullchain.pem /usr/local/share/ca-certificates/bare.crt; update-ca-certificates >/dev/null 2>&1
		ip address add 192.0.2.1/32 dev lo; echo "192.0.2.1 grants.example.org" >>/etc/hosts'
	# The blocks that are run, but for the token, which takes a person's passkey.
	awk '/^ *```sh$/ {on = 1; next} /^ *```$/ {if (on) print "echo \"--\""; on = 0} on {sub(/^   /, ""); print}' "$here/deploy/README.md" |
		sed -e '/causeway prober enrol/d; /enable --now causeway-prober/d' \
			-e 's/^systemd-ask-password .*|$/echo "a passphrase of this test" |/' >"$root/root/steps"
	machine 'cd /root/causeway; . /root/steps'
	machine 'for unit in btcd causeway-signer causeway-serve causeway-worker causeway-echo nginx; do
			systemctl is-active --quiet $unit || { journalctl --no-pager -n 20 -u $unit; exit 1; }
			[[ "$(systemctl show -p NRestarts --value $unit)" == 0 ]] || { echo "$unit was restarted"; journalctl --no-pager -n 20 -u $unit; exit 1; }
		done
		curl -sSf -o /dev/null https://grants.example.org/apply
		systemd-analyze verify /etc/systemd/system/causeway-*.service /etc/systemd/system/btcd.service
		for unit in /etc/systemd/system/causeway-*.service /etc/systemd/system/btcd.service; do
			systemd-analyze security --offline=true --threshold=12 --no-pager $unit >/dev/null; done'
	echo "deployed: ok"
}

deploy
