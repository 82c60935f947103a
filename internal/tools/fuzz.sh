#!/usr/bin/env bash
# fuzz.sh TIME PACKAGE...: runs each fuzz target of the packages for TIME, one after another.
set -euo pipefail

time="$1"
shift
count=0
for pkg in $(go list "$@"); do
	for target in $(go test -list '^Fuzz' "$pkg" | grep '^Fuzz' || true); do
		echo "== $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x "$pkg"
		count=$((count + 1))
	done
done
echo "$count fuzz targets, no failure"
