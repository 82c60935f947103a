package txbuild_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// request returns a plain request of a treasury: amounts as coins, payments to
// payees of every class in turn, roomy caps.
func request(t testing.TB, tr *txtest.Treasury, coins, payments []btcutil.Amount) txbuild.Request {
	t.Helper()
	r := txbuild.Request{
		Descriptor: tr.Descriptor, FeeRate: txbuild.FeeRate(10_000),
		MaxFeeRate: txbuild.FeeRate(200_000), MaxFee: 10_000_000, ChangeIndex: 7, Seed: [32]byte{1}, LockTime: 900_000,
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

func newTreasury(t testing.TB, kind wallet.Kind) *txtest.Treasury {
	t.Helper()
	return txtest.NewTreasury(t, kind, &chaincfg.SimNetParams, "treasury")
}

func TestBuildSignExtract(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds() {
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

// drawRequest draws a treasury, coins and payments. Funds may be short.
func drawRequest(t *testing.T, rt *rapid.T) (*txtest.Treasury, txbuild.Request) {
	kind := rapid.SampledFrom(allKinds()).Draw(rt, "kind")
	tr := newTreasury(t, kind)
	amount := rapid.Custom(func(rt *rapid.T) btcutil.Amount {
		return btcutil.Amount(rapid.Int64Range(1, 1<<rapid.IntRange(8, 32).Draw(rt, "bits")).Draw(rt, "sat"))
	})
	coins := rapid.SliceOfN(amount, 0, 40).Draw(rt, "coins")
	payments := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) btcutil.Amount {
		return 546 + amount.Draw(rt, "pay")
	}), 1, 12).Draw(rt, "payments")
	r := request(t, tr, coins, payments)
	r.FeeRate = txbuild.FeeRate(rapid.Int64Range(100, 200_000).Draw(rt, "rate"))
	r.MaxFee = 1_000_000_000
	binary.BigEndian.PutUint64(r.Seed[:], rapid.Uint64().Draw(rt, "seed"))
	for _, coin := range r.Coins {
		if rapid.IntRange(0, 9).Draw(rt, "must") == 0 {
			r.Must = append(r.Must, coin.OutPoint)
		}
	}
	return tr, r
}

// What a plan promises, counted from its transaction.
func checkPlan(t testing.TB, r txbuild.Request, plan *txbuild.Plan) {
	t.Helper()
	tx := plan.PSBT.UnsignedTx
	in, out := btcutil.Amount(0), btcutil.Amount(0)
	spent := map[wire.OutPoint]bool{}
	for i, coin := range plan.Inputs {
		in += coin.Amount
		spent[coin.OutPoint] = true
		if tx.TxIn[i].PreviousOutPoint != coin.OutPoint || tx.TxIn[i].Sequence != 0xfffffffd {
			t.Errorf("input %d differs from the plan", i)
		}
	}
	paid, change := map[string]btcutil.Amount{}, btcutil.Amount(0)
	for i, o := range plan.Outputs {
		out += o.Amount
		if o.Vout != i || btcutil.Amount(tx.TxOut[i].Value) != o.Amount || !bytes.Equal(tx.TxOut[i].PkScript, o.Script) {
			t.Errorf("output %d differs from the plan", i)
		}
		if o.Amount < wallet.DustLimit(o.Script) {
			t.Errorf("output %d is dust: %d", i, o.Amount)
		}
		if (o.Decision == "") == (o.ChangeIndex == nil) {
			t.Errorf("output %d is both change and payment, or neither", i)
		}
		if o.Decision != "" {
			paid[o.Decision] += o.Amount
		} else if change += o.Amount; *o.ChangeIndex != r.ChangeIndex {
			t.Errorf("change at %d, want %d", *o.ChangeIndex, r.ChangeIndex)
		}
	}
	if change != plan.Change || (r.RequireChange && change == 0) {
		t.Errorf("change %d, plan says %d", change, plan.Change)
	}
	if len(paid) != len(r.Payees) {
		t.Errorf("%d decisions paid, want %d", len(paid), len(r.Payees))
	}
	for _, p := range r.Payees {
		if paid[p.Decision] != p.Amount {
			t.Errorf("%s got %d, want %d", p.Decision, paid[p.Decision], p.Amount)
		}
	}
	for _, op := range r.Must {
		if !spent[op] {
			t.Errorf("required coin %s is not spent", op)
		}
	}
	if in != out+plan.Fee {
		t.Errorf("in %d, out %d, fee %d", in, out, plan.Fee)
	}
	if plan.Fee > r.MaxFee || plan.Fee > r.MaxFeeRate.Fee(plan.Weight) || plan.Fee < max(r.MinFee, r.FeeRate.Fee(plan.Weight)) || plan.Weight > txbuild.MaxWeight {
		t.Errorf("fee %d (%d sat/kvB) for %d WU", plan.Fee, plan.FeeRate, plan.Weight)
	}
	if plan.TxID != tx.TxHash() || tx.Version != 2 || tx.LockTime != r.LockTime {
		t.Errorf("header: %s, version %d, lock time %d", plan.TxID, tx.Version, tx.LockTime)
	}
}

// Whatever is asked: a plan that holds, or one of the known refusals; and the
// plan, signed, passes the script engine and weighs what was reckoned.
func TestBuildProperties(t *testing.T) {
	t.Parallel()
	built := 0
	rapid.Check(t, func(rt *rapid.T) {
		tr, r := drawRequest(t, rt)
		plan, err := txbuild.Build(r)
		if err != nil {
			if code := errs.CodeOf(err); code != "insufficient_funds" && code != "fee_above_cap" {
				rt.Fatalf("Build: %v", err)
			}
			return
		}
		built++
		checkPlan(t, r, plan)
		tr.Sign(t, plan.PSBT)
		raw, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
		if err != nil {
			rt.Fatalf("ExtractSigned: %v", err)
		}
		tx, err := txbuild.VerifyRaw(raw, plan.PSBT, tr.Descriptor)
		if err != nil {
			rt.Fatalf("VerifyRaw: %v", err)
		}
		checkWeight(t, tr.Descriptor, plan, tx)
		if t.Failed() {
			rt.FailNow()
		}
	})
	if built < 20 {
		t.Errorf("only %d requests could be built: the draw is too poor", built)
	}
}

// The same request gives the same bytes, in whatever order it lists things.
func TestBuildIsDeterministic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		_, r := drawRequest(t, rt)
		first, err := txbuild.Build(r)
		if err != nil {
			return
		}
		mixed := r
		mixed.Coins = rapid.Permutation(r.Coins).Draw(rt, "coin order")
		mixed.Payees = rapid.Permutation(r.Payees).Draw(rt, "payee order")
		second, err := txbuild.Build(mixed)
		if err != nil {
			rt.Fatalf("second build: %v", err)
		}
		a, err := txbuild.EncodePSBT(first.PSBT)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := txbuild.EncodePSBT(second.PSBT)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			rt.Fatal("another order of the request gave other bytes")
		}
	})
}

// With caps out of the way, one more coin never makes a payable batch
// unpayable, and the amount called missing is enough when it is given.
func TestMoreFundsNeverFail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tr, r := drawRequest(t, rt)
		r.MaxFeeRate = 1_000_000_000
		extra := tr.Coin(t, btcutil.Amount(rapid.Int64Range(1, 1_000_000).Draw(rt, "extra")), 0, 77, 7_777)
		_, err := txbuild.Build(r)
		if err != nil {
			var e *errs.Error
			if !errors.As(err, &e) || e.Code != "insufficient_funds" {
				rt.Fatalf("Build: %v", err)
			}
			missing, err := strconv.ParseInt(e.Params["missing_sat"], 10, 64)
			if err != nil || missing <= 0 {
				rt.Fatalf("missing_sat %q", e.Params["missing_sat"])
			}
			if len(r.Coins) == 0 {
				return
			}
			extra = tr.Coin(t, btcutil.Amount(missing)+r.FeeRate.Fee(tr.Descriptor.InputWeight()+16), 0, 77, 7_777)
		}
		r.Coins = append(r.Coins, extra)
		plan, err := txbuild.Build(r)
		if err != nil {
			rt.Fatalf("with %d sat more: %v", extra.Amount, err)
		}
		checkPlan(t, r, plan)
	})
}

// The signed bytes of one batch of each kind. @scure/btc-signer 2.4.1 derives
// the keys from the same PSBT and seed and signs the same bytes; it and
// bitcoinjs-lib 7.0.5 finalize our signed PSBT to them too.
func TestSignedBytesArePinned(t *testing.T) {
	t.Parallel()
	for kind, pinned := range map[wallet.Kind]struct {
		rate txbuild.FeeRate // which makes the fee of the pinned bytes
		want string
	}{
		wallet.KindWPKH: {15_991, "51b5a5902aaea290aac182273a9fc439f620f5d08fce5b313cec6b507391cc61"},
		wallet.KindTR:   {15_990, "bb1558ded86d4d7a456eec8a8680d5b6a196cc8374fb0359a71f5b445c694136"},
	} {
		payments := many(16, 20_000)
		for i := range payments {
			payments[i] += btcutil.Amount(i)
		}
		tr := newTreasury(t, kind)
		r := request(t, tr, many(20, 120_000), payments)
		r.FeeRate, r.Seed[3] = pinned.rate, 16
		plan, err := txbuild.Build(r)
		if err != nil {
			t.Fatal(err)
		}
		tr.Sign(t, plan.PSBT)
		raw, _, err := txbuild.ExtractSigned(plan.PSBT, tr.Descriptor)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != pinned.want {
			t.Errorf("%s: SHA-256 of the signed transaction %s, want %s", kind, got, pinned.want)
		}
	}
}
