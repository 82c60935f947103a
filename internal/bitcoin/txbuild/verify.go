package txbuild

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/cores"
	"github.com/causeway-fund/causeway/internal/errs"
)

// Want is what was approved; a transaction is held against it. Without payees it
// is a void or upkeep, which pays the treasury itself and nobody else.
type Want struct {
	Descriptor  *wallet.Descriptor
	Payees      []Payee
	Must        []wire.OutPoint
	ChangeIndex uint32
	// ChangeOutputs above 1 is a split: exactly so many outputs at ChangeIndex,
	// of equal amounts, and no payees. Otherwise there is one at most.
	ChangeOutputs int
	MaxFeeRate    FeeRate
	MaxFee        btcutil.Amount
	// RoomForVoid asks that a void of the transaction would fit below MaxFee and
	// leave change, as in a Request; it pays RelayFeeRate for its own relay.
	RoomForVoid  bool
	RelayFeeRate FeeRate
}

// mismatch is the error for a transaction that is not the approved one. The
// detail goes to the log.
func mismatch(format string, args ...any) error {
	return errs.Wrap(fmt.Errorf(format, args...), errs.Internal, CodePlanMismatch,
		"The transaction is not the one that was approved. It was not used.")
}

// Verify derives everything about packet again from its bytes and compares it
// with what was approved: own inputs proven by their previous transactions,
// every payee exactly once, the change outputs that Want allows and those at the
// expected place, no dust, fee and weight within bounds, version, sequences. Every error
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
	if !want.RoomForVoid {
		return nil
	}
	change, err := want.Descriptor.Script(wallet.ChainChange, want.ChangeIndex)
	if err != nil {
		return mismatch("change: %w", err)
	}
	if want.RelayFeeRate <= 0 || want.RelayFeeRate > maxFeeRate {
		return mismatch("nodes relay from %d sat/kvB on", want.RelayFeeRate)
	}
	void := fee + want.RelayFeeRate.Fee(voidWeight(len(tx.TxIn), want.Descriptor.InputWeight(), outputWeight(change)))
	if void > want.MaxFee || in < void+wallet.DustLimit(change) {
		return mismatch("a void would cost %d sat, caps %d sat, of coins worth %d sat", void, want.MaxFee, in)
	}
	return nil
}

func verifyInputs(packet *psbt.Packet, want Want) (sum btcutil.Amount, err error) {
	tx := packet.UnsignedTx
	if len(tx.TxIn) == 0 || len(packet.Inputs) != len(tx.TxIn) {
		return 0, mismatch("%d inputs, %d described", len(tx.TxIn), len(packet.Inputs))
	}
	own, err := want.Descriptor.OwnInputs(packet)
	if err != nil {
		return 0, mismatch("%w", err)
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
		prev := own[i].Prev
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
	unpaid, changes := len(want.Payees), []int64(nil)
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
		case bytes.Equal(out.PkScript, changeScript) && len(changes) < max(1, want.ChangeOutputs):
			changes = append(changes, out.Value)
		default:
			return 0, mismatch("output %d pays %d sat to %x, which nobody approved", i, out.Value, out.PkScript)
		}
	}
	if unpaid > 0 {
		return 0, mismatch("%d approved payments are missing", unpaid)
	}
	if want.ChangeOutputs > 1 {
		if len(want.Payees) > 0 || len(changes) != want.ChangeOutputs {
			return 0, mismatch(
				"%d change outputs of %d, with %d payees",
				len(changes),
				want.ChangeOutputs,
				len(want.Payees),
			)
		}
		for _, amount := range changes {
			if amount != changes[0] {
				return 0, mismatch("a split into unequal amounts: %d and %d sat", changes[0], amount)
			}
		}
	}
	return sum, nil
}

// ExtractSigned returns the network form of a signed packet. Every input was run
// through the script engine, once, against an output proven to be d's own; every
// signature commits to the whole transaction, the txid is that of the unsigned
// transaction, and the weight is no more than was reckoned with. Of more
// signatures than a multisig needs, those of the first keys in script order are
// used. packet is not changed. Errors are Internal with code bad_signature, and
// param input where one input is at fault.
func ExtractSigned(packet *psbt.Packet, d *wallet.Descriptor) (raw []byte, txid chainhash.Hash, err error) {
	if len(packet.Inputs) != len(packet.UnsignedTx.TxIn) {
		return nil, chainhash.Hash{}, badSignature("%d inputs described", len(packet.Inputs))
	}
	own, err := d.OwnInputs(packet)
	if err != nil {
		return nil, chainhash.Hash{}, badSignature("%w", err)
	}
	tx := packet.UnsignedTx.Copy()
	for i := range packet.Inputs {
		if tx.TxIn[i].Witness, err = witnessOf(&packet.Inputs[i], own[i], d); err != nil {
			return nil, chainhash.Hash{}, badInput(i, err)
		}
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

// witnessOf returns the witness of an input, made of its signatures or taken as
// a signer finished it (BIP 174). Nothing in it was verified.
func witnessOf(in *psbt.PInput, own wallet.Own, d *wallet.Descriptor) (wire.TxWitness, error) {
	if len(in.FinalScriptWitness) > 0 {
		return wallet.ReadWitness(in.FinalScriptWitness)
	}
	sigs := slices.SortedFunc(
		slices.Values(in.PartialSigs),
		func(a, b *psbt.PartialSig) int { return bytes.Compare(a.PubKey, b.PubKey) },
	)
	need, _ := d.Threshold()
	switch {
	case d.Kind() == wallet.KindTR && len(in.TaprootKeySpendSig) > 0:
		return wire.TxWitness{in.TaprootKeySpendSig}, nil
	case d.Kind() == wallet.KindWPKH && len(sigs) == 1:
		return wire.TxWitness{sigs[0].Signature, sigs[0].PubKey}, nil
	case d.Kind() == wallet.KindWSH && len(sigs) >= need:
		script, err := d.WitnessScript(own.Chain, own.Index)
		if err != nil {
			return nil, err
		}
		witness := wire.TxWitness{nil} // OP_CHECKMULTISIG takes one element in excess
		for _, sig := range sigs[:need] {
			witness = append(witness, sig.Signature)
		}
		return append(witness, script), nil
	}
	return nil, fmt.Errorf("%d signatures", len(sigs))
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
	return errs.Wrap(fmt.Errorf(format, args...), errs.Internal, wallet.CodeBadSignature,
		"The signed transaction is not valid. It was not used.")
}

// badInput is badSignature for one input, which it names.
func badInput(i int, err error) error {
	e := errs.Wrap(err, errs.Internal, wallet.CodeBadSignature,
		fmt.Sprintf("The signature on input %d is not valid. The transaction was not used.", i))
	e.Params = map[string]string{"input": strconv.Itoa(i)}
	return e
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
	err = cores.Each(len(tx.TxIn), func(i int) error {
		in := tx.TxIn[i]
		if err := commitsToAll(in.Witness, d); err != nil {
			return badInput(i, err)
		}
		prev := prevouts.FetchPrevOutput(in.PreviousOutPoint)
		engine, err := txscript.NewEngine(
			prev.PkScript,
			tx,
			i,
			txscript.StandardVerifyFlags,
			nil,
			hashes,
			prev.Value,
			prevouts,
		)
		if err != nil {
			return badInput(i, err)
		}
		if err := engine.Execute(); err != nil {
			return badInput(i, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if got, most := Weight(tx), SignedWeight(packet.UnsignedTx, d); got > most {
		return badSignature("weight %d, expected at most %d", got, most)
	}
	return nil
}

// commitsToAll reports a witness of another shape than the needed signatures,
// each over the whole transaction. The engine does not mind what a signature
// covers.
func commitsToAll(witness wire.TxWitness, d *wallet.Descriptor) error {
	coversAll := func(sig []byte) bool { return len(sig) > 0 && sig[len(sig)-1] == byte(txscript.SigHashAll) }
	need, _ := d.Threshold()
	switch {
	case d.Kind() == wallet.KindTR && len(witness) == 1 && len(witness[0]) == 64,
		d.Kind() == wallet.KindWPKH && len(witness) == 2 && coversAll(witness[0]):
		return nil
	case d.Kind() == wallet.KindWSH && len(witness) == 1+need+1 && len(witness[0]) == 0:
		for _, sig := range witness[1 : 1+need] {
			if !coversAll(sig) {
				return errors.New("a signature does not cover the whole transaction")
			}
		}
		return nil
	}
	return errors.New("the witness is not made of the needed signatures over the whole transaction")
}
