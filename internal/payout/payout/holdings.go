package payout

import (
	"cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
)

const (
	// LeaveCoins is how many coins a batch leaves to the next ones where the amounts
	// allow: with two, one can go out and one more after it without a block between.
	LeaveCoins = 2

	// SignerPermille is what part of the payments the fee may be for a signer that was
	// told nothing else (signer.DefaultPolicy).
	SignerPermille = 50

	// firstWeekRelays is the long-term feerate until a week of estimates is stored, in
	// multiples of what nodes relay from on: above the floor, so that coins are joined
	// only when blocks are all but empty.
	firstWeekRelays = 2
)

// LongRun is the feerate that coins are expected to cost some day.
func (h Holdings) LongRun() txbuild.FeeRate {
	return txbuild.FeeRate(cmp.Or(h.LongRunSatKVB, firstWeekRelays*h.RelaySatKVB))
}

// Others is how many batches besides b wait for coins.
func (h Holdings) Others(b Batch) int {
	if b.State == Approved {
		return max(0, h.Unbuilt-1)
	}
	return h.Unbuilt
}
