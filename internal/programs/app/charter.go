package app

import (
	"context"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

func newRegistry(db *postgres.DB, f fund.Fund, c clock.Clock) (*registry.Service, error) {
	params, err := f.Params()
	if err != nil {
		return nil, err
	}
	return registry.New(
		postgres.CharterStore{DB: db},
		registry.Fund{Network: decision.NetworkOf(params), ID: f.ID, Descriptor: f.Descriptor},
		c,
	)
}

// BeginCharter takes the first charter of a fund in, with the signatures of its trustees.
// ownerURL is the database owner's.
func BeginCharter(ctx context.Context, ownerURL string, text []byte, signatures [][]byte) (charter.Charter, error) {
	db, err := openDatabase(ctx, ownerURL)
	if err != nil {
		return charter.Charter{}, err
	}
	defer db.Close()
	f, err := db.Fund(ctx)
	if err != nil {
		return charter.Charter{}, err
	}
	service, err := newRegistry(db, f, clock.Real{})
	if err != nil {
		return charter.Charter{}, err
	}
	return service.Begin(ctx, text, signatures)
}
