package api

import (
	"context"

	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout"
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
		Network: fund.Network, Descriptor: t.Descriptor, DepositAddress: t.DepositAddress, DepositIndex: int64(t.DepositIndex),
		Tip: Tip{Height: t.Tip.Height, Hash: t.Tip.Hash.String(), At: t.Tip.At},
		Balances: Balances{
			DepositsSat: -int64(b[ledger.Outside]), AvailableSat: int64(b[ledger.Available]), CommittedSat: int64(b[ledger.Committed]),
			InFlightSat: int64(b[ledger.InFlight]), ConfirmingSat: int64(b[ledger.Confirming]), PaidSat: int64(b[ledger.Paid]),
			FeesSat: int64(b[ledger.Fees]), LostSat: int64(b[ledger.Lost]),
		},
		Coins: make([]Coin, 0, len(t.Coins)), CoinsSat: int64(t.CoinsSat), DifferenceSat: int64(t.Difference),
		Breakers: make([]Breaker, 0, len(t.Breakers)),
	}
	for _, c := range t.Coins {
		out.Coins = append(out.Coins, coin(c))
	}
	for _, x := range t.Breakers {
		out.Breakers = append(out.Breakers, Breaker{Number: x.ID, Code: x.Code, Detail: x.Detail, TrippedAt: x.TrippedAt, ResetBy: orEmpty(x.ResetBy)})
	}
	return out, nil
}

func coin(c payout.Coin) Coin {
	index := int64(c.Index)
	out := Coin{
		Txid: c.OutPoint.Hash.String(), Vout: int64(c.OutPoint.Index), AmountSat: int64(c.Amount), Height: optional(c.Height),
		Confirmations: c.Confirmations, Change: c.Chain == 1, Index: &index, Spendable: c.Spendable(),
	}
	if c.ReservedBy != nil {
		number := int64(*c.ReservedBy)
		out.ReservedBy = &number
	}
	return out
}

// ResetBreaker answers POST /v1/breakers/{number}/reset.
func (h *Handlers) ResetBreaker(ctx context.Context, r ResetBreakerRequestObject) (ResetBreakerResponseObject, error) {
	if err := h.cfg.Payouts.ResetBreaker(ctx, actorFrom(ctx), r.Number); err != nil {
		return nil, err
	}
	return ResetBreaker204Response{}, nil
}
