package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

const (
	// A prober's report may come a little after its lease is over.
	reportGrace = time.Minute

	// How long an offer that has ended keeps another one of its kind, slot and
	// attempt from being made.
	keepOffers = 3 * time.Hour

	keepCanaries = 48 * time.Hour
	pruneAtOnce  = 10_000
)

func (s EndpointStore) Planned(
	ctx context.Context,
	slot time.Time,
	after uuid.UUID,
	limit int,
) ([]endpoint.Plan, error) {
	list, err := planned(ctx, s.q, slot, after, limit)
	return list, mapError(err)
}

func planned(ctx context.Context, q *db.Queries, slot time.Time, after uuid.UUID, limit int) ([]endpoint.Plan, error) {
	rows, err := q.ListPlanned(ctx, db.ListPlannedParams{AfterID: after, Slot: slot, RowLimit: int32(limit)})
	list := make([]endpoint.Plan, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Plan{EndpointID: r.ID, FailedSlots: int(r.FailedSlots), LastSlot: r.LastSlot}
	}
	return list, err
}

// PlanSlot hands the next endpoints of a slot, at most limit, to fn, which adds
// their jobs in tx. Each endpoint is handed out once a slot, whoever asks and
// however often it was interrupted. It reports whether all were.
func (s EndpointStore) PlanSlot(
	ctx context.Context,
	slot, now time.Time,
	limit int,
	fn func(ctx context.Context, tx pgx.Tx, batch []endpoint.Plan) error,
) (bool, error) {
	var done bool
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, tx pgx.Tx) error {
		done = false
		if err := q.StartPlan(ctx, slot); err != nil {
			return err
		}
		p, err := q.LockPlan(ctx, slot)
		if err != nil {
			return err
		}
		if p.DoneAt != nil {
			done = true
			return nil
		}
		batch, err := planned(ctx, q, slot, p.AfterID, limit)
		if err != nil {
			return err
		}
		move := db.MovePlanParams{Slot: slot, AfterID: p.AfterID, Planned: int32(len(batch))}
		if len(batch) > 0 {
			move.AfterID = batch[len(batch)-1].EndpointID
			if err := fn(ctx, tx, batch); err != nil {
				return err
			}
		}
		if done = len(batch) < limit; done {
			move.DoneAt = &now
		}
		return q.MovePlan(ctx, move)
	})
	return done, err
}

func (s EndpointStore) Offer(ctx context.Context, o endpoint.Offer) (bool, error) {
	n, err := s.q.InsertOffer(ctx, db.InsertOfferParams{
		ID:         o.ID,
		EndpointID: o.EndpointID,
		Kind:       string(o.Kind),
		Proof:      orNull(string(o.Proof)),
		Mode:       string(o.Mode),
		Place:      string(o.Place),
		Slot:       o.Slot,
		Attempt:    int32(o.Attempt),
		VantageID:  o.VantageID,
		Due:        o.Due,
		Until:      o.Until,
	})
	return n == 1, mapError(err)
}

// SlotAttempts leaves Record and MS out.
func (s EndpointStore) SlotAttempts(
	ctx context.Context,
	id uuid.UUID,
	p vantage.Place,
	slot time.Time,
) ([]endpoint.Attempt, error) {
	rows, err := s.q.ListSlotAttempts(ctx, db.ListSlotAttemptsParams{EndpointID: id, Slot: slot, Place: string(p)})
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Attempt, len(rows))
	for i, r := range rows {
		list[i] = endpoint.Attempt{
			OfferID:    r.OfferID,
			EndpointID: r.EndpointID,
			VantageID:  r.VantageID,
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
			FailedAt: probe.Stage(r.FailedAt),
			Class:    probe.Class(r.Class),
			SHA256:   [32]byte(r.Sha256),
		}
	}
	return list, nil
}

// Asked returns the probers that were offered attempts of a slot, whatever came
// of it.
func (s EndpointStore) Asked(ctx context.Context, id uuid.UUID, p vantage.Place, slot time.Time) ([]uuid.UUID, error) {
	list, err := s.q.ListSlotOffers(ctx, db.ListSlotOffersParams{EndpointID: id, Slot: slot, Place: string(p)})
	return list, mapError(err)
}

func (s EndpointStore) Expired(ctx context.Context, now time.Time, limit int) ([]endpoint.Offer, error) {
	var list []endpoint.Offer
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		rows, err := q.ExpireOffers(
			ctx,
			db.ExpireOffersParams{Now: now, ReportBefore: now.Add(-reportGrace), RowLimit: int32(limit)},
		)
		if err != nil {
			return err
		}
		list = make([]endpoint.Offer, len(rows))
		ids := make([]uuid.UUID, len(rows))
		for i, r := range rows {
			list[i], ids[i] = offerOf(r), r.ID
		}
		if err := q.FinishRequests(ctx, now, ids); err != nil {
			return err
		}
		_, err = q.ExpireRequests(ctx, now, now.Add(-reportGrace))
		return err
	})
	return list, err
}

// Prune forgets offers, leases and the like that nothing asks for any more.
func (s EndpointStore) Prune(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, step := range []func(context.Context, *db.Queries) (int64, error){
		func(ctx context.Context, q *db.Queries) (int64, error) {
			return q.PruneOffers(ctx, now.Add(-keepOffers), pruneAtOnce)
		},
		func(ctx context.Context, q *db.Queries) (int64, error) {
			return q.PruneLeases(ctx, now.Add(-keepOffers), pruneAtOnce)
		},
		func(ctx context.Context, q *db.Queries) (int64, error) {
			return q.PruneRequests(ctx, now.Add(-24*time.Hour))
		},
		func(ctx context.Context, q *db.Queries) (int64, error) {
			return q.PruneShown(ctx, dateOf(now.AddDate(0, 0, -1)))
		},
		func(ctx context.Context, q *db.Queries) (int64, error) {
			return q.PruneCanaries(ctx, now.Add(-keepCanaries))
		},
	} {
		for {
			n, err := step(ctx, s.q)
			total += int(n)
			if err != nil {
				return total, mapError(err)
			}
			if n < pruneAtOnce {
				break
			}
		}
	}
	return total, nil
}

func (s EndpointStore) Partitions(ctx context.Context, from, until, before time.Time) (made, dropped int, err error) {
	row, err := s.q.MakeResultDays(
		ctx,
		db.MakeResultDaysParams{FromDay: dateOf(from), UntilDay: dateOf(until), BeforeDay: dateOf(before)},
	)
	if err != nil {
		return 0, 0, mapError(err)
	}
	_, err = s.q.PrunePlans(ctx, before)
	return int(row.Made), int(row.Dropped), mapError(err)
}

// FirstDay returns the first day (UTC) of which a slot was planned and that was
// not forgotten; now's day when there is none.
func (s EndpointStore) FirstDay(ctx context.Context, now time.Time) (time.Time, error) {
	at, err := s.q.OldestDay(ctx)
	if first := nullTime(at); err == nil && first != nil {
		return uptime.Midnight(*first), nil
	}
	return uptime.Midnight(now), mapError(err)
}

func (s EndpointStore) RollUp(ctx context.Context, day time.Time, limit int) (int, error) {
	day = uptime.Midnight(day)
	policy, err := s.Policy(ctx)
	if err != nil {
		return 0, err
	}
	places := []vantage.Place{vantage.Outside}
	inside, err := s.q.AnyAttemptInside(ctx, day, day.AddDate(0, 0, 1))
	if err != nil {
		return 0, mapError(err)
	}
	if inside {
		places = append(places, vantage.Inside)
	}
	written := 0
	for _, p := range places {
		n := 0
		err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) (err error) {
			n, err = rollUp(ctx, q, policy, p, day, limit)
			return err
		})
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

func rollUp(
	ctx context.Context,
	q *db.Queries,
	policy endpoint.Policy,
	p vantage.Place,
	day time.Time,
	limit int,
) (int, error) {
	end := day.AddDate(0, 0, 1)
	ids, err := q.ListWithoutDay(
		ctx,
		db.ListWithoutDayParams{DayStart: day, DayEnd: end, Place: string(p), Day: dateOf(day), RowLimit: int32(limit)},
	)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	rows, err := q.ListDayAttempts(
		ctx,
		db.ListDayAttemptsParams{Endpoints: ids, DayStart: day, DayEnd: end, Place: string(p)},
	)
	if err != nil {
		return 0, err
	}
	attempts := map[uuid.UUID][]uptime.Attempt{}
	for _, r := range rows {
		attempts[r.EndpointID] = append(
			attempts[r.EndpointID],
			uptime.Attempt{Slot: r.Slot, Attempt: int(r.Attempt), Verdict: r.Verdict, SHA256: [32]byte(r.Sha256)},
		)
	}
	earlier, err := q.ListDaysBefore(
		ctx,
		db.ListDaysBeforeParams{Endpoints: ids, Place: string(p), Day: dateOf(day.AddDate(0, 0, -1))},
	)
	if err != nil {
		return 0, err
	}
	before := map[uuid.UUID]string{}
	for _, r := range earlier {
		before[r.EndpointID] = r.Marks
	}
	written := 0
	for _, id := range ids {
		d := uptime.Roll(day, policy.Rules(), attempts[id], before[id], end)
		n, err := q.PutDay(ctx, db.PutDayParams{
			EndpointID: id,
			Place:      string(p),
			Day:        dateOf(day),
			SlotS:      int32(d.SlotS),
			Marks:      d.Marks,
			Evidence:   d.Evidence[:],
			Attempts:   int32(d.Attempts),
		})
		if err != nil {
			return written, err
		}
		written += int(n)
	}
	return written, nil
}

func (s EndpointStore) ProveAgain(ctx context.Context, now time.Time, limit int) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := s.Reprove(ctx, now, limit, func(_ context.Context, _ pgx.Tx, due []endpoint.Endpoint) error {
		ids = nil
		for _, e := range due {
			ids = append(ids, e.ID)
		}
		return nil
	})
	return ids, err
}

// Reprove hands up to limit endpoints whose proof is due again to fn, which adds
// their jobs in tx, and moves the date on by a day: should nothing come of it, it
// is tried again. Only ID and Control of an endpoint are set.
func (s EndpointStore) Reprove(
	ctx context.Context,
	now time.Time,
	limit int,
	fn func(ctx context.Context, tx pgx.Tx, due []endpoint.Endpoint) error,
) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, tx pgx.Tx) error {
		rows, err := q.ProveAgain(
			ctx,
			db.ProveAgainParams{Now: now, NextAt: now.Add(24 * time.Hour), RowLimit: int32(limit)},
		)
		if err != nil || len(rows) == 0 {
			return err
		}
		due := make([]endpoint.Endpoint, len(rows))
		for i, r := range rows {
			due[i] = endpoint.Endpoint{ID: r.ID}
			if r.Control != nil {
				due[i].Control = control.Kind(*r.Control)
			}
		}
		return fn(ctx, tx, due)
	})
}

func (s EndpointStore) Shred(ctx context.Context, before time.Time) (int, error) {
	n, err := s.q.ShredEndpoints(ctx, before)
	return int(n), mapError(err)
}
