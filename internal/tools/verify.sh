#!/usr/bin/env bash
# Regenerates everything and fails if a generated file changed, appeared or vanished. It
# compares with the work tree, not with the last commit, so it can run before committing.
set -euo pipefail

sums() {
	git ls-files -co --exclude-standard -- '*.gen.go' '*_templ.go' 'internal/store/postgres/db/*.go' api/openapi.yaml \
		| LC_ALL=C sort -u \
		| while IFS= read -r file; do [[ -e "$file" ]] && sha256sum "$file"; done || true
}

before="$(sums)"
make generate
if ! stale="$(diff <(echo "$before") <(sums))"; then
	echo "generated code was stale and has been regenerated; commit:" >&2
	echo "$stale" | sed -n 's/^[<>] [0-9a-f]*  //p' | LC_ALL=C sort -u >&2
	exit 1
fi

go mod tidy -diff
go mod verify
