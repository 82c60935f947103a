package treasurer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// consolidateMost bounds the coins of a consolidation.
const consolidateMost = 200

// ComposeUpkeep freezes an upkeep order as a batch with its canonical note; like
// any batch it needs a treasurer's approval. Errors: Invalid invalid_fields;
// Conflict coin_gone, wrong_state (the parent is not waiting).
func (s *Service) ComposeUpkeep(ctx context.Context, by identity.Actor, o payout.UpkeepOrder) (payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return payout.Batch{}, err
	}
	fund, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	o.MaxFeeRateSatKVB, o.MaxFeeSat = cmp.Or(
		o.MaxFeeRateSatKVB,
		fund.MaxFeeRateSatKVB,
	), cmp.Or(
		o.MaxFeeSat,
		int64(fund.MaxFee),
	)
	if o.FeeRateSatKVB == 0 {
		if o.FeeRateSatKVB, err = s.startRate(ctx, o.MaxFeeRateSatKVB); err != nil {
			return payout.Batch{}, err
		}
	}
	relay, err := s.relay(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	bad := checkFees(fund, relay, o.FeeRateSatKVB, o.MaxFeeRateSatKVB, o.MaxFeeSat)
	if o.Kind != payout.Split {
		o.Outputs = 1
	} else if o.Outputs < 2 || o.Outputs > decision.MaxUpkeepOutputs {
		bad = append(
			bad,
			errs.Field{
				Field:   "outputs",
				Code:    errs.CodeOutOfRange,
				Message: "A coin can be split into 2 to 20 coins.",
				Params:  map[string]string{"limit": strconv.Itoa(decision.MaxUpkeepOutputs)},
			},
		)
	}
	if !slices.Contains([]payout.Kind{payout.Consolidate, payout.Split, payout.Child}, o.Kind) {
		bad = append(
			bad,
			errs.Field{
				Field:   "kind",
				Code:    identity.CodeUnknown,
				Message: "The kind of upkeep must be consolidate, split or child.",
			},
		)
	}
	if o.Kind != payout.Child {
		low, err := s.feesLow(ctx, o.FeeRateSatKVB)
		if err != nil {
			return payout.Batch{}, err
		}
		bad = append(bad, low...)
	}
	if err := errs.InvalidFields(bad); err != nil {
		return payout.Batch{}, err
	}
	coins, parent, err := s.upkeepCoins(ctx, by, o)
	if err != nil {
		return payout.Batch{}, err
	}
	b, err := s.blank(ctx, by, fund, o.Kind)
	if err != nil {
		return payout.Batch{}, err
	}
	params, err := fund.Params()
	if err != nil {
		return payout.Batch{}, err
	}
	note := decision.UpkeepNote{
		Network: decision.NetworkOf(
			params,
		),
		Fund:             fund.ID,
		Batch:            b.ID,
		Number:           b.Number,
		Until:            b.Until,
		Kind:             string(o.Kind),
		Outputs:          o.Outputs,
		MaxFeeRateSatKVB: o.MaxFeeRateSatKVB,
		MaxFee:           btcutil.Amount(o.MaxFeeSat),
		Coins:            coins,
	}
	if o.Kind == payout.Child {
		note.MaxFeeRateSatKVB = 0
	}
	text := note.Encode()
	if _, err := decision.ParseUpkeep(text); err != nil {
		return payout.Batch{}, err
	}
	b.Note, b.Digest, b.Outputs, b.Chosen = string(text), note.Digest(), o.Outputs, coins
	b.FeeRateSatKVB, b.MaxFeeRateSatKVB, b.MaxFee = o.FeeRateSatKVB, o.MaxFeeRateSatKVB, btcutil.Amount(o.MaxFeeSat)
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	// Built on trial: what cannot be had is refused before anybody is asked to approve it.
	if _, _, err := plan.Build(
		plan.Family{Fund: fund, Batch: b, Parent: parent, RelaySatKVB: holdings.RelaySatKVB},
		holdings,
		b.CreatedAt,
	); err != nil {
		return payout.Batch{}, payout.NotComposed(err)
	}
	e := payout.Entry(by, "batch.composed", b, "", b.CreatedAt)
	e.To, e.Digest = string(payout.Composed), b.Digest[:]
	return b, payout.NotComposed(s.cfg.Store.CreateBatches(ctx, []payout.NewBatch{{Batch: b, Entry: e}}))
}

// feesLow refuses upkeep that nobody waits for while fees are above the floor, as
// far as that is known: it costs the least when the network is idle.
func (s *Service) feesLow(ctx context.Context, rate int64) ([]errs.Field, error) {
	e, err := s.cfg.Store.Estimate(ctx)
	if err != nil || e == nil || !e.Trusted {
		return nil, err
	}
	limit := 2 * max(e.FloorSatKVB, 1)
	if rate <= limit {
		return nil, nil
	}
	return []errs.Field{
		{
			Field: "feerate_sat_kvb",
			Code:  CodeNotLow,
			Message: fmt.Sprintf(
				"Joining and splitting coins can wait until fees are low: pay at most %s sat/vB, twice what the network "+
					"relays from on.",
				money.FormatFeeRate(limit),
			),
			Params: map[string]string{"limit_sat_kvb": strconv.FormatInt(limit, 10)},
		},
	}, nil
}

// upkeepCoins returns the coins that an upkeep order names or leaves to us, and the
// parent of a child.
func (s *Service) upkeepCoins(
	ctx context.Context,
	by identity.Actor,
	o payout.UpkeepOrder,
) ([]wire.OutPoint, *payout.Attempt, error) {
	if o.Kind == payout.Child {
		return s.parentChange(ctx, by, o.Parent)
	}
	h, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return nil, nil, err
	}
	var free []payout.Coin // largest first
	for _, c := range h.Coins {
		if c.Spendable() {
			free = append(free, c)
		}
	}
	if len(o.Coins) == 0 {
		switch {
		case o.Kind == payout.Split && len(free) > 0:
			free = free[:1]
		case o.Kind == payout.Consolidate:
			free = smallest(free)
		}
		for _, c := range free {
			o.Coins = append(o.Coins, c.OutPoint)
		}
	}
	if err := errs.InvalidFields(checkTwice(o.Coins)); err != nil {
		return nil, nil, err
	}
	for _, op := range o.Coins {
		if !slices.ContainsFunc(free, func(c payout.Coin) bool { return c.OutPoint == op }) {
			return nil, nil, payout.NotComposed(payout.CoinGone())
		}
	}
	if size := prevTxBytes(free, o.Coins); size > signerrpc.MaxPrevTxs {
		return nil, nil, errs.InvalidFields([]errs.Field{
			{
				Field: "coins",
				Code:  txbuild.CodePrevTxsTooLarge,
				Message: fmt.Sprintf(
					"The previous transactions of these coins take %d bytes together; a signer accepts at most %d at once. Choose "+
						"fewer coins.",
					size,
					signerrpc.MaxPrevTxs,
				),
				Params: map[string]string{"bytes": strconv.Itoa(size), "limit": strconv.Itoa(signerrpc.MaxPrevTxs)},
			},
		})
	}
	least := 1
	if o.Kind == payout.Consolidate {
		least = 2
	}
	if len(o.Coins) < least || len(o.Coins) > consolidateMost {
		return nil, nil, errs.InvalidFields([]errs.Field{
			{
				Field:   "coins",
				Code:    errs.CodeOutOfRange,
				Message: fmt.Sprintf("This takes %d to %d coins that can be spent now.", least, consolidateMost),
			},
		})
	}
	return o.Coins, nil, nil
}

// smallest returns the smallest coins, as many as one consolidation joins and as a
// signer can be shown the transactions of. free has the largest first.
func smallest(free []payout.Coin) []payout.Coin {
	var chosen []payout.Coin
	var plain []txbuild.Coin
	for _, c := range slices.Backward(free) {
		if len(chosen) == consolidateMost {
			break
		}
		//nolint:gocritic // tried before it is kept
		if with := append(
			plain,
			c.Coin,
		); txbuild.PrevTxBytes(
			with,
		) <= signerrpc.MaxPrevTxs {
			chosen, plain = append(chosen, c), with
		}
	}
	return chosen
}

// prevTxBytes is what the transactions of the named coins have together.
func prevTxBytes(coins []payout.Coin, named []wire.OutPoint) int {
	var plain []txbuild.Coin
	for _, c := range coins {
		if slices.Contains(named, c.OutPoint) {
			plain = append(plain, c.Coin)
		}
	}
	return txbuild.PrevTxBytes(plain)
}

// parentChange is the change output of the newest transaction of a batch that
// waits for a block.
func (s *Service) parentChange(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
) ([]wire.OutPoint, *payout.Attempt, error) {
	parent, err := s.Batch(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	if parent.Batch.State != payout.Broadcast {
		return nil, nil, payout.WithMoney(
			errs.New(
				errs.Conflict,
				errs.CodeWrongState,
				"Only a batch that waits for a block can be given a child. Nothing was changed.",
			),
			parent.Batch.Kind,
			parent.Batch.State,
		)
	}
	newest := parent.Attempts[len(parent.Attempts)-1]
	for _, o := range newest.Outputs {
		if o.ChangeIndex != nil {
			return []wire.OutPoint{{Hash: newest.TxID, Index: o.Vout}}, &newest, nil
		}
	}
	return nil, nil, payout.WithMoney(
		errs.New(
			errs.Conflict,
			CodeNoChange,
			"The batch has no change that a child could spend. Raise its fee instead.",
		),
		parent.Batch.Kind,
		parent.Batch.State,
	)
}
