package endpoint

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Tokens stand for a period; a challenge's is asked for in the period after it
// as well, since nobody starts a program at its first second.
const (
	portPeriod = 10 * time.Minute
	dnsPeriod  = 30 * 24 * time.Hour
	grace      = 2 // periods in which a token is asked for
)

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// period returns the start of the period that t lies in, n periods before.
func period(t time.Time, k control.Kind, n int) time.Time {
	long := portPeriod
	if k == control.KindDNS {
		long = dnsPeriod
	}
	return t.UTC().Truncate(long).Add(-time.Duration(n) * long)
}

// Instructions returns the ways to prove control of an endpoint, the best first.
func (s *Service) Instructions(ctx context.Context, code, label string) ([]Instructions, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return nil, err
	}
	return s.instructions(e)
}

func (s *Service) instructions(e Opened) ([]Instructions, error) {
	_, spec, err := s.text(e)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var out []Instructions
	for _, kind := range ways(spec) {
		in := Instructions{Kind: kind, Generation: e.Generation}
		switch kind {
		case control.KindCredential:
			c, ok := control.Derive(s.control, e.ID, e.Generation, e.Protocol)
			if !ok {
				return nil, fmt.Errorf("endpoint %s: no credential for %s", e.ID, e.Protocol)
			}
			public := c.Public()
			in.Credential = &public
		case control.KindPort:
			from := period(now, kind, 0)
			in.Token, in.Until = control.Token(s.control, e.ID, from), from.Add(grace*portPeriod)
			in.Command = "causewayctl challenge-serve --listen :" + strconv.Itoa(
				int(spec.Server().Port),
			) + " --token " + in.Token
			if control.Network(spec) == probe.UDP {
				in.Command += " --udp"
			}
		case control.KindDNS:
			from := period(now, kind, 0)
			in.Name, in.Token, in.Until = control.TXTName(
				spec.Server().Host,
			), control.Token(
				s.control,
				e.ID,
				from,
			), from.Add(
				grace*dnsPeriod,
			)
		}
		out = append(out, in)
	}
	return out, nil
}

// Prove asks for a proof of control in one way. Errors are those of Recheck but
// for its own limit, and Invalid "invalid_fields" for a way that this endpoint
// does not have.
func (s *Service) Prove(ctx context.Context, code, label string, kind control.Kind) (View, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return View{}, err
	}
	_, spec, err := s.text(e)
	if err != nil {
		return View{}, err
	}
	if !slices.Contains(ways(spec), kind) {
		return View{}, errs.InvalidFields(
			[]errs.Field{
				{Field: "kind", Code: CodeUnknownWay, Message: "Control of this server cannot be proven in this way."},
			},
		)
	}
	e, err = s.cfg.Store.UpdateEndpoint(ctx, e.ID, func(c *Change) error {
		if err := c.allowed(); err != nil {
			return err
		}
		return s.ask(c, vantage.KindControl, kind)
	})
	if err != nil {
		return View{}, err
	}
	return s.viewOf(ctx, e)
}

// RotateCredential makes the credential of the endpoint worthless and returns the
// instructions with the next one. A proof by the old one falls with it.
func (s *Service) RotateCredential(ctx context.Context, code, label string) ([]Instructions, error) {
	e, err := s.own(ctx, code, label)
	if err != nil {
		return nil, err
	}
	e, err = s.cfg.Store.UpdateEndpoint(ctx, e.ID, func(c *Change) error {
		if c.Endpoint.State != Active {
			return errs.New(
				errs.Conflict,
				CodeEndpointRetired,
				"This server is no longer part of your application. Nothing was changed.",
			)
		}
		c.Endpoint.Generation++
		if c.Endpoint.Control == control.KindCredential {
			c.Endpoint.Control, c.Endpoint.ProvenAt, c.Endpoint.ProveAgainAt, c.Endpoint.ProvenUntil = "", nil, nil, nil
		}
		c.Entries = []audit.Entry{
			entry(
				identity.Operator(c.Endpoint.ApplicationID),
				"endpoint.credential_rotated",
				"endpoint",
				c.Endpoint.ID,
				c.Now,
			),
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.instructions(e)
}

// credential returns what checks of e use instead of the operator's own: where
// control was proven with it, and where a tunnel's file has no key of its own.
func (s *Service) credential(e Opened, spec link.Spec) *control.Credential {
	wg, tunnel := spec.(link.WireGuard)
	if e.Control != control.KindCredential && (!tunnel || wg.PrivateKey != [32]byte{}) {
		return nil
	}
	c, ok := control.Derive(s.control, e.ID, e.Generation, e.Protocol)
	if !ok {
		return nil
	}
	return &c
}
