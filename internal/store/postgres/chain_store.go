package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

func (s PayoutStore) Head(ctx context.Context) (payout.Tip, bool, error) {
	var tip payout.Tip
	var ok bool
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		tip, ok, err = readHead(ctx, q)
		return err
	})
	return tip, ok, err
}

func readHead(ctx context.Context, q *db.Queries) (payout.Tip, bool, error) {
	h, err := q.GetHead(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return payout.Tip{}, false, nil
	}
	if err != nil {
		return payout.Tip{}, false, err
	}
	return payout.Tip{Height: h.Height, Hash: chainhash.Hash(h.Hash), At: h.At}, true, nil
}

func (s PayoutStore) HeaderHash(ctx context.Context, height int32) (chainhash.Hash, bool, error) {
	hash, err := s.q.GetHeaderHash(ctx, height)
	if errors.Is(err, pgx.ErrNoRows) {
		return chainhash.Hash{}, false, nil
	}
	if err != nil {
		return chainhash.Hash{}, false, mapError(err)
	}
	return chainhash.Hash(hash), true, nil
}

func readCoins(ctx context.Context, q *db.Queries, tip payout.Tip) ([]payout.Coin, error) {
	rows, err := q.ListCoins(ctx)
	if err != nil {
		return nil, err
	}
	txs, err := q.ListCoinTxs(ctx)
	if err != nil {
		return nil, err
	}
	made := map[chainhash.Hash]*wire.MsgTx{}
	for _, tx := range txs {
		if made[chainhash.Hash(tx.Txid)], err = prevTx(tx.Txid, tx.Raw); err != nil {
			return nil, err
		}
	}
	coins := make([]payout.Coin, len(rows))
	for i, r := range rows {
		c := &coins[i]
		c.OutPoint, c.Amount, c.Script = outPoint(r.Txid, r.Vout), btcutil.Amount(r.AmountSat), r.Script
		c.Chain, c.Index, c.Height, c.PrevTx = uint32(r.Chain), uint32(r.Index), r.Height, made[c.OutPoint.Hash]
		c.CoinBase, c.Confirmations, c.At = r.Coinbase, tip.Height-r.Height+1, r.At
		if r.LockedAt != nil {
			c.Lock = &payout.Lock{Reason: r.LockReason, By: r.LockedBy, At: *r.LockedAt}
		}
		if r.ReservedBy != nil {
			number := uint32(*r.ReservedBy)
			c.ReservedBy = &number
		}
	}
	return coins, nil
}

// prevTx reads a stored transaction without its witnesses: nothing that spends it
// needs them, and they may be megabytes.
func prevTx(txid, raw []byte) (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(wire.TxVersion)
	if err := tx.Deserialize(bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("decode stored transaction %s: %w", txidString(txid), err)
	}
	return wallet.DropWitnesses(tx), nil
}

func (s PayoutStore) Connect(ctx context.Context, epoch int64, b payout.Block, fn func(*payout.ChainWork) error) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		var raw bytes.Buffer
		if err := b.Header.Serialize(&raw); err != nil {
			return err
		}
		err := q.InsertHeader(
			ctx,
			db.InsertHeaderParams{
				Height: b.Tip.Height,
				Hash:   b.Tip.Hash[:],
				Prev:   b.Header.PrevBlock[:],
				At:     b.Tip.At,
				Raw:    raw.Bytes(),
			},
		)
		if err != nil {
			return err
		}
		if b.Base {
			return nil
		}
		w, err := loadChainWork(ctx, q, b)
		if err != nil {
			return err
		}
		for _, own := range b.Txs {
			if err := insertOwnTx(ctx, q, own, b.Tip.Height); err != nil {
				return err
			}
		}
		if w.Dead, err = readDead(ctx, q, b.Tip.Height+1-w.Fund.FinalDepth); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		return s.writeChainWork(ctx, q, w)
	})
}

func (s PayoutStore) ConnectQuiet(ctx context.Context, epoch int64, blocks []payout.Block) (all bool, err error) {
	var p db.InsertHeadersParams
	for _, b := range blocks {
		var raw bytes.Buffer
		if err := b.Header.Serialize(&raw); err != nil {
			return false, err
		}
		p.Heights, p.Ats, p.Raws = append(p.Heights, b.Tip.Height), append(p.Ats, b.Tip.At), append(p.Raws, raw.Bytes())
		p.Hashes, p.Prevs = append(
			p.Hashes,
			bytes.Clone(b.Tip.Hash[:]),
		), append(
			p.Prevs,
			bytes.Clone(b.Header.PrevBlock[:]),
		)
	}
	err = s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		all = false
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		theFund, err := readFund(ctx, q)
		if err != nil {
			return err
		}
		// What is deep enough, or dead, at one height is so at every later one.
		last := p.Heights[len(p.Heights)-1]
		waiting, err := q.ListFollowed(ctx, followedAt(last, theFund))
		if err != nil || len(waiting) > 0 {
			return err
		}
		dead, err := q.ListReleasable(ctx, last+1-theFund.FinalDepth)
		if err != nil || len(dead) > 0 {
			return err
		}
		all = true
		return q.InsertHeaders(ctx, p)
	})
	return all && err == nil, err
}

func insertOwnTx(ctx context.Context, q *db.Queries, own payout.OwnTx, height int32) error {
	var raw bytes.Buffer
	if err := own.Tx.Serialize(&raw); err != nil {
		return err
	}
	txid := own.Tx.TxHash()
	position, branch := int32(own.Position), make([]byte, 0, len(own.Branch)*chainhash.HashSize)
	for _, hash := range own.Branch {
		branch = append(branch, hash[:]...)
	}
	if err := q.InsertChainTx(
		ctx,
		db.InsertChainTxParams{Txid: txid[:], Height: height, Raw: raw.Bytes(), Position: &position, Branch: branch},
	); err != nil {
		return err
	}
	for _, c := range own.Coins {
		err := q.InsertCoin(ctx, db.InsertCoinParams{
			Txid:      txid[:],
			Vout:      int64(c.OutPoint.Index),
			Script:    c.Script,
			AmountSat: int64(c.Amount),
			Chain:     int32(c.Chain),
			Index:     int64(c.Index),
			Height:    height,
			Coinbase:  c.CoinBase,
		})
		if err != nil {
			return err
		}
	}
	for _, op := range own.Spends {
		n, err := q.SpendCoin(ctx, db.SpendCoinParams{SpentBy: txid[:], Txid: op.Hash[:], Vout: int64(op.Index)})
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("coin %s is spent by %s and is not an unspent coin here", op, txid)
		}
	}
	return nil
}

// loadChainWork locks and reads what block b may change, and nothing else.
func loadChainWork(ctx context.Context, q *db.Queries, b payout.Block) (*payout.ChainWork, error) {
	theFund, err := readFund(ctx, q)
	if err != nil {
		return nil, err
	}
	w := &payout.ChainWork{Fund: theFund, Ours: map[string]payout.Followed{}, Adopted: map[string]bool{}}
	var txids []string
	p := followedAt(b.Tip.Height, theFund)
	for _, tx := range b.Txs {
		txid := tx.Tx.TxHash()
		txids, p.Txids = append(txids, txid.String()), append(p.Txids, txid[:])
		for _, op := range tx.Spends {
			p.SpentTxids, p.SpentVouts = append(
				p.SpentTxids,
				bytes.Clone(op.Hash[:]),
			), append(
				p.SpentVouts,
				int64(op.Index),
			)
		}
	}
	if len(txids) > 0 {
		adopted, err := q.ListAdopted(ctx, txids)
		if err != nil {
			return nil, err
		}
		for _, txid := range adopted {
			w.Adopted[txid] = true
		}
	}
	rows, err := q.ListFollowed(ctx, p)
	if err != nil {
		return nil, err
	}
	locked := followedBatches{}
	for _, r := range rows {
		f, err := locked.read(ctx, q, r.BatchID, r.AttemptID)
		if err != nil {
			return nil, err
		}
		f.Height = r.Height
		switch txid := f.Attempt.TxID.String(); {
		case slices.Contains(txids, txid):
			w.Ours[txid] = f
		case f.Height > 0:
			w.Waiting = append(w.Waiting, f)
		default:
			w.Spending = append(w.Spending, f)
		}
	}
	return w, nil
}

// followedAt asks for the attempts that are deep enough for something at a height.
func followedAt(height int32, f fund.Fund) db.ListFollowedParams {
	return db.ListFollowedParams{PaidHeight: height + 1 - f.PaidDepth, FinalHeight: height + 1 - f.FinalDepth}
}

// loadUncovered locks and reads what the block at the synced tip takes with it.
func loadUncovered(ctx context.Context, q *db.Queries, tip payout.Tip) (*payout.ChainWork, error) {
	theFund, err := readFund(ctx, q)
	if err != nil {
		return nil, err
	}
	w := &payout.ChainWork{Fund: theFund, Ours: map[string]payout.Followed{}}
	// The block that made a payment deep enough is the one that goes.
	rows, err := q.ListUncovered(ctx, tip.Height, tip.Height+1-theFund.PaidDepth)
	if err != nil {
		return nil, err
	}
	locked := followedBatches{}
	for _, r := range rows {
		f, err := locked.read(ctx, q, r.BatchID, r.AttemptID)
		if err != nil {
			return nil, err
		}
		f.Height = r.Height
		if f.Height == tip.Height {
			w.Ours[f.Attempt.TxID.String()] = f
		} else {
			w.Waiting = append(w.Waiting, f)
		}
	}
	return w, nil
}

// followedBatches are batches that were locked and read, each once.
type followedBatches map[uuid.UUID]followedBatch

type followedBatch struct {
	batch    payout.Batch
	attempts []payout.Attempt
	void     *payout.Void
}

// read returns an attempt with its batch, whose row stays locked until the transaction ends.
func (l followedBatches) read(ctx context.Context, q *db.Queries, batch, attempt uuid.UUID) (payout.Followed, error) {
	b, known := l[batch]
	if !known {
		row, err := q.LockBatch(ctx, batch)
		if err != nil {
			return payout.Followed{}, err
		}
		b.batch = batchOf(row.Batch, row.Composer)
		if b.attempts, err = readAttempts(ctx, q, batch); err != nil {
			return payout.Followed{}, err
		}
		if b.void, err = readVoid(ctx, q, batch); err != nil {
			return payout.Followed{}, err
		}
		l[batch] = b
	}
	for _, a := range b.attempts {
		if a.ID == attempt {
			return payout.Followed{Batch: b.batch, Attempt: a, Void: b.void, Unjoined: payout.Unjoined(b.attempts)}, nil
		}
	}
	return payout.Followed{}, fmt.Errorf("batch %s has no attempt %s", batch, attempt)
}

func (s PayoutStore) Disconnect(
	ctx context.Context,
	epoch int64,
	tip payout.Tip,
	fn func(*payout.ChainWork) error,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		w, err := loadUncovered(ctx, q, tip)
		if err != nil {
			return err
		}
		if w.Transfers, err = standingTransfers(ctx, q, tip.Height); err != nil {
			return err
		}
		n, err := q.DeleteHeader(ctx, tip.Height, tip.Hash[:])
		if err != nil {
			return err
		}
		if n != 1 {
			return errs.New(errs.Conflict, CodeWrongHead, "The block to take back is not the synced tip.")
		}
		if w.Freed, err = readFreed(ctx, q); err != nil {
			return err
		}
		if err := fn(w); err != nil {
			return err
		}
		return s.writeChainWork(ctx, q, w)
	})
}

func (s PayoutStore) writeChainWork(ctx context.Context, q *db.Queries, w *payout.ChainWork) error {
	versions := map[uuid.UUID]int64{}
	for _, m := range w.Moves {
		b := m.Batch
		if v, moved := versions[b.ID]; moved {
			b.Version = v
		}
		b.State = m.To
		if err := moveBatch(ctx, q, b, m.Event.At); err != nil {
			return err
		}
		versions[b.ID] = b.Version + 1
		if err := q.InsertAttemptEvent(
			ctx,
			db.InsertAttemptEventParams{
				AttemptID: m.Attempt,
				Event:     m.Event.Event,
				Detail:    m.Event.Detail,
				At:        m.Event.At,
			},
		); err != nil {
			return err
		}
		if len(m.Raw) > 0 {
			if err := q.InsertAttemptRaw(
				ctx,
				db.InsertAttemptRawParams{AttemptID: m.Attempt, Raw: m.Raw, CreatedAt: m.Event.At},
			); err != nil {
				return err
			}
		}
		if m.ItemsTo != "" {
			if err := followItems(ctx, q, m); err != nil {
				return err
			}
		}
		if err := release(ctx, q, b.ID, m.Leave, m.Release, m.Event.At); err != nil {
			return err
		}
	}
	if len(w.Moves) > 0 && len(w.Post) > 0 {
		crash.At("C17")
	}
	if err := postTransfers(ctx, q, w.Post); err != nil {
		return err
	}
	entries := w.NewEntries
	for _, f := range w.Trip {
		tripped, err := trip(ctx, q, f)
		if err != nil {
			return err
		}
		entries = append(entries, tripped...)
	}
	return s.record(ctx, q, entries...)
}

// followItems takes the instalments of a batch to the states of a move.
func followItems(ctx context.Context, q *db.Queries, m payout.Move) error {
	items, err := readItems(ctx, q, m.Batch.ID)
	if err != nil || len(items) == 0 { // none: only a signer's journal knows whom it pays
		return err
	}
	rest := slices.DeleteFunc(idsOf(items), func(id uuid.UUID) bool { return slices.Contains(m.Cancel, id) })
	if err := moveItems(ctx, q, rest, items[0].State, m.ItemsTo, m.Event.At); err != nil {
		return err
	}
	return moveItems(ctx, q, m.Cancel, items[0].State, grant.Cancelled, m.Event.At)
}
