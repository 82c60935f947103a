package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

// claimed returns the endpoints of an application that is locked.
func (s GrantStore) claimed(
	ctx context.Context,
	q *db.Queries,
	application uuid.UUID,
	now time.Time,
) (*endpoint.Claimed, error) {
	rows, err := q.ListLiveEndpoints(ctx, application)
	if err != nil {
		return nil, err
	}
	live := make([]endpoint.Endpoint, len(rows))
	for i, r := range rows {
		live[i] = endpoint.Endpoint{
			ID:            r.ID,
			ApplicationID: application,
			Label:         r.Label,
			Position:      int(r.Position),
			SpecIndex:     r.SpecIndex,
			ProvenAt:      r.ProvenAt,
			ProvenUntil:   r.ProvenUntil,
		}
	}
	p, err := q.GetCheckPolicy(ctx)
	if err != nil {
		return nil, err
	}
	return s.Servers.Of(application, live, endpoint.Policy{RequireControl: p.RequireControl}, now), nil
}

// writeClaimed writes what changed of the endpoints of an application.
func writeClaimed(
	ctx context.Context,
	q *db.Queries,
	application uuid.UUID,
	c *endpoint.Claimed,
	now time.Time,
) error {
	if len(c.Retired) > 0 {
		if err := q.RetireEndpoints(
			ctx,
			db.RetireEndpointsParams{RetiredAt: now, ApplicationID: application, Ids: c.Retired},
		); err != nil {
			return err
		}
	}
	for _, e := range c.Added {
		err := q.InsertEndpoint(ctx, db.InsertEndpointParams{
			ID:            e.ID,
			ApplicationID: application,
			Label:         e.Label,
			Position:      int32(e.Position),
			Protocol:      string(e.Protocol),
			Spec:          e.Spec,
			SpecIndex:     e.SpecIndex,
			ChecksFrom:    e.ChecksFrom,
			CreatedAt:     e.CreatedAt,
		})
		if err != nil {
			return err
		}
		for _, l := range e.Links {
			if err := q.PutEndpointLink(
				ctx,
				db.PutEndpointLinkParams{EndpointID: e.ID, Kind: string(l.Kind), Index: l.Index, SeenAt: l.SeenAt},
			); err != nil {
				return err
			}
		}
	}
	return nil
}
