package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
)

// GetTreasury answers GET /v1/treasury.
func (h *Handlers) GetTreasury(ctx context.Context, _ GetTreasuryRequestObject) (GetTreasuryResponseObject, error) {
	t, err := h.cfg.Payouts.Treasury(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	fund, err := h.cfg.Grants.Fund(ctx)
	if err != nil {
		return nil, err
	}
	b := t.Balances
	out := GetTreasury200JSONResponse{
		Network:        fund.Network,
		Descriptor:     t.Descriptor,
		DepositAddress: t.DepositAddress,
		DepositIndex:   int64(t.DepositIndex),
		Tip:            Tip{Height: t.Tip.Height, Hash: t.Tip.Hash.String(), At: t.Tip.At},
		Balances: Balances{
			DepositsSat: -int64(
				b[ledger.Outside],
			),
			AvailableSat: int64(b[ledger.Available]),
			CommittedSat: int64(b[ledger.Committed]),
			InFlightSat: int64(
				b[ledger.InFlight],
			),
			ConfirmingSat: int64(b[ledger.Confirming]),
			PaidSat:       int64(b[ledger.Paid]),
			FeesSat:       int64(b[ledger.Fees]),
			LostSat:       int64(b[ledger.Lost]),
		},
		Coins:         make([]Coin, 0, len(t.Coins)),
		CoinsSat:      int64(t.CoinsSat),
		DifferenceSat: int64(t.Difference),
		Breakers: make(
			[]Breaker,
			0,
			len(t.Breakers),
		),
		Stuck:    make([]Stuck, 0, len(t.Stuck)),
		Lapsed:   make([]LapsedBatch, 0, len(t.Lapsed)),
		Estimate: estimate(t.Estimate),
		//nolint:gosec // a policy of a few thousand
		Limits: Limits{
			MaxPayees: int32(
				t.Limits.MaxPayees,
			),
			MaxFeerateSatKvb: t.Limits.MaxFeeRateSatKVB,
			MaxFeeSat:        t.Limits.MaxFeeSat,
			DeadlineBlocks:   t.Limits.DeadlineBlocks,
			ReadyCoins:       int32(t.Limits.ReadyCoins), //nolint:gosec // 20 at most
		},
	}
	if p := t.Proposal; p != nil {
		//nolint:gosec // 20 at most
		out.Proposal = &Proposal{
			Coin:          p.Order.Coins[0].String(),
			Outputs:       int32(p.Order.Outputs),
			FeerateSatKvb: p.Order.FeeRateSatKVB,
			EachSat: int64(
				p.Each,
			),
			ReadyCoins:  int32(p.Ready),
			WantedCoins: int32(p.Target), //nolint:gosec // numbers of coins
		}
	}
	for _, c := range t.Coins {
		out.Coins = append(out.Coins, coin(c))
	}
	for _, x := range t.Breakers {
		out.Breakers = append(out.Breakers, breaker(x))
	}
	for _, x := range t.Stuck {
		out.Stuck = append(
			out.Stuck,
			Stuck{BatchId: x.BatchID, Number: int64(x.Number), State: BatchState(x.State), Why: x.Why},
		)
	}
	for _, x := range t.Lapsed {
		//nolint:gosec // of one batch
		out.Lapsed = append(
			out.Lapsed,
			LapsedBatch{
				BatchId:    x.BatchID,
				Number:     int64(x.Number),
				ComposedBy: x.ComposedBy,
				Payees:     int32(x.Payees),
				At:         x.At,
			},
		)
	}
	if a := t.Accepted; a != nil {
		out.AcceptedDifference = &AcceptedDifference{AmountSat: int64(a.Amount), At: a.At, By: orEmpty(a.By)}
	}
	return out, nil
}

func coin(c payout.Coin) Coin {
	index := int64(c.Index)
	out := Coin{
		Txid:          c.OutPoint.Hash.String(),
		Vout:          int64(c.OutPoint.Index),
		AmountSat:     int64(c.Amount),
		Height:        optional(c.Height),
		Confirmations: c.Confirmations,
		Change:        c.Chain == 1,
		Index:         &index,
		Spendable:     c.Spendable(),
	}
	if c.ReservedBy != nil {
		number := int64(*c.ReservedBy)
		out.ReservedBy = &number
	}
	if c.Lock != nil {
		out.Lock = &CoinLock{Reason: c.Lock.Reason, By: c.Lock.By, At: c.Lock.At}
	}
	if !c.At.IsZero() {
		out.At = &c.At
	}
	return out
}

func estimate(e *fee.Estimate) *FeeEstimate {
	if e == nil {
		return nil
	}
	out := &FeeEstimate{
		At: e.At, Height: e.Height, FloorSatKvb: e.FloorSatKVB, RelayFeerateSatKvb: e.RelaySatKVB,
		Trusted: e.Trusted, Why: optional(e.Why),
		Targets: make([]FeeTarget, 0, len(e.Targets)), Votes: make([]FeeVote, 0, len(e.Votes)),
	}
	for _, t := range e.Targets {
		//nolint:gosec // a few blocks
		out.Targets = append(
			out.Targets,
			FeeTarget{Blocks: int32(t.Blocks), FeerateSatKvb: t.RateSatKVB},
		)
	}
	for _, v := range e.Votes {
		out.Votes = append(
			out.Votes,
			FeeVote{
				Name:           v.Name,
				FeeratesSatKvb: orEmpty(v.RatesSatKVB),
				Used:           v.Used,
				Why:            optional(v.Why),
				AgeS:           v.AgeSec,
			},
		)
	}
	return out
}

// GetFeeEstimate answers GET /v1/fee.
func (h *Handlers) GetFeeEstimate(
	ctx context.Context,
	_ GetFeeEstimateRequestObject,
) (GetFeeEstimateResponseObject, error) {
	t, err := h.cfg.Payouts.Treasury(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	if t.Estimate == nil {
		return nil, errs.New(
			errs.NotFound,
			CodeNoEstimate,
			"The worker has no fee estimate yet. Enter a feerate yourself, in satoshi per 1,000 virtual bytes.",
		)
	}
	return GetFeeEstimate200JSONResponse(*estimate(t.Estimate)), nil
}

// LockCoin answers POST /v1/coins/{outpoint}/lock.
func (h *Handlers) LockCoin(ctx context.Context, r LockCoinRequestObject) (LockCoinResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	c, err := h.cfg.Payouts.LockCoin(ctx, actorFrom(ctx), op, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	return LockCoin200JSONResponse(coin(c)), nil
}

// UnlockCoin answers DELETE /v1/coins/{outpoint}/lock.
func (h *Handlers) UnlockCoin(ctx context.Context, r UnlockCoinRequestObject) (UnlockCoinResponseObject, error) {
	op, err := outPoint(r.Outpoint)
	if err != nil {
		return nil, errs.InvalidFields([]errs.Field{notACoin("outpoint")})
	}
	c, err := h.cfg.Payouts.UnlockCoin(ctx, actorFrom(ctx), op)
	if err != nil {
		return nil, err
	}
	return UnlockCoin200JSONResponse(coin(c)), nil
}

// ListBreakers answers GET /v1/breakers.
func (h *Handlers) ListBreakers(ctx context.Context, r ListBreakersRequestObject) (ListBreakersResponseObject, error) {
	list, err := h.cfg.Payouts.Breakers(ctx, actorFrom(ctx))
	if err != nil {
		return nil, err
	}
	list, next, err := pageOf(
		"breakers",
		list,
		paging{r.Params.Cursor, r.Params.Limit},
		grant.MaxPage,
		func(b payout.Breaker) string { return sortable(b.ID) },
	)
	if err != nil {
		return nil, err
	}
	out := ListBreakers200JSONResponse{
		Body: BreakerPage{Items: make([]Breaker, 0, len(list)), NextCursor: optional(next)},
	}
	for _, b := range list {
		out.Body.Items = append(out.Body.Items, breaker(b))
	}
	out.Headers.Link = linkTo("/v1/breakers", r.Params.Limit, next)
	return out, nil
}

// ResetBreaker answers POST /v1/breakers/{number}/reset.
func (h *Handlers) ResetBreaker(ctx context.Context, r ResetBreakerRequestObject) (ResetBreakerResponseObject, error) {
	version, err := versionOf(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	b, err := h.cfg.Payouts.ResetBreaker(ctx, actorFrom(ctx), r.Number, version)
	if err != nil {
		return nil, withYourVersion(err, version)
	}
	out := ResetBreaker200JSONResponse{Body: breaker(b)}
	out.Headers.ETag = etag(b.Version())
	return out, nil
}

func breaker(b payout.Breaker) Breaker {
	out := Breaker{
		Number:    b.ID,
		Code:      BreakerCode(b.Code),
		State:     BreakerState(b.State),
		Version:   b.Version(),
		Detail:    b.Detail(),
		TrippedAt: b.TrippedAt,
		Findings:  make([]BreakerFinding, 0, len(b.Findings)),
		ResetBy:   make([]string, 0, len(b.Consents)),
	}
	for _, f := range b.Findings {
		out.Findings = append(out.Findings, BreakerFinding{Detail: f.Detail, AmountSat: (*int64)(f.Amount), At: f.At})
	}
	for _, c := range b.Consents {
		out.ResetBy = append(out.ResetBy, c.Name)
	}
	return out
}
