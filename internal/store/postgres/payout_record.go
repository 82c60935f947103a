package postgres

import (
	"context"
	"errors"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (s PayoutStore) Batch(ctx context.Context, id uuid.UUID) (payout.Record, error) {
	var r payout.Record
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.GetBatch(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return batchNotFound()
		}
		if err != nil {
			return err
		}
		r = payout.Record{Batch: batchOf(row.Batch, row.Composer)}
		r.Batch.Alarm = payout.Alarm(row.Alarm)
		if err := readBelongings(ctx, q, &r); err != nil {
			return err
		}
		for _, it := range r.Items {
			r.Batch.Total += it.Amount
		}
		r.Batch.Payees = len(r.Items)
		if r.History, err = readHistory(ctx, q, "batch", id); err != nil {
			return err
		}
		r.Tip, _, err = readHead(ctx, q)
		return err
	})
	return r, err
}

func readItems(ctx context.Context, q *db.Queries, batch uuid.UUID) ([]payout.Item, error) {
	rows, err := q.ListBatchItems(ctx, batch)
	if err != nil {
		return nil, err
	}
	items := make([]payout.Item, len(rows))
	for i, r := range rows {
		items[i] = itemOf(r.Instalment, r.Reference, r.Designation)
	}
	return items, nil
}

func readApprovals(ctx context.Context, q *db.Queries, batch uuid.UUID) ([]payout.Approval, error) {
	rows, err := q.ListApprovals(ctx, batch)
	if err != nil {
		return nil, err
	}
	approvals := make([]payout.Approval, len(rows))
	for i, a := range rows {
		approvals[i] = payout.Approval{
			ID:        a.Approval.ID,
			BatchID:   a.Approval.BatchID,
			Digest:    decision.Digest(a.Approval.Digest),
			StaffID:   a.Approval.StaffID,
			StaffName: a.Name,
			AuthKind:  a.Approval.AuthKind,
			CreatedAt: a.Approval.CreatedAt,
		}
	}
	return approvals, nil
}

func readAttempts(ctx context.Context, q *db.Queries, batch uuid.UUID) ([]payout.Attempt, error) {
	rows, err := q.ListAttempts(ctx, batch)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	attempts := make([]payout.Attempt, len(rows))
	ids := make([]uuid.UUID, len(rows))
	at := map[uuid.UUID]*payout.Attempt{}
	for i, r := range rows {
		a := r.Attempt
		attempts[i] = payout.Attempt{
			ID:        a.ID,
			BatchID:   a.BatchID,
			No:        int(a.No),
			Kind:      payout.AttemptKind(a.Kind),
			PSBT:      a.Psbt,
			TxID:      chainhash.Hash(a.Txid),
			Fee:       btcutil.Amount(a.FeeSat),
			Weight:    a.Weight,
			Epoch:     a.Epoch,
			Raw:       r.Raw,
			Height:    r.Height,
			CreatedAt: a.CreatedAt,
		}
		ids[i], at[a.ID] = a.ID, &attempts[i]
	}
	inputs, err := q.ListAttemptInputs(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		a := at[in.AttemptID]
		a.Inputs = append(
			a.Inputs,
			payout.AttemptInput{OutPoint: outPoint(in.Txid, in.Vout), Amount: btcutil.Amount(in.AmountSat)},
		)
	}
	if err := readPrevTxs(ctx, q, ids, attempts); err != nil {
		return nil, err
	}
	outputs, err := q.ListAttemptOutputs(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, out := range outputs {
		o := payout.AttemptOutput{Vout: uint32(out.Vout), Script: out.Script, Amount: btcutil.Amount(out.AmountSat)}
		if out.InstalmentID.Valid {
			o.InstalmentID = &out.InstalmentID.UUID
		}
		if out.ChangeIndex != nil {
			index := uint32(*out.ChangeIndex)
			o.ChangeIndex = &index
		}
		if out.Decision != nil && out.Period != nil {
			o.Lost = &decision.Instalment{Note: decision.Digest(out.Decision), Period: int(*out.Period)}
		}
		a := at[out.AttemptID]
		a.Outputs = append(a.Outputs, o)
	}
	events, err := q.ListAttemptEvents(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		a := at[e.AttemptID]
		event := payout.AttemptEvent{Event: e.Event, Detail: e.Detail, At: e.At}
		if e.Height != nil {
			event.Height = *e.Height
		}
		a.Events = append(a.Events, event)
	}
	partial, err := q.ListAttemptSignatures(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, p := range partial {
		row := p.AttemptSignature
		sig := payout.Signature{PSBT: row.Psbt, Source: row.Source, Name: p.Name, At: row.At}
		if row.StaffID.Valid {
			sig.StaffID = &row.StaffID.UUID
		}
		a := at[row.AttemptID]
		a.Partial = append(a.Partial, sig)
	}
	return attempts, nil
}

// readPrevTxs gives each attempt the transactions that it spends from. They are read
// once, however many attempts and inputs share them.
func readPrevTxs(ctx context.Context, q *db.Queries, ids []uuid.UUID, attempts []payout.Attempt) error {
	rows, err := q.ListPrevTxs(ctx, ids)
	if err != nil {
		return err
	}
	stored := map[chainhash.Hash][]byte{}
	for _, r := range rows {
		stored[chainhash.Hash(r.Txid)] = r.Raw
	}
	for i := range attempts {
		seen := map[chainhash.Hash]bool{}
		for _, in := range attempts[i].Inputs {
			if raw, ok := stored[in.OutPoint.Hash]; ok && !seen[in.OutPoint.Hash] {
				seen[in.OutPoint.Hash] = true
				attempts[i].PrevTxs = append(attempts[i].PrevTxs, raw)
			}
		}
	}
	return nil
}

func readVoid(ctx context.Context, q *db.Queries, batch uuid.UUID) (*payout.Void, error) {
	row, err := q.GetVoid(ctx, batch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // nobody asked for one
	}
	if err != nil {
		return nil, err
	}
	v := &payout.Void{
		ID:            row.Void.ID,
		BatchID:       batch,
		Note:          row.Void.Note,
		Digest:        decision.Digest(row.Void.Digest),
		FeeRateSatKVB: row.Void.FeerateSatKvb,
		Fee:           btcutil.Amount(row.Void.FeeSat),
		Reason:        row.Void.Reason,
		CancelIDs:     row.CancelIds,
		AskedBy:       row.Void.AskedBy,
		AskedByName:   row.Asker,
		AskedAt:       row.Void.AskedAt,
		ApproverName:  row.Approver,
		ApprovedAt:    row.ApprovedAt,
	}
	if row.ApproverID.Valid {
		v.ApprovedBy = &row.ApproverID.UUID
	}
	return v, nil
}

func readChosen(ctx context.Context, q *db.Queries, batch uuid.UUID) ([]wire.OutPoint, error) {
	rows, err := q.ListBatchCoins(ctx, batch)
	var list []wire.OutPoint
	for _, r := range rows {
		list = append(list, outPoint(r.Txid, r.Vout))
	}
	return list, err
}

func outPoint(txid []byte, vout int64) wire.OutPoint {
	return wire.OutPoint{Hash: chainhash.Hash(txid), Index: uint32(vout)}
}

// txidString writes a stored txid as people do; empty for none.
func txidString(txid []byte) string {
	if len(txid) != chainhash.HashSize {
		return ""
	}
	return chainhash.Hash(txid).String()
}
