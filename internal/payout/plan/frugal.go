package plan

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// readyWorth is the least that makes a coin ready for a batch of its own: it pays
// the smallest grant at the highest fee.
func readyWorth(f fund.Fund) btcutil.Amount { return f.MinAmount + f.MaxFee }

// spare makes a payment take few coins: room for its fee to rise under every limit,
// and coins for those who come after.
func spare(r *txbuild.Request, f fund.Fund, b payout.Batch, items []payout.Item, h payout.Holdings) {
	r.LongTermFeeRate = h.LongRun()
	r.Room = min(b.MaxFee, max(payout.Total(items)*payout.SignerPermille/1000, smallFee))
	if len(b.Chosen) > 0 {
		return // a treasurer has said which coins may go
	}
	others := h.Others(b)
	r.LeaveCoins, r.LeaveWorth = max(payout.LeaveCoins, others), readyWorth(f)
	if others > 0 {
		r.ExtraInputs = -1
	}
}

// whyShort tells money that is not there from money that waits for a block.
func whyShort(err error, b payout.Batch, h payout.Holdings) error {
	if !errs.Is(err, txbuild.CodeInsufficientFunds) || len(b.Chosen) > 0 {
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
		return errs.Newf(
			errs.Conflict,
			CodeCoinsWait,
			"The treasury has enough, but not in coins that can be spent now: %d sat wait for blocks, as change of batches on their way or as new deposits. A batch that is approved goes on by itself when they are there.",
			int64(coming),
		)
	case held > 0 && max(coming, 0)+held >= missing:
		return errs.Newf(
			errs.Conflict,
			CodeCoinsLocked,
			"The treasury has enough only with coins that are locked (%d sat). Unlock coins on the treasury page, or pay fewer people.",
			int64(held),
		)
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

// LacksMoney reports whether a plan failed for want of coins alone: such a batch may
// wait for them.
func LacksMoney(err error) bool {
	return errs.Is(err, txbuild.CodeInsufficientFunds) || errs.Is(err, CodeCoinsWait) || errs.Is(err, CodeCoinsLocked)
}

// OutOfReach warns of a batch whose fee cannot rise to its highest feerate.
func OutOfReach(items []payout.Item, b payout.Batch, p *txbuild.Plan) []payout.Remark {
	room := min(b.MaxFee, max(payout.Total(items)*payout.SignerPermille/1000, smallFee))
	if txbuild.FeeRate(b.MaxFeeRateSatKVB).Fee(p.Weight) <= room {
		return nil
	}
	reach := money.FormatFeeRate(int64(txbuild.FeeRateOf(room, p.Weight)))
	return []payout.Remark{{Code: "cap_out_of_reach", Text: fmt.Sprintf(
		"The fee cannot rise to the highest feerate: it reaches its limit of %d sat at %s sat/vB. Pay more people at once, or allow a higher fee.",
		int64(room),
		reach,
	)}}
}

// Proposal is a split that a treasurer may want: too few coins are ready for as many
// batches at once as the fund wants, while fees are at the floor.
type Proposal struct {
	Ready  int // coins that are ready for a batch
	Target int // how many the fund wants
	Order  payout.UpkeepOrder
	Each   btcutil.Amount // what each part holds, before the fee
}

// RecentBatches is among how many of the newest batches a split is looked for.
const RecentBatches = 50

// Propose returns the split of the largest ready coin that comes nearest to the
// fund's target, or nil.
func Propose(f fund.Fund, h payout.Holdings, e *fee.Estimate) *Proposal {
	if e == nil || !e.Trusted || len(h.Breakers) > 0 || h.Unbuilt > 0 {
		return nil
	}
	floor := max(e.FloorSatKVB, 1)
	if e.RateSatKVB(Patient) > floor {
		return nil
	}
	var ready int
	var largest payout.Coin
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
		Ready:  ready,
		Target: f.ReadyCoins,
		Each:   largest.Amount / btcutil.Amount(parts),
		Order: payout.UpkeepOrder{
			Kind:          payout.Split,
			Coins:         []wire.OutPoint{largest.OutPoint},
			Outputs:       int(parts),
			FeeRateSatKVB: floor,
		},
	}
}

// Patient is the target, in blocks, of a payment that nobody waits for.
const Patient = 36
