package endpoint

import (
	"fmt"
	"time"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// What people may ask for (endpoints.md 3.7): a claim is no right to have
// somebody else's machine connected to.
const (
	RecheckEvery  = 10 * time.Minute // of one endpoint, by its operator
	askedUnproven = 6                // an hour, of an endpoint that is not proven
	askedTogether = 20               // an hour, of one application, and of one network
)

// A check that was asked for is due after a random time between these, and is
// given up after askedFor.
const (
	askedSoonest = 5 * time.Second
	askedLatest  = 60 * time.Second
	askedFor     = 5 * time.Minute
)

// allowed refuses what would be too many checks. fn of an update calls it.
func (c *Change) allowed() error {
	switch {
	case c.Endpoint.State != Active:
		return errs.New(
			errs.Conflict,
			CodeEndpointRetired,
			"This server is no longer part of your application. Nothing was checked.",
		)
	case c.Now.Before(c.Endpoint.ChecksFrom):
		return later(
			CodeChecksNotBegun,
			"Checks of a new server begin within the first hour, at a moment that nobody can foresee. Nothing was checked yet; look again later.",
			c.Endpoint.ChecksFrom,
		)
	case c.Endpoint.Pending:
		return errs.New(
			errs.Conflict,
			CodeCheckPending,
			"A check of this server is already running. Wait for its result.",
		)
	case !c.Endpoint.Proven(c.Now) && c.Asked.Endpoint >= askedUnproven,
		c.Asked.Application >= askedTogether, c.Asked.Network >= askedTogether:
		return later(
			CodeChecksExhausted,
			"You have asked for as many checks as one hour allows. Nothing was checked; scheduled checks continue.",
			c.Now.Add(time.Hour),
		)
	}
	return nil
}

// later is the refusal of something that will be possible at a time.
func later(code errs.Code, message string, at time.Time) error {
	err := errs.New(errs.RateLimited, code, message)
	err.Params = map[string]string{"until": at.UTC().Format(time.RFC3339)}
	return err
}

// ask adds an offer that somebody asked for.
func (s *Service) ask(c *Change, kind vantage.Kind, proof control.Kind) error {
	id, err := s.newID()
	if err != nil {
		return err
	}
	wait, err := chance.Between(s.cfg.Random, askedSoonest, askedLatest)
	if err != nil {
		return fmt.Errorf("when to check: %w", err)
	}
	due := c.Now.Add(wait).Truncate(time.Microsecond)
	c.NewOffers = append(c.NewOffers, Offer{
		ID: id, EndpointID: c.Endpoint.ID, Kind: kind, Proof: proof, Mode: probe.Full, Place: vantage.Outside,
		Slot: c.Now.Truncate(time.Microsecond), Attempt: 1, Due: due, Until: due.Add(askedFor),
	})
	return nil
}
