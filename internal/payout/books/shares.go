package books

import (
	"fmt"
	"math/bits"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// OutputWeight returns the weight units (BIP141) of an output with this script,
// which FeeShares takes.
func OutputWeight(script []byte) int64 {
	const unitsPerByte = 4
	return unitsPerByte * int64(wire.NewTxOut(0, script).SerializeSize())
}

// FeeShares parts the fee of a transaction among its payments by the weight of
// their outputs, rounded down; what is left over goes to the first. The shares
// sum to fee. The error says that there is nobody to part it among, or that a
// number is impossible.
func FeeShares(fee btcutil.Amount, weights []int64) ([]btcutil.Amount, error) {
	var total uint64
	for _, w := range weights {
		if w <= 0 || w > wire.MaxBlockPayload {
			return nil, fmt.Errorf("part a fee: an output weighs %d units", w)
		}
		total += uint64(w)
	}
	if fee < 0 || fee > btcutil.MaxSatoshi || len(weights) == 0 {
		return nil, fmt.Errorf("part a fee of %d sat among %d payments", int64(fee), len(weights))
	}
	shares := make([]btcutil.Amount, len(weights))
	left := fee
	for i, w := range weights {
		high, low := bits.Mul64(uint64(fee), uint64(w)) //nolint:gosec // w > 0, as was checked above
		share, _ := bits.Div64(high, low, total)        // high < total, as w <= total and fee < 2^64
		shares[i] = btcutil.Amount(share)               //nolint:gosec // no share is larger than fee
		left -= shares[i]
	}
	shares[0] += left
	return shares, nil
}
