package payout

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

const (
	// leaveCoins is how many coins a batch leaves to the next ones where the amounts
	// allow: with two, one can go out and one more after it without a block between.
	leaveCoins = 2

	// signerPercent is what part of the payments the fee may be for a signer that was
	// told nothing else (signer.DefaultPolicy).
	signerPercent = 5

	// firstWeekSatVB stands for the long-term feerate until a week of estimates is
	// stored: above the floor, so that coins are joined only when blocks are all but
	// empty.
	firstWeekSatVB = 2
)

// readyWorth is the least that makes a coin ready for a batch of its own: it pays
// the smallest grant at the highest fee.
func readyWorth(f fund.Fund) btcutil.Amount { return f.MinAmount + f.MaxFee }

// longRun is the feerate that coins are expected to cost some day.
func (h Holdings) longRun() txbuild.FeeRate {
	return cmp.Or(txbuild.FeeRate(h.LongRunSatKVB), txbuild.SatPerVB(firstWeekSatVB))
}

// others is how many batches besides b wait for coins.
func (h Holdings) others(b Batch) int {
	if b.State == Approved {
		return max(0, h.Unbuilt-1)
	}
	return h.Unbuilt
}

// spare makes a payment take few coins: room for its fee to rise under every limit,
// and coins for those who come after.
func spare(r *txbuild.Request, f fund.Fund, b Batch, items []Item, h Holdings) {
	r.LongTermFeeRate = h.longRun()
	r.Room = min(b.MaxFee, max(total(items)*signerPercent/100, smallFee))
	if len(b.Chosen) > 0 {
		return // a treasurer has said which coins may go
	}
	others := h.others(b)
	r.LeaveCoins, r.LeaveWorth = max(leaveCoins, others), readyWorth(f)
	if others > 0 {
		r.ExtraInputs = -1
	}
}

// whyShort tells money that is not there from money that waits for a block.
func whyShort(err error, b Batch, h Holdings) error {
	if !errs.Is(err, "insufficient_funds") || len(b.Chosen) > 0 {
		return err
	}
	var coming, held btcutil.Amount
	for _, c := range h.Coins {
		switch {
		case c.Lock != nil:
			held += c.Amount
		case !c.Spendable():
			coming += c.Amount // in a batch, or not deep enough
		}
	}
	// What batches on their way pay out does not come back as change.
	coming -= h.Balances[ledger.InFlight]
	missing := missingSat(err)
	switch {
	case coming > 0 && coming >= missing:
		return errs.Newf(errs.Conflict, "coins_wait",
			"The treasury has enough, but not in coins that can be spent now: %d sat wait for blocks, as change of batches on their way or as new deposits. A batch that is approved goes on by itself when they are there.", int64(coming))
	case held > 0 && max(coming, 0)+held >= missing:
		return errs.Newf(errs.Conflict, "coins_locked",
			"The treasury has enough only with coins that are locked (%d sat). Unlock coins on the treasury page, or pay fewer people.", int64(held))
	}
	return err
}

// missingSat is the sum that a refusal for want of money names.
func missingSat(err error) btcutil.Amount {
	var e *errs.Error
	if !errors.As(err, &e) {
		return 0
	}
	n, parseErr := strconv.ParseInt(e.Params["missing_sat"], 10, 64)
	if parseErr != nil {
		return 0
	}
	return btcutil.Amount(n)
}

// lacksMoney reports whether a plan failed for want of coins alone: such a batch may
// wait for them.
func lacksMoney(err error) bool {
	return errs.Is(err, "insufficient_funds") || errs.Is(err, "coins_wait") || errs.Is(err, "coins_locked")
}

// outOfReach warns of a batch whose fee cannot rise to its highest feerate.
func outOfReach(items []Item, b Batch, p *txbuild.Plan) []Remark {
	room := min(b.MaxFee, max(total(items)*signerPercent/100, smallFee))
	if txbuild.SatPerVB(b.MaxFeeRateSatVB).Fee(p.Weight) <= room {
		return nil
	}
	reach := int64(txbuild.FeeRateOf(room, p.Weight)) / 1000
	return []Remark{{"cap_out_of_reach", fmt.Sprintf(
		"The fee cannot rise to the highest feerate: it reaches its limit of %d sat at %d sat/vB. Pay more people at once, or allow a higher fee.", int64(room), reach)}}
}

// Proposal is a split that a treasurer may want: too few coins are ready for as many
// batches at once as the fund wants, while fees are at the floor.
type Proposal struct {
	Ready  int // coins that are ready for a batch
	Target int // how many the fund wants
	Order  UpkeepOrder
	Each   btcutil.Amount // what each part holds, before the fee
}

// recentBatches is among how many of the newest batches a split is looked for.
const recentBatches = 50

// propose returns the split of the largest ready coin that comes nearest to the
// fund's target, or nil.
func propose(f fund.Fund, h Holdings, e *fee.Estimate) *Proposal {
	if e == nil || !e.Trusted || len(h.Breakers) > 0 || h.Unbuilt > 0 {
		return nil
	}
	floor := max((e.FloorSatKVB+999)/1000, 1)
	if e.RateSatVB(patient) > floor {
		return nil
	}
	var ready int
	var largest Coin
	for _, c := range h.Coins {
		if !c.Spendable() || c.Amount < readyWorth(f) {
			continue
		}
		ready++
		if c.Amount > largest.Amount {
			largest = c
		}
	}
	parts := min(int64(f.ReadyCoins-ready+1), decision.MaxUpkeepOutputs, int64((largest.Amount-f.MaxFee)/readyWorth(f)))
	if ready >= f.ReadyCoins || parts < 2 {
		return nil
	}
	return &Proposal{
		Ready: ready, Target: f.ReadyCoins, Each: largest.Amount / btcutil.Amount(parts),
		Order: UpkeepOrder{Kind: Split, Coins: []wire.OutPoint{largest.OutPoint}, Outputs: int(parts), FeeRateSatVB: floor},
	}
}
