package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/spv"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/books"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (s PayoutStore) LockCoin(
	ctx context.Context,
	op wire.OutPoint,
	reason string,
	staff uuid.UUID,
	e audit.Entry,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		use, err := q.GetCoinUse(ctx, op.Hash[:], int64(op.Index))
		switch {
		case err != nil:
			return err
		case !use.Unspent:
			return errs.New(
				errs.NotFound,
				errs.CodeCoinNotFound,
				"The treasury has no such coin now. Nothing was changed.",
			)
		case use.Locked:
			return errs.New(errs.Conflict, CodeCoinLocked, "The coin is already locked.")
		case use.Reserved:
			return errs.New(
				errs.Conflict,
				CodeCoinTaken,
				"A batch holds the coin, so it cannot be locked. Nothing was changed.",
			)
		}
		err = q.InsertCoinLock(
			ctx,
			db.InsertCoinLockParams{
				Txid:     op.Hash[:],
				Vout:     int64(op.Index),
				Reason:   reason,
				LockedBy: staff,
				LockedAt: e.At,
			},
		)
		if err != nil {
			return err
		}
		return s.record(ctx, q, e)
	})
}

func (s PayoutStore) UnlockCoin(ctx context.Context, op wire.OutPoint, staff uuid.UUID, e audit.Entry) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		n, err := q.Unlock(ctx, db.UnlockParams{
			Txid:       op.Hash[:],
			Vout:       int64(op.Index),
			UnlockedBy: uuid.NullUUID{UUID: staff, Valid: true},
			UnlockedAt: &e.At,
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.Conflict, CodeCoinNotLocked, "The coin is not locked. Nothing was changed.")
		}
		if err := q.WakeWorker(ctx); err != nil { // a batch may have waited for it
			return err
		}
		return s.record(ctx, q, e)
	})
}

func (s PayoutStore) Estimate(ctx context.Context) (*fee.Estimate, error) {
	return readEstimate(ctx, s.q)
}

func readEstimate(ctx context.Context, q *db.Queries) (*fee.Estimate, error) {
	body, err := q.GetEstimate(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // the worker has made none yet
	}
	if err != nil {
		return nil, mapError(err)
	}
	e := new(fee.Estimate)
	if err := json.Unmarshal(body, e); err != nil {
		return nil, fmt.Errorf("read fee estimate: %w", err)
	}
	return e, nil
}

const (
	longRunTarget = 36 // blocks, as of a payment that nobody waits for
	keepEstimates = 28 * 24 * time.Hour
	// enoughHours is a week: of less than that a median says little.
	enoughHours = 7 * 24
)

// readLongRun returns the median of the estimates that are kept, 0 while they are few.
func readLongRun(ctx context.Context, q *db.Queries) (int64, error) {
	row, err := q.LongRunRate(ctx)
	if err != nil || row.Hours < enoughHours {
		return 0, err
	}
	return row.MedianSatKvb, nil
}

func (s PayoutStore) SetEstimate(ctx context.Context, epoch int64, e fee.Estimate) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write fee estimate: %w", err)
	}
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		if err := q.SetEstimate(ctx, e.At, body); err != nil {
			return err
		}
		rate := e.RateSatKVB(longRunTarget)
		if !e.Trusted || rate <= 0 {
			return nil
		}
		if err := q.KeepEstimate(ctx, e.At, rate); err != nil {
			return err
		}
		return q.ForgetEstimates(ctx, e.At.Add(-keepEstimates))
	})
}

func (s PayoutStore) Progress(ctx context.Context) (*payout.Progress, error) {
	row, err := s.q.GetWorkerStatus(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // no worker ever led
	}
	if err != nil {
		return nil, mapError(err)
	}
	return &payout.Progress{Walked: row.WalkedHeight, Target: row.TargetHeight, Trouble: row.Trouble, At: row.At}, nil
}

func (s PayoutStore) SetProgress(ctx context.Context, epoch int64, p payout.Progress) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		return q.SetWorkerStatus(
			ctx,
			db.SetWorkerStatusParams{WalkedHeight: p.Walked, TargetHeight: p.Target, Trouble: p.Trouble, At: p.At},
		)
	})
}

func readStuck(ctx context.Context, q *db.Queries) ([]payout.Stuck, error) {
	rows, err := q.ListStuck(ctx)
	if err != nil {
		return nil, err
	}
	var list []payout.Stuck
	for _, r := range rows {
		b := payout.Batch{
			Kind:      payout.Kind(r.Kind),
			State:     payout.State(r.State),
			LastError: r.LastError,
			LastCode:  r.LastCode,
		}
		list = append(list, payout.Stuck{BatchID: r.ID, Number: uint32(r.Number), State: b.State, Why: b.WhyStuck()})
	}
	return list, nil
}

func (s PayoutStore) Proof(ctx context.Context, instalment uuid.UUID, headers int) (payout.Proof, error) {
	var p payout.Proof
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.GetProof(ctx, instalment)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(errs.NotFound, CodeNotPaid, "There is no payment of this in a block yet.")
		}
		if err != nil {
			return err
		}
		p = payout.Proof{
			Item: itemOf(
				row.Instalment,
				row.Reference,
				row.Designation,
			),
			BatchNumber: uint32(row.Number),
			BatchDigest: decision.Digest(row.BatchDigest),
			TxID: chainhash.Hash(
				row.Txid,
			),
			Vout:      uint32(row.Vout),
			Height:    row.Height,
			BlockHash: chainhash.Hash(row.Hash),
		}
		p.Inclusion, err = readInclusion(ctx, q, row.Raw, row.Position, row.Branch, row.Height, headers)
		return err
	})
	return p, err
}

func (s PayoutStore) Payments(ctx context.Context, from, until time.Time) ([]books.Payment, error) {
	var list []books.Payment
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		list = nil
		rows, err := q.ListPayments(ctx, from, until)
		if err != nil {
			return err
		}
		shares := map[uuid.UUID]map[uuid.UUID]btcutil.Amount{}
		for _, r := range rows {
			if shares[r.AttemptID] == nil {
				if shares[r.AttemptID], err = readShares(ctx, q, r.AttemptID, btcutil.Amount(r.FeeSat)); err != nil {
					return err
				}
			}
			list = append(list, books.Payment{
				GrantReference: r.Reference,
				InstalmentID:   r.Instalment.ID,
				DecisionDigest: decision.Digest(r.Instalment.Digest).String(),
				Period:         int(r.Instalment.Period),
				BatchNumber:    r.Number,
				Designation:    r.Designation,
				Address:        r.Instalment.PayeeAddress,
				AmountSat: btcutil.Amount(
					r.Instalment.AmountSat,
				),
				FeeShareSat: shares[r.AttemptID][r.Instalment.ID],
				TxID:        txidString(r.Txid),
				Vout:        uint32(r.Vout),
				Height:      r.Height,
				BlockHash:   txidString(r.Hash),
				PaidAt:      r.BlockAt,
				State:       r.Instalment.State,
			})
		}
		return nil
	})
	return list, err
}

func readShares(
	ctx context.Context,
	q *db.Queries,
	attempt uuid.UUID,
	paid btcutil.Amount,
) (map[uuid.UUID]btcutil.Amount, error) {
	outputs, err := q.ListAttemptOutputs(ctx, []uuid.UUID{attempt})
	if err != nil {
		return nil, err
	}
	a := payout.Attempt{Fee: paid}
	for _, o := range outputs {
		if o.ChangeIndex != nil {
			continue
		}
		out := payout.AttemptOutput{Script: o.Script}
		if o.InstalmentID.Valid {
			out.InstalmentID = &o.InstalmentID.UUID
		}
		a.Outputs = append(a.Outputs, out)
	}
	return a.FeeShares()
}

// readInclusion puts the proof of a stored transaction together, with as many of
// the wanted headers as there are.
func readInclusion(
	ctx context.Context,
	q *db.Queries,
	raw []byte,
	position *int32,
	branch []byte,
	height int32,
	headers int,
) (spv.Inclusion, error) {
	missing := errs.New(
		errs.Conflict,
		CodeProofMissing,
		"This block was walked by an older version, which kept no proof. Walk the chain again from the birthday to have it.",
	)
	if position == nil {
		return spv.Inclusion{}, missing
	}
	p := spv.Inclusion{Tx: raw, Position: uint32(*position)}
	for at := 0; at+chainhash.HashSize <= len(branch); at += chainhash.HashSize {
		p.Branch = append(p.Branch, chainhash.Hash(branch[at:at+chainhash.HashSize]))
	}
	rows, err := q.ListHeadersFrom(ctx, height, int32(headers))
	if err != nil {
		return spv.Inclusion{}, err
	}
	for _, h := range rows {
		if len(h) != spv.HeaderSize {
			return spv.Inclusion{}, missing
		}
		p.Headers = append(p.Headers, h...)
	}
	return p, nil
}

func (s PayoutStore) DeadAttempts(ctx context.Context, batch uuid.UUID, headers int) ([]payout.DeadAttempt, error) {
	var dead []payout.DeadAttempt
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		dead = nil
		tip, _, err := readHead(ctx, q)
		if err != nil {
			return err
		}
		fund, err := readFund(ctx, q)
		if err != nil {
			return err
		}
		rows, err := q.ListDead(ctx, tip.Height+1-fund.FinalDepth, batch)
		if err != nil {
			return err
		}
		for _, r := range rows {
			killer, err := readInclusion(ctx, q, r.Raw, r.Position, r.Branch, r.Height, headers)
			if err != nil {
				return err
			}
			dead = append(dead, payout.DeadAttempt{TxID: chainhash.Hash(r.DeadTxid), Killer: killer})
		}
		return nil
	})
	return dead, err
}

func (s PayoutStore) AttemptByTxID(ctx context.Context, txid chainhash.Hash) (payout.Attempt, error) {
	var found payout.Attempt
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		a, err := readAttemptByTxID(ctx, q, txid)
		if err == nil && a == nil {
			err = errs.New(errs.NotFound, errs.CodeAttemptNotFound, "There is no such transaction of ours.")
		}
		if err == nil {
			found = *a
		}
		return err
	})
	return found, err
}

// readAttemptByTxID returns nil when the transaction is no attempt.
func readAttemptByTxID(ctx context.Context, q *db.Queries, txid chainhash.Hash) (*payout.Attempt, error) {
	batch, err := q.GetAttemptBatch(ctx, txid[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // it is not ours
	}
	if err != nil {
		return nil, err
	}
	attempts, err := readAttempts(ctx, q, batch)
	if at := slices.IndexFunc(attempts, func(a payout.Attempt) bool { return a.TxID == txid }); at >= 0 {
		return &attempts[at], err
	}
	return nil, err
}

// readParent returns the attempt whose change a child spends.
func readParent(ctx context.Context, q *db.Queries, b payout.Batch) (*payout.Attempt, error) {
	if b.Kind != payout.Child || len(b.Chosen) != 1 {
		return nil, nil // no child
	}
	return readAttemptByTxID(ctx, q, b.Chosen[0].Hash)
}

func (s PayoutStore) LapsedVoids(ctx context.Context, asked time.Time) ([]uuid.UUID, error) {
	ids, err := s.q.ListLapsedVoids(ctx, asked)
	return ids, mapError(err)
}
