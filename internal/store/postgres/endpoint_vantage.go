package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// canaryWindow is how far back a prober's answers to canaries count.
const canaryWindow = 24 * time.Hour

func (s EndpointStore) CreateVantage(ctx context.Context, v endpoint.Vantage, tokenHash []byte, e audit.Entry) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		err := q.InsertVantage(ctx, db.InsertVantageParams{
			ID:        v.ID,
			Name:      v.Name,
			Place:     string(v.Place),
			Country:   v.Country,
			Asn:       int64(v.ASN),
			TokenHash: tokenHash,
			Prev:      v.Prev[:],
			CreatedAt: v.CreatedAt,
		})
		if err != nil {
			return err
		}
		return s.record(ctx, q, e)
	})
}

func (s EndpointStore) Vantages(ctx context.Context, now time.Time) ([]endpoint.Vantage, error) {
	rows, err := s.q.ListVantages(ctx, now.Add(-canaryWindow))
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Vantage, len(rows))
	for i, r := range rows {
		list[i] = vantageOf(r)
	}
	return list, nil
}

func (s EndpointStore) Vantage(ctx context.Context, id uuid.UUID, now time.Time) (endpoint.Vantage, error) {
	v, err := getVantage(ctx, s.q, id, now)
	return v, mapError(err)
}

func getVantage(ctx context.Context, q *db.Queries, id uuid.UUID, now time.Time) (endpoint.Vantage, error) {
	row, err := q.GetVantage(ctx, now.Add(-canaryWindow), id)
	if errors.Is(err, pgx.ErrNoRows) {
		return endpoint.Vantage{}, vantageNotFound()
	}
	if err != nil {
		return endpoint.Vantage{}, err
	}
	return vantageOf(db.ListVantagesRow(row)), nil
}

func vantageNotFound() error {
	return errs.New(errs.NotFound, endpoint.CodeVantageNotFound, "There is no such prober.")
}

func vantageOf(r db.ListVantagesRow) endpoint.Vantage {
	return endpoint.Vantage{
		ID:         r.ID,
		Name:       r.Name,
		Place:      vantage.Place(r.Place),
		Country:    r.Country,
		ASN:        uint32(r.Asn),
		PublicKey:  r.PublicKey,
		Seq:        uint64(r.Seq),
		Prev:       [32]byte(r.Prev),
		AskedAt:    r.AskedAt,
		SeenAt:     r.SeenAt,
		SW:         r.Sw,
		CanaryGood: int(r.Good),
		CanaryBad:  int(r.Bad),
		CreatedAt:  r.CreatedAt,
		DisabledAt: r.DisabledAt,
	}
}

func (s EndpointStore) Enrol(
	ctx context.Context,
	tokenHash, publicKey []byte,
	now time.Time,
) (endpoint.Vantage, error) {
	var out endpoint.Vantage
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		id, err := q.EnrolVantage(ctx, db.EnrolVantageParams{TokenHash: tokenHash, PublicKey: publicKey, Now: now})
		if errors.Is(err, pgx.ErrNoRows) {
			return errs.New(
				errs.NotFound,
				CodeEnrolmentUnknown,
				"This enrolment token is unknown or was already used. Nothing was changed; ask for a new one.",
			)
		}
		if err != nil {
			return err
		}
		out, err = getVantage(ctx, q, id, now)
		return err
	})
	return out, err
}

func (s EndpointStore) DisableVantage(ctx context.Context, id uuid.UUID, now time.Time, e audit.Entry) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		n, err := q.DisableVantage(ctx, now, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return vantageNotFound()
		}
		return s.record(ctx, q, e)
	})
}

func (s EndpointStore) Take(
	ctx context.Context,
	v uuid.UUID,
	askedAt time.Time,
	sw string,
	lease uuid.UUID,
	now, until time.Time,
	most, perDay int,
) ([]endpoint.Taken, error) {
	askedAt = askedAt.Truncate(time.Microsecond) // as the column keeps it, or a replay would look later than itself
	var taken []endpoint.Taken
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		row, err := q.LockVantage(ctx, v)
		switch {
		case errors.Is(err, pgx.ErrNoRows), err == nil && row.DisabledAt != nil:
			return vantageNotFound()
		case err != nil:
			return err
		case row.AskedAt != nil && !askedAt.After(*row.AskedAt):
			return errs.New(
				errs.Conflict,
				CodeReplayed,
				"This request for work was made before, or after a later one. Nothing was given out.",
			)
		}
		day, shown := dateOf(now), int(row.Shown)
		if row.ShownDay != day {
			shown = 0
		}
		picked, err := q.PickOffers(
			ctx,
			db.PickOffersParams{
				Day:         day,
				VantageID:   v,
				Now:         now,
				MayShowMore: shown < perDay,
				RowLimit:    int32(max(most, 0)),
			},
		)
		if err != nil {
			return err
		}
		var ids, fresh []uuid.UUID
		seen := map[uuid.UUID]bool{}
		for _, p := range picked {
			if !p.Shown && !seen[p.EndpointID] {
				if shown >= perDay {
					continue
				}
				shown++
				seen[p.EndpointID] = true
				fresh = append(fresh, p.EndpointID)
			}
			ids = append(ids, p.ID)
		}
		if err := q.VantageAsked(
			ctx,
			db.VantageAskedParams{ID: v, AskedAt: askedAt, Now: now, Sw: sw, Day: day, Shown: int32(shown)},
		); err != nil {
			return err
		}
		if err := q.InsertLease(
			ctx,
			db.InsertLeaseParams{ID: lease, VantageID: v, At: now},
		); err != nil ||
			len(ids) == 0 {
			return err
		}
		if err := q.GiveOffers(ctx, db.GiveOffersParams{LeaseID: lease, LeaseUntil: until, Ids: ids}); err != nil {
			return err
		}
		if err := q.ShowEndpoints(ctx, db.ShowEndpointsParams{VantageID: v, Day: day, Endpoints: fresh}); err != nil {
			return err
		}
		taken, err = listTaken(ctx, q, lease, v)
		return err
	})
	return taken, err
}

func (s EndpointStore) Lease(ctx context.Context, v, lease uuid.UUID) ([]endpoint.Taken, error) {
	if _, err := s.q.FindLease(ctx, lease, v); errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.New(
			errs.NotFound,
			CodeLeaseUnknown,
			"This lease is not known, or it was given to another prober. Nothing was written.",
		)
	} else if err != nil {
		return nil, mapError(err)
	}
	taken, err := listTaken(ctx, s.q, lease, v)
	return taken, mapError(err)
}

func listTaken(ctx context.Context, q *db.Queries, lease, v uuid.UUID) ([]endpoint.Taken, error) {
	rows, err := q.ListTaken(ctx, lease, v)
	if err != nil {
		return nil, err
	}
	taken := make([]endpoint.Taken, len(rows))
	for i, r := range rows {
		taken[i] = endpoint.Taken{
			Offer:    offerOf(r.CheckOffer),
			Endpoint: openedOf(r.Endpoint, r.DataKey, r.KeyID, r.Reference, r.Designation),
		}
	}
	return taken, nil
}

func offerOf(o db.CheckOffer) endpoint.Offer {
	out := endpoint.Offer{
		ID:         o.ID,
		EndpointID: o.EndpointID,
		Kind:       vantage.Kind(o.Kind),
		Mode:       probe.Mode(o.Mode),
		Place:      vantage.Place(o.Place),
		Slot:       o.Slot,
		Attempt:    int(o.Attempt),
		VantageID:  o.VantageID,
		Due:        o.Due,
		Until:      o.Until,
		DoneAt:     o.DoneAt,
	}
	if o.Proof != nil {
		out.Proof = control.Kind(*o.Proof)
	}
	if o.LeaseID.Valid {
		out.LeaseID = &o.LeaseID.UUID
	}
	return out
}
