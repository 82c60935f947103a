package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// GrantStore keeps applications, votes and grants.
type GrantStore struct {
	*DB
	// Servers makes the endpoints that applications claim: they are written with the application.
	Servers *endpoint.Register
}

var (
	_ grant.Store   = GrantStore{}
	_ grant.Servers = (*endpoint.Claimed)(nil)
)

// Fund reads the one fund of the database, with its limits.
func (d *DB) Fund(ctx context.Context) (fund.Fund, error) {
	var f fund.Fund
	err := d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		f, err = readFund(ctx, q)
		return err
	})
	return f, err
}

func readFund(ctx context.Context, q *db.Queries) (fund.Fund, error) {
	f, err := q.GetFund(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return fund.Fund{}, errs.New(
			errs.NotFound,
			CodeNoFund,
			"No fund has been set up here yet. Run: causeway admin fund create",
		)
	}
	if err != nil {
		return fund.Fund{}, err
	}
	return fund.Fund{
		ID:             f.ID,
		Name:           f.Name,
		Network:        f.Network,
		Descriptor:     f.Descriptor,
		BirthdayHeight: f.BirthdayHeight,
		Budget: btcutil.Amount(
			f.BudgetSat,
		),
		MinAmount:        btcutil.Amount(f.MinAmountSat),
		MaxAmount:        btcutil.Amount(f.MaxAmountSat),
		PolicyVersion:    f.PolicyVersion,
		Quorum:           int(f.Quorum),
		MaxFeeRateSatKVB: f.MaxFeerateSatKvb,
		MaxFee:           btcutil.Amount(f.MaxFeeSat),
		PayWindow:        time.Duration(f.PayWindowDays) * 24 * time.Hour,
		PaidDepth:        f.PaidDepth,
		FinalDepth:       f.FinalDepth,
		MaxPayees: int(
			f.MaxPayees,
		),
		DeadlineBlocks: f.DeadlineBlocks,
		ReadyCoins:     int(f.ReadyCoins),
		FutureWitness:  f.FutureWitness,
		CreatedAt:      f.CreatedAt,
	}, nil
}

// CreateFund stores the fund. Only the owner of the database may.
func (d *DB) CreateFund(ctx context.Context, f fund.Fund) error {
	return d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		return q.InsertFund(ctx, db.InsertFundParams{
			ID:             f.ID,
			Name:           f.Name,
			Descriptor:     f.Descriptor,
			BirthdayHeight: f.BirthdayHeight,
			BudgetSat:      int64(f.Budget),
			MinAmountSat: int64(
				f.MinAmount,
			),
			MaxAmountSat:     int64(f.MaxAmount),
			PolicyVersion:    f.PolicyVersion,
			Quorum:           int32(f.Quorum),
			MaxFeerateSatKvb: f.MaxFeeRateSatKVB,
			MaxFeeSat:        int64(f.MaxFee),
			PayWindowDays:    int32(f.PayWindow / (24 * time.Hour)),
			PaidDepth:        f.PaidDepth,
			FinalDepth:       f.FinalDepth,
			MaxPayees: int32(
				cmp.Or(f.MaxPayees, fund.DefaultMaxPayees),
			),
			DeadlineBlocks: cmp.Or(f.DeadlineBlocks, fund.DefaultDeadlineBlocks),
			ReadyCoins:     int32(f.ReadyCoins),
			FutureWitness:  f.FutureWitness,
			CreatedAt:      f.CreatedAt,
		})
	})
}

// SetReadyCoins changes how many coins should be ready. Only the owner of the database
// may.
func (d *DB) SetReadyCoins(ctx context.Context, n int, e audit.Entry) error {
	return d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		changed, err := q.SetReadyCoins(ctx, int32(n))
		if err != nil || changed == 0 {
			return err
		}
		return d.record(ctx, q, e)
	})
}

func (s GrantStore) Replay(ctx context.Context, scope string, keyHash []byte) (*grant.Replay, error) {
	var replay *grant.Replay
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
		replay, err = readReplay(ctx, q, scope, keyHash)
		return err
	})
	return replay, err
}

func readReplay(ctx context.Context, q *db.Queries, scope string, keyHash []byte) (*grant.Replay, error) {
	row, err := q.GetReplay(ctx, scope, keyHash)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // an unused key is an ordinary answer
	}
	if err != nil {
		return nil, err
	}
	return &grant.Replay{
		BodySHA256:    row.BodySha256,
		ApplicationID: row.ApplicationID,
		Reference:     row.Reference,
		Commitment:    [32]byte(row.FirstSha256),
	}, nil
}

// Submit is one round trip, and takes no lock that others wait
// for, except those who submit with the same address or key: its leaf waits to be appended.
func (s GrantStore) Submit(ctx context.Context, in grant.Submission) (*grant.Replay, error) {
	var err error
	for range retries {
		err = s.inOne(ctx, func(p db.DBTX) error { return s.writeSubmission(ctx, queries(p), in) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.ConstraintName != keyOnce {
			return nil, err
		}
		replay, err := s.Replay(ctx, in.Scope, in.KeyHash)
		if replay != nil || err != nil {
			return replay, err
		}
	}
	return nil, tooMuchAtOnce(err)
}

// writeSubmission asks for all rows of a submission.
func (s GrantStore) writeSubmission(ctx context.Context, q *db.Queries, in grant.Submission) error {
	a := in.Application
	err := q.UseKey(
		ctx,
		db.UseKeyParams{
			Scope:      in.Scope,
			KeyHash:    in.KeyHash,
			BodySha256: in.BodySHA256,
			ObjectIds:  []uuid.UUID{a.ID},
			CreatedAt:  a.SubmittedAt,
		},
	)
	if err != nil {
		return err
	}
	if err := checkPayee(ctx, q, a); err != nil {
		return err
	}
	err = q.InsertApplication(ctx, db.InsertApplicationParams{
		ID:          a.ID,
		FundID:      a.FundID,
		Reference:   a.Reference,
		Designation: a.Designation,
		State:       string(a.State),
		Revision: int32(
			a.Revision,
		),
		Version:     a.Version,
		Protocols:   a.Protocols,
		Region:      a.Region,
		Language:    a.Language,
		AmountSat:   int64(a.Amount),
		ReceiptHash: a.ReceiptHash,
		PayeeIndex:  a.PayeeIndex,
		TitleWords:  orEmpty(a.TitleWords),
		DataKey:     a.DataKey.Bytes,
		KeyID:       a.DataKey.KEKID,
		SubmittedAt: a.SubmittedAt,
		ChangedAt:   a.ChangedAt,
	})
	if err != nil {
		return err
	}
	if err := insertRevision(ctx, q, in.Revision, in.Decision); err != nil {
		return err
	}
	if err := putPrint(ctx, q, a.ID, in.Print); err != nil {
		return err
	}
	servers := s.Servers.Of(a.ID, nil, endpoint.Policy{}, a.SubmittedAt)
	if err := in.Claim(servers); err != nil {
		return err
	}
	if err := writeClaimed(ctx, q, a.ID, servers, a.SubmittedAt); err != nil {
		return err
	}
	return queueEntry(ctx, q, in.Entry)
}

// checkPayee holds the number of open applications with a's address to its limit, a
// among them. Those with one address wait for one another until their transactions end.
func checkPayee(ctx context.Context, q *db.Queries, a grant.Application) error {
	return q.CheckOpenOfPayee(ctx, db.CheckOpenOfPayeeParams{
		PayeeIndex: a.PayeeIndex, Self: a.ID, States: plainStates(grant.OpenStates()), Most: grant.MaxOpenOfPayee,
	})
}

func insertRevision(ctx context.Context, q *db.Queries, r grant.Revision, d grant.Decision) error {
	err := q.InsertRevision(ctx, db.InsertRevisionParams{
		ApplicationID: r.ApplicationID,
		Revision:      int32(r.Revision),
		Body:          r.Body,
		BodySha256:    r.Commitment[:],
		AmountSat:     int64(r.Amount),
		CreatedAt:     r.CreatedAt,
	})
	if err != nil {
		return err
	}
	return q.InsertDecision(ctx, db.InsertDecisionParams{
		ID:            d.ID,
		ApplicationID: d.ApplicationID,
		Revision:      int32(d.Revision),
		GrantID:       d.GrantID,
		Digest:        d.Digest[:],
		Note:          d.Note,
		AmountSat:     int64(d.Amount),
		CreatedAt:     d.CreatedAt,
	})
}

func (s GrantStore) Application(ctx context.Context, id uuid.UUID, now time.Time) (grant.Record, error) {
	return s.readApplication(
		ctx,
		now,
		func(ctx context.Context, q *db.Queries) (db.Application, error) { return q.GetApplication(ctx, id) },
	)
}

func (s GrantStore) ApplicationByReceipt(ctx context.Context, receiptHash []byte, now time.Time) (grant.Record, error) {
	return s.readApplication(ctx, now, func(ctx context.Context, q *db.Queries) (db.Application, error) {
		return q.GetApplicationByReceipt(ctx, receiptHash)
	})
}

func (s GrantStore) ReceiptKnown(ctx context.Context, receiptHash []byte) (bool, error) {
	known, err := s.q.ReceiptKnown(ctx, receiptHash)
	if err != nil {
		return false, mapError(fmt.Errorf("look a receipt up: %w", err))
	}
	return known, nil
}

func (s GrantStore) readApplication(
	ctx context.Context,
	now time.Time,
	find func(context.Context, *db.Queries) (db.Application, error),
) (grant.Record, error) {
	var r grant.Record
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := find(ctx, q)
		if errors.Is(err, pgx.ErrNoRows) {
			return applicationNotFound()
		}
		if err != nil {
			return err
		}
		r = grant.Record{Application: applicationOf(row)}
		if r.Revision, r.Decision, err = readRevision(ctx, q, r.Application); err != nil {
			return err
		}
		if r.Claim, err = readClaim(ctx, q, row.ID, now); err != nil {
			return err
		}
		if r.Votes, err = readVotes(ctx, q, r.Application); err != nil {
			return err
		}
		messages, err := q.ListMessages(ctx, row.ID)
		if err != nil {
			return err
		}
		for _, m := range messages {
			r.Messages = append(r.Messages, messageOf(m))
		}
		if r.History, err = readHistory(ctx, q, "application", row.ID); err != nil {
			return err
		}
		g, err := q.GetGrantOfApplication(ctx, row.ID)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		records, err := readGrants(ctx, q, []db.Grant{g})
		if err != nil {
			return err
		}
		r.Grant, r.Payments = &records[0].Grant, records[0].Payments
		return nil
	})
	return r, err
}

func applicationNotFound() error {
	return errs.New(errs.NotFound, CodeApplicationNotFound, "There is no such application.")
}

func readRevision(ctx context.Context, q *db.Queries, a grant.Application) (grant.Revision, grant.Decision, error) {
	r, err := q.GetRevision(ctx, a.ID, int32(a.Revision))
	if err != nil {
		return grant.Revision{}, grant.Decision{}, err
	}
	d, err := q.GetDecision(ctx, a.ID, int32(a.Revision))
	if err != nil {
		return grant.Revision{}, grant.Decision{}, err
	}
	revision := grant.Revision{
		ApplicationID: r.ApplicationID, Revision: int(r.Revision), Body: r.Body, Commitment: [32]byte(r.BodySha256),
		Amount: btcutil.Amount(r.AmountSat), CreatedAt: r.CreatedAt,
	}
	return revision, grant.Decision{
		ID:            d.ID,
		ApplicationID: d.ApplicationID,
		Revision:      int(d.Revision),
		GrantID:       d.GrantID,
		Digest:        decision.Digest(d.Digest),
		Note:          d.Note,
		Amount:        btcutil.Amount(d.AmountSat),
		CreatedAt:     d.CreatedAt,
	}, nil
}

func readClaim(ctx context.Context, q *db.Queries, id uuid.UUID, now time.Time) (*grant.Claim, error) {
	c, err := q.GetClaim(ctx, id, now)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // unclaimed is an ordinary answer
	}
	if err != nil {
		return nil, err
	}
	return &grant.Claim{StaffID: c.StaffID, StaffName: c.Name, ExpiresAt: c.ExpiresAt}, nil
}

func readVotes(ctx context.Context, q *db.Queries, a grant.Application) ([]grant.Vote, error) {
	rows, err := q.ListVotes(ctx, a.ID, int32(a.Revision))
	if err != nil {
		return nil, err
	}
	votes := make([]grant.Vote, len(rows))
	for i, r := range rows {
		v := r.Vote
		votes[i] = grant.Vote{
			ID:            v.ID,
			ApplicationID: v.ApplicationID,
			Revision:      int(v.Revision),
			Digest:        decision.Digest(v.Digest),
			StaffID:       v.StaffID,
			StaffName:     r.Name,
			Verdict:       grant.Verdict(v.Verdict),
			Note:          v.Note,
			AuthKind:      v.AuthKind,
			CreatedAt:     v.CreatedAt,
		}
	}
	return votes, nil
}

func readHistory(ctx context.Context, q *db.Queries, kind string, id uuid.UUID) ([]grant.Happening, error) {
	rows, err := q.ListHistory(ctx, kind, id)
	if err != nil {
		return nil, err
	}
	list := make([]grant.Happening, len(rows))
	for i, r := range rows {
		list[i] = grant.Happening{
			Action:    r.Event,
			From:      r.FromState,
			To:        r.ToState,
			ActorKind: r.ActorKind,
			StaffName: r.Name,
			At:        r.At,
		}
		if err := json.Unmarshal(r.Detail, &list[i].Detail); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func applicationOf(a db.Application) grant.Application {
	return grant.Application{
		ID:          a.ID,
		FundID:      a.FundID,
		Reference:   a.Reference,
		Designation: a.Designation,
		State:       grant.State(a.State),
		Revision: int(
			a.Revision,
		),
		Version:     a.Version,
		Protocols:   a.Protocols,
		Region:      a.Region,
		Language:    a.Language,
		Amount:      btcutil.Amount(a.AmountSat),
		ReceiptHash: a.ReceiptHash,
		PayeeIndex:  a.PayeeIndex,
		TitleWords:  a.TitleWords,
		DataKey:     seal.Wrapped{KEKID: a.KeyID, Bytes: a.DataKey},
		SubmittedAt: a.SubmittedAt,
		ChangedAt:   a.ChangedAt,
	}
}

func messageOf(r db.ListMessagesRow) grant.Message {
	m := grant.Message{
		ID:            r.Message.ID,
		ApplicationID: r.Message.ApplicationID,
		Audience:      grant.Audience(r.Message.Audience),
		StaffName:     r.Name,
		Body:          r.Message.Body,
		CreatedAt:     r.Message.CreatedAt,
	}
	if r.Message.StaffID.Valid {
		m.ByStaff = &r.Message.StaffID.UUID
	}
	return m
}

func postTransfers(ctx context.Context, q *db.Queries, transfers []ledger.Transfer) error {
	for _, t := range transfers {
		if err := t.Validate(); err != nil {
			return err
		}
		id, err := q.InsertTransfer(
			ctx,
			db.InsertTransferParams{Kind: string(t.Kind), Ref: t.Ref, Height: t.Height, Undoes: t.Undoes, At: t.At},
		)
		if err != nil {
			return err
		}
		for _, p := range t.Postings {
			if err := q.InsertPosting(
				ctx,
				db.InsertPostingParams{TransferID: id, Account: string(p.Account), AmountSat: int64(p.Amount)},
			); err != nil {
				return err
			}
		}
	}
	return nil
}

func readBalances(ctx context.Context, q *db.Queries) (ledger.Balances, error) {
	rows, err := q.Balances(ctx)
	if err != nil {
		return nil, err
	}
	balances := ledger.Balances{}
	for _, r := range rows {
		balances[ledger.Account(r.Account)] = btcutil.Amount(r.AmountSat)
	}
	return balances, nil
}
