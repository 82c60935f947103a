package plan

import (
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/psbt/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// MaxEvicted is how many transactions a replacement may push out of a mempool
// (BIP 125, rule 5).
const MaxEvicted = 100

// EvictedBy works out what replacing some transactions pushes out of a mempool.
func EvictedBy(txids []chainhash.Hash, mempool []fee.Tx) payout.Evicted {
	children := map[chainhash.Hash][]fee.Tx{}
	var out payout.Evicted
	for _, tx := range mempool {
		for _, parent := range tx.Depends {
			children[parent] = append(children[parent], tx)
		}
		if slices.Contains(txids, tx.TxID) {
			out.Count++
		}
	}
	seen := map[chainhash.Hash]bool{}
	for next := slices.Clone(txids); len(next) > 0; next = next[1:] {
		for _, tx := range children[next[0]] {
			if seen[tx.TxID] || slices.Contains(txids, tx.TxID) {
				continue
			}
			seen[tx.TxID] = true
			out.Count++
			out.Fees += btcutil.Amount(tx.FeeSat)
			out.TopSatKVB = max(out.TopSatKVB, int64(txbuild.FeeRateOf(btcutil.Amount(tx.FeeSat), tx.Weight)))
			next = append(next, tx.TxID)
		}
	}
	return out
}

// Pinned refuses a replacement that is too dear because of what descends from the transaction.
func Pinned() error {
	return errs.New(
		errs.Conflict,
		CodePinned,
		"Others have built on this transaction, so replacing it would cost more than the batch may pay. It may still "+
			"confirm as it is. A treasurer can add a child that pays for both.",
	)
}

// Replacement builds the transaction that comes after the family's attempts and
// takes their place, at a feerate in sat/kvB. It stores nothing: a request to take a
// batch back builds one on trial.
func (f Family) Replacement(
	kind payout.AttemptKind,
	rateSatKVB int64,
	lost payout.Evicted,
	infos []signerrpc.Info,
	h payout.Holdings,
) (*txbuild.Plan, error) {
	request, err := f.base(kind, h)
	if err != nil {
		return nil, err
	}
	first, err := f.Attempts[0].Packet()
	if err != nil {
		return nil, err
	}
	request.LockTime = first.UnsignedTx.LockTime
	have := map[wire.OutPoint]bool{}
	for _, coin := range request.Coins {
		have[coin.OutPoint] = true
	}
	// All that any attempt spends: the new one then conflicts with each of them, so
	// that no pair of them could both stand in one chain.
	must, dearest := map[wire.OutPoint]bool{}, int64(0)
	for _, a := range f.Attempts {
		if !a.Released() {
			continue
		}
		packet, err := a.Packet()
		if err != nil {
			return nil, err
		}
		own, err := inputCoins(packet, request.Descriptor)
		if err != nil {
			return nil, err
		}
		for _, coin := range own {
			if !have[coin.OutPoint] {
				have[coin.OutPoint] = true
				request.Coins = append(request.Coins, coin)
			}
			if !must[coin.OutPoint] {
				must[coin.OutPoint] = true
				request.Must = append(request.Must, coin.OutPoint)
			}
		}
		request.Replaces = max(request.Replaces, a.Fee)
		dearest = max(dearest, money.FeeRateOf(a.Fee, txbuild.VSize(a.SignedWeight())))
	}
	request.Replaces += lost.Fees // BIP 125, rule 3; rule 4 is txbuild's
	request.FeeRate = txbuild.FeeRate(rateSatKVB)
	switch {
	case kind == payout.Voids:
		if err := f.fitVoid(&request, infos); err != nil {
			return nil, err
		}
		if int64(request.FeeRate) <= lost.TopSatKVB { // btcd's rule: dearer than any that it pushes out
			return nil, errs.New(
				errs.Invalid,
				errs.CodeFeeAboveCap,
				"Others have built on this transaction, at a feerate that its void cannot outbid within what was approved.",
			)
		}
	case f.Parent != nil:
		request.FeeRate = f.relay()
		request.MinFee = f.childFee(request.Descriptor, rateSatKVB)
	}
	// A node asks for a higher feerate than that of anything replaced. A signature may be shorter
	// than was reckoned with, and what is about as large (the void of a child or of a
	// consolidation) would then pay more in all, and less for a byte.
	request.FeeRate = max(request.FeeRate, txbuild.FeeRate(dearest+1))
	if kind == payout.Pays {
		request.Payees = payees(f.Items)
	}
	if f.Batch.Kind == payout.Split && kind == payout.Pays {
		request.ChangeOutputs = f.Batch.Outputs
	}
	return txbuild.Build(request)
}

// fitVoid keeps a void within what was approved and what signers allow: the feerate
// that was asked for gives way, what it has to out-pay does not.
func (f Family) fitVoid(request *txbuild.Request, infos []signerrpc.Info) error {
	weight, err := txbuild.VoidWeight(request.Descriptor, f.Batch.Number, len(request.Must))
	if err != nil {
		return err
	}
	// Its change is money of ours that was to be paid out: any that can be relayed will do.
	request.LongTermFeeRate = f.relay()
	void := payout.Attempt{Kind: payout.Voids, Weight: weight}
	for _, coin := range request.Coins {
		if slices.Contains(request.Must, coin.OutPoint) {
			void.Inputs = append(void.Inputs, payout.AttemptInput{OutPoint: coin.OutPoint, Amount: coin.Amount})
		}
	}
	if most, ok := f.signersAllow(infos, void); ok {
		request.MaxFee = min(request.MaxFee, max(most, 1))
	}
	request.FeeRate = min(request.FeeRate, max(txbuild.FeeRateOf(request.MaxFee, weight), f.relay()))
	return nil
}

// inputCoins reads the coins that a PSBT of ours spends.
func inputCoins(packet *psbt.Packet, d *wallet.Descriptor) ([]txbuild.Coin, error) {
	own, err := d.OwnInputs(packet)
	if err != nil {
		return nil, err
	}
	coins := make([]txbuild.Coin, len(packet.Inputs))
	for i, in := range packet.UnsignedTx.TxIn {
		prev := own[i].Prev
		coins[i] = txbuild.Coin{
			OutPoint: in.PreviousOutPoint,
			Amount:   btcutil.Amount(prev.Value),
			Script:   prev.PkScript,
			Chain:    own[i].Chain,
			Index:    own[i].Index,
			PrevTx:   packet.Inputs[i].NonWitnessUtxo,
		}
	}
	return coins, nil
}
