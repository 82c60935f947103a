package plan

import (
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// Family is a batch's attempts as a plan sees them.
type Family struct {
	Fund      fund.Fund
	Batch     payout.Batch
	Items     []payout.Item
	Approvals []payout.Approval
	Attempts  []payout.Attempt
	Parent    *payout.Attempt // of a child
	Void      *payout.Void
	// RelaySatKVB is what the node relays from on, and what a replacement pays for its
	// own relay; 0: nobody has asked the node yet, and nothing can be built.
	RelaySatKVB int64
}

func (f Family) relay() txbuild.FeeRate { return txbuild.FeeRate(f.RelaySatKVB) }

// FamilyOf is what a plan depends on, of a batch as it was loaded.
func FamilyOf(r payout.Record) Family {
	return Family{
		Fund:        r.Fund,
		Batch:       r.Batch,
		Items:       r.Items,
		Approvals:   r.Approvals,
		Attempts:    r.Attempts,
		Parent:      r.Parent,
		Void:        r.Void,
		RelaySatKVB: r.RelaySatKVB,
	}
}

// Newest returns the newest attempt; a family has one.
func (f Family) Newest() payout.Attempt { return f.Attempts[len(f.Attempts)-1] }

// Of returns the attempts of one kind.
func (f Family) Of(kind payout.AttemptKind) []payout.Attempt {
	var list []payout.Attempt
	for _, a := range f.Attempts {
		if a.Kind == kind {
			list = append(list, a)
		}
	}
	return list
}

// own is the virtual size and fee that a parent adds to those of its child; zero for
// all other batches, and for the void of a child, which spends the change alone.
func (f Family) own(kind payout.AttemptKind) (vsize int64, paid btcutil.Amount) {
	if f.Parent == nil || kind == payout.Voids {
		return 0, 0
	}
	return txbuild.VSize(f.Parent.Weight), f.Parent.Fee
}

// Rate is what an attempt pays in sat/kvB, rounded down, by its signed bytes where
// they are there: nodes reckon with those, which may be a little lighter.
func (f Family) Rate(a payout.Attempt) int64 {
	vsize, paid := f.own(a.Kind)
	return money.FeeRateOf(a.Fee+paid, txbuild.VSize(a.SignedWeight())+vsize)
}

// next is the lowest feerate in sat/kvB that a replacement of an attempt can have: it
// pays what it replaces and its own relay, at the most that it can weigh, and more than
// what the signed bytes pay now.
func (f Family) next(a payout.Attempt) int64 {
	vsize, paid := f.own(a.Kind)
	least := a.Fee + f.relay().Fee(a.Weight)
	return max(money.FeeRateAbove(least+paid, txbuild.VSize(a.Weight)+vsize), f.Rate(a)+1)
}

// most is the highest feerate at which a transaction like a keeps within a fee.
func (f Family) most(a payout.Attempt, within btcutil.Amount) int64 {
	vsize, paid := f.own(a.Kind)
	return money.FeeRateOf(within+paid, txbuild.VSize(a.Weight)+vsize)
}

// room is what has to stay free below every highest fee, so that an attempt can be
// taken back. A void needs none.
func (f Family) room(a payout.Attempt) btcutil.Amount { return f.roomAt(f.relay(), a) }

// roomFor is the room that a signer asks for as well: its operator may have told it of
// nodes that relay from a higher feerate on.
func (f Family) roomFor(info signerrpc.Info, a payout.Attempt) btcutil.Amount {
	return f.roomAt(max(f.relay(), txbuild.FeeRate(info.MinFeeRateSatKVB)), a)
}

func (f Family) roomAt(relay txbuild.FeeRate, a payout.Attempt) btcutil.Amount {
	if a.Kind == payout.Voids {
		return 0
	}
	descriptor, err := payout.TreasuryOf(f.Fund)
	if err != nil {
		return 0
	}
	weight, err := txbuild.VoidWeight(descriptor, f.Batch.Number, len(a.Inputs))
	if err != nil {
		return 0
	}
	return relay.Fee(weight)
}

// maxFee is the highest fee of an attempt: what was approved, and for what is new the
// fund's own limit as well. Whatever went out can be taken back for what was approved.
func maxFee(f fund.Fund, b payout.Batch, kind payout.AttemptKind) btcutil.Amount {
	if kind == payout.Voids {
		return b.MaxFee
	}
	return min(b.MaxFee, f.MaxFee)
}

// maxRate is the highest feerate of an attempt by what was approved.
func maxRate(f fund.Fund, b payout.Batch, kind payout.AttemptKind) txbuild.FeeRate {
	if kind == payout.Voids || b.Kind == payout.Child {
		return txbuild.AnyFeeRate
	}
	return txbuild.FeeRate(min(b.MaxFeeRateSatKVB, f.MaxFeeRateSatKVB))
}

// Raise works out how far the newest attempt can be raised.
func (f Family) Raise() payout.Raise {
	newest := f.Newest()
	current := f.Rate(newest)
	r := payout.Raise{CurrentSatKVB: current, LeastSatKVB: f.next(newest)}
	if f.RelaySatKVB <= 0 {
		r.Refused = payout.NoRelayFeeRate()
		return r
	}
	fees := f.most(newest, maxFee(f.Fund, f.Batch, newest.Kind)-f.room(newest))
	r.MostSatKVB = fees
	if newest.Kind == payout.Pays {
		r.MostSatKVB = min(fees, f.Batch.MaxFeeRateSatKVB, f.Fund.MaxFeeRateSatKVB)
		r.Approved = r.MostSatKVB == f.Batch.MaxFeeRateSatKVB
	}
	switch {
	case r.MostSatKVB >= r.LeastSatKVB:
		if len(f.Of(newest.Kind))-1 >= fee.MaxBumps {
			r.LeastSatKVB, r.Last = r.MostSatKVB, true // the last step is kept for the limit
		}
	case r.MostSatKVB == fees && newest.Kind == payout.Pays:
		r.Refused = payout.RaiseRefused(
			CodeFeeLimit,
			fmt.Sprintf(
				"The fee of this batch cannot be raised any further: it may cost %d sat, and %d of them must stay free so that the batch can be taken back.",
				int64(f.Batch.MaxFee),
				int64(f.room(newest)),
			),
			r,
		)
	case newest.Kind == payout.Voids:
		r.Refused = payout.RaiseRefused(
			CodeFeeLimit,
			fmt.Sprintf(
				"The fee cannot be raised any further: %d sat is the most that was approved for this batch.",
				int64(f.Batch.MaxFee),
			),
			r,
		)
	default:
		r.Refused = payout.RaiseRefused(
			CodeAtLimit,
			fmt.Sprintf(
				"The fee of this batch cannot be raised any further: it pays %s sat/vB, and %s is the most that was approved.",
				money.FormatFeeRate(current),
				money.FormatFeeRate(r.MostSatKVB),
			),
			r,
		)
	}
	return r
}

// moved is what the share of the signers' policy is taken of, and how often.
func (f Family) moved(a payout.Attempt) (worth btcutil.Amount, times int64) {
	if a.Kind == payout.Pays && len(f.Items) > 0 {
		return payout.Total(f.Items), 1
	}
	for _, in := range a.Inputs {
		worth += in.Amount
	}
	if a.Kind == payout.Voids {
		return worth, 2 // what it replaces, and what it adds
	}
	if f.Parent != nil {
		var moves btcutil.Amount
		for _, o := range f.Parent.Outputs {
			moves += o.Amount
		}
		worth = max(worth, moves)
	}
	return worth, 1
}

// permilleCap is the fee that a signer's share allows, as the signer reckons it.
func permilleCap(info signerrpc.Info, worth btcutil.Amount, times int64) btcutil.Amount {
	return btcutil.Amount(times * max(int64(worth)*info.MaxFeePermille/1000, smallFee))
}

// signersAllow is the highest fee that every signer allows for an attempt, its room
// included.
func (f Family) signersAllow(infos []signerrpc.Info, a payout.Attempt) (feeSat btcutil.Amount, ok bool) {
	worth, times := f.moved(a)
	for _, info := range infos {
		most := min(btcutil.Amount(info.MaxFeeSat)-f.roomFor(info, a), permilleCap(info, worth, times))
		if !ok || most < feeSat {
			feeSat, ok = most, true
		}
	}
	return feeSat, ok
}

// SignersMost is the highest feerate that every signer allows for an attempt
// that takes the place of a.
func (f Family) SignersMost(infos []signerrpc.Info, a payout.Attempt) (satKVB int64, ok bool) {
	feeSat, ok := f.signersAllow(infos, a)
	if !ok {
		return 0, false
	}
	satKVB = f.most(a, feeSat)
	if a.Kind == payout.Voids || f.Batch.Kind == payout.Child {
		return satKVB, true
	}
	for _, info := range infos {
		satKVB = min(satKVB, info.MaxFeeRateSatKVB)
	}
	return satKVB, true
}
