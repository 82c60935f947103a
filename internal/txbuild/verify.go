package txbuild

import (
	"bytes"
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/money"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// Want is what was approved; a transaction is held against it.
type Want struct {
	Descriptor  *wallet.Descriptor
	Payees      []Payee
	Must        []wire.OutPoint
	ChangeIndex uint32
	MaxFeeRate  FeeRate
	MaxFee      btcutil.Amount
}

// mismatch is the error for a transaction that is not the approved one. The
// detail goes to the log.
func mismatch(format string, args ...any) error {
	return errs.Wrap(fmt.Errorf(format, args...), errs.Internal, "plan_mismatch",
		"The transaction is not the one that was approved. It was not used and nothing was sent.")
}

// Verify derives everything about packet again from its bytes and compares it
// with what was approved: own inputs proven by their previous transactions,
// every payee exactly once, at most one change output and that at the expected
// place, no dust, fee and weight within bounds, version, sequences. Every error
// is Internal with code plan_mismatch.
func Verify(packet *psbt.Packet, want Want) error {
	tx := packet.UnsignedTx
	if tx.Version != txVersion || tx.LockTime >= maxLockHeight || len(tx.TxOut) == 0 {
		return mismatch("version %d, lock time %d, %d outputs", tx.Version, tx.LockTime, len(tx.TxOut))
	}
	in, err := verifyInputs(packet, want)
	if err != nil {
		return err
	}
	out, err := verifyOutputs(tx, want)
	if err != nil {
		return err
	}
	fee, weight := in-out, SignedWeight(tx, want.Descriptor)
	if fee <= 0 || fee > want.MaxFee || fee > want.MaxFeeRate.Fee(weight) {
		return mismatch("fee %d sat for %d WU, caps %d sat and %d sat/kvB", fee, weight, want.MaxFee, want.MaxFeeRate)
	}
	if weight > MaxWeight {
		return mismatch("weight %d", weight)
	}
	return nil
}

func verifyInputs(packet *psbt.Packet, want Want) (sum btcutil.Amount, err error) {
	tx := packet.UnsignedTx
	if len(tx.TxIn) == 0 || len(packet.Inputs) != len(tx.TxIn) {
		return 0, mismatch("%d inputs, %d described", len(tx.TxIn), len(packet.Inputs))
	}
	spent := make(map[wire.OutPoint]bool, len(tx.TxIn))
	for i, in := range tx.TxIn {
		if in.Sequence != sequence || len(in.SignatureScript) > 0 || len(in.Witness) > 0 {
			return 0, mismatch("input %d: sequence %08x, or signed already", i, in.Sequence)
		}
		if spent[in.PreviousOutPoint] {
			return 0, mismatch("input %d spends a coin twice", i)
		}
		spent[in.PreviousOutPoint] = true
		prev, _, _, err := want.Descriptor.OwnInput(&packet.Inputs[i], in.PreviousOutPoint)
		if err != nil {
			return 0, mismatch("input %d: %w", i, err)
		}
		if sum += btcutil.Amount(prev.Value); prev.Value < 0 || prev.Value > int64(money.MaxSat) || sum > money.MaxSat {
			return 0, mismatch("input %d: impossible amount", i)
		}
	}
	for _, op := range want.Must {
		if !spent[op] {
			return 0, mismatch("required coin %s is not spent", op)
		}
	}
	return sum, nil
}

func verifyOutputs(tx *wire.MsgTx, want Want) (sum btcutil.Amount, err error) {
	type payment struct {
		script string
		amount int64
	}
	due := make(map[payment]int, len(want.Payees))
	for _, payee := range want.Payees {
		due[payment{string(payee.Script), int64(payee.Amount)}]++
	}
	changeScript, err := want.Descriptor.Script(wallet.ChainChange, want.ChangeIndex)
	if err != nil {
		return 0, mismatch("change: %w", err)
	}
	unpaid, changes := len(want.Payees), 0
	for i, out := range tx.TxOut {
		if out.Value < int64(wallet.DustLimit(out.PkScript)) || out.Value <= 0 || out.Value > int64(money.MaxSat) {
			return 0, mismatch("output %d: %d sat", i, out.Value)
		}
		if sum += btcutil.Amount(out.Value); sum > money.MaxSat {
			return 0, mismatch("output %d: impossible sum", i)
		}
		switch key := (payment{string(out.PkScript), out.Value}); {
		case due[key] > 0:
			due[key]--
			unpaid--
		case bytes.Equal(out.PkScript, changeScript) && changes == 0:
			changes++
		default:
			return 0, mismatch("output %d pays %d sat to %x, which nobody approved", i, out.Value, out.PkScript)
		}
	}
	if unpaid > 0 {
		return 0, mismatch("%d approved payments are missing", unpaid)
	}
	return sum, nil
}

// ExtractSigned returns the network form of a signed packet. Every input was run
// through the script engine against an output proven to be d's own, every
// signature commits to the whole transaction, the txid is that of the unsigned
// transaction, and the weight is no more than was reckoned with. packet is not
// changed. Errors are Internal with code bad_signature.
func ExtractSigned(packet *psbt.Packet, d *wallet.Descriptor) (raw []byte, txid chainhash.Hash, err error) {
	work, err := clonePacket(packet)
	if err != nil {
		return nil, chainhash.Hash{}, badSignature("copy: %w", err)
	}
	if err := psbt.MaybeFinalizeAll(work); err != nil {
		return nil, chainhash.Hash{}, badSignature("finalize: %w", err)
	}
	tx, err := psbt.Extract(work)
	if err != nil {
		return nil, chainhash.Hash{}, badSignature("extract: %w", err)
	}
	if err := checkSigned(tx, packet, d); err != nil {
		return nil, chainhash.Hash{}, err
	}
	var buf bytes.Buffer
	if err := tx.Serialize(&buf); err != nil {
		return nil, chainhash.Hash{}, badSignature("serialize: %w", err)
	}
	return buf.Bytes(), tx.TxHash(), nil
}

// VerifyRaw checks the stored network form of a transaction against the PSBT it
// was signed from, as ExtractSigned does. Errors are Internal with code
// bad_signature.
func VerifyRaw(raw []byte, packet *psbt.Packet, d *wallet.Descriptor) (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(txVersion)
	r := bytes.NewReader(raw)
	if err := tx.Deserialize(r); err != nil || r.Len() > 0 {
		return nil, badSignature("%d bytes left over, %w", r.Len(), err)
	}
	if err := checkSigned(tx, packet, d); err != nil {
		return nil, err
	}
	return tx, nil
}

func badSignature(format string, args ...any) error {
	return errs.Wrap(fmt.Errorf(format, args...), errs.Internal, "bad_signature",
		"The signed transaction does not hold. It was not used and nothing was sent.")
}

func checkSigned(tx *wire.MsgTx, packet *psbt.Packet, d *wallet.Descriptor) error {
	if got, want := tx.TxHash(), packet.UnsignedTx.TxHash(); got != want {
		return badSignature("txid %s, want %s", got, want)
	}
	prevouts, err := d.Prevouts(packet)
	if err != nil {
		return badSignature("%w", err)
	}
	hashes := txscript.NewTxSigHashes(tx, prevouts)
	for i, in := range tx.TxIn {
		if err := commitsToAll(in.Witness, d.Kind()); err != nil {
			return badSignature("input %d: %w", i, err)
		}
		prev := prevouts.FetchPrevOutput(in.PreviousOutPoint)
		engine, err := txscript.NewEngine(prev.PkScript, tx, i, txscript.StandardVerifyFlags, nil, hashes, prev.Value, prevouts)
		if err != nil {
			return badSignature("input %d: %w", i, err)
		}
		if err := engine.Execute(); err != nil {
			return badSignature("input %d: %w", i, err)
		}
	}
	if got, most := Weight(tx), SignedWeight(packet.UnsignedTx, d); got > most {
		return badSignature("weight %d, expected at most %d", got, most)
	}
	return nil
}

// commitsToAll reports a witness of another shape than one signature over the
// whole transaction.
func commitsToAll(witness wire.TxWitness, kind wallet.Kind) error {
	switch {
	case kind == wallet.KindTR && len(witness) == 1 && len(witness[0]) == 64:
		return nil
	case kind == wallet.KindWPKH && len(witness) == 2 && len(witness[0]) > 0 &&
		witness[0][len(witness[0])-1] == byte(txscript.SigHashAll):
		return nil
	}
	return fmt.Errorf("the witness is not one signature over the whole transaction")
}
