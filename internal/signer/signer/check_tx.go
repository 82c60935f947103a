package signer

import (
	"math"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
)

const (
	txVersion = 2

	// sequenceRBF signals replaceability (BIP125) and no relative lock (BIP68).
	sequenceRBF = math.MaxUint32 - 2
)

// checkTransaction holds the unsigned transaction to the one shape that the
// builder makes.
func (r rules) checkTransaction(p *proposal) error {
	tx := p.packet.UnsignedTx
	switch {
	case tx.Version != txVersion:
		return refuse(CodeTxVersion, "The transaction has version %d, not %d.", tx.Version, txVersion)
	case len(tx.TxIn) == 0 || len(tx.TxOut) == 0:
		return refuse(CodeEmptyTransaction, "The transaction has no input or no output.")
	case len(tx.TxIn) > r.policy.MaxInputs:
		return refuse(
			CodeTooManyInputs,
			"The transaction has %d inputs; %d are allowed.",
			len(tx.TxIn),
			r.policy.MaxInputs,
		)
	case len(tx.TxOut) > r.policy.MaxOutputs:
		return refuse(
			errs.CodeTooManyOutputs,
			"The transaction has %d outputs; %d are allowed.",
			len(tx.TxOut),
			r.policy.MaxOutputs,
		)
	case tx.LockTime >= txscript.LockTimeThreshold:
		return refuse(CodeBadLocktime, "The transaction is locked by time, not by height.")
	}
	spent := make(map[wire.OutPoint]bool, len(tx.TxIn))
	for i, in := range tx.TxIn {
		if in.Sequence != sequenceRBF {
			return refuse(CodeBadSequence, "Input %d has sequence %#x, not %#x.", i, in.Sequence, uint32(sequenceRBF))
		}
		if spent[in.PreviousOutPoint] {
			return refuse(CodeInputTwice, "The transaction spends %s twice.", in.PreviousOutPoint)
		}
		spent[in.PreviousOutPoint] = true
	}
	return nil
}

// checkFields refuses every PSBT field that this signer has no use for: what it
// does not understand it does not sign. The witness script of a shared treasury
// is held against the derived one where its input or output is.
func (r rules) checkFields(p *proposal) error {
	if len(p.packet.Unknowns) > 0 || len(p.packet.XPubs) > 0 {
		return refuse(errs.CodeUnknownField, "The PSBT has unknown global fields.")
	}
	whole, shared := txscript.SigHashAll, r.descriptor.Kind() == wallet.KindWSH
	if r.descriptor.Kind() == wallet.KindTR {
		whole = txscript.SigHashDefault
	}
	for i, in := range p.packet.Inputs {
		if len(in.Unknowns) > 0 {
			return refuse(errs.CodeUnknownField, "Input %d has unknown fields.", i)
		}
		if in.SighashType != 0 && in.SighashType != whole {
			return refuse(
				wallet.CodeBadSighash,
				"Input %d asks for signature type %#x, not for the one that covers the whole transaction.",
				i,
				uint32(in.SighashType),
			)
		}
		if hasSignature(in) || in.RedeemScript != nil || in.WitnessScript != nil && !shared ||
			in.TaprootScriptSpendSig != nil || in.TaprootLeafScript != nil || in.TaprootMerkleRoot != nil {
			return refuse(CodeUnexpectedField, "Input %d already has a signature or a script.", i)
		}
	}
	for i, out := range p.packet.Outputs {
		if len(out.Unknowns) > 0 {
			return refuse(errs.CodeUnknownField, "Output %d has unknown fields.", i)
		}
		if out.RedeemScript != nil || out.WitnessScript != nil && !shared || out.TaprootTapTree != nil {
			return refuse(CodeUnexpectedField, "Output %d has a script that a payment does not need.", i)
		}
	}
	return nil
}

func hasSignature(in psbt.PInput) bool {
	return len(in.PartialSigs) > 0 || in.TaprootKeySpendSig != nil || in.FinalScriptSig != nil ||
		in.FinalScriptWitness != nil
}

// checkInputs proves that every input is the treasury's own and adds up what
// they are worth, from the previous transactions themselves: the amounts that
// BIP143 signs say nothing about the other inputs, which is how fees were
// stolen from signers that believed witness_utxo.
func (r rules) checkInputs(p *proposal) error {
	if err := wallet.GivePrevTxs(p.packet, p.prevTxs); err != nil {
		return asRefusal(err)
	}
	own, err := r.descriptor.OwnInputs(p.packet)
	if err != nil {
		return asRefusal(err)
	}
	for i, in := range own {
		if !validAmount(in.Prev.Value) {
			return refuse(CodeBadInputAmount, "Input %d has an impossible amount.", i)
		}
		p.in += btcutil.Amount(in.Prev.Value)
		p.coins = append(p.coins, coin{in.Prev, in.Chain, in.Index})
	}
	if p.in > money.MaxSat {
		return refuse(CodeBadInputAmount, "The inputs are worth more bitcoin than can exist.")
	}
	return nil
}

func validAmount(sat int64) bool { return sat > 0 && btcutil.Amount(sat) <= money.MaxSat }

// worstVSize returns the virtual size with the longest signatures there can be.
func worstVSize(tx *wire.MsgTx, d *wallet.Descriptor) int64 {
	const (
		emptyInput    = 4 * 41 // outpoint, empty script, sequence
		markerAndFlag = 2
	)
	weight := 4*int64(tx.SerializeSizeStripped()) + markerAndFlag + int64(len(tx.TxIn))*(d.InputWeight()-emptyInput)
	return (weight + 3) / 4
}
