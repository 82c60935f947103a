package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

const (
	// gateRest is how long a gate that was looked at is left alone. New payments are
	// looked at with the next minute.
	gateRest = 59 * time.Minute

	// gateDays are more than any window that decides.
	gateDays = uptime.Days + 2

	// heldByGate begins the reason of an instalment that a gate holds; only such a
	// one is let go by a gate.
	heldByGate = "uptime:"
)

// Gates lists instalments that were not looked at for
// most of an hour, the longest waiting first. While the policy has no gate these
// are only the ones that a gate holds.
func (s EndpointStore) Gates(ctx context.Context, limit int) ([]endpoint.GateWork, error) {
	var list []endpoint.GateWork
	now := s.Clock.Now()
	err := s.inSnapshot(ctx, func(ctx context.Context, q *db.Queries) error {
		p, err := q.GetCheckPolicy(ctx)
		if err != nil {
			return err
		}
		rows, err := q.ListGates(
			ctx,
			db.ListGatesParams{
				Gated:    p.MinUptimePermille > 0 || p.RequireControl,
				Before:   now.Add(-gateRest),
				RowLimit: int32(limit),
			},
		)
		if err != nil {
			return err
		}
		list = make([]endpoint.GateWork, len(rows))
		for i, r := range rows {
			list[i] = endpoint.GateWork{
				InstalmentID:  r.ID,
				ApplicationID: r.ApplicationID,
				Reference:     r.Reference,
				GrantID:       r.GrantID,
				Period:        int(r.Period),
				Held:          r.State == string(grant.Held),
			}
			if err := loadGate(ctx, q, &list[i], p.PayPlace, now); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

func loadGate(ctx context.Context, q *db.Queries, g *endpoint.GateWork, place string, now time.Time) error {
	from := uptime.Midnight(now).AddDate(0, 0, -gateDays)
	endpoints, err := q.ListGateEndpoints(ctx, g.ApplicationID)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		out := endpoint.Endpoint{
			ID:            e.ID,
			ApplicationID: e.ApplicationID,
			Label:         e.Label,
			Position:      int(e.Position),
			Protocol:      probe.Protocol(e.Protocol),
			State: endpoint.State(
				e.State,
			),
			Generation:   int(e.Generation),
			ProvenAt:     e.ProvenAt,
			ProveAgainAt: e.ProveAgainAt,
			ProvenUntil:  e.ProvenUntil,
			FailedSlots: int(
				e.FailedSlots,
			),
			RecheckedAt: e.RecheckedAt,
			LastAt:      e.LastAt,
			LastStage:   probe.Stage(e.LastStage),
			LastClass:   probe.Class(e.LastClass),
			ChecksFrom:  e.ChecksFrom,
			CreatedAt:   e.CreatedAt,
			RetiredAt:   e.RetiredAt,
		}
		if e.Control != nil {
			out.Control = control.Kind(*e.Control)
		}
		if e.LastVerdict != nil {
			out.LastVerdict = probe.Verdict(*e.LastVerdict)
		}
		g.Endpoints = append(g.Endpoints, out)
	}
	days, err := q.ListGateDays(
		ctx,
		db.ListGateDaysParams{ApplicationID: g.ApplicationID, Place: place, FromDay: dateOf(from)},
	)
	if err != nil {
		return err
	}
	g.Days = daysOf(days)
	breaks, err := q.ListGateMaintenance(ctx, g.ApplicationID, from)
	g.Maintenance = maintenanceOf(breaks)
	return err
}

// Gate stores the snapshot when it says something else than the one before, and records
// the entry when the payment was held or let go. A payment that somebody moved meanwhile is left alone.
func (s EndpointStore) Gate(
	ctx context.Context,
	g endpoint.GateWork,
	snapshot endpoint.StoredSnapshot,
	pay bool,
	e audit.Entry,
) error {
	said, err := uptime.Verify(snapshot.Text)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, _ pgx.Tx) error {
		latest, err := q.GetLatestSnapshot(ctx, g.InstalmentID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err != nil || [32]byte(latest.Sha256) != snapshot.SHA256 {
			if err := insertSnapshot(ctx, q, snapshot); err != nil {
				return err
			}
		}
		if err := q.LookedAtGate(ctx, g.InstalmentID, snapshot.CreatedAt); err != nil {
			return err
		}
		changed := int64(0)
		switch {
		case pay && g.Held:
			changed, err = q.FreeInstalment(ctx, snapshot.CreatedAt, g.InstalmentID)
		case !pay && !g.Held:
			reason := heldByGate + string(said.Decision)
			changed, err = q.HoldInstalment(
				ctx,
				db.HoldInstalmentParams{ID: g.InstalmentID, HeldReason: reason, ChangedAt: snapshot.CreatedAt},
			)
		default:
			err = nil
		}
		if err != nil || changed == 0 {
			return err
		}
		return s.record(ctx, q, e)
	})
}
