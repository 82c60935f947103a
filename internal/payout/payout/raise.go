package payout

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// Raise is how far the fee of a batch can be raised now, as far as is known without
// a signer and a node.
type Raise struct {
	Current  int64 // what it pays now, in sat/vB; a child and its parent together
	Least    int64 // to be had next
	Most     int64 // under every limit of the batch
	Refused  error // why it cannot be raised any further; nil: it can
	approved bool  // Most is the feerate that was approved
}

// family is a batch's attempts as a replacement sees them.
type family struct {
	fund     fund.Fund
	batch    Batch
	items    []Item
	attempts []Attempt
	parent   *Attempt // of a child
}

// familyOf reads what a replacement of a batch depends on.
func familyOf(ctx context.Context, store Store, r Record) (family, error) {
	fnd, err := store.Fund(ctx)
	f := family{fund: fnd, batch: r.Batch, items: r.Items, attempts: r.Attempts}
	if err != nil || r.Batch.Kind != Child || len(r.Batch.Chosen) != 1 {
		return f, err
	}
	parent, err := store.AttemptByTxID(ctx, r.Batch.Chosen[0].Hash)
	f.parent = &parent
	return f, err
}

// family is that of a batch which is locked.
func (w *Work) family(f fund.Fund) family {
	return family{fund: f, batch: w.Batch, items: w.Items, attempts: w.Attempts, parent: w.Parent}
}

func (f family) newest() Attempt { return f.attempts[len(f.attempts)-1] }

// of returns the attempts of one kind.
func (f family) of(kind AttemptKind) []Attempt {
	var list []Attempt
	for _, a := range f.attempts {
		if a.Kind == kind {
			list = append(list, a)
		}
	}
	return list
}

// own is the weight and fee that a parent adds to those of its child; zero for all
// other batches, and for the void of a child, which spends the change alone.
func (f family) own(kind AttemptKind) (weight int64, paid btcutil.Amount) {
	if f.parent == nil || kind == Voids {
		return 0, 0
	}
	return f.parent.Weight, f.parent.Fee
}

// rate is what an attempt pays in sat/vB, rounded down, by its signed bytes where
// they are there: nodes reckon with those, which may be a little lighter.
func (f family) rate(a Attempt) int64 {
	weight, paid := f.own(a.Kind)
	return int64(a.Fee+paid) * 4 / max(a.signedWeight()+weight, 1)
}

// signedWeight is the weight of the signed bytes; before they are there, the most that
// they can weigh.
func (a Attempt) signedWeight() int64 {
	tx := wire.NewMsgTx(wire.TxVersion)
	if len(a.Raw) == 0 || tx.Deserialize(bytes.NewReader(a.Raw)) != nil {
		return a.Weight
	}
	return txbuild.Weight(tx)
}

// announceCap is the feerate in sat/vB above which a node is not to be told of signed
// bytes: what they were built to pay, rounded up. Void and child have no other.
func (a Attempt) announceCap() int64 {
	vsize := max(txbuild.VSize(a.signedWeight()), 1)
	return max((int64(a.Fee)+vsize-1)/vsize, 1)
}

// most is the highest whole feerate at which a transaction like a keeps within a fee.
func (f family) most(a Attempt, within btcutil.Amount) int64 {
	weight, paid := f.own(a.Kind)
	return max(int64(within+paid)*4/max(a.Weight+weight, 1), 0)
}

// room is what has to stay free below every highest fee, so that an attempt can be
// taken back. A void needs none.
func (f family) room(a Attempt) btcutil.Amount {
	if a.Kind == Voids {
		return 0
	}
	descriptor, err := treasuryOf(f.fund)
	if err != nil {
		return 0
	}
	weight, err := txbuild.VoidWeight(descriptor, f.batch.Number, len(a.Inputs))
	if err != nil {
		return 0
	}
	return txbuild.RoomForVoid(weight)
}

// maxFee is the highest fee of an attempt: what was approved, and for what is new the
// fund's own limit as well. Whatever went out can be taken back for what was approved.
func maxFee(f fund.Fund, b Batch, kind AttemptKind) btcutil.Amount {
	if kind == Voids {
		return b.MaxFee
	}
	return min(b.MaxFee, f.MaxFee)
}

// maxRate is the highest feerate of an attempt by what was approved.
func maxRate(f fund.Fund, b Batch, kind AttemptKind) txbuild.FeeRate {
	if kind == Voids || b.Kind == Child {
		return txbuild.AnyFeeRate
	}
	return txbuild.SatPerVB(min(b.MaxFeeRateSatVB, f.MaxFeeRateSatVB))
}

// raise works out how far the newest attempt can be raised.
func (f family) raise() Raise {
	newest := f.newest()
	current := f.rate(newest)
	r := Raise{Current: current, Least: current + 1}
	fees := f.most(newest, maxFee(f.fund, f.batch, newest.Kind)-f.room(newest))
	r.Most = fees
	if newest.Kind == Pays {
		r.Most = min(fees, f.batch.MaxFeeRateSatVB, f.fund.MaxFeeRateSatVB)
		if limit, _ := decisionsAllow(f.items); limit > 0 {
			r.Most = min(r.Most, limit)
		}
		r.approved = r.Most == f.batch.MaxFeeRateSatVB
	}
	switch {
	case r.Most >= r.Least:
		if len(f.of(newest.Kind))-1 >= fee.MaxBumps {
			r.Least = r.Most // the last step is kept for the limit
		}
	case r.Most == fees && newest.Kind == Pays:
		r.Refused = raiseRefused("fee_limit", fmt.Sprintf("The fee of this batch cannot be raised any further: it may cost %d sat, and %d of them must stay free so that the batch can be taken back.", int64(f.batch.MaxFee), int64(f.room(newest))), r)
	case newest.Kind == Voids:
		r.Refused = raiseRefused("fee_limit", fmt.Sprintf("The fee cannot be raised any further: %d sat is the most that was approved for this batch.", int64(f.batch.MaxFee)), r)
	default:
		r.Refused = raiseRefused("at_limit", fmt.Sprintf("The fee of this batch cannot be raised any further: it pays %d sat/vB, and %d is the most that was approved.", current, r.Most), r)
	}
	return r
}

func raiseRefused(code, message string, r Raise) error {
	err := errs.New(errs.Conflict, code, message+" Nothing was changed.")
	err.Params = map[string]string{"current": strconv.FormatInt(r.Current, 10), "limit": strconv.FormatInt(r.Most, 10)}
	return err
}

// check refuses a feerate that somebody asks for and cannot have.
func (r Raise) check(feeRateSatVB int64) error {
	switch {
	case r.Refused != nil:
		return r.Refused
	case feeRateSatVB >= r.Least && feeRateSatVB <= r.Most:
		return nil
	case r.Least == r.Most && r.Least > r.Current+1 && feeRateSatVB > r.Current && feeRateSatVB < r.Most:
		return raiseRefused("raised_too_often", fmt.Sprintf("The fee of this batch has been raised %d times. It can be raised once more, to %d sat/vB, the most that it may pay.", fee.MaxBumps, r.Most), r)
	}
	to := fmt.Sprintf("%d sat/vB, the most that the approved limits allow", r.Most)
	if r.approved {
		to = fmt.Sprintf("the approved %d sat/vB", r.Most)
	}
	return errs.InvalidFields([]errs.Field{{
		Field: "fee_sat_vb", Code: "out_of_range", Message: fmt.Sprintf("The new feerate is from %d, which is more than it pays now, to %s.", r.Least, to),
		Params: map[string]string{"least": strconv.FormatInt(r.Least, 10), "limit": strconv.FormatInt(r.Most, 10)},
	}})
}

// decisionsAllow is the highest feerate that the decisions of all items allow, and
// the reference of one that allows no more; 0 without items.
func decisionsAllow(items []Item) (satVB int64, reference string) {
	for _, it := range items {
		note, err := decision.Parse([]byte(it.Note))
		if err == nil && (satVB == 0 || note.MaxFeeRateSatVB < satVB) {
			satVB, reference = note.MaxFeeRateSatVB, it.Reference
		}
	}
	return satVB, reference
}

// moved is what the percentage of the signers' policy is taken of, and how often.
func (f family) moved(a Attempt) (worth btcutil.Amount, times int64) {
	if a.Kind == Pays && len(f.items) > 0 {
		return total(f.items), 1
	}
	for _, in := range a.Inputs {
		worth += in.Amount
	}
	if a.Kind == Voids {
		return worth, 2 // what it replaces, and what it adds
	}
	if f.parent != nil {
		var moves btcutil.Amount
		for _, o := range f.parent.Outputs {
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
func (f family) signersAllow(infos []signerrpc.Info, a Attempt) (feeSat btcutil.Amount, ok bool) {
	worth, times := f.moved(a)
	for _, info := range infos {
		most := min(btcutil.Amount(info.MaxFeeSat)-f.room(a), percentCap(info, worth, times))
		if !ok || most < feeSat {
			feeSat, ok = most, true
		}
	}
	return feeSat, ok
}

// signersMost is the highest whole feerate that every signer allows for an attempt
// that takes the place of a.
func (f family) signersMost(infos []signerrpc.Info, a Attempt) (satVB int64, ok bool) {
	feeSat, ok := f.signersAllow(infos, a)
	if !ok {
		return 0, false
	}
	satVB = f.most(a, feeSat)
	if a.Kind == Voids || f.batch.Kind == Child {
		return satVB, true
	}
	for _, info := range infos {
		satVB = min(satVB, info.MaxFeeRateSatVB)
	}
	return satVB, true
}
