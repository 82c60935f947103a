package endpoint

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Panel returns the endpoints of an application as staff see them: without
// anything that says where they are, unless they are unsealed, which leaves an
// audit leaf, once a session or token. Each has its newest checks, at most as many as given.
func (s *Service) Panel(
	ctx context.Context,
	by identity.Actor,
	application uuid.UUID,
	unseal bool,
	checks int,
) ([]View, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return nil, err
	}
	if !unseal {
		return s.views(ctx, application, blind, checks)
	}
	if err := by.Require(identity.PermApplicationUnseal); err != nil {
		return nil, err
	}
	all, err := s.cfg.Store.Of(ctx, application)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	err = s.cfg.Store.Opened(ctx, audit.Opening{
		Via:    by.Via(),
		What:   "endpoints",
		Object: application,
		Entry:  entry(by, "application.endpoints_unsealed", "application", application, s.now()),
	})
	if err != nil {
		return nil, err
	}
	return s.views(ctx, application, unsealed, checks)
}

// StaffRecheck asks for a check of an endpoint, and returns it as Panel shows it
// without unsealing. Errors are those of Recheck.
func (s *Service) StaffRecheck(ctx context.Context, by identity.Actor, endpoint uuid.UUID) (View, error) {
	if err := by.Require(identity.PermEndpointCheck); err != nil {
		return View{}, err
	}
	e, err := s.cfg.Store.UpdateEndpoint(ctx, endpoint, func(c *Change) error {
		if err := c.allowed(); err != nil {
			return err
		}
		c.Entries = []audit.Entry{entry(by, "endpoint.check_asked", "endpoint", endpoint, c.Now)}
		return s.ask(c, vantage.KindRecheck, "")
	})
	if err != nil {
		return View{}, err
	}
	list, err := s.views(ctx, e.ApplicationID, blind, DefaultChecks)
	if err != nil {
		return View{}, err
	}
	at := slices.IndexFunc(list, func(v View) bool { return v.Endpoint.ID == endpoint })
	if at < 0 {
		return View{}, errs.New(errs.NotFound, errs.CodeEndpointNotFound, "There is no such server.")
	}
	return list[at], nil
}

// Snapshot returns what the uptime of an application's endpoints is computed
// from, as a payment's gate would compute it now. It is not stored.
func (s *Service) Snapshot(ctx context.Context, by identity.Actor, application uuid.UUID) (StoredSnapshot, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return StoredSnapshot{}, err
	}
	all, err := s.cfg.Store.Of(ctx, application)
	if err != nil {
		return StoredSnapshot{}, err
	}
	if len(all) == 0 {
		return StoredSnapshot{}, errs.New(
			errs.NotFound,
			errs.CodeEndpointNotFound,
			"This application has no servers that are checked.",
		)
	}
	return s.snapshot(ctx, application, all)
}

// Fleet returns counts of all endpoints, and the probers.
func (s *Service) Fleet(ctx context.Context, by identity.Actor) (Fleet, []Vantage, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return Fleet{}, nil, err
	}
	now := s.now()
	f, err := s.cfg.Store.Fleet(ctx, now)
	if err != nil {
		return Fleet{}, nil, err
	}
	v, err := s.cfg.Store.Vantages(ctx, now)
	return f, v, err
}

// Vantages returns the probers by name.
func (s *Service) Vantages(ctx context.Context, by identity.Actor) ([]Vantage, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return nil, err
	}
	return s.cfg.Store.Vantages(ctx, s.now())
}

// Vantage returns one prober. NotFound "vantage_not_found".
func (s *Service) Vantage(ctx context.Context, by identity.Actor, id uuid.UUID) (Vantage, error) {
	if err := by.Require(identity.PermEndpointRead); err != nil {
		return Vantage{}, err
	}
	return s.cfg.Store.Vantage(ctx, id, s.now())
}

// AddedVantage returns a prober that an earlier call of by's has added, without its token.
func (s *Service) AddedVantage(ctx context.Context, by identity.Actor, id uuid.UUID) (Vantage, error) {
	if err := by.Require(identity.PermVantageManage); err != nil {
		return Vantage{}, err
	}
	return s.cfg.Store.Vantage(ctx, id, s.now())
}

// NewVantage describes a prober that is to be enrolled.
type NewVantage struct {
	Name    string // lower-case letters, digits and dashes
	Place   vantage.Place
	Country string // ISO 3166-1 alpha-2; "" for not known
	ASN     uint32 // 0 for not known
}

var (
	vantageName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	countryForm = regexp.MustCompile(`^([A-Z]{2})?$`)
)

// AddVantage makes a prober and returns the token that enrols it, once.
func (s *Service) AddVantage(ctx context.Context, by identity.Actor, n NewVantage) (Vantage, string, error) {
	if err := by.Require(identity.PermVantageManage); err != nil {
		return Vantage{}, "", err
	}
	var bad []errs.Field
	if !vantageName.MatchString(n.Name) {
		bad = append(
			bad,
			errs.Field{
				Field:   "name",
				Code:    CodeNotAName,
				Message: "A name has up to 32 lower-case letters, digits and dashes, for example \"fi-1\".",
			},
		)
	}
	if !slices.Contains(vantage.Places(), n.Place) {
		bad = append(
			bad,
			errs.Field{Field: "place", Code: CodeUnknownPlace, Message: "A place is either outside or inside."},
		)
	}
	if !countryForm.MatchString(n.Country) {
		bad = append(
			bad,
			errs.Field{
				Field:   "country",
				Code:    CodeUnknownCountry,
				Message: "A country has two capital letters, for example \"FI\".",
			},
		)
	}
	if err := errs.InvalidFields(bad); err != nil {
		return Vantage{}, "", err
	}
	id, err := s.newID()
	if err != nil {
		return Vantage{}, "", err
	}
	var secret [32]byte
	if _, err := io.ReadFull(s.cfg.Random, secret[:]); err != nil {
		return Vantage{}, "", fmt.Errorf("draw a token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	now := s.now()
	v := Vantage{ID: id, Name: n.Name, Place: n.Place, Country: n.Country, ASN: n.ASN, CreatedAt: now}
	if err := s.cfg.Store.CreateVantage(
		ctx,
		v,
		hashToken(token),
		entry(by, "vantage.added", "vantage", id, now),
	); err != nil {
		return Vantage{}, "", err
	}
	return v, token, nil
}

// DisableVantage ends a prober's enrolment for good, and returns it. NotFound
// "vantage_not_found", also when it was disabled before.
func (s *Service) DisableVantage(ctx context.Context, by identity.Actor, id uuid.UUID) (Vantage, error) {
	if err := by.Require(identity.PermVantageManage); err != nil {
		return Vantage{}, err
	}
	now := s.now()
	if err := s.cfg.Store.DisableVantage(ctx, id, now, entry(by, "vantage.disabled", "vantage", id, now)); err != nil {
		return Vantage{}, err
	}
	return s.cfg.Store.Vantage(ctx, id, now)
}
