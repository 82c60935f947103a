#!/usr/bin/env bash
# migration.sh NAME: adds an empty migration with the number after the newest. Before the first
# release the existing files are edited in place (migrations/README.md).
set -euo pipefail

name="${1:-}"
if [[ ! "$name" =~ ^[a-z][a-z0-9]*(_[a-z0-9]+)*$ ]]; then
	echo "NAME must be lower-case words joined by _, such as: make migration NAME=grant_notes" >&2
	exit 2
fi
cd "${MIGRATIONS:-$(dirname "${BASH_SOURCE[0]}")/../../migrations}"
shopt -s nullglob
newest=0
for file in [0-9][0-9][0-9][0-9]_*.sql [0-9][0-9][0-9][0-9]_*.go; do
	number=$((10#${file:0:4}))
	if ((number > newest)); then newest=$number; fi
	if [[ "${file#*_}" == "$name".* ]]; then
		echo "$file has that name; choose another" >&2
		exit 1
	fi
done
printf -v file '%04d_%s.sql' $((newest + 1)) "$name"
printf -- '-- +goose Up\n\n-- +goose Down\n' >"$file"
echo "migrations/$file"
