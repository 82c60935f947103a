package postgres

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/causeway-fund/causeway/internal/review/grant"

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
		return errs.Newf(
			errs.Conflict,
			payout.CodeLeaseLost,
			"Another worker leads now (lease %d, ours was %d). This one changed nothing.",
			current,
			epoch,
		)
	}
	return nil
}

func (s PayoutStore) UpdateBatch(
	ctx context.Context,
	epoch int64,
	id uuid.UUID,
	now time.Time,
	fn func(*payout.Locked) error,
) (payout.Batch, error) {
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
		r, err := readLocked(ctx, q, batchOf(row.Batch, row.Composer))
		if err != nil {
			return err
		}
		l := payout.NewLocked(r, now)
		if err := fn(l); err != nil {
			return err
		}
		if err := writeLocked(ctx, q, l, now); err != nil {
			return err
		}
		if epoch == 0 { // the worker need not tell itself
			if err := q.WakeWorker(ctx); err != nil {
				return err
			}
		}
		if err := s.record(ctx, q, l.Changes().Entries...); err != nil {
			return err
		}
		out = l.Batch()
		out.Version += int64(max(len(l.Changes().Path), 1))
		out.ChangedAt = now
		out.Payees = len(r.Items)
		for _, it := range r.Items {
			out.Total += it.Amount
		}
		return nil
	})
	return out, err
}

// readLocked reads what belongs to a batch whose row is locked.
func readLocked(ctx context.Context, q *db.Queries, b payout.Batch) (payout.Record, error) {
	r := payout.Record{Batch: b}
	err := readBelongings(ctx, q, &r)
	return r, err
}

// readBelongings reads what belongs to the batch of r, all but its history.
func readBelongings(ctx context.Context, q *db.Queries, r *payout.Record) (err error) {
	id := r.Batch.ID
	if r.Items, err = readItems(ctx, q, id); err != nil {
		return err
	}
	if r.Attempts, err = readAttempts(ctx, q, id); err != nil {
		return err
	}
	if r.Approvals, err = readApprovals(ctx, q, id); err != nil {
		return err
	}
	if r.Void, err = readVoid(ctx, q, id); err != nil {
		return err
	}
	if r.Batch.Chosen, err = readChosen(ctx, q, id); err != nil {
		return err
	}
	if r.Fund, err = readFund(ctx, q); err != nil {
		return err
	}
	estimate, err := readEstimate(ctx, q)
	if err != nil {
		return err
	}
	r.RelaySatKVB = estimate.Relay()
	r.Parent, err = readParent(ctx, q, r.Batch)
	return err
}

// writeLocked writes what the verbs of a batch have added, in the order that the rules of the
// database ask for: whom an attempt or a void belongs to before it, the batch's state last.
func writeLocked(ctx context.Context, q *db.Queries, l *payout.Locked, now time.Time) error {
	ch, b := l.Changes(), l.Batch()
	if err := writeRow(ctx, q, l, ch); err != nil {
		return err
	}
	if a := ch.NewApproval; a != nil {
		err := q.InsertApproval(ctx, db.InsertApprovalParams{
			ID:        a.ID,
			BatchID:   b.ID,
			Digest:    a.Digest[:],
			StaffID:   a.StaffID,
			AuthKind:  a.AuthKind,
			CreatedAt: a.CreatedAt,
		})
		if err != nil {
			return err
		}
	}
	if err := writeVoid(ctx, q, b.ID, ch); err != nil {
		return err
	}
	if err := writeAttempts(ctx, q, b.ID, ch, now); err != nil {
		return err
	}
	for _, hop := range ch.Hops {
		if err := moveItems(ctx, q, hop.IDs, hop.From, hop.To, now); err != nil {
			return err
		}
	}
	if err := release(ctx, q, b.ID, ch.ReleaseItems, ch.ReleaseCoins, now); err != nil {
		return err
	}
	if err := postTransfers(ctx, q, ch.Transfers); err != nil {
		return err
	}
	if b.LastError == "" {
		if err := q.BumpBatchError(ctx, db.BumpBatchErrorParams{ID: b.ID, Message: "", ChangedAt: now}); err != nil {
			return err
		}
	}
	if len(ch.Path) == 0 {
		return moveBatch(ctx, q, b, now)
	}
	for _, state := range ch.Path {
		b.State = state
		if err := moveBatch(ctx, q, b, now); err != nil {
			return err
		}
		b.Version++
	}
	return nil
}

// writeRow writes the row of a batch that a signer's journal knows better, and the anchor.
func writeRow(ctx context.Context, q *db.Queries, l *payout.Locked, ch payout.Changes) error {
	r := l.Record()
	if ch.Create {
		b := r.Batch
		b.State = payout.Composed
		if err := insertBatchRow(ctx, q, b); err != nil {
			return err
		}
		if len(r.Items) > 0 {
			if err := q.InsertBatchItems(ctx, b.ID, idsOf(r.Items)); err != nil {
				return err
			}
		}
	}
	if ch.Rehome {
		if err := q.TakeBatchItemsBack(ctx, r.Batch.ID); err != nil {
			return err
		}
	}
	if a := ch.Anchor; a != nil {
		vout := int64(a.Index)
		return q.SetBatchAnchor(ctx, db.SetBatchAnchorParams{ID: r.Batch.ID, AnchorTxid: a.Hash[:], AnchorVout: &vout})
	}
	return nil
}

// writeAttempts writes new attempts, the coins that they take, and what happened to attempts.
func writeAttempts(ctx context.Context, q *db.Queries, batch uuid.UUID, ch payout.Changes, now time.Time) error {
	for _, a := range ch.NewAttempts {
		if err := insertAttempt(ctx, q, a); err != nil {
			return err
		}
	}
	for _, op := range ch.Reserve {
		if err := q.InsertReservation(
			ctx,
			db.InsertReservationParams{Txid: op.Hash[:], Vout: int64(op.Index), BatchID: batch},
		); err != nil {
			return err
		}
	}
	for _, r := range ch.Raws {
		if err := q.InsertAttemptRaw(
			ctx,
			db.InsertAttemptRawParams{AttemptID: r.Attempt, Raw: r.Raw, CreatedAt: now},
		); err != nil {
			return err
		}
	}
	for _, e := range ch.Events {
		if err := q.InsertAttemptEvent(
			ctx,
			db.InsertAttemptEventParams{
				AttemptID: e.Attempt,
				Event:     e.Event.Event,
				Detail:    e.Event.Detail,
				At:        e.Event.At,
			},
		); err != nil {
			return err
		}
	}
	for _, s := range ch.Signatures {
		sig := s.Signature
		err := q.InsertAttemptSignature(ctx, db.InsertAttemptSignatureParams{
			AttemptID: s.Attempt, Psbt: sig.PSBT, Source: sig.Source, StaffID: nullUUID(sig.StaffID), At: sig.At,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func idsOf(items []payout.Item) []uuid.UUID {
	ids := make([]uuid.UUID, len(items))
	for i, it := range items {
		ids[i] = it.InstalmentID
	}
	return ids
}

func writeVoid(ctx context.Context, q *db.Queries, batch uuid.UUID, ch payout.Changes) error {
	if e := ch.VoidEnd; e != nil {
		n, err := q.EndVoid(ctx, db.EndVoidParams{ID: e.ID, Ended: &e.How, EndedBy: nullUUID(e.By), EndedAt: &e.At})
		if err != nil {
			return err
		}
		if n != 1 {
			return errs.New(
				errs.Conflict,
				errs.CodeWrongState,
				"The request to take this batch back has ended in the meantime. Nothing was changed.",
			)
		}
	}
	if v := ch.NewVoid; v != nil {
		err := q.InsertVoid(ctx, db.InsertVoidParams{
			ID:            v.ID,
			BatchID:       batch,
			Note:          v.Note,
			Digest:        v.Digest[:],
			FeerateSatKvb: v.FeeRateSatKVB,
			FeeSat:        int64(v.Fee),
			Reason:        v.Reason,
			AskedBy:       v.AskedBy,
			AskedAt:       v.AskedAt,
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
	if a := ch.VoidApproval; a != nil {
		return q.InsertVoidApproval(
			ctx,
			db.InsertVoidApprovalParams{
				VoidID:  a.VoidID,
				Digest:  a.Approval.Digest[:],
				StaffID: a.Approval.StaffID,
				At:      a.Approval.CreatedAt,
			},
		)
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
	if b.WantedSatKVB > 0 {
		wanted = &b.WantedSatKVB
	}
	n, err := q.UpdateBatch(
		ctx,
		db.UpdateBatchParams{
			ID:                  b.ID,
			Version:             b.Version,
			State:               string(b.State),
			WantedFeerateSatKvb: wanted,
			ChangedAt:           now,
		},
	)
	if err != nil {
		return err
	}
	if n != 1 {
		return errs.New(
			errs.Conflict,
			grant.CodeStaleVersion,
			"Somebody else changed this batch in the meantime. Your change was not saved: look at the new state, then decide again.",
		)
	}
	return nil
}

func insertAttempt(ctx context.Context, q *db.Queries, a payout.Attempt) error {
	err := q.InsertAttempt(ctx, db.InsertAttemptParams{
		ID:        a.ID,
		BatchID:   a.BatchID,
		No:        int32(a.No),
		Kind:      string(a.Kind),
		Psbt:      a.PSBT,
		Txid:      a.TxID[:],
		FeeSat:    int64(a.Fee),
		Weight:    a.Weight,
		Epoch:     a.Epoch,
		CreatedAt: a.CreatedAt,
	})
	if err != nil {
		return err
	}
	if err := q.InsertPrevTxs(ctx, a.PrevTxs); err != nil {
		return err
	}
	ins := db.InsertAttemptInputsParams{AttemptID: a.ID}
	for _, in := range a.Inputs {
		ins.Txids, ins.Vouts, ins.AmountsSat = append(
			ins.Txids,
			bytes.Clone(in.OutPoint.Hash[:]),
		), append(
			ins.Vouts,
			int64(in.OutPoint.Index),
		), append(
			ins.AmountsSat,
			int64(in.Amount),
		)
	}
	if err := q.InsertAttemptInputs(ctx, ins); err != nil {
		return err
	}
	outs := db.InsertAttemptOutputsParams{AttemptID: a.ID}
	for _, out := range a.Outputs {
		// The statement takes no id for nil, no change for -1, no decision for an empty one and no period for 0.
		instalment, change, lost, period := uuid.UUID{}, int64(-1), []byte{}, 0
		if out.InstalmentID != nil {
			instalment = *out.InstalmentID
		}
		if out.Lost != nil {
			lost, period = out.Lost.Note[:], out.Lost.Period
		}
		if out.ChangeIndex != nil {
			change = int64(*out.ChangeIndex)
		}
		outs.Vouts, outs.Scripts, outs.AmountsSat = append(
			outs.Vouts,
			int64(out.Vout),
		), append(
			outs.Scripts,
			out.Script,
		), append(
			outs.AmountsSat,
			int64(out.Amount),
		)
		outs.InstalmentIds, outs.ChangeIndexes = append(
			outs.InstalmentIds,
			instalment,
		), append(
			outs.ChangeIndexes,
			change,
		)
		outs.Decisions, outs.Periods = append(outs.Decisions, lost), append(outs.Periods, int32(period))
	}
	return q.InsertAttemptOutputs(ctx, outs)
}

func (s PayoutStore) SetError(
	ctx context.Context,
	epoch int64,
	id uuid.UUID,
	code errs.Code,
	message string,
	now time.Time,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.BumpBatchError(
			ctx,
			db.BumpBatchErrorParams{ID: id, Code: string(code), Message: message, ChangedAt: now},
		)
	})
}
