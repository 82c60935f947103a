package treasurer

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/causeway-fund/causeway/internal/payout/books/payeecsv"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// check validates an order against the fund and fills in the fund's limits.
func (s *Service) check(ctx context.Context, by identity.Actor, o Order) (fund.Fund, []payout.Item, Order, error) {
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return fund.Fund{}, nil, o, err
	}
	if o.MaxFeeRateSatKVB == 0 {
		o.MaxFeeRateSatKVB = f.MaxFeeRateSatKVB
	}
	if o.MaxFeeSat == 0 {
		o.MaxFeeSat = int64(f.MaxFee)
	}
	if o.DeadlineBlocks == 0 {
		o.DeadlineBlocks = f.DeadlineBlocks
	}
	if o.FeeRateSatKVB == 0 {
		if o.FeeRateSatKVB, err = s.startRate(ctx, o.MaxFeeRateSatKVB); err != nil {
			return fund.Fund{}, nil, o, err
		}
	}
	relay, err := s.relay(ctx)
	if err != nil {
		return fund.Fund{}, nil, o, err
	}
	if err := o.validate(f, relay); err != nil {
		return fund.Fund{}, nil, o, err
	}
	items, err := s.cfg.Store.Items(ctx, o.InstalmentIDs)
	if err != nil {
		return fund.Fund{}, nil, o, err
	}
	if len(items) != len(o.InstalmentIDs) ||
		slices.ContainsFunc(items, func(i payout.Item) bool { return i.State != grant.Payable }) {
		return fund.Fund{}, nil, o, payout.NotComposed(notPayable())
	}
	if err := inTime(items, s.now()); err != nil {
		return fund.Fund{}, nil, o, payout.NotComposed(err)
	}
	unjoined, err := s.cfg.Store.Unjoined(ctx)
	if err == nil {
		err = payout.PaidBefore(items, unjoined)
	}
	if err != nil {
		return fund.Fund{}, nil, o, err
	}
	voted, err := s.cfg.Store.VotedOn(ctx, by.StaffID, o.InstalmentIDs)
	if err != nil {
		return fund.Fund{}, nil, o, err
	}
	if len(voted) > 0 {
		return fund.Fund{}, nil, o, conflictOfDuty()
	}
	// The order of an application form must not decide the order of a transaction.
	slices.SortFunc(items, payout.Item.Compare)
	return f, items, o, nil
}

// inTime refuses a payment that no signer would sign now: one of a period that is not due yet,
// or whose time is over.
func inTime(items []payout.Item, now time.Time) error {
	for _, it := range items {
		if now.Before(it.DueAt) || now.After(it.UntilAt) {
			return errs.Newf(
				errs.Conflict,
				errs.CodeNotPayable,
				"Period %d of %s may be paid from %s to %s, and not now.",
				it.Period,
				it.Reference,
				it.DueAt.Format(time.DateOnly),
				it.UntilAt.Format(time.DateOnly),
			)
		}
	}
	return nil
}

// startRate is the estimate for a patient payment, when there is one to believe.
func (s *Service) startRate(ctx context.Context, limit int64) (int64, error) {
	e, err := s.cfg.Store.Estimate(ctx)
	if err != nil {
		return 0, err
	}
	if e == nil || !e.Trusted {
		return 0, errs.InvalidFields([]errs.Field{
			{
				Field:   "feerate_sat_kvb",
				Code:    errs.CodeRequired,
				Message: "There is no reliable feerate estimate now, so enter the feerate to pay, in sat/vB.",
			},
		})
	}
	return min(max(e.RateSatKVB(plan.Patient), 1), limit), nil
}

// relay is the feerate from which on the node relays; Conflict "no_relay_feerate"
// before the worker has asked it.
func (s *Service) relay(ctx context.Context) (int64, error) {
	e, err := s.cfg.Store.Estimate(ctx)
	if err != nil {
		return 0, err
	}
	if e.Relay() <= 0 {
		return 0, payout.NoRelayFeeRate()
	}
	return e.Relay(), nil
}

func (o Order) validate(f fund.Fund, relay int64) error {
	var bad []errs.Field
	add := func(field string, code errs.Code, message string, limit int64) {
		bad = append(
			bad,
			errs.Field{
				Field:   field,
				Code:    code,
				Message: message,
				Params:  map[string]string{"limit": strconv.FormatInt(limit, 10)},
			},
		)
	}
	switch n := len(o.InstalmentIDs); {
	case n == 0:
		add("instalment_ids", errs.CodeRequired, "Choose at least one payment.", 1)
	case n > payout.MaxOrder:
		add("instalment_ids", errs.CodeTooMany, "An order holds at most 10,000 payments: make two.", payout.MaxOrder)
	}
	ids := slices.Clone(o.InstalmentIDs)
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if len(slices.Compact(ids)) != len(o.InstalmentIDs) {
		add("instalment_ids", payeecsv.CodeDuplicate, "A payment is named twice.", 1)
	}
	bad = append(bad, checkFees(f, relay, o.FeeRateSatKVB, o.MaxFeeRateSatKVB, o.MaxFeeSat)...)
	if o.DeadlineBlocks < 1 || o.DeadlineBlocks > 2016 {
		add("deadline_blocks", errs.CodeOutOfRange, "The deadline must be between 1 and 2016 blocks.", 2016)
	}
	bad = append(bad, checkTwice(o.Coins)...)
	return errs.InvalidFields(bad)
}

// checkTwice refuses a coin that is named twice.
func checkTwice(coins []wire.OutPoint) []errs.Field {
	seen := map[wire.OutPoint]bool{}
	for _, op := range coins {
		if seen[op] {
			return []errs.Field{
				{
					Field:   "coins",
					Code:    payeecsv.CodeDuplicate,
					Message: "A coin is named twice.",
					Params:  map[string]string{"limit": "1"},
				},
			}
		}
		seen[op] = true
	}
	return nil
}

// checkFees holds a batch's feerates, in sat/kvB, against what the node relays and the
// fund's limits, and its highest fee against the fund's.
func checkFees(f fund.Fund, relay, rate, maxRate, maxFee int64) []errs.Field {
	var bad []errs.Field
	add := func(field, message, param string, limit int64) {
		bad = append(
			bad,
			errs.Field{
				Field:   field,
				Code:    errs.CodeOutOfRange,
				Message: message,
				Params:  map[string]string{param: strconv.FormatInt(limit, 10)},
			},
		)
	}
	least := "from " + money.FormatFeeRate(relay) + " sat/vB, from which on the node relays,"
	if maxRate < relay || maxRate > f.MaxFeeRateSatKVB {
		add(
			"max_feerate_sat_kvb",
			"The highest feerate is "+least+" to the fund's limit of "+money.FormatFeeRate(
				f.MaxFeeRateSatKVB,
			)+" sat/vB.",
			"limit_sat_kvb",
			f.MaxFeeRateSatKVB,
		)
	}
	if rate < relay || rate > maxRate {
		add(
			"feerate_sat_kvb",
			"The feerate is "+least+" to the batch's highest feerate of "+money.FormatFeeRate(maxRate)+" sat/vB.",
			"limit_sat_kvb",
			maxRate,
		)
	}
	if maxFee < 1 || maxFee > int64(f.MaxFee) {
		add(
			"max_fee_sat",
			"The highest fee must be between 1 and the fund's limit of "+strconv.FormatInt(int64(f.MaxFee), 10)+" sat.",
			"limit",
			int64(f.MaxFee),
		)
	}
	return bad
}
