#!/usr/bin/env bash
# cover.sh [-w]: runs the tests of the packages that handle money, and fails when one covers less of its statements
# than coverage.txt says. A statement counts when any of these tests reaches it: payout/payout's drive the other
# parts of payout. -w writes the list again, rounded down; it is for raising a floor, and a lowered one is seen in review.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
list=internal/tools/coverage.txt
module=github.com/causeway-fund/causeway
profile=cover.out

packages=(./internal/payout/... ./internal/signer/... ./internal/trust/decision ./internal/bitcoin/txbuild ./internal/bitcoin/wallet ./internal/bitcoin/fee)
go test -count=1 -timeout 40m -ldflags=-w -coverprofile="$profile" \
	-coverpkg="$(go list "${packages[@]}" | paste -sd,)" "${packages[@]}"

# A profile has a line a block and test binary: file:from,to statements times.
measured="$(awk -v module="$module/" '
	NR > 1 {
		if ($3 > 0) reached[$1] = 1
		statements[$1] = $2
	}
	END {
		for (block in statements) {
			package = block
			sub(/\/[^\/]*$/, "", package)
			sub(module, "", package)
			all[package] += statements[block]
			if (block in reached) covered[package] += statements[block]
		}
		for (package in all) printf "%s %.1f\n", package, int(1000 * covered[package] / all[package]) / 10
	}' "$profile" | LC_ALL=C sort)"
echo "$measured"
if [[ "${1:-}" == -w ]]; then
	awk '{printf "%s %d\n", $1, $2}' <<<"$measured" >"$list"
fi

awk '
	NR == FNR {floor[$1] = $2; next}
	!($1 in floor) {printf "%s has no floor: internal/tools/cover.sh -w lists it\n", $1; bad = 1; next}
	{seen[$1] = 1}
	$2 < floor[$1] {printf "%s covers %s %% of its statements, and its floor is %s %%: cover what is new\n", $1, $2, floor[$1]; bad = 1}
	END {
		for (package in floor) if (!(package in seen)) {printf "%s has a floor and was not measured\n", package; bad = 1}
		exit bad
	}' "$list" <(echo "$measured") >&2
