package treasurer

import (
	"context"
	"slices"
	"strconv"

	"github.com/causeway-fund/causeway/internal/review/grant"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Breakers returns the open ones, oldest first: for those who may reset them, and
// see nothing else of the treasury.
func (s *Service) Breakers(ctx context.Context, by identity.Actor) ([]payout.Breaker, error) {
	if err := by.Require(identity.PermBreakerRead); err != nil {
		return nil, err
	}
	return s.cfg.Store.Breakers(ctx)
}

// ResetBreaker adds a person's consent to go on after a surprise; two different
// people close it, and accept with it what was found as it stands. version is the
// breaker's when they looked. NotFound breaker_not_found; Conflict breaker_reset,
// already_reset, stale_version.
func (s *Service) ResetBreaker(ctx context.Context, by identity.Actor, id, version int64) (payout.Breaker, error) {
	if err := by.Require(identity.PermBreakerReset); err != nil {
		return payout.Breaker{}, err
	}
	now := s.now()
	return s.cfg.Store.UpdateBreaker(ctx, id, func(w *payout.BreakerWork) error {
		b := &w.Breaker
		switch {
		case b.State == payout.BreakerReset:
			return errs.New(
				errs.Conflict,
				CodeBreakerReset,
				"Two people have already agreed to this. Nothing was changed.",
			)
		case slices.ContainsFunc(b.Consents, func(c payout.Consent) bool { return c.StaffID == by.StaffID }):
			return errs.New(
				errs.Conflict,
				payout.CodeAlreadyReset,
				"You have already agreed to this; another person must agree as well.",
			)
		case b.Version() != version:
			err := errs.New(
				errs.Conflict,
				grant.CodeStaleVersion,
				"Something else was found since you looked. Your consent was not stored: read what was found, then decide again.",
			)
			err.Params = map[string]string{"current_version": strconv.FormatInt(b.Version(), 10)}
			return err
		}
		w.Consent(by, now)
		return nil
	})
}
