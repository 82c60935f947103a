package treasurer

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Order says what a treasurer wants paid, and for what fee at most.
type Order struct {
	InstalmentIDs    []uuid.UUID
	FeeRateSatKVB    int64           // to start with; 0: the estimate for 36 blocks
	MaxFeeRateSatKVB int64           // 0: the fund's
	MaxFeeSat        int64           // of each batch; 0: the fund's
	DeadlineBlocks   int32           // 0: the fund's
	Coins            []wire.OutPoint // spend only these; empty: the engine chooses
}

// Preview is what an order would be if it were built now.
type Preview struct {
	Items       []payout.Item
	Total       btcutil.Amount
	Summary     txbuild.Summary // of the first batch
	Batches     int             // that the order would be split into
	Fee         btcutil.Amount  // of the first batch
	FeePermille int64           // fee in thousandths of what the first batch pays
	Weight      int64
	Change      btcutil.Amount
	FreeAfter   btcutil.Amount // available in the treasury once it is paid
	Order       Order          // with the fund's limits filled in
	Estimate    *fee.Estimate  // nil: none is known
	AtTargets   []FeeAt        // what the first batch would cost for each target
	Notes       []payout.Remark
}

// FeeAt is what a batch would cost to be mined within Blocks.
type FeeAt struct {
	Blocks        int
	FeeRateSatKVB int64
	Fee           btcutil.Amount
	FeePermille   int64
	Refused       string // why it cannot be had, in plain words; empty: it can
}

// DryRun builds the exact transaction that the order would give now, and stores
// nothing. Of an order that needs several batches it builds the first. Errors as
// of Compose, and those of txbuild.Build.
func (s *Service) DryRun(ctx context.Context, by identity.Actor, o Order) (Preview, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Preview{}, err
	}
	theFund, items, o, err := s.check(ctx, by, o)
	if err != nil {
		return Preview{}, err
	}
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return Preview{}, err
	}
	parts := split(theFund, items)
	trial := payout.Batch{
		Kind:             payout.Payout,
		Number:           holdings.LastNumber + 1,
		FeeRateSatKVB:    o.FeeRateSatKVB,
		MaxFeeRateSatKVB: o.MaxFeeRateSatKVB,
		MaxFee:           btcutil.Amount(o.MaxFeeSat),
		Seed:             s.seedOf(parts[0]),
		Chosen:           o.Coins,
	}
	f := plan.Family{Fund: theFund, Batch: trial, Items: parts[0], RelaySatKVB: holdings.RelaySatKVB}
	built, descriptor, err := plan.Build(f, holdings, s.now())
	if err != nil {
		return Preview{}, payout.NotComposed(err)
	}
	summary, err := txbuild.Describe(built.PSBT, descriptor)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{
		Items:   items,
		Summary: summary,
		Batches: len(parts),
		Fee:     built.Fee,
		Change:  built.Change,
		Weight:  built.Weight,
		Order:   o,
		Total:   payout.Total(items),
	}
	p.FeePermille = int64(built.Fee) * 1000 / int64(payout.Total(parts[0]))
	p.FreeAfter = holdings.Balances["available"] - built.Fee
	if p.Estimate, err = s.cfg.Store.Estimate(ctx); err != nil {
		return Preview{}, err
	}
	p.AtTargets = atTargets(f, holdings, p.Estimate, s.now())
	p.Notes = append(remarks(parts[0], built, holdings), limits(items, trial, built, s.now())...)
	return p, nil
}

// atTargets prices the batch for each target of the estimate.
func atTargets(f plan.Family, h payout.Holdings, e *fee.Estimate, now time.Time) []FeeAt {
	if e == nil {
		return nil
	}
	list := make([]FeeAt, len(e.Targets))
	for i, t := range e.Targets {
		rate := max(t.RateSatKVB, 1)
		list[i] = FeeAt{Blocks: t.Blocks, FeeRateSatKVB: rate}
		if f.Batch.FeeRateSatKVB = rate; rate > f.Batch.MaxFeeRateSatKVB {
			list[i].Refused = "The feerate is above the highest that the batch allows."
			continue
		}
		p, _, err := plan.Build(f, h, now)
		if err != nil {
			list[i].Refused = payout.PlainWords(err)
			continue
		}
		list[i].Fee, list[i].FeePermille = p.Fee, int64(p.Fee)*1000/int64(payout.Total(f.Items))
	}
	return list
}

// remarks lists what an onlooker of the chain could learn, and what is tight.
func remarks(items []payout.Item, p *txbuild.Plan, h payout.Holdings) []payout.Remark {
	var list []payout.Remark
	scripts, round := map[string]int{}, 0
	for _, it := range items {
		scripts[string(it.Script)]++
		if it.Amount%1_000_000 == 0 {
			round++
		}
	}
	for _, n := range scripts {
		if n > 1 {
			list = append(
				list,
				payout.Remark{
					Code: "address_reused",
					Text: fmt.Sprintf(
						"One address is paid %d times in this batch, which shows that the payments belong together.",
						n,
					),
				},
			)
		}
	}
	if round > 0 {
		list = append(
			list,
			payout.Remark{
				Code: "round_amounts",
				Text: fmt.Sprintf(
					"Round amounts (%d of %d) show an onlooker which outputs are payments and which is change.",
					round,
					len(items),
				),
			},
		)
	}
	used := map[string]int{}
	for _, c := range p.Inputs {
		used[string(c.Script)]++
	}
	for script, n := range used {
		left := 0
		for _, c := range h.Coins {
			if string(c.Script) == script && c.Spendable() {
				left++
			}
		}
		if left > n {
			list = append(
				list,
				payout.Remark{
					Code: "address_seen",
					Text: "Some coins of one deposit address are spent and others stay, which ties this batch to later ones.",
				},
			)
		}
	}
	free := 0
	for _, c := range h.Coins {
		if c.Spendable() {
			free++
		}
	}
	if free-len(p.Inputs) == 0 {
		list = append(
			list,
			payout.Remark{
				Code: "uses_all_coins",
				Text: "The batch takes every coin that can be spent now: the next one waits for its change to confirm.",
			},
		)
	}
	slices.SortFunc(list, func(a, b payout.Remark) int { return bytes.Compare([]byte(a.Code), []byte(b.Code)) })
	return list
}

// soon is how near the end of a decision's window is worth a word.
const soon = 7 * 24 * time.Hour

// limits lists what leaves little room: for bumps below the approved fee, and until
// a decision may not be paid any more.
func limits(items []payout.Item, b payout.Batch, p *txbuild.Plan, now time.Time) []payout.Remark {
	var list []payout.Remark
	if p.Fee*2 > b.MaxFee || b.FeeRateSatKVB*2 > b.MaxFeeRateSatKVB {
		list = append(
			list,
			payout.Remark{
				Code: "near_cap",
				Text: "The fee to start with is more than half of what is allowed, so there is little room to raise it later.",
			},
		)
	}
	list = append(list, plan.OutOfReach(items, b, p)...)
	for _, it := range items {
		if it.UntilAt.Sub(now) < soon {
			list = append(
				list,
				payout.Remark{
					Code: "window_ends",
					Text: "The decision for " + it.Reference + " may be paid until " + it.UntilAt.Format(
						time.DateOnly,
					) + " and not after: the batch has to be on its way by then. Its fee can still be raised later.",
				},
			)
		}
	}
	return list
}

// Compose freezes an order as one batch. Errors: Invalid invalid_fields (also when
// the order does not fit into one batch); Forbidden conflict_of_duty (the treasurer
// reviewed one of them); Conflict not_payable.
func (s *Service) Compose(ctx context.Context, by identity.Actor, o Order) (payout.Batch, error) {
	list, err := s.compose(ctx, by, o, 1)
	if err != nil {
		return payout.Batch{}, err
	}
	return list[0], nil
}

// ComposeAll freezes an order as as many batches as it takes, each with its own
// note and digest to approve. Errors as of Compose.
func (s *Service) ComposeAll(ctx context.Context, by identity.Actor, o Order) ([]payout.Batch, error) {
	return s.compose(ctx, by, o, payout.MaxOrder)
}

func (s *Service) compose(ctx context.Context, by identity.Actor, o Order, atMost int) ([]payout.Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return nil, err
	}
	f, items, o, err := s.check(ctx, by, o)
	if err != nil {
		return nil, err
	}
	parts := split(f, items)
	if len(parts) > atMost {
		return nil, errs.InvalidFields([]errs.Field{
			{
				Field: "instalment_ids",
				Code:  errs.CodeTooMany,
				Message: fmt.Sprintf(
					"These payments need %d batches: one holds at most %d, and no more than fit into a transaction.",
					len(parts),
					f.MaxPayees,
				),
				Params: map[string]string{"limit": strconv.Itoa(f.MaxPayees), "batches": strconv.Itoa(len(parts))},
			},
		})
	}
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return nil, err
	}
	list, batches := make([]payout.NewBatch, len(parts)), make([]payout.Batch, len(parts))
	for i, part := range parts {
		if batches[i], err = s.freeze(ctx, by, f, part, o); err != nil {
			return nil, err
		}
		if err := buildable(f, batches[i], part, holdings, s.now()); err != nil {
			return nil, err
		}
		e := payout.Entry(by, "batch.composed", batches[i], "", batches[i].CreatedAt)
		e.To, e.Digest = string(payout.Composed), batches[i].Digest[:]
		list[i] = payout.NewBatch{Batch: batches[i], Items: part, Entry: e}
	}
	return batches, payout.NotComposed(s.cfg.Store.CreateBatches(ctx, list))
}

// freeze writes the canonical note of one batch.
func (s *Service) freeze(
	ctx context.Context,
	by identity.Actor,
	f fund.Fund,
	items []payout.Item,
	o Order,
) (payout.Batch, error) {
	b, err := s.blank(ctx, by, f, payout.Payout)
	if err != nil {
		return payout.Batch{}, err
	}
	params, err := f.Params()
	if err != nil {
		return payout.Batch{}, err
	}
	note := decision.BatchNote{
		Network: decision.NetworkOf(
			params,
		),
		Fund:             f.ID,
		Batch:            b.ID,
		Number:           b.Number,
		Treasury:         b.Treasury,
		Until:            b.Until,
		MaxFeeRateSatKVB: o.MaxFeeRateSatKVB,
		MaxFee:           btcutil.Amount(o.MaxFeeSat),
	}
	for _, it := range items {
		note.Payments = append(
			note.Payments,
			decision.Payment{Decision: it.Digest, Period: it.Period, Script: it.Script, Amount: it.Amount},
		)
	}
	text := note.Encode()
	if _, err := decision.ParseBatch(text); err != nil {
		return payout.Batch{}, err
	}
	b.Note, b.Digest, b.Seed = string(text), note.Digest(), s.seedOf(items)
	b.FeeRateSatKVB, b.MaxFeeRateSatKVB, b.MaxFee, b.DeadlineBlocks = o.FeeRateSatKVB, o.MaxFeeRateSatKVB, btcutil.Amount(
		o.MaxFeeSat,
	), o.DeadlineBlocks
	b.Chosen, b.Payees, b.Total = o.Coins, len(items), payout.Total(items)
	return b, nil
}

// blank returns a new batch with a number, a seed and no note.
func (s *Service) blank(ctx context.Context, by identity.Actor, f fund.Fund, kind payout.Kind) (payout.Batch, error) {
	id, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return payout.Batch{}, fmt.Errorf("draw batch id: %w", err)
	}
	seed, err := s.seed()
	if err != nil {
		return payout.Batch{}, err
	}
	number, err := s.cfg.Store.NextNumber(ctx)
	if err != nil {
		return payout.Batch{}, err
	}
	now := s.now()
	return payout.Batch{
		ID:             id,
		FundID:         f.ID,
		Kind:           kind,
		Number:         number,
		State:          payout.Composed,
		Version:        1,
		Seed:           seed,
		Outputs:        1,
		DeadlineBlocks: f.DeadlineBlocks,
		Until:          decision.UntilFrom(now),
		ComposedBy:     by.StaffID,
		ComposerName:   by.Name,
		CreatedAt:      now,
		ChangedAt:      now,
	}, nil
}

// maxPart is the weight that a batch's outputs may have: what is left of
// txbuild.MaxWeight pays for a hundred coins of the heaviest kind and change.
const maxPart = txbuild.MaxWeight - 45_000

// split parts an order by count and weight. It depends on nothing but the payments
// and the fund's policy. A payment to a witness version that nodes do not relay yet
// has a batch of its own, so that it cannot hold up the others.
func split(f fund.Fund, items []payout.Item) [][]payout.Item {
	var parts [][]payout.Item
	var part []payout.Item
	weight := 0
	for _, it := range items {
		if version, _, err := txscript.ExtractWitnessProgramInfo(it.Script); err == nil && version > 1 {
			parts = append(parts, []payout.Item{it})
			continue
		}
		w := 4 * (9 + len(it.Script))
		if len(part) == max(f.MaxPayees, 1) || (len(part) > 0 && weight+w > maxPart) {
			parts, part, weight = append(parts, part), nil, 0
		}
		part, weight = append(part, it), weight+w
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}
