package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// Attempts bounds slots in its query as well, so that it stays out of the tables of other days: a check begins at most a day after the
// moment that it is filed under, and clocks differ by minutes.
func (s EndpointStore) Attempts(
	ctx context.Context,
	id uuid.UUID,
	from, to time.Time,
	limit int,
) ([]endpoint.Attempt, error) {
	rows, err := s.q.ListCheckAttempts(
		ctx,
		db.ListCheckAttemptsParams{
			EndpointID: id,
			FromAt:     from,
			ToAt:       to,
			FromSlot:   from.Add(-25 * time.Hour),
			ToSlot:     to.Add(10 * time.Minute),
			RowLimit:   int32(limit),
		},
	)
	if err != nil {
		return nil, mapError(err)
	}
	slices.Reverse(rows) // the newest were asked for
	list := make([]endpoint.Attempt, len(rows))
	for i, row := range rows {
		if list[i], err = attemptOf(row.CheckResult, row.Name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func attemptOf(r db.CheckResult, vantageName string) (endpoint.Attempt, error) {
	a := endpoint.Attempt{
		OfferID:    r.OfferID,
		EndpointID: r.EndpointID,
		VantageID:  r.VantageID,
		Vantage:    vantageName,
		Kind:       vantage.Kind(r.Kind),
		Mode:       probe.Mode(r.Mode),
		Place: vantage.Place(
			r.Place,
		),
		Slot:    r.Slot,
		Attempt: int(r.Attempt),
		Started: r.Started,
		Verdict: probe.Verdict(r.Verdict),
		Stage: probe.Stage(
			r.Stage,
		),
		FailedAt:  probe.Stage(r.FailedAt),
		Class:     probe.Class(r.Class),
		Record:    r.Record,
		ExitKnown: r.ExitKnown,
		SHA256:    [32]byte(r.Sha256),
	}
	err := json.Unmarshal(r.Ms, &a.MS)
	return a, err
}

// Unopened bounds slots as Attempts does.
func (s EndpointStore) Unopened(
	ctx context.Context,
	id uuid.UUID,
	from, to time.Time,
	limit int,
) ([]endpoint.Attempt, error) {
	rows, err := s.q.ListUnopened(ctx, db.ListUnopenedParams{
		EndpointID: id,
		FromAt:     from,
		ToAt:       to,
		FromSlot:   from.Add(-25 * time.Hour),
		ToSlot:     to.Add(10 * time.Minute),
		RowLimit:   int32(limit),
	})
	if err != nil {
		return nil, mapError(err)
	}
	slices.Reverse(rows) // as above
	list := make([]endpoint.Attempt, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Attempt{
			EndpointID: id,
			VantageID:  r.VantageID,
			Kind:       vantage.Kind(r.Kind),
			Place:      vantage.Place(r.Place),
			Slot:       r.Slot,
			Attempt:    int(r.Attempt),
			Started:    r.Started,
			Verdict:    probe.Verdict(r.Verdict),
			Class:      probe.Class(r.Class),
		}
	}
	return list, nil
}

// ExitAttempt bounds slots as Attempts does.
func (s EndpointStore) ExitAttempt(
	ctx context.Context,
	id uuid.UUID,
	from, to time.Time,
) (endpoint.Attempt, bool, error) {
	row, err := s.q.GetExitAttempt(
		ctx,
		db.GetExitAttemptParams{
			EndpointID: id,
			FromAt:     from,
			ToAt:       to,
			FromSlot:   from.Add(-25 * time.Hour),
			ToSlot:     to.Add(10 * time.Minute),
		},
	)
	if errors.Is(err, pgx.ErrNoRows) {
		return endpoint.Attempt{}, false, nil
	}
	if err != nil {
		return endpoint.Attempt{}, false, mapError(err)
	}
	a, err := attemptOf(row.CheckResult, row.Name)
	return a, true, err
}

// DayAttempts asks with the query of the roll-up, so that both see the same.
func (s EndpointStore) DayAttempts(
	ctx context.Context,
	id uuid.UUID,
	p vantage.Place,
	day time.Time,
) ([]uptime.Attempt, error) {
	rows, err := s.q.ListDayAttempts(
		ctx,
		db.ListDayAttemptsParams{
			Endpoints: []uuid.UUID{id},
			DayStart:  day,
			DayEnd:    day.AddDate(0, 0, 1),
			Place:     string(p),
		},
	)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]uptime.Attempt, len(rows))
	for i, r := range rows {
		list[i] = uptime.Attempt{Slot: r.Slot, Attempt: int(r.Attempt), Verdict: r.Verdict, SHA256: [32]byte(r.Sha256)}
	}
	return list, nil
}

func (s EndpointStore) Days(
	ctx context.Context,
	id uuid.UUID,
	p vantage.Place,
	from, to time.Time,
) ([]endpoint.Day, error) {
	rows, err := s.q.ListDays(
		ctx,
		db.ListDaysParams{EndpointID: id, Place: string(p), FromDay: dateOf(from), ToDay: dateOf(to)},
	)
	return daysOf(rows), mapError(err)
}

func daysOf(rows []db.EndpointDay) []endpoint.Day {
	list := make([]endpoint.Day, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Day{
			EndpointID: r.EndpointID,
			Place:      vantage.Place(r.Place),
			Day:        r.Day.Time,
			SlotS:      int(r.SlotS),
			Marks:      r.Marks,
			Evidence:   [32]byte(r.Evidence),
			Attempts:   int(r.Attempts),
		}
	}
	return list
}

func (s EndpointStore) Maintenance(
	ctx context.Context,
	id uuid.UUID,
	from, to time.Time,
) ([]endpoint.Maintenance, error) {
	rows, err := s.q.ListMaintenance(ctx, db.ListMaintenanceParams{EndpointID: id, FromAt: from, ToAt: to})
	return maintenanceOf(rows), mapError(err)
}

func maintenanceOf(rows []db.Maintenance) []endpoint.Maintenance {
	list := make([]endpoint.Maintenance, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Maintenance{
			ID:         r.ID,
			EndpointID: r.EndpointID,
			From:       r.FromAt,
			To:         r.ToAt,
			DeclaredAt: r.DeclaredAt,
		}
	}
	return list
}

func (s EndpointStore) Proofs(ctx context.Context, id uuid.UUID) ([]endpoint.Proof, error) {
	rows, err := s.q.ListProofs(ctx, id)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Proof, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Proof{
			ID:         r.ID,
			EndpointID: r.EndpointID,
			OfferID:    r.OfferID,
			Kind:       r.Kind,
			Held:       r.Held,
			Why:        r.Why,
			VantageID:  r.VantageID,
			At:         r.At,
		}
		if r.Held {
			list[i].AgainAt, list[i].ValidUntil = *r.AgainAt, *r.ValidUntil
		}
	}
	return list, nil
}

func (s EndpointStore) Hits(ctx context.Context, application uuid.UUID) ([]endpoint.Hit, error) {
	rows, err := s.q.ListHits(ctx, application)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Hit, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Hit{
			EndpointID: r.EndpointID,
			What:       r.What,
			List:       r.List,
			Version:    r.Version,
			Order:      r.OrderNo,
			Permille:   int(r.Permille),
			FoundAt:    r.FoundAt,
		}
	}
	return list, nil
}

func (s EndpointStore) Linkages(ctx context.Context, application uuid.UUID) ([]endpoint.Linkage, error) {
	rows, err := s.q.ListLinkages(ctx, application)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Linkage, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Linkage{
			Kind:         endpoint.LinkKind(r.Kind),
			EndpointID:   r.EndpointID,
			Applications: int(r.Applications),
		}
	}
	return list, nil
}

func (s EndpointStore) Fleet(ctx context.Context, now time.Time) (endpoint.Fleet, error) {
	var fleet endpoint.Fleet
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		rows, err := q.FleetRows(ctx, now)
		if err != nil {
			return err
		}
		fleet.Rows = make([]endpoint.FleetRow, len(rows))
		for i, r := range rows {
			fleet.Rows[i] = endpoint.FleetRow{
				Protocol:  r.Protocol,
				Country:   r.Region,
				Vantage:   r.Vantage,
				Up:        int(r.Up),
				Down:      int(r.Down),
				Unknown:   int(r.Unknown),
				Unchecked: int(r.Unchecked),
				Proven:    int(r.Proven),
				Oldest:    nullTime(r.Oldest),
			}
			if o := fleet.Rows[i].Oldest; o != nil && (fleet.Oldest == nil || o.Before(*fleet.Oldest)) {
				fleet.Oldest = o
			}
		}
		waiting, err := q.FleetWaiting(ctx, now)
		if err != nil {
			return err
		}
		fleet.Waiting = int(waiting.Waiting)
		if oldest := nullTime(waiting.Oldest); oldest != nil {
			fleet.Late = now.Sub(*oldest)
		}
		return nil
	})
	return fleet, err
}

func (s EndpointStore) SaveSnapshot(ctx context.Context, snapshot endpoint.StoredSnapshot) error {
	return mapError(insertSnapshot(ctx, s.q, snapshot))
}

func insertSnapshot(ctx context.Context, q *db.Queries, s endpoint.StoredSnapshot) error {
	return q.InsertSnapshot(ctx, db.InsertSnapshotParams{
		ID:            s.ID,
		ApplicationID: s.ApplicationID,
		InstalmentID:  nullUUID(s.InstalmentID),
		Text:          s.Text,
		Sha256:        s.SHA256[:],
		CreatedAt:     s.CreatedAt,
	})
}

func (s EndpointStore) Snapshot(ctx context.Context, id uuid.UUID) (endpoint.StoredSnapshot, error) {
	row, err := s.q.GetSnapshot(ctx, id)
	return snapshotOf(row, err)
}

func (s EndpointStore) LatestSnapshot(ctx context.Context, instalment uuid.UUID) (endpoint.StoredSnapshot, error) {
	row, err := s.q.GetLatestSnapshot(ctx, instalment)
	return snapshotOf(row, err)
}

func snapshotOf(r db.UptimeSnapshot, err error) (endpoint.StoredSnapshot, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return endpoint.StoredSnapshot{}, errs.New(
			errs.NotFound,
			CodeSnapshotNotFound,
			"There is no such snapshot of uptime.",
		)
	}
	if err != nil {
		return endpoint.StoredSnapshot{}, mapError(err)
	}
	out := endpoint.StoredSnapshot{
		ID:            r.ID,
		ApplicationID: r.ApplicationID,
		Text:          r.Text,
		SHA256:        [32]byte(r.Sha256),
		CreatedAt:     r.CreatedAt,
	}
	if r.InstalmentID.Valid {
		out.InstalmentID = &r.InstalmentID.UUID
	}
	return out, nil
}

// CheckBreaches returns what must never be among checks, proofs and gates, at
// most limit rows.
func (s EndpointStore) CheckBreaches(ctx context.Context, limit int) ([]payout.Breach, error) {
	rows, err := s.q.ListCheckBreaches(ctx, int32(limit))
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]payout.Breach, len(rows))
	for i, r := range rows {
		list[i] = payout.Breach{Invariant: r.Invariant, What: r.What}
	}
	return list, nil
}
