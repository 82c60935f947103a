package signer_test

import (
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Edits that more than one line of a table would need.

func outputsReversed(tx *wire.MsgTx) { slices.Reverse(tx.TxOut) }

func replaceCoins(t tb, d *draft) {
	t.Helper()
	d.coins = []coin{newCoin(t, d.key.Descriptor(), 30, 4_000_000)}
}

// moved returns n with another payee.
func moved(t tb, n decision.Note) decision.Note {
	t.Helper()
	n.Payees = []decision.Payee{{Script: payeeScript(77), Address: wallet.AddressOf(payeeScript(77), &chaincfg.SimNetParams)}}
	return n
}

func batchOfNumber5(b *decision.BatchNote) { b.Batch = uuid.UUID{0: 0xba, 12: 5} }

// otherBatchSameNumber is a new batch with new decisions, new coins and the
// number of the first.
func otherBatchSameNumber(t tb, d *draft) {
	t.Helper()
	replaceCoins(t, d)
	d.notes = []decision.Note{newNote(t, 50, 3_000_000)}
	d.onBatch = func(b *decision.BatchNote) { b.Batch = uuid.UUID{0: 0xbb} }
}

// otherBatchTakesCoin is a new batch with new decisions that spends a coin of
// the first.
func otherBatchTakesCoin(t tb, d *draft) {
	t.Helper()
	d.coins = d.coins[1:]
	d.notes = []decision.Note{newNote(t, 50, 1_000_000)}
	d.number = 6
}

func unknown(kind byte) []*psbt.Unknown {
	return []*psbt.Unknown{{Key: []byte{kind, 1}, Value: []byte{2}}}
}

func addOutput(tx *wire.MsgTx, script []byte, sat int64) {
	tx.TxOut[len(tx.TxOut)-1].Value -= sat
	tx.AddTxOut(wire.NewTxOut(sat, script))
}

func manyInputs(tx *wire.MsgTx) {
	for i := range uint32(999) {
		in := *tx.TxIn[0]
		in.PreviousOutPoint.Index = 10 + i
		tx.AddTxIn(&in)
	}
}

func manyOutputs(tx *wire.MsgTx) {
	for len(tx.TxOut) < 3002 {
		addOutput(tx, payeeScript(9), 300)
	}
}

func onlyFee(sat btcutil.Amount) func(*decision.BatchNote) {
	return func(b *decision.BatchNote) { b.MaxFee, b.MaxFeeRateSatKVB = sat, 1_000_000 }
}

func (d *draft) changeTo(chain, index uint32) func(*wire.MsgTx) {
	return func(tx *wire.MsgTx) {
		if script, err := d.key.Descriptor().Script(chain, index); err == nil {
			tx.TxOut[len(tx.TxOut)-1].PkScript = script
		}
	}
}

func (d *draft) ownChange() []decision.Payee {
	script, err := d.key.Descriptor().Script(wallet.ChainChange, d.number)
	if err != nil {
		return nil
	}
	return []decision.Payee{{Script: script, Address: wallet.AddressOf(script, &chaincfg.SimNetParams)}}
}

// schnorrExample is the signature of test vector 0 of BIP340.
func schnorrExample() []byte {
	sig, err := hex.DecodeString("E907831F80848D1069A5371B402410364BDF1C5F8307B0084C55F1CE2DCA8215" +
		"25F66A4A85EA8B71E482A74F382D2CE5EBEEE8FDB2172F477DF4900D310536C0")
	if err != nil {
		return nil
	}
	return sig
}

// inEUR has the decisions say 500 euro, worth 750,000 to 1,100,000 sat, and the batch a rate at
// which that is 1,000,000 sat.
func inEUR(d *draft) {
	for i := range d.notes {
		n := &d.notes[i]
		n.Currency, n.Amount, n.SatLeast, n.SatMost = "EUR", 50_000, 750_000, 1_100_000
	}
	d.rates = []decision.Rate{{Currency: "EUR", PerBTC: 5_000_000, Quotes: decision.Digest{1}}}
}
