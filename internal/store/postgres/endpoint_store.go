package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// askedWithin is how far back endpoint.Asked counts, and declaredWithin how far
// endpoint.Change.Declared does.
const (
	askedWithin    = time.Hour
	declaredWithin = 30 * 24 * time.Hour
)

// EndpointStore keeps servers, their checks and the probers. Enqueue writes
// the jobs of offers that are due later, in the transaction of what they follow
// from; it is nil where nothing is enqueued.
type EndpointStore struct {
	*DB
	Clock   clock.Clock
	Enqueue func(ctx context.Context, tx pgx.Tx, offers []endpoint.Offer) error
}

var (
	_ endpoint.Store    = EndpointStore{}
	_ endpoint.Schedule = EndpointStore{}
)

func (s EndpointStore) enqueue(ctx context.Context, tx pgx.Tx, offers []endpoint.Offer) error {
	if len(offers) == 0 {
		return nil
	}
	if s.Enqueue == nil {
		return errors.New("no queue for checks that are due later")
	}
	return s.Enqueue(ctx, tx, offers)
}

func (s EndpointStore) Policy(ctx context.Context) (endpoint.Policy, error) {
	row, err := s.q.GetCheckPolicy(ctx)
	if err != nil {
		return endpoint.Policy{}, mapError(err)
	}
	return policyOf(row), nil
}

func policyOf(p db.CheckPolicy) endpoint.Policy {
	return endpoint.Policy{
		Slot:          seconds(p.SlotS),
		FullPermille:  int(p.FullPermille),
		Confirmations: int(p.Confirmations),
		BackoffAfter:  int(p.BackoffAfter),
		BackoffEvery:  seconds(p.BackoffEveryS),
		MinCoveragePermille: int(
			p.MinCoveragePermille,
		),
		MinUptimePermille: int(p.MinUptimePermille),
		PayPlace:          vantage.Place(p.PayPlace),
		RequireControl:    p.RequireControl,
		MaintenanceNotice: seconds(p.MaintenanceNoticeS),
		MaintenanceMax:    seconds(p.MaintenanceMaxS),
		KeepRaw:           time.Duration(p.KeepRawDays) * 24 * time.Hour,
	}
}

func seconds(s int32) time.Duration { return time.Duration(s) * time.Second }

// SetCheckPolicy changes how endpoints are checked. Only the owner of the
// database may.
func (d *DB) SetCheckPolicy(ctx context.Context, p endpoint.Policy, e audit.Entry) error {
	return d.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		if err := setCheckPolicy(ctx, q, p); err != nil {
			return err
		}
		return d.record(ctx, q, e)
	})
}

func setCheckPolicy(ctx context.Context, q *db.Queries, p endpoint.Policy) error {
	return q.SetCheckPolicy(ctx, db.SetCheckPolicyParams{
		SlotS:         int32(p.Slot / time.Second),
		FullPermille:  int32(p.FullPermille),
		Confirmations: int32(p.Confirmations),
		BackoffAfter:  int32(p.BackoffAfter),
		BackoffEveryS: int32(p.BackoffEvery / time.Second),
		MinCoveragePermille: int32(
			p.MinCoveragePermille,
		),
		MinUptimePermille:  int32(p.MinUptimePermille),
		PayPlace:           string(p.PayPlace),
		RequireControl:     p.RequireControl,
		MaintenanceNoticeS: int32(p.MaintenanceNotice / time.Second),
		MaintenanceMaxS:    int32(p.MaintenanceMax / time.Second),
		KeepRawDays:        int32(p.KeepRaw / (24 * time.Hour)),
	})
}

func (s EndpointStore) Of(ctx context.Context, application uuid.UUID) ([]endpoint.Opened, error) {
	rows, err := s.q.ListOpenedOf(ctx, application)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Opened, len(rows))
	for i, r := range rows {
		list[i] = openedOf(r.Endpoint, r.DataKey, r.KeyID, r.Reference, r.Designation)
		list[i].Pending = r.Pending
	}
	return list, nil
}

func (s EndpointStore) Twins(ctx context.Context, id uuid.UUID) ([]endpoint.Opened, error) {
	rows, err := s.q.ListTwins(ctx, id)
	if err != nil {
		return nil, mapError(err)
	}
	list := make([]endpoint.Opened, len(rows))
	for i, r := range rows {
		list[i] = openedOf(r.Endpoint, r.DataKey, r.KeyID, r.Reference, r.Designation)
	}
	return list, nil
}

func (s EndpointStore) Endpoint(ctx context.Context, id uuid.UUID) (endpoint.Opened, error) {
	o, err := getOpened(ctx, s.q, id)
	return o, mapError(err)
}

func getOpened(ctx context.Context, q *db.Queries, id uuid.UUID) (endpoint.Opened, error) {
	r, err := q.GetOpened(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return endpoint.Opened{}, endpointNotFound()
	}
	if err != nil {
		return endpoint.Opened{}, err
	}
	o := openedOf(r.Endpoint, r.DataKey, r.KeyID, r.Reference, r.Designation)
	o.Pending = r.Pending
	return o, nil
}

func endpointNotFound() error {
	return errs.New(errs.NotFound, errs.CodeEndpointNotFound, "There is no such endpoint.")
}

func openedOf(e db.Endpoint, dataKey []byte, keyID, reference, designation string) endpoint.Opened {
	return endpoint.Opened{
		Endpoint: endpointOf(
			e,
		),
		DataKey:     seal.Wrapped{KEKID: keyID, Bytes: dataKey},
		Reference:   reference,
		Designation: designation,
	}
}

func endpointOf(e db.Endpoint) endpoint.Endpoint {
	out := endpoint.Endpoint{
		ID:            e.ID,
		ApplicationID: e.ApplicationID,
		Label:         e.Label,
		Position:      int(e.Position),
		Protocol:      probe.Protocol(e.Protocol),
		Spec:          e.Spec,
		SpecIndex:     e.SpecIndex,
		State:         endpoint.State(e.State),
		Generation:    int(e.Generation),
		ProvenAt:      e.ProvenAt,
		ProveAgainAt:  e.ProveAgainAt,
		ProvenUntil:   e.ProvenUntil,
		FailedSlots:   int(e.FailedSlots),
		RecheckedAt:   e.RecheckedAt,
		LastAt:        e.LastAt,
		LastStage:     probe.Stage(e.LastStage),
		LastClass:     probe.Class(e.LastClass),
		ChecksFrom:    e.ChecksFrom,
		CreatedAt:     e.CreatedAt,
		RetiredAt:     e.RetiredAt,
	}
	if e.Control != nil {
		out.Control = control.Kind(*e.Control)
	}
	if e.LastVerdict != nil {
		out.LastVerdict = probe.Verdict(*e.LastVerdict)
	}
	return out
}

func (s EndpointStore) UpdateEndpoint(
	ctx context.Context,
	id uuid.UUID,
	fn func(*endpoint.Change) error,
) (endpoint.Opened, error) {
	var out endpoint.Opened
	err := s.inTx(ctx, func(ctx context.Context, q *db.Queries, tx pgx.Tx) error {
		c, err := s.loadChange(ctx, q, id)
		if err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		if err := s.writeChange(ctx, q, tx, *c); err != nil {
			return err
		}
		if out, err = getOpened(ctx, q, id); err != nil {
			return err
		}
		return s.record(ctx, q, c.Entries...)
	})
	return out, err
}

func (s EndpointStore) loadChange(ctx context.Context, q *db.Queries, id uuid.UUID) (*endpoint.Change, error) {
	if _, err := q.LockEndpoint(ctx, id); errors.Is(err, pgx.ErrNoRows) {
		return nil, endpointNotFound()
	} else if err != nil {
		return nil, err
	}
	c := &endpoint.Change{Now: s.Clock.Now().UTC().Truncate(time.Microsecond)}
	var err error
	if c.Endpoint, err = getOpened(ctx, q, id); err != nil {
		return nil, err
	}
	asked, err := q.AskedOf(
		ctx,
		db.AskedOfParams{ID: id, Since: c.Now.Add(-askedWithin), MonthAgo: c.Now.Add(-declaredWithin)},
	)
	if err != nil {
		return nil, err
	}
	c.Asked = endpoint.Asked{
		Endpoint:    int(asked.OfEndpoint),
		Application: int(asked.OfApplication),
		Network:     int(asked.OfNetwork),
	}
	c.Declared = time.Duration(asked.DeclaredS * float64(time.Second))
	return c, nil
}

func (s EndpointStore) writeChange(ctx context.Context, q *db.Queries, tx pgx.Tx, c endpoint.Change) error {
	e := c.Endpoint
	err := q.UpdateEndpoint(ctx, db.UpdateEndpointParams{
		ID:           e.ID,
		State:        string(e.State),
		Generation:   int32(e.Generation),
		Control:      orNull(string(e.Control)),
		ProvenAt:     e.ProvenAt,
		ProveAgainAt: e.ProveAgainAt,
		ProvenUntil:  e.ProvenUntil,
		FailedSlots:  int32(e.FailedSlots),
		RecheckedAt:  e.RecheckedAt,
		RetiredAt:    e.RetiredAt,
	})
	if err != nil {
		return err
	}
	for _, m := range c.Maintenance {
		err := q.InsertMaintenance(
			ctx,
			db.InsertMaintenanceParams{
				ID:         m.ID,
				EndpointID: e.ID,
				FromAt:     m.From,
				ToAt:       m.To,
				DeclaredAt: m.DeclaredAt,
			},
		)
		if err != nil {
			return err
		}
	}
	for _, o := range c.NewOffers {
		err := q.InsertCheckRequest(
			ctx,
			db.InsertCheckRequestParams{ID: o.ID, EndpointID: o.EndpointID, AskedAt: o.Slot, Until: o.Until},
		)
		if err != nil {
			return err
		}
	}
	return s.enqueue(ctx, tx, c.NewOffers)
}

// dateOf returns the day (UTC) of t as PostgreSQL keeps it.
func dateOf(t time.Time) pgtype.Date {
	return pgtype.Date{Time: t.UTC().Truncate(24 * time.Hour), Valid: true}
}

// nullTime returns nil for the zero time and for the epoch, by which queries say
// that there is none.
func nullTime(t time.Time) *time.Time {
	if t.IsZero() || t.Equal(time.Unix(0, 0)) {
		return nil
	}
	return &t
}
