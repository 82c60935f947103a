package endpoint

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// What a view holds: checks of the last two days, a strip of 30 days, and what
// a list said within the last day and a half.
const (
	shownChecks = 48 * time.Hour
	maxAttempts = 2000
	hitsFor     = 36 * time.Hour
)

// How many checks a view holds unless it is asked for others, and at most. Each has to be
// opened to be shown; how the slots went is told without.
const (
	DefaultChecks = 20
	MaxChecks     = 1000
)

// audience says how much a view shows.
type audience int

const (
	blind       audience = iota // staff: nothing that says where an endpoint is
	unsealed                    // staff who unsealed the application
	forOperator                 // its own operator
)

// shared is what is read once for all endpoints of an application.
type shared struct {
	checks   int
	policy   Policy
	hits     []Hit
	linkages []Linkage
}

// views returns the endpoints of an application, each with its newest checks.
func (s *Service) views(ctx context.Context, application uuid.UUID, who audience, checks int) ([]View, error) {
	all, err := s.cfg.Store.Of(ctx, application)
	if err != nil {
		return nil, err
	}
	sh := shared{checks: min(max(checks, 0), MaxChecks)}
	if sh.policy, err = s.cfg.Store.Policy(ctx); err != nil {
		return nil, err
	}
	if who != forOperator { // what lists say, and who shares what, is for those who decide
		if sh.hits, err = s.cfg.Store.Hits(ctx, application); err != nil {
			return nil, err
		}
		if sh.linkages, err = s.cfg.Store.Linkages(ctx, application); err != nil {
			return nil, err
		}
	}
	out := make([]View, 0, len(all))
	for _, e := range all {
		v, err := s.view(ctx, e, who, sh)
		if errs.Is(err, errs.CodePurged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// viewOf is view for the operator of the endpoint, read alone.
func (s *Service) viewOf(ctx context.Context, e Opened) (View, error) {
	policy, err := s.cfg.Store.Policy(ctx)
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, e, forOperator, shared{checks: DefaultChecks, policy: policy})
}

// view returns one endpoint as who may see it.
func (s *Service) view(ctx context.Context, e Opened, who audience, sh shared) (View, error) {
	now := s.now()
	_, spec, err := s.text(e)
	if err != nil && !errs.Is(err, CodeEndpointOutdated) {
		return View{}, err
	}
	v := View{Endpoint: e.Endpoint, Pending: e.Pending, RecheckAt: e.ChecksFrom, Uptime: map[vantage.Place]Uptime{}}
	v.Endpoint.Spec, v.Endpoint.SpecIndex = nil, nil
	if at := e.RecheckedAt; at != nil && at.Add(RecheckEvery).After(v.RecheckAt) {
		v.RecheckAt = at.Add(RecheckEvery)
	}
	if who != blind && spec != nil {
		v.Fields = link.Public(spec)
	}
	for _, h := range sh.hits {
		if h.EndpointID == e.ID && h.FoundAt.Add(hitsFor).After(now) {
			v.Hits = append(v.Hits, h)
		}
	}
	at, err := s.open(ctx, &v, e, who, sh.checks, now)
	if err != nil {
		return View{}, err
	}
	// A prober's clock may be ahead of ours.
	unopened, err := s.cfg.Store.Unopened(ctx, e.ID, now.Add(-shownChecks), now.Add(clockOff), maxAttempts)
	if err != nil {
		return View{}, err
	}
	if err := s.measure(ctx, &v, e, sh.policy, why(unopened, sh.policy.PayPlace), now); err != nil {
		return View{}, err
	}
	if v.Blocked, err = s.blocked(ctx, unopened, now); err != nil {
		return View{}, err
	}
	if v.Proofs, err = s.cfg.Store.Proofs(ctx, e.ID); err != nil {
		return View{}, err
	}
	slices.SortStableFunc(v.Proofs, func(a, b Proof) int { return b.At.Compare(a.At) })
	if who == forOperator {
		for i := range v.Proofs {
			v.Proofs[i].VantageID = uuid.Nil
		}
	}
	if len(v.Hits) > 0 {
		host := ""
		if spec != nil {
			host = spec.Server().Host.Name()
		}
		v.Hits = exact(v.Hits, find(s.cfg.Blocklist.Set(), e.ID, host, at.listen, at.exit).hits)
	}
	for _, l := range sh.linkages {
		if l.EndpointID == e.ID {
			v.Linkages = append(v.Linkages, l)
		}
	}
	return v, nil
}

// open decrypts the newest checks of an endpoint, as many as are shown, and the newest that
// has seen an exit, and returns the addresses that they have seen. What lists say of an
// address is made exact with it, so that some are opened for that even if none is shown.
func (s *Service) open(
	ctx context.Context,
	v *View,
	e Opened,
	who audience,
	checks int,
	now time.Time,
) (places, error) {
	from, to := now.Add(-shownChecks), now.Add(clockOff) // a prober's clock may be ahead of ours
	limit := checks
	if len(v.Hits) > 0 {
		limit = max(limit, DefaultChecks)
	}
	var at places
	attempts, err := s.cfg.Store.Attempts(ctx, e.ID, from, to, limit)
	if err != nil {
		return at, err
	}
	if !slices.ContainsFunc(attempts, func(a Attempt) bool { return a.ExitKnown }) {
		older, ok, err := s.cfg.Store.ExitAttempt(ctx, e.ID, from, to)
		if err != nil {
			return at, err
		}
		if ok {
			attempts = append([]Attempt{older}, attempts...)
		}
	}
	for _, a := range attempts {
		result, err := s.record(e, a)
		if err != nil {
			return at, err
		}
		at.read(result)
		v.Checks = append(v.Checks, s.check(v, e, a, result, who))
	}
	slices.Reverse(v.Checks)
	v.Checks = v.Checks[:min(checks, len(v.Checks))]
	return at, nil
}

// blockedWithin is how far back probers inside are heard.
const blockedWithin = 24 * time.Hour

// blocked reports whether an endpoint that works outside is blocked inside. One
// network that cannot reach it says little: two must agree.
func (s *Service) blocked(ctx context.Context, attempts []Attempt, now time.Time) (bool, error) {
	outside := probe.Unknown
	down := map[uuid.UUID]bool{}
	for _, a := range attempts {
		switch {
		case a.Kind == vantage.KindControl || a.Verdict == probe.Unknown:
		case a.Place == vantage.Outside:
			outside = a.Verdict
		case a.Started.Before(now.Add(-blockedWithin)):
		case a.Verdict == probe.Up:
			return false, nil
		default:
			down[a.VantageID] = true
		}
	}
	if outside != probe.Up || len(down) < 2 {
		return false, nil
	}
	all, err := s.cfg.Store.Vantages(ctx, now)
	if err != nil {
		return false, err
	}
	networks := map[uint32]bool{}
	for _, v := range all {
		if down[v.ID] && v.ASN != 0 {
			networks[v.ASN] = true
		}
	}
	return len(networks) >= 2, nil
}

// places are the latest addresses of an endpoint that checks have seen.
type places struct{ listen, exit netip.Addr }

func (p *places) read(r probe.Result) {
	if at, err := netip.ParseAddrPort(r.Addr); err == nil {
		p.listen = at.Addr()
	}
	if exit, err := netip.ParseAddr(r.ExitIP); err == nil {
		p.exit = exit
	}
}

// check returns an attempt as people see it, and keeps its exit in v.
func (s *Service) check(v *View, e Opened, a Attempt, result probe.Result, who audience) Check {
	c := Check{
		At:      a.Started,
		Slot:    a.Slot,
		Kind:    a.Kind,
		Mode:    a.Mode,
		Attempt: a.Attempt,
		Place:   a.Place,
		Verdict: a.Verdict,
		Class:   a.Class,
		Stages:  stages(a),
		Proven:  result.Evidence != nil && result.Evidence.TGProven,
	}
	c.Advice = adviceOf(e.Protocol, a.FailedAt, a.Class, a.Verdict)
	if who != forOperator {
		c.Vantage = a.Vantage
	}
	if who != blind {
		c.Detail = result.Detail
	}
	if exit, err := netip.ParseAddr(result.ExitIP); err == nil {
		where, _ := s.cfg.Places.Of(exit) // an unreadable file of networks says nothing
		v.Exit = &ExitView{Country: where.Country, ASN: where.ASN, Org: where.Org, SeenAt: a.Started}
		if who != blind {
			v.Exit.Address = exit.String()
		}
	}
	return c
}

// stages returns the steps of an attempt. A light check ends before the relay; any other step
// without a time that others came after is none of this protocol.
func stages(a Attempt) []StageResult {
	all := probe.Stages()
	end := max(slices.Index(all, a.Stage), slices.Index(all, a.FailedAt))
	out := make([]StageResult, len(all))
	for i, stage := range all {
		ms, timed := a.MS[stage]
		step := StageResult{Stage: stage, MS: ms}
		switch {
		case stage == a.FailedAt:
			step.State = StepFailed
		case timed, stage == a.Stage:
			step.State = StepPassed
		case a.Mode == probe.Light && (stage == probe.StageRelay || stage == probe.StageTarget) &&
			(i < end || a.FailedAt == ""):
			step.State = StepLeftOut
		case i < end, a.FailedAt == "":
			step.State = StepSkipped
		default:
			step.State = StepNotReached
		}
		out[i] = step
	}
	return out
}

// measure fills in uptime, strip and maintenance.
func (s *Service) measure(
	ctx context.Context,
	v *View,
	e Opened,
	p Policy,
	why map[time.Time]probe.Class,
	now time.Time,
) error {
	today := uptime.Midnight(now)
	first := today.AddDate(0, 0, -uptime.Days-1)
	maintenance, err := s.cfg.Store.Maintenance(ctx, e.ID, first, now.Add(maxAhead))
	if err != nil {
		return err
	}
	v.Maintenance = maintenance
	breaks := breaksOf(maintenance)
	window := uptime.DecisiveWindow(now, e.ChecksFrom)
	for _, place := range vantage.Places() {
		stored, err := s.cfg.Store.Days(ctx, e.ID, place, first, now)
		if err != nil {
			return err
		}
		days := plain(stored)
		if len(days) > 0 || place == vantage.Outside {
			v.Uptime[place] = uptime.Measure(days, breaks, p.MaintenanceNotice, window)
		}
		if place == p.PayPlace {
			sofar, err := s.sofar(ctx, e.ID, p, days, today, now)
			if err != nil {
				return err
			}
			days = append(slices.DeleteFunc(days, func(d uptime.Day) bool { return d.Day.Equal(today) }), sofar)
			v.Strip = strip(days, breaks, p, today, why)
		}
	}
	return nil
}

// sofar returns the day that is not over, at the place that decides.
func (s *Service) sofar(
	ctx context.Context,
	id uuid.UUID,
	p Policy,
	days []uptime.Day,
	today, now time.Time,
) (uptime.Day, error) {
	before := ""
	for _, d := range days {
		if d.Day.Equal(today.AddDate(0, 0, -1)) {
			before = d.Marks
		}
	}
	attempts, err := s.cfg.Store.DayAttempts(ctx, id, p.PayPlace, today)
	return uptime.Roll(today, p.Rules(), attempts, before, now), err
}

// Rules returns how p makes marks of attempts.
func (p Policy) Rules() uptime.Rules {
	return uptime.Rules{
		Slot:          p.Slot,
		Confirmations: p.Confirmations,
		BackoffAfter:  p.BackoffAfter,
		BackoffEvery:  p.BackoffEvery,
	}
}

func plain(days []Day) []uptime.Day {
	out := make([]uptime.Day, len(days))
	for i, d := range days {
		out[i] = d.Plain()
	}
	return out
}

func breaksOf(list []Maintenance) []uptime.Break {
	out := make([]uptime.Break, len(list))
	for i, m := range list {
		out[i] = m.Break()
	}
	return out
}
