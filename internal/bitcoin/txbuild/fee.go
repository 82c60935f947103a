package txbuild

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

// MaxWeight is the most weight a batch may have. Relay stops at 400,000 (btcd
// and Bitcoin Core); the rest leaves room for a child that raises the fee.
const MaxWeight = 390_000

const (
	witnessScale  = 4
	weightPerKVB  = 1000 * witnessScale
	fixedBytes    = 8 // version and lock time
	segwitWeight  = 2 // marker and flag, BIP 144
	bareInputSize = 41
)

// FeeRate is a fee in satoshi per 1,000 virtual bytes, sat/kvB.
type FeeRate int64

// maxFeeRate keeps products with a weight far from overflow.
const maxFeeRate = FeeRate(1_000_000_000)

// AnyFeeRate as a cap allows every feerate: of a void or a child, which the fee in
// satoshi alone bounds. A void out-pays all of a large transaction with a small one.
const AnyFeeRate = maxFeeRate

// Fee returns the fee of a transaction of weight units at rate r. Nodes and miners
// reckon with the virtual size, a whole number, and so does this.
func (r FeeRate) Fee(weight int64) btcutil.Amount {
	return money.FeeAt(VSize(weight), int64(r))
}

// part is what an input or output of a transaction costs at rate r: its weight counts
// as it is, since only the sum of all is rounded up to a virtual size.
func (r FeeRate) part(weight int64) btcutil.Amount {
	return btcutil.Amount((int64(r)*weight + weightPerKVB - 1) / weightPerKVB)
}

// FeeRateOf returns the rate that fee makes for a transaction of weight units, rounded
// down as nodes do.
func FeeRateOf(fee btcutil.Amount, weight int64) FeeRate {
	return FeeRate(money.FeeRateOf(fee, VSize(weight)))
}

// VSize returns the virtual size of weight units, rounded up (BIP 141).
func VSize(weight int64) int64 { return (weight + witnessScale - 1) / witnessScale }

// outputWeight returns the weight of an output with this script.
func outputWeight(script []byte) int64 {
	return int64(witnessScale * wire.NewTxOut(0, script).SerializeSize())
}

// txWeight returns the weight of a transaction from its counts and the summed
// weights of its inputs and outputs.
func txWeight(inputs, outputs int, inputsWeight, outputsWeight int64) int64 {
	counts := countBytes(inputs) + countBytes(outputs)
	return int64(witnessScale*(fixedBytes+counts)) + segwitWeight + inputsWeight + outputsWeight
}

// VoidWeight returns the most that a void of d weighs which spends so many inputs:
// one output, change.
func VoidWeight(d *wallet.Descriptor, changeIndex uint32, inputs int) (int64, error) {
	script, err := d.Script(wallet.ChainChange, changeIndex)
	if err != nil {
		return 0, err
	}
	return voidWeight(inputs, d.InputWeight(), outputWeight(script)), nil
}

func voidWeight(inputs int, inputWeight, changeWeight int64) int64 {
	return txWeight(inputs, 1, int64(inputs)*inputWeight, changeWeight)
}

// countBytes returns how many bytes the count n takes in a transaction.
func countBytes(n int) int {
	switch {
	case n < 0xfd:
		return 1
	case n <= 0xffff:
		return 3
	default:
		return 5
	}
}

// SignedWeight returns the most that tx will weigh when every input is signed
// with the keys of d.
func SignedWeight(tx *wire.MsgTx, d *wallet.Descriptor) int64 {
	perWitness := d.InputWeight() - witnessScale*bareInputSize
	return int64(witnessScale*tx.SerializeSizeStripped()) + segwitWeight + int64(len(tx.TxIn))*perWitness
}

// ExactWeight returns what tx will weigh when its i-th input is signed with keys
// of d and signatures of the lengths sigLens[i], sighash bytes included.
func ExactWeight(tx *wire.MsgTx, d *wallet.Descriptor, sigLens [][]int) int64 {
	weight := int64(witnessScale*tx.SerializeSizeStripped()) + segwitWeight
	for _, lens := range sigLens {
		weight += d.SignedInputWeight(lens...) - witnessScale*bareInputSize
	}
	return weight
}

// Weight returns the weight of tx as it stands (BIP 141).
func Weight(tx *wire.MsgTx) int64 {
	return int64((witnessScale-1)*tx.SerializeSizeStripped() + tx.SerializeSize())
}
