package grant

import (
	"context"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// mayOpen reports whether by may read what is sealed of object, and has it recorded
// first: once a session or token. what is "application" or, for the titles of a list,
// "titles" with the fund as object.
func (s *Service) mayOpen(ctx context.Context, by identity.Actor, what string, object uuid.UUID) (bool, error) {
	if !by.Can(identity.PermApplicationUnseal) {
		return false, nil
	}
	e := audit.Entry{
		Actor:      by,
		Action:     "application.unsealed",
		ObjectKind: "application",
		ObjectID:   object.String(),
		At:         s.now(),
	}
	if what == "titles" {
		e.Action, e.ObjectKind = "fund.titles_unsealed", "fund"
	}
	err := s.cfg.Store.Opened(ctx, audit.Opening{Via: by.Via(), What: what, Object: object, Entry: e})
	return err == nil, err
}
