package plan

import (
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
)

// addUpkeep adds the coins of an upkeep batch to a request, and the least fee: a child
// pays what its parent lacks.
func (f Family) addUpkeep(request *txbuild.Request, h payout.Holdings) error {
	if f.Batch.Kind == payout.Child {
		coin, err := f.childCoin()
		if err != nil {
			return err
		}
		request.Coins = []txbuild.Coin{coin}
		request.FeeRate, request.MinFee = f.relay(), f.childFee(request.Descriptor, f.Batch.FeeRateSatKVB)
	} else {
		for _, op := range f.Batch.Chosen {
			at := slices.IndexFunc(h.Coins, func(c payout.Coin) bool { return c.OutPoint == op && c.Spendable() })
			if at < 0 {
				return payout.CoinGone()
			}
			request.Coins = append(request.Coins, h.Coins[at].Coin)
		}
	}
	for _, coin := range request.Coins {
		request.Must = append(request.Must, coin.OutPoint)
	}
	if f.Batch.Kind == payout.Split {
		request.ChangeOutputs = f.Batch.Outputs
	}
	return nil
}

func (f Family) childCoin() (txbuild.Coin, error) {
	if f.Parent == nil || len(f.Batch.Chosen) != 1 {
		return txbuild.Coin{}, errs.New(errs.Internal, CodeBadChild, "A child must spend exactly one coin.")
	}
	op := f.Batch.Chosen[0]
	packet, err := f.Parent.Packet()
	if err != nil {
		return txbuild.Coin{}, err
	}
	at := slices.IndexFunc(
		f.Parent.Outputs,
		func(o payout.AttemptOutput) bool { return o.Vout == op.Index && o.ChangeIndex != nil },
	)
	if at < 0 {
		return txbuild.Coin{}, errs.New(errs.Internal, CodeBadChild, "A child must spend change.")
	}
	out := f.Parent.Outputs[at]
	return txbuild.Coin{
		OutPoint: op,
		Amount:   out.Amount,
		Script:   out.Script,
		Chain:    wallet.ChainChange,
		Index:    *out.ChangeIndex,
		PrevTx:   packet.UnsignedTx,
	}, nil
}

// childFee is what a child has to pay so that it and its parent together pay a feerate
// in sat/kvB: miners look at the pair. Its own feerate may be far higher.
func (f Family) childFee(d *wallet.Descriptor, rateSatKVB int64) btcutil.Amount {
	weight, err := txbuild.VoidWeight(d, f.Batch.Number, 1) // one coin, one output of change
	if err != nil {
		return 0
	}
	return max(money.FeeAt(txbuild.VSize(f.Parent.Weight)+txbuild.VSize(weight), rateSatKVB)-f.Parent.Fee, 0)
}
