package endpoint

import (
	"context"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Understand reads a link or a configuration file, without keeping anything.
// Errors are those of link.Parse.
func (s *Service) Understand(text string) (Understood, error) {
	spec, err := link.Parse(text)
	if err != nil {
		return Understood{}, err
	}
	return Understood{Protocol: spec.Protocol(), Fields: link.Public(spec), Control: ways(spec)}, nil
}

// ways returns how control of spec can be proven: a record of the DNS only where
// there is a name.
func ways(spec link.Spec) []control.Kind {
	var out []control.Kind
	for _, k := range control.Kinds(spec.Protocol()) {
		if k != control.KindDNS || spec.Server().Host.Name() != "" {
			out = append(out, k)
		}
	}
	return out
}

// own returns the endpoint of a receipt and a label. NotFound "receipt_unknown",
// "endpoint_not_found".
func (s *Service) own(ctx context.Context, code, label string) (Opened, error) {
	app, err := s.cfg.Receipts.ApplicationOf(ctx, code)
	if err != nil {
		return Opened{}, err
	}
	all, err := s.cfg.Store.Of(ctx, app)
	if err != nil {
		return Opened{}, err
	}
	if e, ok := labelled(all, label); ok {
		return e, nil
	}
	return Opened{}, errs.New(
		errs.NotFound,
		errs.CodeEndpointNotFound,
		"Your application has no such server. Nothing was changed.",
	)
}

// Mine returns the endpoints of a receipt as their operator sees them, each with its newest
// checks, at most as many as given.
func (s *Service) Mine(ctx context.Context, code string, checks int) ([]View, error) {
	app, err := s.cfg.Receipts.ApplicationOf(ctx, code)
	if err != nil {
		return nil, err
	}
	return s.views(ctx, app, forOperator, checks)
}

// MyOne returns one endpoint of a receipt's application as its operator sees it.
func (s *Service) MyOne(ctx context.Context, code, label string) (View, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return View{}, err
	}
	return s.viewOf(ctx, e)
}

// Recheck asks for a check of one endpoint. RateLimited: recheck_too_soon,
// checks_not_begun, checks_exhausted; Conflict: check_pending.
func (s *Service) Recheck(ctx context.Context, code, label string) (View, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return View{}, err
	}
	e, err = s.cfg.Store.UpdateEndpoint(ctx, e.ID, func(c *Change) error {
		if at := c.Endpoint.RecheckedAt; at != nil && c.Now.Before(at.Add(RecheckEvery)) {
			return later(
				CodeRecheckTooSoon,
				"You have just asked for a check of this server. You can ask once every 10 minutes.",
				at.Add(RecheckEvery),
			)
		}
		if err := c.allowed(); err != nil {
			return err
		}
		now := c.Now
		c.Endpoint.RecheckedAt = &now
		return s.ask(c, vantage.KindRecheck, "")
	})
	if err != nil {
		return View{}, err
	}
	return s.viewOf(ctx, e)
}

// The bounds of a declared break. It may lie as far ahead as its longest notice.
const (
	minBreak = time.Minute
	maxAhead = 90 * 24 * time.Hour
)

// DeclareMaintenance says that an endpoint will be away from from up to to. Its
// slots then count neither way. Invalid "invalid_fields": it has to be declared
// the policy's notice before it begins. Conflict "maintenance_exhausted": more
// than the policy allows in 30 days.
func (s *Service) DeclareMaintenance(ctx context.Context, code, label string, from, to time.Time) (Maintenance, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return Maintenance{}, err
	}
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return Maintenance{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Maintenance{}, err
	}
	m := Maintenance{
		ID:         id,
		EndpointID: e.ID,
		From:       from.UTC().Truncate(time.Second),
		To:         to.UTC().Truncate(time.Second),
	}
	_, err = s.cfg.Store.UpdateEndpoint(ctx, e.ID, func(c *Change) error {
		m.DeclaredAt = c.Now.Truncate(time.Second)
		if err := errs.InvalidFields(m.refusals(policy)); err != nil {
			return err
		}
		if c.Endpoint.State != Active {
			return errs.New(
				errs.Conflict,
				CodeEndpointRetired,
				"This server is no longer part of your application. Nothing was saved.",
			)
		}
		if c.Declared+m.To.Sub(m.From) > policy.MaintenanceMax {
			err := errs.New(
				errs.Conflict,
				CodeMaintenanceExhausted,
				"This is more maintenance than the fund excludes from the count. Nothing was saved: declare less, or accept that "+
					"the rest counts.",
			)
			err.Params = map[string]string{"declared_s": seconds(c.Declared), "max_s": seconds(policy.MaintenanceMax)}
			return err
		}
		c.Maintenance = []Maintenance{m}
		c.Entries = []audit.Entry{
			entry(identity.Operator(e.ApplicationID), "endpoint.maintenance", "endpoint", e.ID, c.Now),
		}
		return nil
	})
	return m, err
}

func (m Maintenance) refusals(p Policy) []errs.Field {
	var bad []errs.Field
	if m.From.Before(m.DeclaredAt.Add(p.MaintenanceNotice)) {
		bad = append(bad, errs.Field{
			Field: "from", Code: CodeTooSoon, Message: "Maintenance must be declared in advance; this begins too soon.",
			Params: map[string]string{"notice_s": seconds(p.MaintenanceNotice)},
		})
	}
	if m.From.After(m.DeclaredAt.Add(maxAhead)) {
		bad = append(
			bad,
			errs.Field{Field: "from", Code: CodeTooFar, Message: "Declare maintenance at most 90 days ahead."},
		)
	}
	switch length := m.To.Sub(m.From); {
	case length < minBreak:
		bad = append(
			bad,
			errs.Field{
				Field:   "to",
				Code:    CodeNotAfter,
				Message: "Maintenance must end at least a minute after it begins.",
			},
		)
	case length > p.MaintenanceMax:
		bad = append(bad, errs.Field{
			Field: "to", Code: errs.CodeTooLong, Message: "This is longer than the fund excludes from the count.",
			Params: map[string]string{"max_s": seconds(p.MaintenanceMax)},
		})
	}
	return bad
}

// MySnapshot returns what the uptime of one endpoint is computed from, as a
// payment's gate would compute it now. It is not stored.
func (s *Service) MySnapshot(ctx context.Context, code, label string) (StoredSnapshot, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return StoredSnapshot{}, err
	}
	return s.snapshot(ctx, e.ApplicationID, []Opened{e})
}
