package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (s PayoutStore) Unjoined(ctx context.Context) ([]payout.UnjoinedPayment, error) {
	list, err := readUnjoined(ctx, s.q)
	return list, mapError(err)
}

func readUnjoined(ctx context.Context, q *db.Queries) ([]payout.UnjoinedPayment, error) {
	rows, err := q.ListUnjoined(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]payout.UnjoinedPayment, len(rows))
	for i, r := range rows {
		list[i] = payout.UnjoinedPayment{
			BatchID:  r.BatchID,
			Number:   uint32(r.Number),
			State:    payout.State(r.BatchState),
			OutPoint: outPoint(r.Txid, r.Vout),
			Paid:     decision.Instalment{Note: decision.Digest(r.Decision), Period: int(r.Period)},
			Script:   r.Script,
			Amount:   btcutil.Amount(r.AmountSat),
			FoundAt:  r.CreatedAt,
			Separate: r.Separate,
		}
	}
	return list, nil
}

func findUnjoined(ctx context.Context, q *db.Queries, op wire.OutPoint) (payout.UnjoinedPayment, error) {
	list, err := readUnjoined(ctx, q)
	if err != nil {
		return payout.UnjoinedPayment{}, err
	}
	at := slices.IndexFunc(list, func(p payout.UnjoinedPayment) bool { return p.OutPoint == op })
	if at < 0 {
		return payout.UnjoinedPayment{}, errs.New(
			errs.NotFound,
			errs.CodeUnjoinedNotFound,
			"There is no such payment that waits to be joined. Nothing was changed.",
		)
	}
	return list[at], nil
}

func (s PayoutStore) JoinPayment(
	ctx context.Context,
	op wire.OutPoint,
	instalment uuid.UUID,
	now time.Time,
	fn func(*payout.Join) error,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		found, err := findUnjoined(ctx, q, op)
		if err != nil {
			return err
		}
		if _, err := q.LockBatch(ctx, found.BatchID); err != nil {
			return err
		}
		if found, err = findUnjoined(ctx, q, op); err != nil { // as it stands under the lock
			return err
		}
		rows, err := q.ListInstalmentsByID(ctx, []uuid.UUID{instalment})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return errs.New(errs.NotFound, CodeInstalmentNotFound, "There is no such payment. Nothing was changed.")
		}
		j := &payout.Join{Payment: found, Item: itemOf(rows[0].Instalment, rows[0].Reference, rows[0].Designation)}
		if err := fn(j); err != nil {
			return err
		}
		if _, err := q.JoinOutputs(
			ctx,
			db.JoinOutputsParams{
				InstalmentID: instalment,
				BatchID:      found.BatchID,
				Decision:     found.Paid.Note[:],
				Period:       int32(found.Paid.Period),
			},
		); err != nil {
			return err
		}
		if err := q.JoinBatchItem(ctx, found.BatchID, instalment); err != nil {
			return err
		}
		for _, hop := range j.Hops { // a change meanwhile fails the first one
			if err := moveItems(ctx, q, hop.IDs, hop.From, hop.To, now); err != nil {
				return err
			}
		}
		if err := postTransfers(ctx, q, j.Transfers); err != nil {
			return err
		}
		if err := q.WakeWorker(ctx); err != nil {
			return err
		}
		return s.record(ctx, q, j.Entry)
	})
}

func (s PayoutStore) SeparatePayment(
	ctx context.Context,
	op wire.OutPoint,
	reason string,
	staff uuid.UUID,
	e audit.Entry,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if _, err := findUnjoined(ctx, q, op); err != nil {
			return err
		}
		n, err := q.SeparateUnjoined(
			ctx,
			db.SeparateUnjoinedParams{
				Txid:    op.Hash[:],
				Vout:    int64(op.Index),
				Reason:  reason,
				StaffID: staff,
				At:      e.At,
			},
		)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, CodeAlreadySeparate, "Somebody has already said so. Nothing was changed.")
		}
		if err := q.WakeWorker(ctx); err != nil {
			return err
		}
		return s.record(ctx, q, e)
	})
}
