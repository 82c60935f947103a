package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/crash"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
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
		err := q.InsertHeader(ctx, db.InsertHeaderParams{Height: b.Tip.Height, Hash: b.Tip.Hash[:], Prev: b.Header.PrevBlock[:], At: b.Tip.At, Raw: raw.Bytes()})
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
		p.Hashes, p.Prevs = append(p.Hashes, bytes.Clone(b.Tip.Hash[:])), append(p.Prevs, bytes.Clone(b.Header.PrevBlock[:]))
	}
	err = s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		all = false
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		fund, err := readFund(ctx, q)
		if err != nil {
			return err
		}
		waiting, err := q.ListFollowed(ctx, nil, nil)
		if err != nil || len(waiting) > 0 {
			return err
		}
		// What is dead at one height is dead at every later one.
		dead, err := q.ListReleasable(ctx, p.Heights[len(p.Heights)-1]+1-fund.FinalDepth)
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
	if err := q.InsertChainTx(ctx, db.InsertChainTxParams{Txid: txid[:], Height: height, Raw: raw.Bytes(), Position: &position, Branch: branch}); err != nil {
		return err
	}
	for _, c := range own.Coins {
		err := q.InsertCoin(ctx, db.InsertCoinParams{
			Txid: txid[:], Vout: int64(c.OutPoint.Index), Script: c.Script, AmountSat: int64(c.Amount), Chain: int32(c.Chain), Index: int64(c.Index),
			Height: height, Coinbase: c.CoinBase,
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

func loadChainWork(ctx context.Context, q *db.Queries, b payout.Block) (*payout.ChainWork, error) {
	own := map[string]bool{}
	var txids, spent [][]byte
	for _, tx := range b.Txs {
		txid := tx.Tx.TxHash()
		own[txid.String()] = true
		txids = append(txids, txid[:])
		for _, op := range tx.Spends {
			spent = append(spent, bytes.Clone(op.Hash[:]))
		}
	}
	return loadFollowed(ctx, q, txids, spent, own)
}

func loadFollowed(ctx context.Context, q *db.Queries, txids, spent [][]byte, own map[string]bool) (*payout.ChainWork, error) {
	fund, err := readFund(ctx, q)
	if err != nil {
		return nil, err
	}
	w := &payout.ChainWork{Fund: fund, Ours: map[string]payout.Followed{}, Adopted: map[string]bool{}}
	adopted, err := q.ListAdopted(ctx, slices.Collect(maps.Keys(own)))
	if err != nil {
		return nil, err
	}
	for _, txid := range adopted {
		w.Adopted[txid] = true
	}
	rows, err := q.ListFollowed(ctx, txids, spent)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		f, err := readFollowed(ctx, q, r.BatchID, r.AttemptID)
		if err != nil {
			return nil, err
		}
		f.Height = r.Height
		switch {
		case own[f.Attempt.TxID.String()]:
			w.Ours[f.Attempt.TxID.String()] = f
		case f.Height > 0:
			w.Waiting = append(w.Waiting, f)
		default:
			w.Spending = append(w.Spending, f)
		}
	}
	return w, nil
}

func readFollowed(ctx context.Context, q *db.Queries, batch, attempt uuid.UUID) (payout.Followed, error) {
	row, err := q.LockBatch(ctx, batch)
	if err != nil {
		return payout.Followed{}, err
	}
	attempts, err := readAttempts(ctx, q, batch)
	if err != nil {
		return payout.Followed{}, err
	}
	void, err := readVoid(ctx, q, batch)
	if err != nil {
		return payout.Followed{}, err
	}
	for _, a := range attempts {
		if a.ID == attempt {
			return payout.Followed{Batch: batchOf(row.Batch, row.Composer), Attempt: a, Void: void, Unjoined: payout.Unjoined(attempts)}, nil
		}
	}
	return payout.Followed{}, fmt.Errorf("batch %s has no attempt %s", batch, attempt)
}

func (s PayoutStore) Disconnect(ctx context.Context, epoch int64, tip payout.Tip, fn func(*payout.ChainWork) error) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		txids, err := q.ListTxidsAt(ctx, tip.Height)
		if err != nil {
			return err
		}
		own := map[string]bool{}
		for _, id := range txids {
			own[txidString(id)] = true
		}
		w, err := loadFollowed(ctx, q, txids, nil, own)
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
			return errs.New(errs.Conflict, "wrong_head", "The block to take back is not the walked tip.")
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

// readDead returns the batches of which nothing can be paid any more, when what
// stopped them is at or below height.
func readDead(ctx context.Context, q *db.Queries, height int32) ([]payout.Followed, error) {
	ids, err := q.ListReleasable(ctx, height)
	if err != nil {
		return nil, err
	}
	var dead []payout.Followed
	for _, id := range ids {
		attempts, err := readAttempts(ctx, q, id)
		if err != nil {
			return nil, err
		}
		f, err := readFollowed(ctx, q, id, attempts[len(attempts)-1].ID)
		if err != nil {
			return nil, err
		}
		if f.Items, err = readItems(ctx, q, id); err != nil {
			return nil, err
		}
		dead = append(dead, f)
	}
	return dead, nil
}

// readFreed is called once the header is gone, and with it what spent the coins.
func readFreed(ctx context.Context, q *db.Queries) ([]payout.Followed, error) {
	rows, err := q.ListUnconflicted(ctx)
	if err != nil {
		return nil, err
	}
	var freed []payout.Followed
	for _, r := range rows {
		f, err := readFollowed(ctx, q, r.BatchID, r.AttemptID)
		if err != nil {
			return nil, err
		}
		if n := len(freed); n > 0 && freed[n-1].Batch.ID == f.Batch.ID {
			freed = freed[:n-1]
		}
		freed = append(freed, f)
	}
	return freed, nil
}

func standingTransfers(ctx context.Context, q *db.Queries, height int32) ([]ledger.Transfer, error) {
	rows, err := q.StandingTransfersAt(ctx, height)
	if err != nil {
		return nil, err
	}
	var list []ledger.Transfer
	for _, r := range rows {
		if len(list) == 0 || list[len(list)-1].ID != r.ID {
			list = append(list, ledger.Transfer{ID: r.ID, Kind: ledger.Kind(r.Kind), Ref: r.Ref, Height: r.Height})
		}
		last := &list[len(list)-1]
		last.Postings = append(last.Postings, ledger.Posting{Account: ledger.Account(r.Account), Amount: btcutil.Amount(r.AmountSat)})
	}
	return list, nil
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
		if err := q.InsertAttemptEvent(ctx, db.InsertAttemptEventParams{AttemptID: m.Attempt, Event: m.Event.Event, Detail: m.Event.Detail, At: m.Event.At}); err != nil {
			return err
		}
		if len(m.Raw) > 0 {
			if err := q.InsertAttemptRaw(ctx, db.InsertAttemptRawParams{AttemptID: m.Attempt, Raw: m.Raw, CreatedAt: m.Event.At}); err != nil {
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
