package txbuild_test

import (
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"

	"github.com/causeway-fund/causeway/internal/txbuild"
	"github.com/causeway-fund/causeway/internal/txbuild/txtest"
	"github.com/causeway-fund/causeway/internal/wallet"
)

// request returns a plain request of a treasury: amounts as coins, payments to
// payees of every class in turn, roomy caps.
func request(t testing.TB, tr *txtest.Treasury, coins, payments []btcutil.Amount) txbuild.Request {
	t.Helper()
	r := txbuild.Request{
		Descriptor: tr.Descriptor, FeeRate: txbuild.SatPerVB(10),
		MaxFeeRate: txbuild.SatPerVB(200), MaxFee: 10_000_000, ChangeIndex: 7, Seed: [32]byte{1}, LockTime: 900_000,
	}
	for i, amount := range coins {
		r.Coins = append(r.Coins, tr.Coin(t, amount, uint32(i%2), uint32(i), uint32(i)))
	}
	classes := txtest.Classes()
	for i, amount := range payments {
		r.Payees = append(r.Payees, txbuild.Payee{
			Decision: fmt.Sprintf("decision-%04d", i), Amount: amount,
			Script: txtest.PayeeScript(t, classes[i%len(classes)], uint32(i)),
		})
	}
	return r
}

func kinds() []wallet.Kind { return []wallet.Kind{wallet.KindWPKH, wallet.KindTR} }

func newTreasury(t testing.TB, kind wallet.Kind) *txtest.Treasury {
	t.Helper()
	return txtest.NewTreasury(t, kind, &chaincfg.SimNetParams, "treasury")
}

func TestBuildSignExtract(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			tr := newTreasury(t, kind)
			r := request(t, tr, []btcutil.Amount{3_000_000, 500_000, 40_000}, []btcutil.Amount{600_000, 700_000, 20_000})
			plan, err := txbuild.Build(r)
			if err != nil {
				t.Fatalf("Build: %v", err)
			}
			tr.Sign(t, plan.PSBT)
			raw, txid, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
			if err != nil {
				t.Fatalf("ExtractSigned: %v", err)
			}
			if txid != plan.TxID {
				t.Errorf("txid %s, planned %s", txid, plan.TxID)
			}
			if _, err := txbuild.VerifyRaw(raw, plan.PSBT, tr.Descriptor); err != nil {
				t.Errorf("VerifyRaw: %v", err)
			}
		})
	}
}
