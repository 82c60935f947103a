package endpoint

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// DayResults are the single results behind a day of an endpoint.
type DayResults struct {
	Label string
	Day   time.Time // midnight UTC
	Text  []byte    // of uptime.Results
}

// Results returns the results of a day (UTC) of an operator's endpoint, at the
// place that decides. NotFound: "receipt_unknown", "endpoint_not_found",
// "results_gone" and "results_none".
func (s *Service) Results(ctx context.Context, code, label string, day time.Time) (DayResults, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return DayResults{}, err
	}
	return s.results(ctx, e, day)
}

// StaffResults returns the same of any application's endpoint.
func (s *Service) StaffResults(
	ctx context.Context,
	by identity.Actor,
	application uuid.UUID,
	label string,
	day time.Time,
) (DayResults, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return DayResults{}, err
	}
	all, err := s.cfg.Store.Of(ctx, application)
	if err != nil {
		return DayResults{}, err
	}
	e, ok := labelled(all, label)
	if !ok {
		return DayResults{}, errs.New(
			errs.NotFound,
			errs.CodeEndpointNotFound,
			"This application has no such server. Nothing was changed.",
		)
	}
	return s.results(ctx, e, day)
}

// labelled returns the one of all with a label as people type it.
func labelled(all []Opened, label string) (Opened, bool) {
	for _, e := range all {
		if e.Label == strings.ToUpper(strings.TrimSpace(label)) {
			return e, true
		}
	}
	return Opened{}, false
}

func (s *Service) results(ctx context.Context, e Opened, day time.Time) (DayResults, error) {
	day = uptime.Midnight(day)
	p, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return DayResults{}, err
	}
	if p.PayPlace == "" {
		p.PayPlace = vantage.Outside
	}
	attempts, err := s.cfg.Store.DayAttempts(ctx, e.ID, p.PayPlace, day)
	if err != nil {
		return DayResults{}, err
	}
	if len(attempts) == 0 {
		if err := s.withoutResults(ctx, e, p, day); err != nil {
			return DayResults{}, err
		}
	}
	text, err := uptime.Results(e.Label, attempts)
	return DayResults{Label: e.Label, Day: day, Text: text}, err
}

// withoutResults says why there are none; nil when the day was made of none.
func (s *Service) withoutResults(ctx context.Context, e Opened, p Policy, day time.Time) error {
	days, err := s.cfg.Store.Days(ctx, e.ID, p.PayPlace, day, day.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	switch {
	case len(days) == 1 && days[0].Attempts == 0:
		return nil
	case len(days) == 0 && s.now().Before(day.Add(p.KeepRaw)):
		return errs.New(
			errs.NotFound,
			CodeResultsNone,
			"This server was not checked for a slot of that day (UTC). Nothing was changed: ask for another day.",
		)
	}
	return errs.Newf(
		errs.NotFound,
		CodeResultsGone,
		"The single results of that day have been deleted: they are kept for %d days. Nothing was changed: the uptime "+
			"still has the day, with the hash of its results.",
		int(p.KeepRaw/aDay),
	)
}
