package postgres

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func (s GrantStore) UpdateApplication(
	ctx context.Context,
	id uuid.UUID,
	now time.Time,
	fn func(*grant.Work) error,
) (grant.Application, error) {
	var out grant.Application
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		row, err := q.LockApplication(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return applicationNotFound()
		}
		if err != nil {
			return err
		}
		w, err := loadWork(ctx, q, applicationOf(row), now)
		if err != nil {
			return err
		}
		servers, err := s.claimed(ctx, q, w.Application.ID, now)
		if err != nil {
			return err
		}
		w.Servers = servers
		hadClaim, payee := w.Claim, w.Application.PayeeIndex
		if err := fn(w); err != nil {
			return err
		}
		if len(w.Entries) == 0 {
			out = w.Application
			return nil
		}
		if !bytes.Equal(w.Application.PayeeIndex, payee) {
			if err := checkPayee(ctx, q, w.Application); err != nil {
				return err
			}
		}
		if err := writeWork(ctx, q, w, hadClaim, now); err != nil {
			return err
		}
		if err := writeClaimed(ctx, q, w.Application.ID, servers, now); err != nil {
			return err
		}
		if err := s.record(ctx, q, w.Entries...); err != nil {
			return err
		}
		out = w.Application
		out.Version++
		out.ChangedAt = now
		return nil
	})
	return out, err
}

func loadWork(ctx context.Context, q *db.Queries, a grant.Application, now time.Time) (*grant.Work, error) {
	w := &grant.Work{Application: a}
	var err error
	if _, w.Decision, err = readRevision(ctx, q, a); err != nil {
		return nil, err
	}
	if w.Claim, err = readClaim(ctx, q, a.ID, now); err != nil {
		return nil, err
	}
	if w.Votes, err = readVotes(ctx, q, a); err != nil {
		return nil, err
	}
	unanswered, err := q.CountUnanswered(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	w.Unanswered = int(unanswered)
	if a.State != grant.Ready {
		return w, nil
	}
	// What is free to promise is decided by one at a time.
	if err := q.LockLedger(ctx); err != nil {
		return nil, err
	}
	balances, err := readBalances(ctx, q)
	if err != nil {
		return nil, err
	}
	granted, err := q.SumGrants(ctx)
	if err != nil {
		return nil, err
	}
	w.Available, w.Granted = balances[ledger.Available], btcutil.Amount(granted)
	return w, nil
}

func writeWork(ctx context.Context, q *db.Queries, w *grant.Work, hadClaim *grant.Claim, now time.Time) error {
	a := w.Application
	if w.NewRevision != nil {
		if err := insertRevision(ctx, q, *w.NewRevision, *w.NewDecision); err != nil {
			return err
		}
	}
	if w.NewPrint != nil {
		if err := putPrint(ctx, q, a.ID, *w.NewPrint); err != nil {
			return err
		}
	}
	n, err := q.UpdateApplication(ctx, db.UpdateApplicationParams{
		ID:         a.ID,
		Version:    a.Version,
		State:      string(a.State),
		Revision:   int32(a.Revision),
		Protocols:  a.Protocols,
		Region:     a.Region,
		Language:   a.Language,
		AmountSat:  int64(a.Amount),
		PayeeIndex: a.PayeeIndex,
		TitleWords: orEmpty(a.TitleWords),
		ChangedAt:  now,
	})
	if err != nil {
		return err
	}
	if n != 1 {
		return errs.New(
			errs.Conflict,
			grant.CodeStaleVersion,
			"Somebody else changed this in the meantime. Your change was not saved: look at the new state, then decide again.",
		)
	}
	switch {
	case w.Claim != nil:
		err = q.PutClaim(
			ctx,
			db.PutClaimParams{ApplicationID: a.ID, StaffID: w.Claim.StaffID, ExpiresAt: w.Claim.ExpiresAt},
		)
	case hadClaim != nil:
		err = q.DeleteClaim(ctx, a.ID)
	}
	if err != nil {
		return err
	}
	for _, v := range w.NewVotes {
		err := q.InsertVote(ctx, db.InsertVoteParams{
			ID:            v.ID,
			ApplicationID: v.ApplicationID,
			Revision:      int32(v.Revision),
			Digest:        v.Digest[:],
			StaffID:       v.StaffID,
			Verdict:       string(v.Verdict),
			Note:          v.Note,
			AuthKind:      v.AuthKind,
			CreatedAt:     v.CreatedAt,
		})
		if err != nil {
			return err
		}
	}
	for _, m := range w.NewMessages {
		arg := db.InsertMessageParams{
			ID:            m.ID,
			ApplicationID: m.ApplicationID,
			Audience:      string(m.Audience),
			AuthorKind:    "operator",
			Body:          m.Body,
			CreatedAt:     m.CreatedAt,
		}
		if m.ByStaff != nil {
			arg.AuthorKind, arg.StaffID = "staff", uuid.NullUUID{UUID: *m.ByStaff, Valid: true}
		}
		if err := q.InsertMessage(ctx, arg); err != nil {
			return err
		}
	}
	if w.NewGrant != nil {
		if err := insertGrant(ctx, q, *w.NewGrant, w.NewInstalments); err != nil {
			return err
		}
	}
	return postTransfers(ctx, q, w.Transfers)
}

func insertGrant(ctx context.Context, q *db.Queries, g grant.Grant, owed []grant.Instalment) error {
	err := q.InsertGrant(ctx, db.InsertGrantParams{
		ID:            g.ID,
		ApplicationID: g.ApplicationID,
		FundID:        g.FundID,
		Reference:     g.Reference,
		Designation:   g.Designation,
		State:         string(g.State),
		AmountSat:     int64(g.Amount),
		Version:       g.Version,
		CreatedAt:     g.CreatedAt,
	})
	if err != nil {
		return err
	}
	for _, i := range owed {
		if err := q.InsertInstalment(ctx, db.InsertInstalmentParams{
			ID:           i.ID,
			GrantID:      i.GrantID,
			Period:       int32(i.Period),
			DecisionID:   i.DecisionID,
			Digest:       i.Digest[:],
			Note:         i.Note,
			PayeeScript:  i.PayeeScript,
			PayeeAddress: i.PayeeAddress,
			AmountSat:    int64(i.Amount),
			DueAt:        i.DueAt,
			UntilAt:      i.UntilAt,
			State:        string(i.State),
			Version:      i.Version,
			CreatedAt:    i.CreatedAt,
			ChangedAt:    i.ChangedAt,
		}); err != nil {
			return err
		}
	}
	return nil
}

func nullUUID(id *uuid.UUID) uuid.NullUUID {
	if id == nil {
		return uuid.NullUUID{}
	}
	return uuid.NullUUID{UUID: *id, Valid: true}
}

func (s GrantStore) Grants(ctx context.Context, before *grant.Cursor, limit int) ([]grant.GrantRecord, error) {
	if before == nil {
		before = &newest
	}
	var records []grant.GrantRecord
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		rows, err := q.ListGrants(
			ctx,
			db.ListGrantsParams{BeforeAt: before.SubmittedAt, BeforeID: before.ID, RowLimit: int32(limit)},
		)
		if err != nil {
			return err
		}
		records, err = readGrants(ctx, q, rows)
		return err
	})
	return records, err
}

func (s GrantStore) Grant(ctx context.Context, id uuid.UUID) (grant.GrantRecord, error) {
	var record grant.GrantRecord
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.GetGrant(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(errs.NotFound, CodeGrantNotFound, "There is no such grant.")
		}
		if err != nil {
			return err
		}
		records, err := readGrants(ctx, q, []db.Grant{row})
		if err != nil {
			return err
		}
		record = records[0]
		return nil
	})
	return record, err
}

func readGrants(ctx context.Context, q *db.Queries, rows []db.Grant) ([]grant.GrantRecord, error) {
	records := make([]grant.GrantRecord, len(rows))
	at := map[uuid.UUID]int{}
	ids := make([]uuid.UUID, len(rows))
	for i, g := range rows {
		records[i].Grant = grant.Grant{
			ID:            g.ID,
			ApplicationID: g.ApplicationID,
			FundID:        g.FundID,
			Reference:     g.Reference,
			Designation:   g.Designation,
			State: grant.GrantState(
				g.State,
			),
			Amount:    btcutil.Amount(g.AmountSat),
			Version:   g.Version,
			CreatedAt: g.CreatedAt,
		}
		at[g.ID], ids[i] = i, g.ID
	}
	instalments, err := q.ListInstalments(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range instalments {
		rec := &records[at[r.Instalment.GrantID]]
		rec.Instalments = append(rec.Instalments, instalmentOf(r.Instalment))
		p := grant.Payment{
			InstalmentID: r.Instalment.ID,
			State:        grant.InstalmentState(r.Instalment.State),
			Amount:       btcutil.Amount(r.Instalment.AmountSat),
			Standing:     grant.StandingOf(grant.InstalmentState(r.Instalment.State), r.BatchState, r.Alarmed),
			BatchNumber:  r.BatchNumber,
			TxID:         txidString(r.Txid),
			Vout:         uint32(r.Vout),
			Height:       r.Height,
			ChangedAt:    r.Instalment.ChangedAt,
		}
		if r.Height > 0 {
			p.Confirmations = r.Tip - r.Height + 1
		}
		rec.Payments = append(rec.Payments, p)
	}
	return records, nil
}

func instalmentOf(i db.Instalment) grant.Instalment {
	out := grant.Instalment{
		ID:           i.ID,
		GrantID:      i.GrantID,
		Period:       int(i.Period),
		DecisionID:   i.DecisionID,
		Digest:       decision.Digest(i.Digest),
		Note:         i.Note,
		PayeeScript:  i.PayeeScript,
		PayeeAddress: i.PayeeAddress,
		Amount:       btcutil.Amount(i.AmountSat),
		DueAt:        i.DueAt,
		UntilAt:      i.UntilAt,
		State:        grant.InstalmentState(i.State),
		Version:      i.Version,
		CreatedAt:    i.CreatedAt,
		ChangedAt:    i.ChangedAt,
	}
	if i.HeldReason != nil {
		out.HeldReason = *i.HeldReason
	}
	return out
}
