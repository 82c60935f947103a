package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// gates looks at the gate of every payment that is due, and of every one that a
// gate holds.
func (s *Scheduler) gates(ctx context.Context) (bool, error) {
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return false, err
	}
	return s.pieces(func() (bool, error) {
		list, err := s.cfg.Store.Gates(ctx, gatesAtOnce)
		if err != nil {
			return false, err
		}
		for _, g := range list {
			if err := s.gate(ctx, g, policy); err != nil {
				return false, fmt.Errorf("gate of payment %s: %w", g.InstalmentID, err)
			}
		}
		return len(list) == gatesAtOnce, nil
	})
}

func (s *Scheduler) gate(ctx context.Context, g endpoint.GateWork, policy endpoint.Policy) error {
	id, err := uuid.NewRandomFromReader(s.cfg.Random)
	if err != nil {
		return fmt.Errorf("draw id: %w", err)
	}
	now := s.cfg.Clock.Now()
	snapshot, decision, err := endpoint.DecideGate(g, policy, id, now)
	if err != nil {
		return err
	}
	e := audit.Entry{
		Actor: identity.System(
			"gate",
		),
		Action:     "instalment.held",
		ObjectKind: "instalment",
		ObjectID:   g.InstalmentID.String(),
		From: string(
			grant.Payable,
		),
		To:     string(grant.Held),
		Digest: snapshot.SHA256[:],
		Detail: map[string]string{"decision": string(decision)},
		At:     now,
	}
	pay := decision == uptime.Pay
	if pay {
		e.Action, e.From, e.To = "instalment.freed", string(grant.Held), string(grant.Payable)
	}
	if err := s.cfg.Store.Gate(ctx, g, snapshot, pay, e); err != nil {
		return err
	}
	if pay == g.Held {
		s.cfg.Log.InfoContext(
			ctx,
			"payment moved by its gate",
			slog.String("instalment", g.InstalmentID.String()),
			slog.String("decision", string(decision)),
		)
	}
	return nil
}
