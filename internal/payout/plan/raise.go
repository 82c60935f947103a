package plan

import (
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
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
}

// FamilyOf is what a plan depends on, of a batch as it was loaded.
func FamilyOf(r payout.Record) Family {
	return Family{Fund: r.Fund, Batch: r.Batch, Items: r.Items, Approvals: r.Approvals, Attempts: r.Attempts, Parent: r.Parent, Void: r.Void}
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

// own is the weight and fee that a parent adds to those of its child; zero for all
// other batches, and for the void of a child, which spends the change alone.
func (f Family) own(kind payout.AttemptKind) (weight int64, paid btcutil.Amount) {
	if f.Parent == nil || kind == payout.Voids {
		return 0, 0
	}
	return f.Parent.Weight, f.Parent.Fee
}

// Rate is what an attempt pays in sat/vB, rounded down, by its signed bytes where
// they are there: nodes reckon with those, which may be a little lighter.
func (f Family) Rate(a payout.Attempt) int64 {
	weight, paid := f.own(a.Kind)
	return int64(a.Fee+paid) * 4 / max(a.SignedWeight()+weight, 1)
}

// most is the highest whole feerate at which a transaction like a keeps within a fee.
func (f Family) most(a payout.Attempt, within btcutil.Amount) int64 {
	weight, paid := f.own(a.Kind)
	return max(int64(within+paid)*4/max(a.Weight+weight, 1), 0)
}

// room is what has to stay free below every highest fee, so that an attempt can be
// taken back. A void needs none.
func (f Family) room(a payout.Attempt) btcutil.Amount {
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
	return txbuild.RoomForVoid(weight)
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
	return txbuild.SatPerVB(min(b.MaxFeeRateSatVB, f.MaxFeeRateSatVB))
}

// Raise works out how far the newest attempt can be raised.
func (f Family) Raise() payout.Raise {
	newest := f.Newest()
	current := f.Rate(newest)
	r := payout.Raise{Current: current, Least: current + 1}
	fees := f.most(newest, maxFee(f.Fund, f.Batch, newest.Kind)-f.room(newest))
	r.Most = fees
	if newest.Kind == payout.Pays {
		r.Most = min(fees, f.Batch.MaxFeeRateSatVB, f.Fund.MaxFeeRateSatVB)
		if limit, _ := DecisionsAllow(f.Items); limit > 0 {
			r.Most = min(r.Most, limit)
		}
		r.Approved = r.Most == f.Batch.MaxFeeRateSatVB
	}
	switch {
	case r.Most >= r.Least:
		if len(f.Of(newest.Kind))-1 >= fee.MaxBumps {
			r.Least = r.Most // the last step is kept for the limit
		}
	case r.Most == fees && newest.Kind == payout.Pays:
		r.Refused = payout.RaiseRefused("fee_limit", fmt.Sprintf("The fee of this batch cannot be raised any further: it may cost %d sat, and %d of them must stay free so that the batch can be taken back.", int64(f.Batch.MaxFee), int64(f.room(newest))), r)
	case newest.Kind == payout.Voids:
		r.Refused = payout.RaiseRefused("fee_limit", fmt.Sprintf("The fee cannot be raised any further: %d sat is the most that was approved for this batch.", int64(f.Batch.MaxFee)), r)
	default:
		r.Refused = payout.RaiseRefused("at_limit", fmt.Sprintf("The fee of this batch cannot be raised any further: it pays %d sat/vB, and %d is the most that was approved.", current, r.Most), r)
	}
	return r
}

// DecisionsAllow is the highest feerate that the decisions of all items allow, and
// the reference of one that allows no more; 0 without items.
func DecisionsAllow(items []payout.Item) (satVB int64, reference string) {
	for _, it := range items {
		note, err := decision.Parse([]byte(it.Note))
		if err == nil && (satVB == 0 || note.MaxFeeRateSatVB < satVB) {
			satVB, reference = note.MaxFeeRateSatVB, it.Reference
		}
	}
	return satVB, reference
}

// moved is what the percentage of the signers' policy is taken of, and how often.
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

// percentCap is the fee that a signer's percentage allows, as the signer reckons it.
func percentCap(info signerrpc.Info, worth btcutil.Amount, times int64) btcutil.Amount {
	return btcutil.Amount(times * max(int64(worth)*info.MaxFeePercent/100, smallFee))
}

// signersAllow is the highest fee that every signer allows for an attempt, its room
// included.
func (f Family) signersAllow(infos []signerrpc.Info, a payout.Attempt) (feeSat btcutil.Amount, ok bool) {
	worth, times := f.moved(a)
	for _, info := range infos {
		most := min(btcutil.Amount(info.MaxFeeSat)-f.room(a), percentCap(info, worth, times))
		if !ok || most < feeSat {
			feeSat, ok = most, true
		}
	}
	return feeSat, ok
}

// SignersMost is the highest whole feerate that every signer allows for an attempt
// that takes the place of a.
func (f Family) SignersMost(infos []signerrpc.Info, a payout.Attempt) (satVB int64, ok bool) {
	feeSat, ok := f.signersAllow(infos, a)
	if !ok {
		return 0, false
	}
	satVB = f.most(a, feeSat)
	if a.Kind == payout.Voids || f.Batch.Kind == payout.Child {
		return satVB, true
	}
	for _, info := range infos {
		satVB = min(satVB, info.MaxFeeRateSatVB)
	}
	return satVB, true
}
