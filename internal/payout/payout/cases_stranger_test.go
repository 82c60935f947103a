package payout_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// strangerTx is how large a transaction of a stranger is: nodes relay no larger ones.
const strangerTx = 96_000

// strangerPays sends n amounts to the first deposit address in one transaction, which
// is filled up with payments to others, and mines it.
func (r *rig) strangerPays(n int, amount btcutil.Amount) *wire.MsgTx {
	r.t.Helper()
	script, err := r.key.Descriptor().Script(wallet.ChainDeposit, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	r.deposits = max(r.deposits, 1)
	var outs []*wire.TxOut
	size := 0
	for range n {
		outs = append(outs, wire.NewTxOut(int64(amount), script))
		size += outs[0].SerializeSize()
	}
	for size < strangerTx {
		outs = append(outs, wire.NewTxOut(400, append([]byte{txscript.OP_0, txscript.OP_DATA_32}, bytes.Repeat([]byte{7}, 32)...)))
		size += outs[len(outs)-1].SerializeSize()
	}
	tx := r.node.SendMany(outs...)
	r.mine(6)
	return tx
}

func unpacked(a payout.Attempt) (*psbt.Packet, error) {
	return txbuild.Packed{PSBT: a.PSBT, PrevTxs: a.PrevTxs}.Unpack()
}

// A stranger's large transaction with one, ten or a hundred payments to us stops no
// payout that spends them, and none of the bytes that we keep grow with their number.
func TestAStrangersDepositsNeverStopAPayout(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 10, 100} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			stranger := r.strangerPays(n, 60_000)
			pay := btcutil.Amount(n)*60_000*9/10 - 5_000
			b := r.approve(r.compose([]uuid.UUID{r.oweOne(pay)}))
			for range 3 {
				r.step()
			}
			rec := r.wantState(b.ID, payout.Broadcast)
			a := rec.Attempts[0]
			if len(a.Inputs) < n*9/10 || len(a.PrevTxs) != 1 || len(a.PSBT) > 100_000 {
				t.Errorf("%d inputs, %d previous transactions, PSBT of %d bytes", len(a.Inputs), len(a.PrevTxs), len(a.PSBT))
			}
			if got := r.number("SELECT sum(length(raw)) FROM prev_tx"); got != int64(stranger.SerializeSizeStripped()) {
				t.Errorf("%d bytes of previous transactions are kept, the stranger's has %d", got, stranger.SerializeSizeStripped())
			}
			r.mine(1)
			r.wantState(b.ID, payout.Mined)
		})
	}
}

// Fifteen hundred dust coins at one address stop nothing either, nor does joining a
// hundred of them that came in one transaction.
func TestDustStopsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, coin, coin)
	r.strangerPays(1500, 400)
	r.strangerPays(100, 700)
	b := r.broadcast(2)
	r.mine(1)
	r.wantState(b.ID, payout.Mined)

	var coins []wire.OutPoint
	for _, c := range r.treasury().Coins {
		if c.Amount == 700 && c.Spendable() {
			coins = append(coins, c.OutPoint)
		}
	}
	for _, c := range r.treasury().Coins {
		if c.Amount == coin && c.Spendable() {
			coins = append(coins, c.OutPoint)
			break
		}
	}
	if len(coins) < 50 {
		t.Fatalf("%d coins left to join", len(coins))
	}
	up := r.upkeep(payout.UpkeepOrder{Kind: payout.Consolidate, Coins: coins, FeeRateSatKVB: 1_000})
	for range 3 {
		r.step()
	}
	r.wantState(up.ID, payout.Broadcast)
}

// Where every key is in people's hands, a file that would be too large for any reader
// leaves the previous transactions out and says so; signatures come back all the same,
// and so does the finished transaction.
func TestALargePSBTIsTakenOutBare(t *testing.T) {
	t.Parallel()
	r, keys := newSharedRig(t, 0)
	r.strangerPays(100, 60_000)
	b := r.approve(r.compose([]uuid.UUID{r.oweOne(5_400_000)}))
	for range 3 {
		r.step()
	}
	rec := r.wantState(b.ID, payout.Signing)
	file, status, err := r.service.ExportPSBT(t.Context(), r.treasurer, b.ID)
	if err != nil || !file.Bare || !status.Bare || len(file.PSBT) > txbuild.MaxPSBTBytes {
		t.Fatalf("bare %v, %d bytes, %v", file.Bare, len(file.PSBT), err)
	}
	out, err := txbuild.ParsePSBT(file.PSBT)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.XPubs) != len(keys) || out.Inputs[0].NonWitnessUtxo != nil || out.Inputs[0].WitnessUtxo == nil {
		t.Errorf("%d account keys, previous transaction %v", len(out.XPubs), out.Inputs[0].NonWitnessUtxo)
	}
	whole, err := unpacked(rec.Attempts[0])
	if err != nil {
		t.Fatal(err)
	}
	first := r.signedBy(21, whole)
	if _, err := r.service.ImportPSBT(t.Context(), r.treasurer, b.ID, first); errs.CodeOf(err) != "bad_psbt" {
		t.Errorf("a PSBT with everything, of %d bytes: %v, want bad_psbt for its size", len(first), err)
	}
	for i, seed := range []byte{21, 22} {
		signed, err := txbuild.ParsePSBT(file.PSBT)
		if err != nil {
			t.Fatal(err)
		}
		if err := wallet.GivePrevTxs(signed, rec.Attempts[0].PrevTxs); err != nil {
			t.Fatal(err)
		}
		r.signedBy(seed, signed)
		bare, _, err := wallet.TakePrevTxs(signed)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := txbuild.EncodePSBT(bare)
		if err != nil {
			t.Fatal(err)
		}
		status, err := r.service.ImportPSBT(t.Context(), r.treasurer, b.ID, raw)
		if err != nil || len(status.Signed) != i+1 {
			t.Fatalf("%d: %+v, %v", i, status, err)
		}
	}
	r.step()
	r.wantState(b.ID, payout.Broadcast)
}

// The limits of what is built and of what a signer reads are the same.
func TestBuilderAndSignerAgreeOnSizes(t *testing.T) {
	t.Parallel()
	if txbuild.MaxPackedBytes != signerrpc.MaxPSBT || txbuild.MaxPrevTxBytes != signerrpc.MaxPrevTxs {
		t.Errorf("%d and %d bytes are built, %d and %d read", txbuild.MaxPackedBytes, txbuild.MaxPrevTxBytes, signerrpc.MaxPSBT, signerrpc.MaxPrevTxs)
	}
}
