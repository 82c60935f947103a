#!/usr/bin/env bash
# Finds functions that no program and no test reaches, and functions that only tests
# reach. The latter are mostly tables that tests hold against something, and doors for
# tests; testonly.txt lists them, so that one that lost its last caller, or never had
# one, is seen in review. -w writes the list again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
list=internal/tools/testonly.txt

deadcode() {
	CGO_ENABLED=0 go tool -modfile="$PWD/internal/tools/go.mod" deadcode "$@"
}

dead="$(deadcode -test -tags realservers,realfronts,realopenvpn,sqlcvet ./...)"
if [[ -n "$dead" ]]; then
	printf 'neither a program nor a test reaches:\n%s\n' "$dead" >&2
	exit 1
fi

found="$(deadcode -f '{{range .Funcs}}{{printf "%s.%s\n" $.Path .Name}}{{end}}' ./cmd/... | sed '/^$/d; s|^github.com/causeway-fund/causeway/||' | LC_ALL=C sort)"
if [[ "${1:-}" == -w ]]; then
	printf '%s\n' "$found" >"$list"
fi
if ! difference="$(diff "$list" <(printf '%s\n' "$found"))"; then
	printf 'functions that only tests reach are not those of %s (< listed, > found):\n%s\nGive each new one a caller, remove it, or list it with internal/tools/deadcode.sh -w\n' \
		"$list" "$difference" >&2
	exit 1
fi
