package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout"
	"github.com/causeway-fund/causeway/internal/postgres/db"
)

// checkLease returns Conflict "lease_lost" unless epoch is the current lease. The
// share lock keeps a new leader out until this transaction ends.
func checkLease(ctx context.Context, q *db.Queries, epoch int64) error {
	if epoch == 0 {
		return nil // not the worker
	}
	current, err := q.CheckLease(ctx)
	if err != nil {
		return err
	}
	if current != epoch {
		return errs.Newf(errs.Conflict, "lease_lost", "Another worker leads now (lease %d, ours was %d). This one changed nothing.", current, epoch)
	}
	return nil
}

// UpdateBatch implements payout.Store.
func (s PayoutStore) UpdateBatch(ctx context.Context, epoch int64, id uuid.UUID, now time.Time, fn func(*payout.Work) error) (payout.Batch, error) {
	var out payout.Batch
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		row, err := q.LockBatch(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return batchNotFound()
		}
		if err != nil {
			return err
		}
		w := &payout.Work{Batch: batchOf(row.Batch, row.Composer)}
		if w.Items, err = readItems(ctx, q, id); err != nil {
			return err
		}
		if w.Attempts, err = readAttempts(ctx, q, id); err != nil {
			return err
		}
		if w.Approvals, err = readApprovals(ctx, q, id); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		if err := writeBatch(ctx, q, w, now); err != nil {
			return err
		}
		if err := s.record(ctx, q, w.Entries...); err != nil {
			return err
		}
		out = w.Batch
		out.Version++
		out.ChangedAt = now
		out.Payees = len(w.Items)
		for _, it := range w.Items {
			out.Total += it.Amount
		}
		return nil
	})
	return out, err
}

func writeBatch(ctx context.Context, q *db.Queries, w *payout.Work, now time.Time) error {
	b := w.Batch
	if w.NewApproval != nil {
		a := w.NewApproval
		if err := q.InsertApproval(ctx, db.InsertApprovalParams{ID: a.ID, BatchID: b.ID, Digest: a.Digest[:], StaffID: a.StaffID, AuthKind: a.AuthKind, CreatedAt: a.CreatedAt}); err != nil {
			return err
		}
	}
	if w.NewAttempt != nil {
		anchor := int64(b.Anchor.Index)
		if err := q.SetBatchAnchor(ctx, db.SetBatchAnchorParams{ID: b.ID, AnchorTxid: b.Anchor.Hash[:], AnchorVout: &anchor}); err != nil {
			return err
		}
		if err := insertAttempt(ctx, q, *w.NewAttempt); err != nil {
			return err
		}
		w.Attempts = append(w.Attempts, *w.NewAttempt)
	}
	for _, op := range w.Reserve {
		if err := q.InsertReservation(ctx, db.InsertReservationParams{Txid: op.Hash[:], Vout: int64(op.Index), BatchID: b.ID}); err != nil {
			return err
		}
	}
	if len(w.NewRaw) > 0 {
		newest := w.Attempts[len(w.Attempts)-1]
		if err := q.InsertAttemptRaw(ctx, db.InsertAttemptRawParams{AttemptID: newest.ID, Raw: w.NewRaw, CreatedAt: now}); err != nil {
			return err
		}
	}
	for _, e := range w.AttemptEvents {
		newest := w.Attempts[len(w.Attempts)-1]
		if err := q.InsertAttemptEvent(ctx, db.InsertAttemptEventParams{AttemptID: newest.ID, Event: e.Event, Detail: e.Detail, At: e.At}); err != nil {
			return err
		}
	}
	if w.ItemsTo != "" {
		if err := moveItems(ctx, q, w.Items, w.Items[0].State, w.ItemsTo, now); err != nil {
			return err
		}
	}
	if err := release(ctx, q, b.ID, w.ReleaseItems, w.ReleaseCoins, now); err != nil {
		return err
	}
	if err := postTransfers(ctx, q, w.Transfers); err != nil {
		return err
	}
	if w.Batch.LastError == "" {
		if err := q.BumpBatchError(ctx, db.BumpBatchErrorParams{ID: b.ID, Message: "", ChangedAt: now}); err != nil {
			return err
		}
	}
	return moveBatch(ctx, q, b, now)
}

func release(ctx context.Context, q *db.Queries, batch uuid.UUID, items, coins bool, now time.Time) error {
	if items {
		if err := q.ReleaseBatchItems(ctx, &now, batch); err != nil {
			return err
		}
	}
	if coins {
		return q.ReleaseReservations(ctx, &now, batch)
	}
	return nil
}

// moveBatch stores the batch's state if its version is still the one that was read.
func moveBatch(ctx context.Context, q *db.Queries, b payout.Batch, now time.Time) error {
	n, err := q.UpdateBatch(ctx, db.UpdateBatchParams{ID: b.ID, Version: b.Version, State: string(b.State), ChangedAt: now})
	if err != nil {
		return err
	}
	if n != 1 {
		return errs.New(errs.Conflict, "stale_version", "Somebody changed this batch meanwhile. Nothing of yours was saved: look at the new state, then decide again.")
	}
	return nil
}

func insertAttempt(ctx context.Context, q *db.Queries, a payout.Attempt) error {
	err := q.InsertAttempt(ctx, db.InsertAttemptParams{
		ID: a.ID, BatchID: a.BatchID, No: int32(a.No), Psbt: a.PSBT, Txid: a.TxID[:], FeeSat: int64(a.Fee), Weight: a.Weight, Epoch: a.Epoch, CreatedAt: a.CreatedAt,
	})
	if err != nil {
		return err
	}
	for _, in := range a.Inputs {
		err := q.InsertAttemptInput(ctx, db.InsertAttemptInputParams{AttemptID: a.ID, Txid: in.OutPoint.Hash[:], Vout: int64(in.OutPoint.Index), AmountSat: int64(in.Amount)})
		if err != nil {
			return err
		}
	}
	for _, out := range a.Outputs {
		arg := db.InsertAttemptOutputParams{AttemptID: a.ID, Vout: int64(out.Vout), Script: out.Script, AmountSat: int64(out.Amount), InstalmentID: nullUUID(out.InstalmentID)}
		if out.ChangeIndex != nil {
			index := int64(*out.ChangeIndex)
			arg.ChangeIndex = &index
		}
		if err := q.InsertAttemptOutput(ctx, arg); err != nil {
			return err
		}
	}
	return nil
}

// SetError implements payout.WorkerStore.
func (s PayoutStore) SetError(ctx context.Context, epoch int64, id uuid.UUID, message string, now time.Time) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.BumpBatchError(ctx, db.BumpBatchErrorParams{ID: id, Message: message, ChangedAt: now})
	})
}
