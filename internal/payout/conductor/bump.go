package conductor

import (
	"context"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/plan"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
)

// bump adds an attempt with a higher fee when the batch has waited long enough or a
// treasurer asked for it. It reports whether it did.
func (c *Conductor) bump(ctx context.Context, r payout.Record) (bool, error) {
	if r.Attempts[len(r.Attempts)-1].LacksNotes() {
		return false, nil // no signer can be shown what it pays; it is broadcast on
	}
	f := plan.FamilyOf(r)
	raise := f.Raise()
	asked := r.Batch.WantedSatKVB > raise.CurrentSatKVB
	if raise.Refused != nil {
		if asked {
			return false, raise.Refused
		}
		return false, nil
	}
	wanted := min(r.Batch.WantedSatKVB, raise.MostSatKVB)
	if !asked {
		auto, due, err := c.due(ctx, r, f, raise.MostSatKVB)
		if err != nil || !due {
			return false, err
		}
		wanted = auto
	}
	infos, err := c.signerInfos(ctx, f.Fund)
	if err != nil {
		return false, err
	}
	if most, ok := f.SignersMost(infos, f.Newest()); ok && most < wanted {
		// What a signer is known to refuse is no step that is due, nor a reason not to take
		// one that is.
		auto, due, err := c.due(ctx, r, f, min(raise.MostSatKVB, most))
		switch {
		case err != nil || (!due && !asked):
			return false, err
		case due:
			wanted, asked = auto, false
		}
	}
	lost, err := c.evicted(ctx, r)
	if err != nil {
		return false, err
	}
	// btcd asks for a higher feerate than any descendant's. Where one pays more than is
	// wanted here, it pulls this transaction along already.
	if lost.Count > plan.MaxEvicted || wanted <= lost.TopSatKVB {
		return false, plan.Pinned()
	}
	err = c.replace(ctx, f, f.Newest().Kind, wanted, lost, infos)
	switch {
	case errs.CodeOf(err) != errs.CodeFeeAboveCap:
		return err == nil, err
	case asked && lost.Fees > 0:
		return false, plan.Pinned()
	case !asked:
		return false, nil // it pays what can be had
	}
	return false, err
}

// due is the feerate that the newest attempt should pay by now if nobody asks, and
// whether it is time for the step: the straight line from its first feerate to limit
// at the deadline, never above what the next block costs, where that is believed.
func (c *Conductor) due(
	ctx context.Context,
	r payout.Record,
	f plan.Family,
	limit int64,
) (satKVB int64, due bool, err error) {
	start, since, newest := r.Batch.FeeRateSatKVB, r.Attempts[0], f.Newest()
	if newest.Kind == payout.Voids {
		// A void has no highest feerate. Left alone, it goes as far as its batch would have.
		since = f.Of(payout.Voids)[0]
		start = f.Rate(since)
		limit = min(limit, max(start, r.Batch.MaxFeeRateSatKVB))
	}
	height, ok := since.Broadcast()
	if !ok {
		height, _ = newest.Broadcast()
	}
	current := f.Rate(newest)
	wanted := fee.Escalate(start, limit, height, r.Batch.DeadlineBlocks, r.Tip.Height)
	if wanted <= current {
		return 0, false, nil
	}
	estimate, err := c.cfg.Store.Estimate(ctx)
	if err != nil {
		return 0, false, err
	}
	if ceiling, believed := estimate.Ceiling(c.now()); believed {
		wanted = min(wanted, ceiling)
	}
	return wanted, fee.DueOf(current, wanted, start, limit, f.RelaySatKVB), nil
}

// evicted asks what a replacement of the batch's attempts would push out.
func (c *Conductor) evicted(ctx context.Context, r payout.Record) (payout.Evicted, error) {
	if c.cfg.Mempool == nil {
		return payout.Evicted{}, nil
	}
	var txids []chainhash.Hash
	for _, a := range r.Attempts {
		txids = append(txids, a.TxID)
	}
	return c.cfg.Mempool.Evicted(ctx, txids)
}

// void makes the attempt that pays nobody, once a second person has agreed.
func (c *Conductor) void(ctx context.Context, r payout.Record) error {
	f := plan.FamilyOf(r)
	infos, err := c.signerInfos(ctx, f.Fund)
	if err != nil {
		return err
	}
	lost, err := c.evicted(ctx, r)
	if err != nil {
		return err
	}
	if lost.Count > plan.MaxEvicted {
		return plan.Pinned()
	}
	err = c.replace(ctx, f, payout.Voids, max(r.Void.FeeRateSatKVB, lost.TopSatKVB+1), lost, infos)
	if errs.CodeOf(err) == errs.CodeFeeAboveCap && lost.Fees > 0 {
		return plan.Pinned()
	}
	return err
}

// replace adds an attempt that spends all that the earlier ones spend and pays a
// higher fee, and takes it past the point of no return in the same commit: it
// changes nothing about who may be paid.
func (c *Conductor) replace(
	ctx context.Context,
	f plan.Family,
	kind payout.AttemptKind,
	rateSatKVB int64,
	lost payout.Evicted,
	infos []signerrpc.Info,
) error {
	holdings, err := c.cfg.Store.Holdings(ctx)
	if err != nil {
		return err
	}
	if err := payout.Calm(holdings); err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	now, replaced := c.now(), f.Newest().TxID
	_, err = c.cfg.Store.UpdateBatch(ctx, c.cfg.Epoch, f.Batch.ID, now, func(l *payout.Locked) error {
		if err := l.CanReplace(replaced, kind); err != nil {
			return err
		}
		f := plan.FamilyOf(l.Record())
		p, err := f.Replacement(kind, rateSatKVB, lost, infos, holdings)
		if err != nil {
			return err
		}
		a, err := f.AttemptOf(p, kind, id, c.cfg.Epoch, now)
		if err != nil {
			return err
		}
		if err := f.CheckPolicy(a); err != nil {
			return err
		}
		if err := f.CheckSignerWill(infos, a, now); err != nil {
			return err
		}
		return l.Replace(c.by, replaced, a, money.FormatFeeRate(rateSatKVB)+" sat/vB")
	})
	crash.At("C13")
	return err
}
