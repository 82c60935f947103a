package postgres

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
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
		if w.Void, err = readVoid(ctx, q, id); err != nil {
			return err
		}
		if w.Batch.Chosen, err = readChosen(ctx, q, id); err != nil {
			return err
		}
		if w.Fund, err = readFund(ctx, q); err != nil {
			return err
		}
		if w.Parent, err = readParent(ctx, q, w.Batch); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		if err := writeBatch(ctx, q, w, now); err != nil {
			return err
		}
		if epoch == 0 { // the worker need not tell itself
			if err := q.WakeWorker(ctx); err != nil {
				return err
			}
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
	if err := writeVoid(ctx, q, w); err != nil {
		return err
	}
	if w.NewAttempt != nil {
		if len(w.Attempts) == 0 {
			anchor := int64(b.Anchor.Index)
			if err := q.SetBatchAnchor(ctx, db.SetBatchAnchorParams{ID: b.ID, AnchorTxid: b.Anchor.Hash[:], AnchorVout: &anchor}); err != nil {
				return err
			}
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
	if sig := w.NewSignature; sig != nil {
		newest := w.Attempts[len(w.Attempts)-1]
		if err := q.InsertAttemptSignature(ctx, db.InsertAttemptSignatureParams{AttemptID: newest.ID, Psbt: sig.PSBT, Source: sig.Source, StaffID: nullUUID(sig.StaffID), At: sig.At}); err != nil {
			return err
		}
	}
	if w.ItemsTo != "" && len(w.Items) > 0 {
		if err := moveItems(ctx, q, idsOf(w.Items), w.Items[0].State, w.ItemsTo, now); err != nil {
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

func idsOf(items []payout.Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.InstalmentID
	}
	return ids
}

func writeVoid(ctx context.Context, q *db.Queries, w *payout.Work) error {
	request := w.Void
	if e := w.EndVoid; e != nil {
		n, err := q.EndVoid(ctx, db.EndVoidParams{ID: request.ID, Ended: &e.How, EndedBy: nullUUID(e.By), EndedAt: &e.At})
		if err != nil {
			return err
		}
		if n != 1 {
			return errs.New(errs.Conflict, "wrong_state", "The request to take this batch back has ended in the meantime. Nothing was changed.")
		}
	}
	if v := w.NewVoid; v != nil {
		request = v
		err := q.InsertVoid(ctx, db.InsertVoidParams{
			ID: v.ID, BatchID: w.Batch.ID, Note: v.Note, Digest: v.Digest[:], FeerateSatVb: v.FeeRateSatVB, FeeSat: int64(v.Fee), Reason: v.Reason,
			AskedBy: v.AskedBy, AskedAt: v.AskedAt,
		})
		if err != nil {
			return err
		}
		for _, id := range v.CancelIDs {
			if err := q.InsertVoidItem(ctx, v.ID, id); err != nil {
				return err
			}
		}
	}
	if a := w.VoidApproval; a != nil {
		return q.InsertVoidApproval(ctx, db.InsertVoidApprovalParams{VoidID: request.ID, Digest: a.Digest[:], StaffID: a.StaffID, At: a.CreatedAt})
	}
	return nil
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
	var wanted *int64
	if b.WantedSatVB > 0 {
		wanted = &b.WantedSatVB
	}
	n, err := q.UpdateBatch(ctx, db.UpdateBatchParams{ID: b.ID, Version: b.Version, State: string(b.State), WantedFeerateSatVb: wanted, ChangedAt: now})
	if err != nil {
		return err
	}
	if n != 1 {
		return errs.New(errs.Conflict, "stale_version", "Somebody else changed this batch in the meantime. Your change was not saved: look at the new state, then decide again.")
	}
	return nil
}

func insertAttempt(ctx context.Context, q *db.Queries, a payout.Attempt) error {
	err := q.InsertAttempt(ctx, db.InsertAttemptParams{
		ID: a.ID, BatchID: a.BatchID, No: int32(a.No), Kind: string(a.Kind), Psbt: a.PSBT, Txid: a.TxID[:], FeeSat: int64(a.Fee), Weight: a.Weight, Epoch: a.Epoch, CreatedAt: a.CreatedAt,
	})
	if err != nil {
		return err
	}
	if err := q.InsertPrevTxs(ctx, a.PrevTxs); err != nil {
		return err
	}
	ins := db.InsertAttemptInputsParams{AttemptID: a.ID}
	for _, in := range a.Inputs {
		ins.Txids, ins.Vouts, ins.AmountsSat = append(ins.Txids, bytes.Clone(in.OutPoint.Hash[:])), append(ins.Vouts, int64(in.OutPoint.Index)), append(ins.AmountsSat, int64(in.Amount))
	}
	if err := q.InsertAttemptInputs(ctx, ins); err != nil {
		return err
	}
	outs := db.InsertAttemptOutputsParams{AttemptID: a.ID}
	for _, out := range a.Outputs {
		// The statement takes no id for nil, no change for -1, and no decision for an empty one.
		instalment, change, lost := uuid.UUID{}, int64(-1), []byte{}
		if out.InstalmentID != nil {
			instalment = *out.InstalmentID
		}
		if out.Decision != nil {
			lost = out.Decision[:]
		}
		if out.ChangeIndex != nil {
			change = int64(*out.ChangeIndex)
		}
		outs.Vouts, outs.Scripts, outs.AmountsSat = append(outs.Vouts, int64(out.Vout)), append(outs.Scripts, out.Script), append(outs.AmountsSat, int64(out.Amount))
		outs.InstalmentIds, outs.ChangeIndexes = append(outs.InstalmentIds, instalment), append(outs.ChangeIndexes, change)
		outs.Decisions = append(outs.Decisions, lost)
	}
	return q.InsertAttemptOutputs(ctx, outs)
}

func (s PayoutStore) SetError(ctx context.Context, epoch int64, id uuid.UUID, code, message string, now time.Time) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.BumpBatchError(ctx, db.BumpBatchErrorParams{ID: id, Code: code, Message: message, ChangedAt: now})
	})
}
