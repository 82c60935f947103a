package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/txbuild"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/recovery"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

var _ recovery.Store = PayoutStore{}

func (s PayoutStore) Mark(ctx context.Context, fingerprint string) (recovery.JournalMark, error) {
	row, err := s.q.GetJournalMark(ctx, fingerprint)
	if errors.Is(err, pgx.ErrNoRows) {
		return recovery.JournalMark{Fingerprint: fingerprint}, nil
	}
	if err != nil {
		return recovery.JournalMark{}, mapError(err)
	}
	return recovery.JournalMark{Fingerprint: fingerprint, Seq: row.Seq, Head: [32]byte(row.Head)}, nil
}

func (s PayoutStore) SetMark(ctx context.Context, epoch int64, m recovery.JournalMark, now time.Time) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.SetJournalMark(
			ctx,
			db.SetJournalMarkParams{Fingerprint: m.Fingerprint, Seq: m.Seq, Head: m.Head[:], At: now},
		)
	})
}

func (s PayoutStore) ReleasedTxids(ctx context.Context, txids []chainhash.Hash) (map[chainhash.Hash]bool, error) {
	raw := make([][]byte, len(txids))
	for i, id := range txids {
		raw[i] = id[:]
	}
	rows, err := s.q.ListTxidsReleased(ctx, raw)
	if err != nil {
		return nil, mapError(err)
	}
	known := make(map[chainhash.Hash]bool, len(rows))
	for _, r := range rows {
		known[chainhash.Hash(r)] = true
	}
	texts := make([]string, len(txids))
	for i, id := range txids {
		texts[i] = id.String()
	}
	adopted, err := s.q.ListAdopted(ctx, texts)
	if err != nil {
		return nil, mapError(err)
	}
	for _, text := range adopted {
		id, err := chainhash.NewHashFromStr(text)
		if err != nil {
			return nil, fmt.Errorf("read adopted txid: %w", err)
		}
		known[*id] = true
	}
	return known, nil
}

func (s PayoutStore) MarkedAt(ctx context.Context) (time.Time, error) {
	at, err := s.q.LastJournalMark(ctx)
	return at, mapError(err)
}

func (s PayoutStore) AdvanceNumber(ctx context.Context, epoch int64, atLeast uint32) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.AdvanceBatchNumber(ctx, int64(atLeast))
	})
}

func (s PayoutStore) Rebuild(
	ctx context.Context,
	epoch int64,
	about recovery.About,
	now time.Time,
	fn func(*recovery.Rebuild) error,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		w := &recovery.Rebuild{Coins: map[wire.OutPoint]txbuild.Coin{}}
		r, err := readLost(ctx, q, w, about)
		if err != nil {
			return err
		}
		w.Locked = payout.NewLocked(r, now)
		if err := readRivals(ctx, q, w, about, now); err != nil {
			return err
		}
		if err := readSurroundings(ctx, q, w, about); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		return s.writeRebuild(ctx, q, w, now)
	})
}

// readLost reads the batch that a lost transaction belongs to, or else the payments
// that it pays.
func readLost(ctx context.Context, q *db.Queries, w *recovery.Rebuild, about recovery.About) (payout.Record, error) {
	row, err := q.LockBatch(ctx, about.Batch)
	if errors.Is(err, pgx.ErrNoRows) {
		digests, periods := make([][]byte, len(about.Owed)), make([]int32, len(about.Owed))
		for i, o := range about.Owed {
			digests[i], periods[i] = o.Note[:], int32(o.Period)
		}
		rows, err := q.ListInstalmentsOwed(ctx, digests, periods)
		var r payout.Record
		for _, row := range rows {
			r.Items = append(r.Items, itemOf(row.Instalment, row.Reference, row.Designation))
		}
		return r, err
	}
	if err != nil {
		return payout.Record{}, err
	}
	w.Known = true
	r, err := readLocked(ctx, q, batchOf(row.Batch, row.Composer))
	if err != nil {
		return r, err
	}
	reserved, err := q.ListReservedBy(ctx, about.Batch)
	for _, coin := range reserved {
		w.Reserved = append(w.Reserved, outPoint(coin.Txid, coin.Vout))
	}
	return r, err
}

// readRivals locks the other batches that stand in the way.
func readRivals(ctx context.Context, q *db.Queries, w *recovery.Rebuild, about recovery.About, now time.Time) error {
	txids, vouts := split(about.Inputs)
	ids, err := q.ListRivals(
		ctx,
		db.ListRivalsParams{
			BatchID:     about.Batch,
			Number:      int64(about.Number),
			Instalments: idsOf(w.Record().Items),
			Txids:       txids,
			Vouts:       vouts,
		},
	)
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, err := q.LockBatch(ctx, id)
		if err != nil {
			return err
		}
		rival := payout.Record{Batch: batchOf(row.Batch, row.Composer)}
		if rival.Items, err = readItems(ctx, q, id); err != nil {
			return err
		}
		w.Rivals = append(w.Rivals, payout.NewLocked(rival, now))
	}
	return nil
}

func readSurroundings(ctx context.Context, q *db.Queries, w *recovery.Rebuild, about recovery.About) error {
	txids, vouts := split(about.Inputs)
	rows, err := q.ListCoinsAt(ctx, txids, vouts)
	if err != nil {
		return err
	}
	txs, err := q.ListTxs(ctx, txids)
	if err != nil {
		return err
	}
	made := map[chainhash.Hash]*wire.MsgTx{}
	for _, tx := range txs {
		if made[chainhash.Hash(tx.Txid)], err = prevTx(tx.Txid, tx.Raw); err != nil {
			return err
		}
	}
	for _, r := range rows {
		op := outPoint(r.Txid, r.Vout)
		w.Coins[op] = txbuild.Coin{
			OutPoint: op,
			Amount:   btcutil.Amount(r.AmountSat),
			Script:   r.Script,
			Chain:    uint32(r.Chain),
			Index:    uint32(r.Index),
			Height:   r.Height,
			PrevTx:   made[op.Hash],
		}
	}
	if w.InChain, err = q.IsInChain(ctx, about.TxID[:]); err != nil {
		return err
	}
	w.Staff, err = q.ListFirstStaff(ctx)
	return err
}

func split(ops []wire.OutPoint) (txids [][]byte, vouts []int64) {
	for _, op := range ops {
		txids, vouts = append(txids, bytes.Clone(op.Hash[:])), append(vouts, int64(op.Index))
	}
	return txids, vouts
}

// writeRebuild writes the batches that give way, then the one that comes back.
func (s PayoutStore) writeRebuild(ctx context.Context, q *db.Queries, w *recovery.Rebuild, now time.Time) error {
	if len(w.Changes().Entries) == 0 {
		return nil // it was known already
	}
	var entries []audit.Entry
	for _, rival := range w.Rivals {
		if err := writeLocked(ctx, q, rival, now); err != nil {
			return err
		}
		entries = append(entries, rival.Changes().Entries...)
	}
	if err := writeLocked(ctx, q, w.Locked, now); err != nil {
		return err
	}
	return s.record(ctx, q, append(entries, w.Changes().Entries...)...)
}
