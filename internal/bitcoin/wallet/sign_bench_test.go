package wallet_test

import (
	"crypto/sha256"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/testkit/txtest"
)

// wide returns an unsigned PSBT that spends n coins, each at an index of its own.
func wide(tb testing.TB, tr *txtest.Treasury, n int) *psbt.Packet {
	tb.Helper()
	tx := wire.NewMsgTx(2)
	tx.AddTxOut(wire.NewTxOut(250_000, txtest.PayeeScript(tb, txscript.WitnessV0PubKeyHashTy, 1)))
	inputs := make([]psbt.PInput, n)
	for i := range inputs {
		coin := tr.Coin(tb, 150_000, wallet.ChainDeposit, uint32(i), uint32(i))
		tx.AddTxIn(wire.NewTxIn(&coin.OutPoint, nil, nil))
		inputs[i].NonWitnessUtxo = coin.PrevTx
		inputs[i].WitnessUtxo = wire.NewTxOut(150_000, coin.Script)
		if err := tr.Descriptor.AddInputFields(&inputs[i], wallet.ChainDeposit, uint32(i)); err != nil {
			tb.Fatal(err)
		}
	}
	packet, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		tb.Fatal(err)
	}
	packet.Inputs = inputs
	return packet
}

// bare signs n digests with keys that are ready: what nobody can do without.
func bare(tb testing.TB, kind wallet.Kind, keys []*btcec.PrivateKey) {
	tb.Helper()
	for i, key := range keys {
		digest := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		if kind == wallet.KindTR {
			if _, err := schnorr.Sign(key, digest[:], schnorr.CustomNonce([32]byte{}), schnorr.FastSign()); err != nil {
				tb.Fatal(err)
			}
		} else {
			ecdsa.Sign(key, digest[:]).Serialize()
		}
	}
}

// bareKeys derives n keys from the account with hdkeychain and txscript alone.
func bareKeys(tb testing.TB, tr *txtest.Treasury, n int) []*btcec.PrivateKey {
	tb.Helper()
	chain, err := tr.Account.Derive(wallet.ChainDeposit)
	if err != nil {
		tb.Fatal(err)
	}
	keys := make([]*btcec.PrivateKey, n)
	for i := range keys {
		child, err := chain.Derive(uint32(i))
		if err != nil {
			tb.Fatal(err)
		}
		if keys[i], err = child.ECPrivKey(); err != nil {
			tb.Fatal(err)
		}
		if tr.Descriptor.Kind() == wallet.KindTR {
			keys[i] = txscript.TweakTaprootPrivKey(*keys[i], nil)
		}
	}
	return keys
}

// BenchmarkSignPSBT signs a transaction of n inputs, every one at an address of
// its own. "again" has the keys that the signer keeps, as for a fee bump, and is
// held against btcec's signing alone; "first" derives everything, and is held
// against deriving and signing with hdkeychain, txscript and btcec. x_btcec is
// the ratio of both, taken in turns; the best turn of each counts, since other
// work on the machine only ever makes a turn longer.
func BenchmarkSignPSBT(b *testing.B) {
	for _, kind := range []wallet.Kind{wallet.KindWPKH, wallet.KindTR, wallet.KindWSH} {
		for _, n := range []int{10, 100, 1000} {
			tr := txtest.NewTreasury(b, kind, mainnet(b), "bench")
			packet := wide(b, tr, n)
			keys := bareKeys(b, tr, n)
			b.Run(string(kind)+"/again/"+strconv.Itoa(n), func(b *testing.B) {
				signer, err := wallet.NewSigner(tr.Account, tr.Descriptor)
				if err != nil {
					b.Fatal(err)
				}
				defer signer.Zero()
				if err := signer.Sign(packet); err != nil {
					b.Fatal(err)
				}
				compare(b, n, func() error { return signer.Sign(packet) }, func() { bare(b, kind, keys) })
			})
			b.Run(string(kind)+"/first/"+strconv.Itoa(n), func(b *testing.B) {
				compare(b, n, func() error {
					d, err := wallet.ParseDescriptor(tr.Descriptor.String(), mainnet(b))
					if err != nil {
						return err
					}
					return wallet.SignPSBT(packet, tr.Account, d)
				}, func() { bare(b, kind, bareKeys(b, tr, n)) })
			})
		}
	}
}

func compare(b *testing.B, n int, ours func() error, theirs func()) {
	b.Helper()
	mine, bare := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
	for b.Loop() {
		start := time.Now()
		if err := ours(); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		theirs()
		mine, bare = min(mine, between.Sub(start)), min(bare, time.Since(between))
	}
	b.ReportMetric(float64(mine)/float64(bare), "x_btcec")
	b.ReportMetric(float64(mine.Microseconds())/float64(n), "us/input")
}
