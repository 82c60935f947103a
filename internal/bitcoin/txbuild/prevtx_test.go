package txbuild_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// madeTogether returns coins of the first deposit address, or of addresses of their
// own, that one transaction of at least size bytes made.
func madeTogether(t testing.TB, tr *txtest.Treasury, amount btcutil.Amount, n, size int, nonce uint32, apart bool) []txbuild.Coin {
	t.Helper()
	prev := wire.NewMsgTx(2)
	prev.AddTxIn(wire.NewTxIn(&wire.OutPoint{Index: nonce}, nil, nil))
	var coins []txbuild.Coin
	for i := range n {
		index := uint32(0)
		if apart {
			index = nonce*1000 + uint32(i)
		}
		script, err := tr.Descriptor.Script(wallet.ChainDeposit, index)
		if err != nil {
			t.Fatal(err)
		}
		prev.AddTxOut(wire.NewTxOut(int64(amount), script))
		coins = append(coins, txbuild.Coin{OutPoint: wire.OutPoint{Index: uint32(i)}, Amount: amount, Script: script, Chain: wallet.ChainDeposit, Index: index, Height: 100, PrevTx: prev})
	}
	if left := size - prev.SerializeSize(); left > 0 {
		prev.AddTxOut(wire.NewTxOut(0, append([]byte{txscript.OP_RETURN}, make([]byte, left)...)))
	}
	binary.LittleEndian.PutUint32(prev.TxIn[0].PreviousOutPoint.Hash[:], nonce)
	for i := range coins {
		coins[i].OutPoint.Hash = prev.TxHash()
	}
	return coins
}

// However many coins a transaction made, and however large it is, what is built fits
// into what a signer reads, and reads back.
func TestPrevTxsStayWithinTheirBound(t *testing.T) {
	t.Parallel()
	tr := txtest.NewTreasury(t, wallet.KindWPKH, &chaincfg.SimNetParams, "bound")
	for _, tc := range []struct{ coins, each, size int }{
		{1, 1, 96_000}, {1, 10, 96_000}, {1, 100, 96_000}, {1, 900, 96_000}, {200, 1, 96_000}, {12, 3, 999_000}, {13, 1, 999_000}, {30, 30, 999_000}, {900, 1, 200},
	} {
		for _, apart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d of %d bytes with %d coins, apart %v", tc.coins, tc.size, tc.each, apart), func(t *testing.T) {
				t.Parallel()
				var coins []txbuild.Coin
				for i := range tc.coins {
					coins = append(coins, madeTogether(t, tr, 700, tc.each, tc.size, uint32(i+1), apart)...)
				}
				// A coin that pays for all is there too: dust may come along, never in the way.
				coins = append(coins, tr.Coin(t, 50_000_000, wallet.ChainDeposit, 999_999, 7))
				for _, rate := range []int64{1, 4} {
					plan, err := txbuild.Build(txbuild.Request{
						Descriptor: tr.Descriptor, Coins: coins, FeeRate: txbuild.FeeRate(rate * 1000), MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 400_000,
						Payees: []txbuild.Payee{{Decision: "a", Script: txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1), Amount: 1_000_000}},
					})
					if err != nil {
						t.Fatal(err)
					}
					if size := txbuild.PrevTxBytes(plan.Inputs); size > txbuild.MaxPrevTxBytes {
						t.Errorf("%d bytes of previous transactions", size)
					}
					packed, err := txbuild.Pack(plan.PSBT)
					if err != nil {
						t.Fatal(err)
					}
					back, err := packed.Unpack()
					if err != nil || back.UnsignedTx.TxHash() != plan.TxID {
						t.Errorf("reads back as %v", err)
					}
				}
			})
		}
	}
}

// Where no set of coins can pay within the bound, the refusal says why and what to do.
func TestNoSetFits(t *testing.T) {
	t.Parallel()
	tr := txtest.NewTreasury(t, wallet.KindWPKH, &chaincfg.SimNetParams, "none fits")
	var coins []txbuild.Coin
	for i := range 30 {
		coins = append(coins, madeTogether(t, tr, 100_000, 1, 999_000, uint32(i+1), true)...)
	}
	r := txbuild.Request{
		Descriptor: tr.Descriptor, Coins: coins, FeeRate: 1000, MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 400_000,
		Payees: []txbuild.Payee{{Decision: "a", Script: txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1), Amount: 2_000_000}},
	}
	if _, err := txbuild.Build(r); !errs.Is(err, "prev_txs_too_large") {
		t.Errorf("%v, want prev_txs_too_large", err)
	}
	r.Payees[0].Amount = 1_100_000 // twelve of them pay it
	if plan, err := txbuild.Build(r); err != nil || len(plan.Inputs) != 12 {
		t.Errorf("twelve that fit: %v", err)
	}
	must := txbuild.Request{Descriptor: tr.Descriptor, Coins: coins, FeeRate: 1000, MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 400_000}
	for _, c := range coins {
		must.Must = append(must.Must, c.OutPoint)
	}
	if _, err := txbuild.Build(must); !errs.Is(err, "prev_txs_too_large") {
		t.Errorf("a consolidation of all: %v, want prev_txs_too_large", err)
	}
}

// Neither the coins that bring most for their bytes, nor the largest, nor the smallest
// can pay here, and two others can.
func TestTheSetThatBringsMostIsFound(t *testing.T) {
	t.Parallel()
	tr := txtest.NewTreasury(t, wallet.KindWPKH, &chaincfg.SimNetParams, "most")
	var coins []txbuild.Coin
	for i, of := range []struct {
		size   int
		amount btcutil.Amount
	}{{6_000, 61_000}, {5_000, 50_000}, {5_000, 50_000}, {4_000, 10_000}, {1_000, 1_000}} {
		coins = append(coins, madeTogether(t, tr, of.amount, 1, of.size-50, uint32(i+1), true)...)
	}
	plan, err := txbuild.Build(txbuild.Request{
		Descriptor: tr.Descriptor, Coins: coins, FeeRate: 1000, MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 400_000, MaxPrevTxBytes: 10_000,
		Payees: []txbuild.Payee{{Decision: "a", Script: txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1), Amount: 95_000}},
	})
	if err != nil || len(plan.Inputs) != 2 || plan.Inputs[0].Amount != 50_000 {
		t.Errorf("%v, %+v", err, plan)
	}
}

// Whatever the sizes, coins that can pay within the bound are found, and never more
// than the bound is used.
func TestASetThatFitsIsFound(t *testing.T) {
	t.Parallel()
	tr := txtest.NewTreasury(t, wallet.KindWPKH, &chaincfg.SimNetParams, "found")
	script := txtest.PayeeScript(t, txscript.WitnessV0PubKeyHashTy, 1)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(rt, "transactions")
		var coins []txbuild.Coin
		sizes, worth := make([]int, n), make([]btcutil.Amount, n)
		inputFee := txbuild.FeeRate(1000).Fee(tr.Descriptor.InputWeight())
		for i := range n {
			amount := btcutil.Amount(rapid.IntRange(5_000, 50_000).Draw(rt, "amount"))
			each := rapid.IntRange(1, 3).Draw(rt, "coins")
			made := madeTogether(t, tr, amount, each, rapid.IntRange(200, 3000).Draw(rt, "size"), uint32(i+1), rapid.Bool().Draw(rt, "apart"))
			sizes[i], worth[i] = made[0].PrevTx.SerializeSizeStripped(), btcutil.Amount(each)*(amount-inputFee)
			coins = append(coins, made...)
		}
		bound := rapid.IntRange(500, 6000).Draw(rt, "bound")
		most := btcutil.Amount(0)
		for set := range 1 << n {
			size, sum := 0, btcutil.Amount(0)
			for i := range n {
				if set&(1<<i) != 0 {
					size, sum = size+sizes[i], sum+worth[i]
				}
			}
			if size <= bound {
				most = max(most, sum)
			}
		}
		pay := btcutil.Amount(rapid.IntRange(1_000, 200_000).Draw(rt, "pay"))
		plan, err := txbuild.Build(txbuild.Request{
			Descriptor: tr.Descriptor, Coins: coins, FeeRate: 1000, MaxFeeRate: txbuild.FeeRate(50_000), MaxFee: 400_000, MaxPrevTxBytes: bound,
			Payees: []txbuild.Payee{{Decision: "a", Script: script, Amount: pay}},
		})
		const own = 200 // more than the rest of the transaction costs at 1 sat/vB, and less than change is worth
		switch {
		case err == nil && txbuild.PrevTxBytes(plan.Inputs) > bound:
			rt.Fatalf("%d bytes, the bound is %d", txbuild.PrevTxBytes(plan.Inputs), bound)
		case err != nil && most >= pay+own:
			rt.Fatalf("%v, though %d sat within the bound pay %d", err, most, pay)
		case err == nil && most < pay:
			rt.Fatalf("built with %d sat that pay %d", most, pay)
		}
	})
}
