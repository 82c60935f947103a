package endpoint

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// thresholds returns what p asks of a payment.
func (p Policy) thresholds() uptime.Thresholds {
	return uptime.Thresholds{
		MinCoveragePermille: p.MinCoveragePermille,
		MinUptimePermille:   p.MinUptimePermille,
		RequireControl:      p.RequireControl,
	}
}

// input returns what a snapshot at now is made of for one endpoint.
func (e Endpoint) input(p Policy, days []Day, breaks []Maintenance, now time.Time) uptime.Input {
	in := uptime.Input{
		Endpoint: e.Label,
		Protocol: string(e.Protocol),
		Proven:   e.Proven(now),
		Window:   uptime.DecisiveWindow(now, e.ChecksFrom),
	}
	for _, d := range days {
		if d.EndpointID == e.ID && d.Place == p.PayPlace {
			in.Days = append(in.Days, d.Plain())
		}
	}
	for _, m := range breaks {
		if m.EndpointID == e.ID {
			in.Breaks = append(in.Breaks, m.Break())
		}
	}
	return in
}

// DecideGate returns the snapshot of an instalment's endpoints at now, and what
// follows from it. The snapshot's id is the caller's to draw.
func DecideGate(g GateWork, p Policy, id uuid.UUID, now time.Time) (StoredSnapshot, uptime.Decision, error) {
	inputs := make([]uptime.Input, len(g.Endpoints))
	for i, e := range g.Endpoints {
		inputs[i] = e.input(p, g.Days, g.Maintenance, now)
	}
	name := g.Reference
	if name == "" {
		name = g.ApplicationID.String()
	}
	snap := uptime.NewSnapshot(name, string(p.PayPlace), p.thresholds(), p.MaintenanceNotice, inputs)
	text, sum, err := snap.Text()
	if err != nil {
		return StoredSnapshot{}, "", err
	}
	instalment := g.InstalmentID
	stored := StoredSnapshot{
		ID:            id,
		ApplicationID: g.ApplicationID,
		InstalmentID:  &instalment,
		Text:          text,
		SHA256:        sum,
		CreatedAt:     now,
	}
	return stored, snap.Decision, nil
}

// snapshot returns the same for endpoints of an application, without storing it.
func (s *Service) snapshot(ctx context.Context, application uuid.UUID, all []Opened) (StoredSnapshot, error) {
	now := s.now()
	p, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return StoredSnapshot{}, err
	}
	if p.PayPlace == "" {
		p.PayPlace = vantage.Outside
	}
	var inputs []uptime.Input
	for _, e := range all {
		w := uptime.DecisiveWindow(now, e.ChecksFrom)
		days, err := s.cfg.Store.Days(ctx, e.ID, p.PayPlace, uptime.Midnight(w.From), w.To)
		if err != nil {
			return StoredSnapshot{}, err
		}
		breaks, err := s.cfg.Store.Maintenance(ctx, e.ID, w.From, w.To)
		if err != nil {
			return StoredSnapshot{}, err
		}
		inputs = append(inputs, e.input(p, days, breaks, now))
	}
	text, sum, err := uptime.NewSnapshot(
		all[0].Reference,
		string(p.PayPlace),
		p.thresholds(),
		p.MaintenanceNotice,
		inputs,
	).Text()
	if err != nil {
		return StoredSnapshot{}, err
	}
	return StoredSnapshot{ApplicationID: application, Text: text, SHA256: sum, CreatedAt: now}, nil
}
