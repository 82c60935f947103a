package grant

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/review/fund"
)

// fundLife is how old the fund may be that a use case goes by. Its limits and policy are
// set once, when it is made; what its owner may change later counts for no application.
const fundLife = 10 * time.Second

// Fund returns the fund; its limits and policy are public. It is not read from the store
// more often than every ten seconds.
func (s *Service) Fund(ctx context.Context) (fund.Fund, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	f, age := s.fund, now.Sub(s.fundAt)
	s.mu.Unlock()
	if f.ID != uuid.Nil && age >= 0 && age < fundLife {
		return f, nil
	}
	f, err := s.cfg.Store.Fund(ctx)
	if err != nil {
		return fund.Fund{}, err
	}
	s.mu.Lock()
	s.fund, s.fundAt = f, now
	s.mu.Unlock()
	return f, nil
}
