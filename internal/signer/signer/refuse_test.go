package signer_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// bad is one request that must be refused for one reason.
type bad struct {
	name, code string
	edit       func(*draft)
}

func onTx(f func(*wire.MsgTx)) func(*draft)      { return func(d *draft) { d.onTx = f } }
func onPacket(f func(*psbt.Packet)) func(*draft) { return func(d *draft) { d.onPacket = f } }
func onInput(f func(*psbt.PInput)) func(*draft) {
	return onPacket(func(p *psbt.Packet) { f(&p.Inputs[1]) })
}
func onBatch(f func(*decision.BatchNote)) func(*draft) { return func(d *draft) { d.onBatch = f } }
func onReq(f func(*signerrpc.Request)) func(*draft)    { return func(d *draft) { d.onReq = f } }

// onOutput edits the PSBT fields of the change, the last output.
func onOutput(f func(*psbt.POutput)) func(*draft) {
	return onPacket(func(p *psbt.Packet) { f(&p.Outputs[len(p.Outputs)-1]) })
}

// feeOf sets the fee and gives the coins enough for it.
func feeOf(fee btcutil.Amount) func(*draft) {
	return func(d *draft) {
		d.fee = fee
		for i := range d.coins {
			d.coins[i].prev.TxOut[1].Value += int64(fee)
		}
	}
}

// editedPrevTx is a previous transaction whose last output has another amount, and
// so another txid.
func editedPrevTx(raw []byte) []byte {
	tx, err := wallet.ReadPrevTx(raw)
	if err != nil {
		panic(err)
	}
	tx.TxOut[len(tx.TxOut)-1].Value++
	var b bytes.Buffer
	if err := tx.SerializeNoWitness(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// putInside puts the previous transaction of an input where BIP 174 has it.
func putInside(r *signerrpc.Request) {
	packet, err := psbt.NewFromRawBytes(bytes.NewReader(r.PSBT), false)
	if err != nil {
		panic(err)
	}
	if packet.Inputs[0].NonWitnessUtxo, err = wallet.ReadPrevTx(r.PrevTxs[0]); err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := packet.Serialize(&b); err != nil {
		panic(err)
	}
	r.PSBT = b.Bytes()
}

// withWitness is the same transaction, with the same txid, as nodes relay it.
func withWitness(raw []byte) []byte {
	tx, err := wallet.ReadPrevTx(raw)
	if err != nil {
		panic(err)
	}
	tx.TxIn[0].Witness = wire.TxWitness{{1}}
	var b bytes.Buffer
	if err := tx.Serialize(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func badRequests() []bad {
	return []bad{
		{"huge PSBT", "too_large", onReq(func(r *signerrpc.Request) { r.PSBT = make([]byte, signerrpc.MaxPSBT+1) })},
		{"huge batch note", "too_large", onReq(func(r *signerrpc.Request) { r.BatchNote = strings.Repeat("x", decision.MaxBatchBytes+1) })},
		{"too many notes", "too_large", onReq(func(r *signerrpc.Request) { r.Decisions = make([]string, signerrpc.MaxOutputs+1) })},
		{"huge approvals", "too_large", onReq(func(r *signerrpc.Request) { r.Approvals = []json.RawMessage{make([]byte, signerrpc.MaxApprovals+1)} })},
		{"no PSBT", "bad_psbt", onReq(func(r *signerrpc.Request) { r.PSBT = nil })},
		{"garbage PSBT", "bad_psbt", onReq(func(r *signerrpc.Request) { r.PSBT = []byte("psbt\xff garbage") })},
		{"PSBT cut short", "bad_psbt", onReq(func(r *signerrpc.Request) { r.PSBT = r.PSBT[:len(r.PSBT)-1] })},
		{"PSBT with a tail", "bad_psbt", onReq(func(r *signerrpc.Request) { r.PSBT = append(r.PSBT, 0) })},
		{"PSBT in base64", "bad_psbt", onReq(func(r *signerrpc.Request) { r.PSBT = []byte("cHNidP8=") })},
		{"no batch note", "bad_batch_note", onReq(func(r *signerrpc.Request) { r.BatchNote = "" })},
		{"batch note is a decision", "bad_batch_note", onReq(func(r *signerrpc.Request) { r.BatchNote = r.Decisions[0] })},
		{"batch note with a tail", "bad_batch_note", onReq(func(r *signerrpc.Request) { r.BatchNote += "\n" })},
		{"decision note garbage", "bad_decision_note", onReq(func(r *signerrpc.Request) { r.Decisions[1] = "x" })},
		{"decision note with CR", "bad_decision_note", onReq(func(r *signerrpc.Request) { r.Decisions[1] = strings.ReplaceAll(r.Decisions[1], "\n", "\r\n") })},
		{"another batch", "batch_mismatch", onReq(func(r *signerrpc.Request) { r.BatchID = strings.Replace(r.BatchID, "ba", "bb", 1) })},
		{"negative attempt", "bad_attempt_no", onReq(func(r *signerrpc.Request) { r.AttemptNo = -1 })},

		{"version 1", "tx_version", onTx(func(tx *wire.MsgTx) { tx.Version = 1 })},
		{"version 3", "tx_version", onTx(func(tx *wire.MsgTx) { tx.Version = 3 })},
		{"no outputs", "empty_transaction", onTx(func(tx *wire.MsgTx) { tx.TxOut = nil })},
		{"1,001 inputs", "too_many_inputs", onTx(manyInputs)},
		{"3,002 outputs", "too_many_outputs", onTx(manyOutputs)},
		{"locked by time", "bad_locktime", onTx(func(tx *wire.MsgTx) { tx.LockTime = txscript.LockTimeThreshold })},
		{"final sequence", "bad_sequence", onTx(func(tx *wire.MsgTx) { tx.TxIn[1].Sequence = math.MaxUint32 })},
		{"relative lock", "bad_sequence", onTx(func(tx *wire.MsgTx) { tx.TxIn[1].Sequence = 144 })},
		{"input twice", "input_twice", onTx(func(tx *wire.MsgTx) { tx.TxIn[1].PreviousOutPoint = tx.TxIn[0].PreviousOutPoint })},

		{"unknown global field", "unknown_field", onPacket(func(p *psbt.Packet) { p.Unknowns = unknown(0x42) })},
		{"proprietary global field", "unknown_field", onPacket(func(p *psbt.Packet) { p.Unknowns = unknown(0xfc) })},
		{"unknown input field", "unknown_field", onInput(func(in *psbt.PInput) { in.Unknowns = unknown(0x42) })},
		{"proprietary output field", "unknown_field", onOutput(func(o *psbt.POutput) { o.Unknowns = unknown(0xfc) })},
		{"SIGHASH_NONE", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = txscript.SigHashNone })},
		{"SIGHASH_SINGLE", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = txscript.SigHashSingle })},
		{"ANYONECANPAY", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = txscript.SigHashAll | txscript.SigHashAnyOneCanPay })},
		{"sighash of four bytes", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = 0x101 })},
		{"final witness there", "unexpected_field", onInput(func(in *psbt.PInput) { in.FinalScriptWitness = []byte{1, 0} })},
		{"final script there", "unexpected_field", onInput(func(in *psbt.PInput) { in.FinalScriptSig = []byte{1, 0} })},
		{"redeem script", "unexpected_field", onInput(func(in *psbt.PInput) { in.RedeemScript = []byte{0x51} })},
		{"witness script", "unexpected_field", onInput(func(in *psbt.PInput) { in.WitnessScript = []byte{0x51} })},
		{"taproot tree", "unexpected_field", onInput(func(in *psbt.PInput) { in.TaprootMerkleRoot = make([]byte, 32) })},
		{"output redeem script", "unexpected_field", onOutput(func(o *psbt.POutput) { o.RedeemScript = []byte{0x51} })},
		{"output witness script", "unexpected_field", onOutput(func(o *psbt.POutput) { o.WitnessScript = []byte{0x51} })},
		{"output taproot tree", "unexpected_field", onOutput(func(o *psbt.POutput) { o.TaprootTapTree = []byte{0, 0xc0, 1, 0x51} })},
		{"payment claims to be ours", "unexpected_field", onPacket(func(p *psbt.Packet) { p.Outputs[0] = p.Outputs[len(p.Outputs)-1] })},

		{"no previous transaction", "missing_prev_tx", onInput(func(in *psbt.PInput) { in.NonWitnessUtxo = nil })},
		{"the previous transaction of another input", "missing_prev_tx", onPacket(func(p *psbt.Packet) { p.Inputs[1].NonWitnessUtxo = p.Inputs[0].NonWitnessUtxo })},
		{"previous transaction inside the PSBT", "prev_tx_inside", onReq(putInside)},
		{"a previous transaction twice", "prev_tx_twice", onReq(func(r *signerrpc.Request) { r.PrevTxs = append(r.PrevTxs, r.PrevTxs[0]) })},
		{"a previous transaction of nothing", "unexpected_prev_tx", onReq(func(r *signerrpc.Request) { r.PrevTxs = append(r.PrevTxs, editedPrevTx(r.PrevTxs[0])) })},
		{"a previous transaction with another amount", "unexpected_prev_tx", onReq(func(r *signerrpc.Request) { r.PrevTxs[1] = editedPrevTx(r.PrevTxs[1]) })},
		{"a previous transaction with a byte more", "bad_prev_tx", onReq(func(r *signerrpc.Request) { r.PrevTxs[1] = append(bytes.Clone(r.PrevTxs[1]), 0) })},
		{"a previous transaction cut short", "bad_prev_tx", onReq(func(r *signerrpc.Request) { r.PrevTxs[1] = r.PrevTxs[1][:len(r.PrevTxs[1])-1] })},
		{"a previous transaction with a witness", "bad_prev_tx", onReq(func(r *signerrpc.Request) { r.PrevTxs[1] = withWitness(r.PrevTxs[1]) })},
		{"too many bytes of previous transactions", "too_large", onReq(func(r *signerrpc.Request) { r.PrevTxs = append(r.PrevTxs, make([]byte, signerrpc.MaxPrevTxs)) })},
		{"too many previous transactions", "too_large", onReq(func(r *signerrpc.Request) { r.PrevTxs = make([][]byte, signerrpc.MaxInputs+1) })},
		{"output that does not exist", "prev_tx_mismatch", onTx(func(tx *wire.MsgTx) { tx.TxIn[1].PreviousOutPoint.Index = 2 })},
		{"amount stated too low", "prev_tx_mismatch", onInput(func(in *psbt.PInput) { in.WitnessUtxo = wire.NewTxOut(in.WitnessUtxo.Value-1, in.WitnessUtxo.PkScript) })},
		{"script stated otherwise", "prev_tx_mismatch", onInput(func(in *psbt.PInput) { in.WitnessUtxo = wire.NewTxOut(in.WitnessUtxo.Value, payeeScript(1)) })},
		{"foreign coin", "foreign_input", func(d *draft) { d.coins[1].prev.TxOut[1].PkScript = payeeScript(9) }},
		{"another output of the same transaction", "foreign_input", func(d *draft) { d.coins[1].vout = 0 }},
		{"wrong index", "foreign_input", func(d *draft) { d.coins[1].index++ }},
		{"wrong chain", "foreign_input", func(d *draft) { d.coins[1].chain = wallet.ChainChange }},
		{"no path", "foreign_input", onInput(func(in *psbt.PInput) { in.Bip32Derivation, in.TaprootBip32Derivation = nil, nil })},
		{"input of negative amount", "bad_input_amount", func(d *draft) { d.coins[1].prev.TxOut[1].Value = -1 }},
		{"input of more than exists", "bad_input_amount", func(d *draft) { d.coins[1].prev.TxOut[1].Value = btcutil.MaxSatoshi + 1 }},
		{"inputs of more than exist", "bad_input_amount", func(d *draft) { d.coins[1].prev.TxOut[1].Value = btcutil.MaxSatoshi }},

		{"batch of another network", "wrong_network", onBatch(func(b *decision.BatchNote) { b.Network = decision.NetworkOf(&chaincfg.MainNetParams) })},
		{"batch of another genesis", "wrong_network", onBatch(func(b *decision.BatchNote) { b.Network.Genesis = strings.Repeat("0", 64) })},
		{"decision of another network", "wrong_network", func(d *draft) { d.notes[1].Network = decision.NetworkOf(&chaincfg.RegressionNetParams) }},
		{"address of another network", "bad_decision_note", func(d *draft) {
			d.notes[1].Payees[0].Address = wallet.AddressOf(d.notes[1].Payees[0].Script, &chaincfg.MainNetParams)
		}},
		{"address of another payee", "bad_decision_note", func(d *draft) { d.notes[1].Payees[0].Address = d.notes[0].Payees[0].Address }},
		{"note shown twice", "decision_twice", onReq(func(r *signerrpc.Request) { r.Decisions = append(r.Decisions, r.Decisions[0]) })},
		{"decision with two notes", "decision_twice", func(d *draft) { d.notes[1].Decision = d.notes[0].Decision }},
		{"note not in the batch", "note_not_in_batch", onBatch(func(b *decision.BatchNote) { b.Payments = b.Payments[1:] })},
		{"nobody to pay", "no_payments", func(d *draft) { d.notes = nil; feeOf(2000)(d) }},
		{"note not shown", "note_missing", onReq(func(r *signerrpc.Request) { r.Decisions = r.Decisions[1:] })},
		{"batch pays more", "note_differs", onBatch(func(b *decision.BatchNote) { b.Payments[0].Amount++ })},
		{"batch pays another script", "note_differs", onBatch(func(b *decision.BatchNote) { b.Payments[0].Script = payeeScript(9) })},
		{"batch of another fund", "wrong_fund", onBatch(func(b *decision.BatchNote) { b.Fund[0]++ })},
		{"decision of another fund", "wrong_fund", func(d *draft) { d.notes[1].Fund[0]++ }},
		{"a period that the decision lacks", "no_such_period", onBatch(func(b *decision.BatchNote) { b.Payments[0].Period = 2 })},
		{"a rate for satoshi", "rate_unused", func(d *draft) { d.rates = []decision.Rate{{Currency: "EUR", PerBTC: 5_000_000}} }},
		{"no rate", "rate_missing", func(d *draft) { inEUR(d); d.rates = nil }},
		{"a rate too many", "rate_unused", func(d *draft) {
			inEUR(d)
			d.rates = append(d.rates, decision.Rate{Currency: "USD", PerBTC: 5_000_000})
		}},
		{"a rate of another currency", "rate_missing", func(d *draft) { inEUR(d); d.rates[0].Currency = "USD" }},
		{"a rate that pays too little", "amount_outside", func(d *draft) { inEUR(d); d.rates[0].PerBTC = 6_666_676 }},
		{"a rate that pays too much", "amount_outside", func(d *draft) { inEUR(d); d.rates[0].PerBTC = 4_545_454 }},
		{"less than the rate makes", "note_differs", func(d *draft) {
			inEUR(d)
			d.onBatch = func(b *decision.BatchNote) { b.Payments[0].Amount-- }
		}},
		{"too late for the batch", "until_passed", onBatch(func(b *decision.BatchNote) { b.Until = now().Add(-1e9) })},
		{"a batch for more than a week", "until_too_far", onBatch(func(b *decision.BatchNote) { b.Until = lastMoment().Add(1e9) })},
		{"too early", "too_early", func(d *draft) { d.notes[2].FirstDue = today().AddDate(0, 0, 1) }},
		{"too late", "too_late", func(d *draft) { d.notes[2].PayWithinDays = 7 }},

		{"one more output", "foreign_output", onTx(func(tx *wire.MsgTx) { addOutput(tx, payeeScript(9), 1000) })},
		{"burn output", "foreign_output", onTx(func(tx *wire.MsgTx) { addOutput(tx, []byte{txscript.OP_RETURN, 1, 7}, 1000) })},
		{"one satoshi more", "foreign_output", onTx(func(tx *wire.MsgTx) { tx.TxOut[0].Value++ })},
		{"one satoshi less", "foreign_output", onTx(func(tx *wire.MsgTx) { tx.TxOut[0].Value-- })},
		{"payee swapped", "foreign_output", onTx(func(tx *wire.MsgTx) { tx.TxOut[0].PkScript = payeeScript(9) })},
		{"two payees swapped", "foreign_output", onTx(func(tx *wire.MsgTx) {
			tx.TxOut[0].PkScript, tx.TxOut[1].PkScript = tx.TxOut[1].PkScript, tx.TxOut[0].PkScript
		})},
		{"paid twice", "foreign_output", func(d *draft) {
			d.coins[0].prev.TxOut[1].Value += 1_000_000
			d.onTx = func(tx *wire.MsgTx) { addOutput(tx, tx.TxOut[0].PkScript, tx.TxOut[0].Value) }
		}},
		{"payment left out", "missing_payment", onTx(func(tx *wire.MsgTx) { tx.TxOut[3].Value += tx.TxOut[0].Value; tx.TxOut = tx.TxOut[1:] })},
		{"change to the next index", "foreign_output", func(d *draft) { d.onTx = d.changeTo(wallet.ChainChange, 6) }},
		{"change to a deposit address", "foreign_output", func(d *draft) { d.onTx = d.changeTo(wallet.ChainDeposit, 5) }},
		{"change to a stranger", "foreign_output", onTx(func(tx *wire.MsgTx) { tx.TxOut[3].PkScript = payeeScript(9) })},
		{"two changes", "two_changes", onTx(func(tx *wire.MsgTx) { addOutput(tx, tx.TxOut[3].PkScript, 1000) })},
		{"change with another path", "bad_change", onOutput(func(o *psbt.POutput) { o.Bip32Derivation[0].Bip32Path[4]++ })},
		{"change with a foreign path", "bad_change", onOutput(func(o *psbt.POutput) { o.Bip32Derivation[0].Bip32Path[0]++ })},
		{"dust change", "dust_output", func(d *draft) { d.onTx = func(tx *wire.MsgTx) { tx.TxOut[3].Value = 293 } }},
		{"zero output", "bad_amount", onTx(func(tx *wire.MsgTx) { tx.TxOut[0].Value = 0 })},
		{"negative output", "bad_amount", onTx(func(tx *wire.MsgTx) { tx.TxOut[0].Value = -1 })},
		{"output of more than exists", "bad_amount", onTx(func(tx *wire.MsgTx) { tx.TxOut[3].Value = btcutil.MaxSatoshi + 1 })},
		{"outputs of more than exist", "bad_amount", onTx(func(tx *wire.MsgTx) { tx.TxOut[3].Value = btcutil.MaxSatoshi })},
		{"payee is the change", "payee_is_treasury", func(d *draft) { d.notes[1].Payees = d.ownChange() }},

		{"money from nowhere", "negative_fee", onTx(func(tx *wire.MsgTx) { tx.TxOut[3].Value += 4000 })},
		{"no fee", "feerate_too_low", feeOf(0)},
		{"below the relay fee", "feerate_too_low", feeOf(exampleVSize - 1)},
		{"a satoshi over the signer's cap", "fee_above_cap", func(d *draft) { feeOf(50_001)(d); d.onBatch = onlyFee(1_000_000) }},
		{"the Paxos fee", "fee_above_cap", func(d *draft) { feeOf(1_982_000_000)(d); d.onBatch = onlyFee(btcutil.MaxSatoshi) }},
		{"a satoshi over the batch's cap", "fee_above_batch_cap", func(d *draft) { d.onBatch = onlyFee(2999) }},
		{"over five per cent", "fee_above_permille", func(d *draft) { d.notes = d.notes[:1]; worth(&d.notes[0], 59_999) }},
		{"over the signer's rate", "feerate_above_cap", func(d *draft) { feeOf(45_000)(d); d.onBatch = onlyFee(1_000_000) }},
		{"a satoshi over the batch's rate", "feerate_above_batch_cap", func(d *draft) {
			d.fee = 11*exampleVSize + 1
			d.onBatch = func(b *decision.BatchNote) { b.MaxFeeRateSatKVB = 11_000 }
		}},
		{"no room for its void", "no_room_for_void", func(d *draft) { d.onBatch = onlyFee(3000 + exampleVoid - 1) }},
	}
}

// exampleVSize is the largest virtual size of newDraft's transaction: 42 weight
// units, 2 P2WPKH inputs of 272 and 4 P2WPKH outputs of 124.
const exampleVSize = (42 + 2*272 + 4*124 + 3) / 4

// exampleVoid is the largest virtual size of a void of newDraft's transaction: one
// P2WPKH output.
const exampleVoid = (42 + 2*272 + 124 + 3) / 4

func TestSignsAtTheEdgeOfEachCap(t *testing.T) {
	t.Parallel()
	for _, tc := range []bad{
		{"relay fee", "", feeOf(exampleVSize)},
		{"signer's rate", "", func(d *draft) {
			feeOf(100 * exampleVSize)(d)
			d.onBatch = onlyFee(100*exampleVSize + exampleVoid)
		}},
		{"batch's fee", "", func(d *draft) { d.onBatch = onlyFee(3000 + exampleVoid) }},
		{"five per cent", "", func(d *draft) { d.notes = d.notes[:1]; worth(&d.notes[0], 60_000) }},
		{"2,000 sat for a small payment", "", func(d *draft) { d.fee = 2000; d.notes = d.notes[:1]; worth(&d.notes[0], 600) }},
		{"batch's rate, rounded up to a satoshi", "", func(d *draft) {
			d.fee = (11_017*exampleVSize + 999) / 1000
			d.onBatch = func(b *decision.BatchNote) { b.MaxFeeRateSatKVB = 11_017 }
		}},
		{"batch's rate", "", onBatch(func(b *decision.BatchNote) { b.MaxFeeRateSatKVB = 12_000 })},
		{"first moment", "", func(d *draft) { d.notes[0].FirstDue = today() }},
		{"last moment of the batch", "", onBatch(func(b *decision.BatchNote) { b.Until = now() })},
		{"amounts in euro", "", inEUR},
		{"the lowest rate", "", func(d *draft) { inEUR(d); d.rates[0].PerBTC = 4_545_455 }},
		{"the highest rate", "", func(d *draft) { inEUR(d); d.rates[0].PerBTC = 6_666_675 }},
		{"last day", "", func(d *draft) { d.notes[0].PayWithinDays = 8 }},
		{"no PSBT fields for the change", "", onOutput(func(o *psbt.POutput) { *o = psbt.POutput{} })},
		{"explicit SIGHASH_ALL", "", onInput(func(in *psbt.PInput) { in.SighashType = txscript.SigHashAll })},
		{"locked by height", "", onTx(func(tx *wire.MsgTx) { tx.LockTime = 900_000 })},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDraft(t, newKey(t, wallet.KindWPKH))
			tc.edit(d)
			if _, err := freshSigner(t, wallet.KindWPKH).Sign(t.Context(), d.request(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusesEachForItsReason(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	for _, tc := range badRequests() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := freshSigner(t, wallet.KindWPKH)
			d := newDraft(t, key)
			tc.edit(d)

			resp, err := s.Sign(t.Context(), d.request(t))

			if !errs.Is(err, errs.Code(tc.code)) || errs.KindOf(err) != errs.Conflict {
				t.Errorf("got %v, want %s", err, tc.code)
			}
			if len(resp.PSBT) != 0 || s.Info().JournalRecords != 0 {
				t.Error("something was signed or journalled")
			}
		})
	}
}

// Taproot has fields and a sighash type of its own.
func TestRefusesForTaproot(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindTR)
	for _, tc := range []bad{
		{"ALL in place of DEFAULT", "bad_sighash", onInput(func(in *psbt.PInput) { in.SighashType = txscript.SigHashAll })},
		{"script path", "unexpected_field", onInput(func(in *psbt.PInput) { in.TaprootMerkleRoot = make([]byte, 32) })},
		{"signature there", "unexpected_field", onInput(func(in *psbt.PInput) { in.TaprootKeySpendSig = schnorrExample() })},
		{"wrong index", "foreign_input", func(d *draft) { d.coins[1].index++ }},
		{"change with another path", "bad_change", onOutput(func(o *psbt.POutput) { o.TaprootBip32Derivation[0].Bip32Path[4]++ })},
		{"change to the next index", "foreign_output", func(d *draft) { d.onTx = d.changeTo(wallet.ChainChange, 6) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := newDraft(t, key)
			tc.edit(d)
			if _, err := freshSigner(t, wallet.KindTR).Sign(t.Context(), d.request(t)); !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func TestRefusesWhatIsSignedAlready(t *testing.T) {
	t.Parallel()
	s := freshSigner(t, wallet.KindWPKH)
	req := newDraft(t, newKey(t, wallet.KindWPKH)).request(t)
	resp, err := s.Sign(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	req.PSBT = resp.PSBT
	if _, err := s.Sign(t.Context(), req); !errs.Is(err, "unexpected_field") {
		t.Errorf("got %v, want unexpected_field", err)
	}
}

// Whatever byte of a PSBT is changed, either nothing is signed or the same
// transaction is.
func TestAChangedByteNeverSignsAnotherTransaction(t *testing.T) {
	t.Parallel()
	key := newKey(t, wallet.KindWPKH)
	good := newDraft(t, key).request(t)
	s := freshSigner(t, wallet.KindWPKH)
	want, err := s.Sign(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good.PSBT {
		req := good
		req.PSBT = bytes.Clone(good.PSBT)
		req.PSBT[i] ^= 1 << (i % 8)
		resp, err := s.Sign(t.Context(), req)
		if err == nil && resp.TxID != want.TxID {
			t.Errorf("byte %d: signed %s", i, resp.TxID)
		}
	}
	if got := s.Info().JournalRecords; got != 1 {
		t.Errorf("%d records, want 1", got)
	}
}
