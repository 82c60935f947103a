package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// putPrint writes what is compared of an application's current revision.
func putPrint(ctx context.Context, q *db.Queries, id uuid.UUID, p screen.Print) error {
	return q.PutPrint(ctx, db.PutPrintParams{ApplicationID: id, TextHash: int64(p.Text), Servers: int32(p.Listed)})
}

func (s GrantStore) Screen(ctx context.Context, id uuid.UUID, now time.Time) (screen.Facts, error) {
	var f screen.Facts
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		row, err := q.GetApplication(ctx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return applicationNotFound()
		}
		if err != nil {
			return err
		}
		f = screen.Facts{Closed: row.State == string(grant.Declined) || row.State == string(grant.Withdrawn)}
		for _, gather := range []func(context.Context, *db.Queries, db.Application, time.Time, *screen.Facts) error{
			screenPrint, screenServers, screenPayee, screenLinks, screenBurst, screenMoney,
		} {
			if err := gather(ctx, q, row, now, &f); err != nil {
				return err
			}
		}
		return nil
	})
	return f, err
}

// screenPrint finds the statements that are like one, and how many servers it names.
func screenPrint(ctx context.Context, q *db.Queries, a db.Application, _ time.Time, f *screen.Facts) error {
	mine, err := q.GetPrint(ctx, a.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	f.Servers.Listed, f.Text.Printed = int(mine.Servers), true
	rows, err := q.ScreenText(ctx, db.ScreenTextParams{
		TextHash: mine.TextHash,
		ID:       a.ID,
		FundID:   a.FundID,
		RowLimit: screen.NewestOf,
		Far:      screen.FarText,
		Most:     screen.Most + 1,
	})
	for _, r := range rows {
		f.Text.Add(screen.Other{ID: r.ID, Reference: r.Reference}, r.Live, int(r.Bits))
	}
	return err
}

func screenServers(ctx context.Context, q *db.Queries, a db.Application, now time.Time, f *screen.Facts) error {
	n, err := q.ScreenServers(ctx, now, a.ID)
	s := &f.Servers
	s.Up, s.Down, s.Unknown, s.Unchecked, s.Proven = int(
		n.Up,
	), int(
		n.Down,
	), int(
		n.Unknown,
	), int(
		n.Unchecked,
	), int(
		n.Proven,
	)
	return err
}

func screenPayee(ctx context.Context, q *db.Queries, a db.Application, _ time.Time, f *screen.Facts) error {
	rows, err := q.ScreenPayee(
		ctx,
		db.ScreenPayeeParams{PayeeIndex: a.PayeeIndex, FundID: a.FundID, ID: a.ID, RowLimit: screen.Most + 1},
	)
	for _, r := range rows {
		f.SamePayee.Add(screen.Other{ID: r.ID, Reference: r.Reference}, r.Live, screen.Most)
	}
	return err
}

func screenLinks(ctx context.Context, q *db.Queries, a db.Application, _ time.Time, f *screen.Facts) error {
	traits, err := q.ScreenTraits(ctx, a.ID)
	if err != nil {
		return err
	}
	rows, err := q.ScreenLinks(
		ctx,
		db.ScreenLinksParams{FundID: a.FundID, ApplicationID: a.ID, RowLimit: screen.MostLinks + 1},
	)
	f.Links = screen.LinkFacts{Known: int(traits), By: map[string]screen.Group{}}
	for _, r := range rows {
		g := f.Links.By[r.Kind]
		g.Add(screen.Other{ID: r.ID, Reference: r.Reference}, r.Live, screen.MostLinks)
		f.Links.By[r.Kind] = g
	}
	return err
}

func screenBurst(ctx context.Context, q *db.Queries, a db.Application, _ time.Time, f *screen.Facts) error {
	from := a.SubmittedAt.Add(-screen.Window)
	b, err := q.ScreenBurst(ctx, db.ScreenBurstParams{
		FundID:  a.FundID,
		FromAt:  from,
		UntilAt: a.SubmittedAt.Add(screen.Window),
		ID:      a.ID,
		Most:    screen.Most + 1,
		UsualOf: screen.UsualOf,
	})
	f.Burst = screen.BurstFacts{Others: int(b.Others), Before: int(b.Before), Span: from.Sub(b.Since)}
	return err
}

func screenMoney(ctx context.Context, q *db.Queries, a db.Application, _ time.Time, f *screen.Facts) error {
	fund, err := readFund(ctx, q)
	if err != nil {
		return err
	}
	m, err := q.ScreenMedian(ctx, db.ScreenMedianParams{FundID: a.FundID, ID: a.ID, RowLimit: screen.MedianOf})
	f.Money = screen.MoneyFacts{
		Amount: btcutil.Amount(
			a.AmountSat,
		),
		Min:    fund.MinAmount,
		Max:    fund.MaxAmount,
		Median: btcutil.Amount(m.MedianSat),
		Grants: int(m.Grants),
	}
	return err
}
