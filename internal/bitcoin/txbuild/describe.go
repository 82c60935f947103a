package txbuild

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Summary is what a PSBT does, told from its bytes alone, for people to read.
type Summary struct {
	TxID     chainhash.Hash
	LockTime uint32
	Inputs   []SummaryInput
	Outputs  []SummaryOutput // in the transaction's order
	Fee      btcutil.Amount
	Weight   int64 // with the longest signatures
	VSize    int64
	FeeRate  FeeRate
}

// SummaryInput is one coin that is spent, proven to be the treasury's own.
type SummaryInput struct {
	OutPoint     wire.OutPoint
	Amount       btcutil.Amount
	Address      string
	Chain, Index uint32
}

// SummaryOutput is one output. IsChange is true only for a script that the
// descriptor derives on its change chain at ChangeIndex.
type SummaryOutput struct {
	Script      []byte
	Address     string // "" for a script without an address
	Amount      btcutil.Amount
	IsChange    bool
	ChangeIndex uint32
}

// Describe reads packet as d's treasury sees it. An input that is not proven to
// be d's own is an error, since its amount, and so the fee, would be hearsay.
// Errors are Invalid with the codes of wallet's OwnInput, or bad_psbt.
func Describe(packet *psbt.Packet, d *wallet.Descriptor) (Summary, error) {
	tx := packet.UnsignedTx
	bad := errs.New(errs.Invalid, wallet.CodeBadPSBT, "The PSBT's inputs and outputs do not add up.")
	if len(packet.Inputs) != len(tx.TxIn) || len(packet.Outputs) != len(tx.TxOut) {
		return Summary{}, bad
	}
	s := Summary{TxID: tx.TxHash(), LockTime: tx.LockTime, Weight: SignedWeight(tx, d)}
	own, err := d.OwnInputs(packet)
	if err != nil {
		return Summary{}, err
	}
	total := btcutil.Amount(0)
	for i, in := range tx.TxIn {
		prev := own[i].Prev
		amount := btcutil.Amount(prev.Value)
		if total += amount; amount < 0 || amount > money.MaxSat || total > money.MaxSat {
			return Summary{}, bad
		}
		s.Inputs = append(s.Inputs, SummaryInput{
			OutPoint: in.PreviousOutPoint, Amount: amount,
			Address: wallet.AddressOf(prev.PkScript, d.Net()), Chain: own[i].Chain, Index: own[i].Index,
		})
	}
	s.Fee = total
	for i, out := range tx.TxOut {
		amount := btcutil.Amount(out.Value)
		if s.Fee -= amount; amount < 0 || amount > money.MaxSat || s.Fee < 0 {
			return Summary{}, bad
		}
		o := SummaryOutput{Script: out.PkScript, Address: wallet.AddressOf(out.PkScript, d.Net()), Amount: amount}
		if chain, index, ok := d.OwnOutput(&packet.Outputs[i], out.PkScript); ok && chain == wallet.ChainChange {
			o.IsChange, o.ChangeIndex = true, index
		}
		s.Outputs = append(s.Outputs, o)
	}
	s.VSize, s.FeeRate = VSize(s.Weight), FeeRateOf(s.Fee, s.Weight)
	return s, nil
}
