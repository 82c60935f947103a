package postgres

import (
	"context"
	"math"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/follower"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// PayoutStore keeps batches, coins and what the chain said of them. All but the treasurer's need the rights of
// the worker's role.
type PayoutStore struct{ *DB }

var (
	_ treasurer.Store = PayoutStore{}
	_ conductor.Store = PayoutStore{}
	_ follower.Store  = PayoutStore{}
	_ recovery.Store  = PayoutStore{}
)

func (s PayoutStore) NextNumber(ctx context.Context) (uint32, error) {
	var number int64
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		number, err = q.NextBatchNumber(ctx)
		return err
	})
	return uint32(number), err
}

func (s PayoutStore) Items(ctx context.Context, ids []uuid.UUID) ([]payout.Item, error) {
	var items []payout.Item
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		items = nil
		if len(ids) == 0 {
			rows, err := q.ListPayable(ctx)
			for _, r := range rows {
				items = append(items, itemOf(r.Instalment, r.Reference, r.Designation))
			}
			return err
		}
		rows, err := q.ListInstalmentsByID(ctx, ids)
		for _, r := range rows {
			items = append(items, itemOf(r.Instalment, r.Reference, r.Designation))
		}
		return err
	})
	return items, err
}

func itemOf(i db.Instalment, reference, designation string) payout.Item {
	return payout.Item{
		InstalmentID: i.ID,
		GrantID:      i.GrantID,
		Reference:    reference,
		Designation:  designation,
		Digest:       decision.Digest(i.Digest),
		Period:       int(i.Period),
		Note:         i.Note,
		Script:       i.PayeeScript,
		Address:      i.PayeeAddress,
		Amount:       btcutil.Amount(i.AmountSat),
		DueAt:        i.DueAt,
		UntilAt:      i.UntilAt,
		State:        grant.InstalmentState(i.State),
		CreatedAt:    i.CreatedAt,
	}
}

func (s PayoutStore) VotedOn(ctx context.Context, staff uuid.UUID, instalments []uuid.UUID) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		ids, err = q.ListVotedOn(ctx, staff, instalments)
		return err
	})
	return ids, err
}

func (s PayoutStore) CreateBatches(ctx context.Context, list []payout.NewBatch) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		entries := make([]audit.Entry, len(list))
		for i, n := range list {
			if err := insertBatch(ctx, q, n.Batch, n.Items); err != nil {
				return err
			}
			entries[i] = n.Entry
		}
		return s.record(ctx, q, entries...)
	})
}

func insertBatch(ctx context.Context, q *db.Queries, b payout.Batch, items []payout.Item) error {
	if err := insertBatchRow(ctx, q, b); err != nil {
		return err
	}
	if len(items) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.InstalmentID
	}
	if err := lookedAt(ctx, q, ids); err != nil {
		return err
	}
	if err := q.InsertBatchItems(ctx, b.ID, ids); err != nil {
		return err
	}
	if err := moveItems(ctx, q, ids, grant.Payable, grant.Allocated, b.CreatedAt); err != nil {
		return errs.Wrap(
			err,
			errs.Conflict,
			errs.CodeNotPayable,
			"One of these payments is no longer free. Reload the list.",
		)
	}
	return nil
}

// lookedAt refuses payments that a gate has yet to look at, where there is one.
func lookedAt(ctx context.Context, q *db.Queries, ids []uuid.UUID) error {
	n, err := q.CountNotLookedAt(ctx, ids)
	if err == nil && n > 0 {
		err = errs.New(
			errs.Conflict,
			CodeGateNotLooked,
			"The uptime behind one of these payments has not been looked at yet, which takes about a minute after an approval. Try again shortly.",
		)
	}
	return err
}

func insertBatchRow(ctx context.Context, q *db.Queries, b payout.Batch) error {
	err := q.InsertBatch(ctx, db.InsertBatchParams{
		ID:               b.ID,
		FundID:           b.FundID,
		Kind:             string(b.Kind),
		Number:           int64(b.Number),
		State:            string(b.State),
		Version:          b.Version,
		Note:             b.Note,
		Digest:           b.Digest[:],
		Treasury:         b.Treasury,
		Until:            b.Until,
		FeerateSatKvb:    b.FeeRateSatKVB,
		MaxFeerateSatKvb: b.MaxFeeRateSatKVB,
		MaxFeeSat:        int64(b.MaxFee),
		Outputs:          int32(b.Outputs),
		DeadlineBlocks:   b.DeadlineBlocks,
		Seed:             b.Seed[:],
		ComposedBy:       b.ComposedBy,
		CreatedAt:        b.CreatedAt,
		ChangedAt:        b.ChangedAt,
	})
	if err != nil {
		return err
	}
	for _, op := range b.Chosen {
		if err := q.InsertBatchCoin(
			ctx,
			db.InsertBatchCoinParams{BatchID: b.ID, Txid: op.Hash[:], Vout: int64(op.Index)},
		); err != nil {
			return err
		}
	}
	return nil
}

// moveItems moves every instalment or fails. Grants whose last instalment became
// final are completed.
func moveItems(
	ctx context.Context,
	q *db.Queries,
	ids []uuid.UUID,
	from, to grant.InstalmentState,
	now time.Time,
) error {
	if len(ids) == 0 {
		return nil
	}
	moved, err := q.MoveInstalments(
		ctx,
		db.MoveInstalmentsParams{Ids: ids, FromState: string(from), ToState: string(to), ChangedAt: now},
	)
	if err != nil {
		return err
	}
	if len(moved) != len(ids) {
		return errs.Newf(
			errs.Conflict,
			errs.CodeWrongState,
			"%d of %d payments are not %s any more. Nothing was changed.",
			len(ids)-len(moved),
			len(ids),
			from,
		)
	}
	if to != grant.Final && to != grant.Cancelled {
		return nil
	}
	grants := make([]uuid.UUID, len(moved))
	for i, m := range moved {
		grants[i] = m.GrantID
	}
	return q.CompleteGrants(ctx, grants)
}

func batchNotFound() error {
	return errs.New(errs.NotFound, CodeBatchNotFound, "There is no such batch.")
}

func batchOf(b db.Batch, composer string) payout.Batch {
	out := payout.Batch{
		ID:               b.ID,
		FundID:           b.FundID,
		Kind:             payout.Kind(b.Kind),
		Number:           uint32(b.Number),
		Outputs:          int(b.Outputs),
		DeadlineBlocks:   b.DeadlineBlocks,
		State:            payout.State(b.State),
		Version:          b.Version,
		Note:             b.Note,
		Digest:           decision.Digest(b.Digest),
		Treasury:         b.Treasury,
		Until:            b.Until,
		FeeRateSatKVB:    b.FeerateSatKvb,
		MaxFeeRateSatKVB: b.MaxFeerateSatKvb,
		MaxFee:           btcutil.Amount(b.MaxFeeSat),
		Seed:             [32]byte(b.Seed),
		ComposedBy:       b.ComposedBy,
		ComposerName:     composer,
		Tries:            int(b.Tries),
		CreatedAt:        b.CreatedAt,
		ChangedAt:        b.ChangedAt,
	}
	if b.WantedFeerateSatKvb != nil {
		out.WantedSatKVB = *b.WantedFeerateSatKvb
	}
	if b.LastError != nil {
		out.LastError = *b.LastError
	}
	if b.LastCode != nil {
		out.LastCode = *b.LastCode
	}
	if b.AnchorVout != nil {
		op := wire.OutPoint{Hash: chainhash.Hash(b.AnchorTxid), Index: uint32(*b.AnchorVout)}
		out.Anchor = &op
	}
	return out
}

func (s PayoutStore) Batches(ctx context.Context, f payout.BatchFilter, limit int) ([]payout.Batch, error) {
	below := int64(f.Before)
	if f.Before == 0 {
		below = math.MaxInt64
	}
	rows, err := s.q.ListBatches(
		ctx,
		db.ListBatchesParams{Before: below, State: string(f.State), RowLimit: int32(limit)},
	)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]payout.Batch, len(rows))
	for i, r := range rows {
		b := batchOf(r.Batch, r.Composer)
		b.Payees, b.Total, b.Alarm = int(r.Payees), btcutil.Amount(r.TotalSat), payout.Alarm(r.Alarm)
		if r.AttemptNo >= 0 {
			a := payout.Attempt{
				TxID:   chainhash.Hash(r.Txid),
				Fee:    btcutil.Amount(r.FeeSat),
				Weight: r.Weight,
				Height: r.Height,
			}
			now := a.Current(payout.Tip{Height: r.Tip})
			b.Current = &now
		}
		list[i] = b
	}
	return list, nil
}

func (s PayoutStore) Due(ctx context.Context) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		ids, err = q.ListDue(ctx)
		return err
	})
	return ids, err
}

func (s PayoutStore) Holdings(ctx context.Context) (payout.Holdings, error) {
	var h payout.Holdings
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		var err error
		h = payout.Holdings{}
		if h.Tip, _, err = readHead(ctx, q); err != nil {
			return err
		}
		if h.Coins, err = readCoins(ctx, q, h.Tip); err != nil {
			return err
		}
		if h.Balances, err = readBalances(ctx, q); err != nil {
			return err
		}
		if h.Breakers, err = readOpenBreakers(ctx, q); err != nil {
			return err
		}
		if h.Accepted, err = readAccepted(ctx, q); err != nil {
			return err
		}
		next, err := q.NextDepositIndex(ctx)
		if err != nil {
			return err
		}
		last, err := q.LastBatchNumber(ctx)
		if err != nil {
			return err
		}
		h.NextIndex, h.LastNumber = uint32(next), uint32(last)
		unbuilt, err := q.CountUnbuilt(ctx)
		if err != nil {
			return err
		}
		h.Unbuilt = int(unbuilt)
		if h.LongRunSatKVB, err = readLongRun(ctx, q); err != nil {
			return err
		}
		estimate, err := readEstimate(ctx, q)
		if err != nil {
			return err
		}
		h.RelaySatKVB = estimate.Relay()
		h.Stuck, err = readStuck(ctx, q)
		return err
	})
	return h, err
}

func (s PayoutStore) Sums(ctx context.Context) (payout.Sums, error) {
	var sums payout.Sums
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		if sums.Balances, err = readBalances(ctx, q); err != nil {
			return err
		}
		sums.Payments, err = q.CountPaid(ctx)
		return err
	})
	return sums, err
}

func (s PayoutStore) Forgotten(ctx context.Context, until, now time.Time) ([]uuid.UUID, error) {
	ids, err := s.q.ListForgotten(ctx, until, now)
	return ids, mapError(err)
}

func (s PayoutStore) Lapsed(ctx context.Context, since time.Time) ([]payout.Lapsed, error) {
	rows, err := s.q.ListLapsed(ctx, since)
	if err != nil {
		return nil, mapError(err)
	}
	var list []payout.Lapsed
	for _, r := range rows {
		list = append(
			list,
			payout.Lapsed{
				BatchID:    r.ID,
				Number:     uint32(r.Number),
				ComposedBy: r.Composer,
				Payees:     int(r.Payees),
				At:         r.At,
			},
		)
	}
	return list, nil
}
