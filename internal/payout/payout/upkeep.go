package payout

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// UpkeepOrder asks for a batch that pays nobody: coins joined, a coin split, or a
// child that pulls a stuck batch along.
type UpkeepOrder struct {
	Kind            Kind            // Consolidate, Split or Child
	Coins           []wire.OutPoint // of Consolidate (2 or more) and Split (1 or more); empty: the smallest, or the largest
	Outputs         int             // of Split: 2 to 20
	Parent          uuid.UUID       // of Child: an announced batch
	FeeRateSatVB    int64           // 0: the estimate for 36 blocks
	MaxFeeRateSatVB int64           // 0: the fund's
	MaxFeeSat       int64           // 0: the fund's
}

// consolidateMost bounds the coins of a consolidation.
const consolidateMost = 200

// ComposeUpkeep freezes an upkeep order as a batch with its canonical note; like
// any batch it needs a treasurer's approval. Errors: Invalid invalid_fields;
// Conflict coin_gone, wrong_state (the parent is not waiting).
func (s *Service) ComposeUpkeep(ctx context.Context, by identity.Actor, o UpkeepOrder) (Batch, error) {
	if err := by.Require(identity.PermBatchCompose); err != nil {
		return Batch{}, err
	}
	fund, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return Batch{}, err
	}
	o.MaxFeeRateSatVB, o.MaxFeeSat = cmp.Or(o.MaxFeeRateSatVB, fund.MaxFeeRateSatVB), cmp.Or(o.MaxFeeSat, int64(fund.MaxFee))
	if o.FeeRateSatVB == 0 {
		if o.FeeRateSatVB, err = s.startRate(ctx, o.MaxFeeRateSatVB); err != nil {
			return Batch{}, err
		}
	}
	bad := checkFees(fund, o.FeeRateSatVB, o.MaxFeeRateSatVB, o.MaxFeeSat)
	if o.Kind != Split {
		o.Outputs = 1
	} else if o.Outputs < 2 || o.Outputs > decision.MaxUpkeepOutputs {
		bad = append(bad, errs.Field{Field: "outputs", Code: "out_of_range", Message: "A coin is split into 2 to 20.", Params: map[string]string{"limit": strconv.Itoa(decision.MaxUpkeepOutputs)}})
	}
	if !slices.Contains([]Kind{Consolidate, Split, Child}, o.Kind) {
		bad = append(bad, errs.Field{Field: "kind", Code: "unknown", Message: "Upkeep is consolidate, split or child."})
	}
	if o.Kind != Child {
		low, err := s.feesLow(ctx, o.FeeRateSatVB)
		if err != nil {
			return Batch{}, err
		}
		bad = append(bad, low...)
	}
	if err := errs.InvalidFields(bad); err != nil {
		return Batch{}, err
	}
	coins, parent, err := s.upkeepCoins(ctx, by, o)
	if err != nil {
		return Batch{}, err
	}
	b, err := s.blank(ctx, by, fund, o.Kind)
	if err != nil {
		return Batch{}, err
	}
	params, err := fund.Params()
	if err != nil {
		return Batch{}, err
	}
	note := decision.UpkeepNote{
		Network: decision.NetworkOf(params), Batch: b.ID, Number: b.Number, Policy: fund.PolicyVersion, Kind: string(o.Kind), Outputs: o.Outputs,
		MaxFeeRateSatVB: o.MaxFeeRateSatVB, MaxFee: btcutil.Amount(o.MaxFeeSat), Coins: coins,
	}
	if o.Kind == Child {
		note.MaxFeeRateSatVB = 0
	}
	text := note.Encode()
	if _, err := decision.ParseUpkeep(text); err != nil {
		return Batch{}, err
	}
	b.Note, b.Digest, b.Outputs, b.Chosen = string(text), note.Digest(), o.Outputs, coins
	b.FeeRateSatVB, b.MaxFeeRateSatVB, b.MaxFee = o.FeeRateSatVB, o.MaxFeeRateSatVB, btcutil.Amount(o.MaxFeeSat)
	holdings, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return Batch{}, err
	}
	// Built on trial: what cannot be had is refused before anybody is asked to approve it.
	if _, _, err := plan(family{fund: fund, batch: b, parent: parent}, holdings, b.CreatedAt); err != nil {
		return Batch{}, notComposed(err)
	}
	e := entry(by, "batch.composed", b, "", b.CreatedAt)
	e.To, e.Digest = string(Composed), b.Digest[:]
	return b, notComposed(s.cfg.Store.CreateBatches(ctx, []NewBatch{{Batch: b, Entry: e}}))
}

// feesLow refuses upkeep that nobody waits for while fees are above the floor, as
// far as that is known: it costs the least when the network is idle.
func (s *Service) feesLow(ctx context.Context, rate int64) ([]errs.Field, error) {
	e, err := s.cfg.Store.Estimate(ctx)
	if err != nil || e == nil || !e.Trusted {
		return nil, err
	}
	limit := 2 * max((e.FloorSatKVB+999)/1000, 1)
	if rate <= limit {
		return nil, nil
	}
	return []errs.Field{{
		Field: "fee_sat_vb", Code: "not_low", Message: fmt.Sprintf("Joining and splitting coins can wait until fees are low: pay at most %d sat/vB, twice what the network relays from on.", limit),
		Params: map[string]string{"limit": strconv.FormatInt(limit, 10)},
	}}, nil
}

// upkeepCoins returns the coins that an upkeep order names or leaves to us, and the
// parent of a child.
func (s *Service) upkeepCoins(ctx context.Context, by identity.Actor, o UpkeepOrder) ([]wire.OutPoint, *Attempt, error) {
	if o.Kind == Child {
		return s.parentChange(ctx, by, o.Parent)
	}
	h, err := s.cfg.Store.Holdings(ctx)
	if err != nil {
		return nil, nil, err
	}
	var free []Coin // largest first
	for _, c := range h.Coins {
		if c.Spendable() {
			free = append(free, c)
		}
	}
	if len(o.Coins) == 0 {
		switch {
		case o.Kind == Split && len(free) > 0:
			free = free[:1]
		case o.Kind == Consolidate:
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
		if !slices.ContainsFunc(free, func(c Coin) bool { return c.OutPoint == op }) {
			return nil, nil, notComposed(coinGone())
		}
	}
	if size := prevTxBytes(free, o.Coins); size > signerrpc.MaxPrevTxs {
		return nil, nil, errs.InvalidFields([]errs.Field{{
			Field: "coins", Code: "prev_txs_too_large", Message: fmt.Sprintf("The previous transactions of these coins take %d bytes together; a signer accepts at most %d at once. Choose fewer coins.", size, signerrpc.MaxPrevTxs),
			Params: map[string]string{"bytes": strconv.Itoa(size), "limit": strconv.Itoa(signerrpc.MaxPrevTxs)},
		}})
	}
	least := 1
	if o.Kind == Consolidate {
		least = 2
	}
	if len(o.Coins) < least || len(o.Coins) > consolidateMost {
		return nil, nil, errs.InvalidFields([]errs.Field{{
			Field: "coins", Code: "out_of_range", Message: fmt.Sprintf("This takes %d to %d coins that can be spent now.", least, consolidateMost),
		}})
	}
	return o.Coins, nil, nil
}

// smallest returns the smallest coins, as many as one consolidation joins and as a
// signer can be shown the transactions of. free has the largest first.
func smallest(free []Coin) []Coin {
	var chosen []Coin
	var plain []txbuild.Coin
	for _, c := range slices.Backward(free) {
		if len(chosen) == consolidateMost {
			break
		}
		if with := append(plain, c.Coin); txbuild.PrevTxBytes(with) <= signerrpc.MaxPrevTxs { //nolint:gocritic // tried before it is kept
			chosen, plain = append(chosen, c), with
		}
	}
	return chosen
}

// prevTxBytes is what the transactions of the named coins have together.
func prevTxBytes(coins []Coin, named []wire.OutPoint) int {
	var plain []txbuild.Coin
	for _, c := range coins {
		if slices.Contains(named, c.OutPoint) {
			plain = append(plain, c.Coin)
		}
	}
	return txbuild.PrevTxBytes(plain)
}

func coinGone() error {
	return errs.New(errs.Conflict, "coin_gone", "A coin cannot be spent now: it is spent, locked, reserved or not deep enough. Look at the treasury page.")
}

// parentChange is the change output of the newest transaction of a batch that
// waits for a block.
func (s *Service) parentChange(ctx context.Context, by identity.Actor, id uuid.UUID) ([]wire.OutPoint, *Attempt, error) {
	parent, err := s.Batch(ctx, by, id)
	if err != nil {
		return nil, nil, err
	}
	if parent.Batch.State != Announced {
		return nil, nil, withMoney(errs.New(errs.Conflict, "wrong_state", "Only a batch that waits for a block can be given a child. Nothing was changed."), parent.Batch.Kind, parent.Batch.State)
	}
	newest := parent.Attempts[len(parent.Attempts)-1]
	for _, o := range newest.Outputs {
		if o.ChangeIndex != nil {
			return []wire.OutPoint{{Hash: newest.TxID, Index: o.Vout}}, &newest, nil
		}
	}
	return nil, nil, withMoney(errs.New(errs.Conflict, "no_change", "The batch has no change that a child could spend. Raise its fee instead."), parent.Batch.Kind, parent.Batch.State)
}

// addUpkeep adds the coins of an upkeep batch to a request, and the least fee: a child
// pays what its parent lacks.
func (f family) addUpkeep(request *txbuild.Request, h Holdings) error {
	if f.batch.Kind == Child {
		coin, err := f.childCoin()
		if err != nil {
			return err
		}
		request.Coins = []txbuild.Coin{coin}
		request.FeeRate, request.MinFee = txbuild.SatPerVB(1), f.childFee(request.Descriptor, f.batch.FeeRateSatVB)
	} else {
		for _, op := range f.batch.Chosen {
			at := slices.IndexFunc(h.Coins, func(c Coin) bool { return c.OutPoint == op && c.Spendable() })
			if at < 0 {
				return coinGone()
			}
			request.Coins = append(request.Coins, h.Coins[at].Coin)
		}
	}
	for _, coin := range request.Coins {
		request.Must = append(request.Must, coin.OutPoint)
	}
	if f.batch.Kind == Split {
		request.ChangeOutputs = f.batch.Outputs
	}
	return nil
}

func (f family) childCoin() (txbuild.Coin, error) {
	if f.parent == nil || len(f.batch.Chosen) != 1 {
		return txbuild.Coin{}, errs.New(errs.Internal, "bad_child", "A child spends one coin.")
	}
	op := f.batch.Chosen[0]
	packet, err := f.parent.packet()
	if err != nil {
		return txbuild.Coin{}, err
	}
	at := slices.IndexFunc(f.parent.Outputs, func(o AttemptOutput) bool { return o.Vout == op.Index && o.ChangeIndex != nil })
	if at < 0 {
		return txbuild.Coin{}, errs.New(errs.Internal, "bad_child", "A child spends change.")
	}
	out := f.parent.Outputs[at]
	return txbuild.Coin{
		OutPoint: op, Amount: out.Amount, Script: out.Script, Chain: wallet.ChainChange, Index: *out.ChangeIndex, PrevTx: packet.UnsignedTx,
	}, nil
}

// childFee is what a child has to pay so that it and its parent together pay a feerate
// in sat/vB: miners look at the pair. Its own feerate may be far higher.
func (f family) childFee(d *wallet.Descriptor, rateSatVB int64) btcutil.Amount {
	weight, err := txbuild.VoidWeight(d, f.batch.Number, 1) // one coin, one output of change
	if err != nil {
		return 0
	}
	return max(txbuild.SatPerVB(rateSatVB).Fee(f.parent.Weight+weight)-f.parent.Fee, 0)
}
