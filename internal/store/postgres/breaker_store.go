package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

func (s PayoutStore) Breakers(ctx context.Context) ([]payout.Breaker, error) {
	var list []payout.Breaker
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) (err error) {
		list, err = readOpenBreakers(ctx, q)
		return err
	})
	return list, err
}

func readOpenBreakers(ctx context.Context, q *db.Queries) ([]payout.Breaker, error) {
	rows, err := q.ListOpenBreakers(ctx)
	if err != nil {
		return nil, err
	}
	return breakersOf(ctx, q, rows)
}

func breakersOf(ctx context.Context, q *db.Queries, rows []db.Breaker) ([]payout.Breaker, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	list, ids, at := make([]payout.Breaker, len(rows)), make([]int64, len(rows)), map[int64]*payout.Breaker{}
	for i, r := range rows {
		list[i] = payout.Breaker{
			ID:        r.ID,
			Code:      payout.BreakerCode(r.Code),
			State:     payout.BreakerState(r.State),
			TrippedAt: r.TrippedAt,
			ChangedAt: r.ChangedAt,
		}
		ids[i], at[r.ID] = r.ID, &list[i]
	}
	findings, err := q.ListBreakerFindings(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, f := range findings {
		b := at[f.BreakerID]
		b.Findings = append(
			b.Findings,
			payout.Finding{
				Code:    b.Code,
				Subject: f.Subject,
				Detail:  f.Detail,
				Amount:  (*btcutil.Amount)(f.AmountSat),
				At:      f.At,
			},
		)
	}
	consents, err := q.ListBreakerConsents(ctx, ids)
	for _, c := range consents {
		b := at[c.BreakerID]
		b.Consents = append(b.Consents, payout.Consent{StaffID: c.StaffID, Name: c.Name, At: c.At})
	}
	return list, err
}

func (s PayoutStore) UpdateBreaker(
	ctx context.Context,
	id int64,
	fn func(*payout.BreakerWork) error,
) (payout.Breaker, error) {
	var out payout.Breaker
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		row, err := q.LockBreaker(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(
				errs.NotFound,
				errs.CodeBreakerNotFound,
				"There is no breaker with this number. Nothing was changed.",
			)
		}
		if err != nil {
			return err
		}
		list, err := breakersOf(ctx, q, []db.Breaker{row})
		if err != nil {
			return err
		}
		w := &payout.BreakerWork{Breaker: list[0]}
		if err := fn(w); err != nil {
			return err
		}
		if c := w.NewConsent; c != nil {
			err := q.InsertBreakerConsent(
				ctx,
				db.InsertBreakerConsentParams{BreakerID: id, Findings: row.Findings, StaffID: c.StaffID, At: c.At},
			)
			if err != nil {
				return err
			}
		}
		if err := q.UpdateBreaker(
			ctx,
			db.UpdateBreakerParams{ID: id, State: string(w.Breaker.State), ChangedAt: w.Breaker.ChangedAt},
		); err != nil {
			return err
		}
		if w.Accept {
			if err := q.LapseSubjectsOf(ctx, w.Breaker.ChangedAt, id); err != nil {
				return err
			}
			if err := q.AcceptFindings(ctx, w.Breaker.ChangedAt, id); err != nil {
				return err
			}
		}
		out = w.Breaker
		if err := q.WakeWorker(ctx); err != nil {
			return err
		}
		return s.record(ctx, q, w.Entries...)
	})
	return out, err
}

func (s PayoutStore) Trip(ctx context.Context, epoch int64, f payout.Finding) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		entries, err := trip(ctx, q, f)
		if err != nil {
			return err
		}
		return s.record(ctx, q, entries...)
	})
}

// trip writes a finding and returns what the audit log has to say of it: nothing
// when it is no news.
func trip(ctx context.Context, q *db.Queries, f payout.Finding) ([]audit.Entry, error) {
	amount := (*int64)(f.Amount)
	if f.Code.Standing() {
		n, err := q.CountAccepted(
			ctx,
			db.CountAcceptedParams{Code: string(f.Code), Subject: f.Subject, AmountSat: amount},
		)
		if err != nil || n > 0 {
			return nil, err
		}
	}
	var id int64
	var from payout.BreakerState
	no := int32(1)
	switch fresh, err := q.InsertBreaker(ctx, string(f.Code), f.At); {
	case err == nil:
		id = fresh
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, err
	default: // one is open
		row, err := q.LockOpenBreaker(ctx, string(f.Code))
		if err != nil {
			return nil, err
		}
		list, err := breakersOf(ctx, q, []db.Breaker{row})
		if err != nil {
			return nil, err
		}
		if has(list[0], f) {
			return nil, nil
		}
		id, from, no = row.ID, list[0].State, row.Findings+1
	}
	if err := q.InsertBreakerFinding(
		ctx,
		db.InsertBreakerFindingParams{
			BreakerID: id,
			No:        no,
			Subject:   f.Subject,
			Detail:    f.Detail,
			AmountSat: amount,
			At:        f.At,
		},
	); err != nil {
		return nil, err
	}
	if no > 1 {
		if err := q.AddToBreaker(ctx, db.AddToBreakerParams{ID: id, Findings: no, ChangedAt: f.At}); err != nil {
			return nil, err
		}
	}
	return []audit.Entry{f.Tripped(id, from)}, nil
}

// has reports whether the newest finding about f's subject says the same.
func has(b payout.Breaker, f payout.Finding) bool {
	for _, known := range slices.Backward(b.Findings) {
		if known.Subject == f.Subject {
			return (known.Amount == nil) == (f.Amount == nil) && (f.Amount == nil || *known.Amount == *f.Amount)
		}
	}
	return false
}

func (s PayoutStore) Lapse(
	ctx context.Context,
	epoch int64,
	code payout.BreakerCode,
	still []string,
	now time.Time,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := checkLease(ctx, q, epoch); err != nil {
			return err
		}
		if still == nil {
			still = []string{}
		}
		_, err := q.LapseAccepted(ctx, db.LapseAcceptedParams{At: now, Code: string(code), Still: still})
		return err
	})
}

func readAccepted(ctx context.Context, q *db.Queries) (*payout.Accepted, error) {
	row, err := q.GetAcceptedDifference(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil // none was accepted
	}
	if err != nil {
		return nil, err
	}
	return &payout.Accepted{Amount: btcutil.Amount(*row.AmountSat), At: row.At, By: row.Names}, nil
}
