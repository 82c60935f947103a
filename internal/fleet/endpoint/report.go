package endpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/blocklist"
	"github.com/causeway-fund/causeway/internal/fleet/netplace"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// A confirmation is due after a random time between these, and not later than
// confirmLate after the end of its slot.
const (
	confirmSoonest = 20 * time.Second
	confirmLatest  = 60 * time.Second
	confirmLate    = 2 * time.Minute
	confirmFor     = 2 * time.Minute
)

// reading is a report that is being read.
type reading struct {
	*Service
	ctx     context.Context //nolint:containedctx // lives for one call of Report
	v       Vantage
	report  vantage.Report
	policy  Policy
	lists   *blocklist.Set // one for the whole report
	in      Intake
	now     time.Time
	issued  time.Time // of the lease
	offers  map[uuid.UUID]Taken
	canary  map[uuid.UUID]string    // job of a canary to its answer
	twins   map[uuid.UUID]uuid.UUID // job to the endpoint that it was asked about beside its own
	trusted bool
}

// Report takes a prober's report. Errors of the message are those of
// vantage.OpenReport; its place in the chain, Conflict report_repeated and
// report_out_of_order; NotFound lease_unknown; Conflict report_late (its lease
// ended more than 5 minutes ago), report_times (it speaks of other times than its
// lease's) and job_unknown; those of gate. Nothing is written with any of them.
func (s *Service) Report(ctx context.Context, e vantage.Envelope, gate Gate) error {
	r := reading{Service: s, ctx: ctx, now: s.now(), lists: s.cfg.Blocklist.Set()}
	var err error
	if r.report, err = vantage.OpenReport(e, s.prober(ctx, r.now, &r.v)); err != nil {
		return err
	}
	if err := gate.Pass(r.v.ID); err != nil {
		return err
	}
	if err := r.report.Follows(r.v.Seq, r.v.Prev, e.Hash()); err != nil {
		return err
	}
	if err := r.open(); err != nil {
		return err
	}
	r.in = Intake{
		VantageID: r.v.ID,
		Seq:       r.report.Seq,
		Prev:      r.v.Prev,
		SHA256:    e.Hash(),
		Lease:     r.report.Lease,
		Now:       r.now,
		SW:        r.report.SW,
	}
	for _, a := range r.report.Answers {
		if err := r.answer(a); err != nil {
			return err
		}
	}
	return s.cfg.Store.Record(ctx, r.in)
}

// open looks the report's lease up and refuses what does not belong to it.
func (r *reading) open() error {
	taken, err := r.cfg.Store.Lease(r.ctx, r.v.ID, r.report.Lease)
	if err != nil {
		return err
	}
	if r.policy, err = r.cfg.Store.Policy(r.ctx); err != nil {
		return err
	}
	r.trusted = r.v.Trusted()
	r.issued = issuedAt(r.report.Lease)
	if r.now.After(r.issued.Add(leaseLife + clockOff)) {
		return errs.New(
			errs.Conflict,
			CodeReportLate,
			"The report arrived too long after the end of its lease. Nothing was saved; continue with the next lease.",
		)
	}
	if !r.inTime(r.report.Clock) {
		return wrongTimes()
	}
	r.offers, r.canary, r.twins = map[uuid.UUID]Taken{}, map[uuid.UUID]string{}, map[uuid.UUID]uuid.UUID{}
	for _, t := range taken {
		r.offers[r.jobID(r.report.Lease, t.Offer.ID.String())] = t
	}
	for i := range maxCanaries {
		for _, answer := range []string{string(probe.Up), string(probe.Down)} {
			r.canary[r.jobID(r.report.Lease, canaryName(i, answer))] = answer
		}
	}
	if err := r.openTwins(taken); err != nil {
		return err
	}
	for _, a := range r.report.Answers {
		if !r.known(a.Job) {
			return errs.New(
				errs.Conflict,
				CodeJobUnknown,
				"The report answers a job that was not in its lease. Nothing was saved; continue with the next lease.",
			)
		}
		if !r.inTime(a.Started) {
			return wrongTimes()
		}
	}
	return nil
}

// known reports whether the lease held a job.
func (r *reading) known(job uuid.UUID) bool {
	_, offered := r.offers[job]
	return offered || r.canary[job] != ""
}

func (r *reading) inTime(t time.Time) bool {
	return !t.Before(r.issued.Add(-clockOff)) && !t.After(r.issued.Add(leaseLife+clockOff)) &&
		!t.After(r.now.Add(clockOff))
}

func wrongTimes() error {
	return errs.New(
		errs.Conflict,
		CodeReportTimes,
		"The report's times are outside its lease. Nothing was saved. Set the prober's clock.",
	)
}

func (r *reading) answer(a vantage.Answer) error {
	if want := r.canary[a.Job]; want != "" {
		// What the prober could not find out is no wrong answer.
		if got := a.Outcome.Class.Verdict(probe.Light); got != probe.Unknown {
			r.in.Canaries = append(r.in.Canaries, CanaryAnswer{Job: a.Job, Right: string(got) == want})
		}
		return nil
	}
	t := r.offers[a.Job]
	_, spec, err := r.text(t.Endpoint)
	if unusable(err) {
		return nil // since it was leased
	}
	if err != nil {
		return err
	}
	seen := r.look(t, spec, a)
	attempt, err := r.attempt(t, a, seen)
	if err != nil {
		return err
	}
	r.in.Attempts = append(r.in.Attempts, attempt)
	if t.Offer.Kind == vantage.KindControl {
		return r.proof(t, spec, a)
	}
	if !r.trusted {
		return nil
	}
	latest := Latest{
		EndpointID: t.Endpoint.ID,
		At:         attempt.Started,
		Verdict:    attempt.Verdict,
		Stage:      attempt.FailedAt,
		Class:      attempt.Class,
	}
	if t.Offer.Kind == vantage.KindSlot {
		if latest.Slot, err = r.slot(t.Offer, attempt.Verdict); err != nil {
			return err
		}
	}
	if t.Offer.Place == vantage.Outside {
		r.in.Latest = append(r.in.Latest, latest)
	}
	if err := r.keepTwin(t, a); err != nil {
		return err
	}
	return r.keep(t, seen)
}

// slot says what a verdict settles, and asks again where it settles nothing.
func (r *reading) slot(o Offer, v probe.Verdict) (SlotOutcome, error) {
	switch {
	case v == probe.Up:
		return SlotUp, nil
	case v != probe.Down:
		return SlotOpen, nil
	}
	if o.Attempt <= r.policy.Confirmations {
		wait, err := chance.Between(r.cfg.Random, confirmSoonest, confirmLatest)
		if err != nil {
			return SlotOpen, err
		}
		due := r.now.Add(wait).Truncate(time.Microsecond)
		if !due.After(o.Slot.Add(r.policy.Slot + confirmLate)) {
			id, err := r.newID()
			if err != nil {
				return SlotOpen, err
			}
			r.in.Confirm = append(r.in.Confirm, Offer{
				ID:         id,
				EndpointID: o.EndpointID,
				Kind:       vantage.KindSlot,
				Mode:       probe.Full,
				Place:      o.Place,
				Slot:       o.Slot,
				Attempt:    o.Attempt + 1,
				Due:        due,
				Until:      due.Add(confirmFor),
			})
			return SlotOpen, nil
		}
	}
	if o.Attempt >= min(2, 1+r.policy.Confirmations) {
		return SlotDown, nil
	}
	return SlotOpen, nil // nobody could confirm it: it is not held against the endpoint
}

// seen is what an answer shows of the endpoint's place.
type seen struct {
	outcome  probe.Outcome // without an exit that did not verify
	listen   netip.Addr    // the address that was dialled; zero for not known
	exit     netip.Addr    // zero for not known
	where    netplace.Place
	host     string
	found    found
	serverID string
}

// look reads the evidence of an answer and asks the blocklists.
func (r *reading) look(t Taken, spec link.Spec, a vantage.Answer) seen {
	out := seen{outcome: a.Outcome, host: spec.Server().Host.Name()}
	if at, err := netip.ParseAddrPort(a.Outcome.Addr); err == nil {
		out.listen = at.Addr().Unmap()
	}
	if ip, literal := spec.Server().Host.IP(); literal && out.listen.IsValid() && out.listen != ip {
		out.listen = netip.Addr{} // it cannot have dialled that
	}
	if e := a.Outcome.Evidence; e != nil {
		kept := *e
		kept.Exit = nil
		if e.Exit != nil && len(r.cfg.EchoKey) > 0 {
			if addr, err := echo.Verify(r.cfg.EchoKey, r.nonce(a.Job), *e.Exit); err == nil {
				kept.Exit, out.exit = e.Exit, addr
				out.where, _ = r.cfg.Places.Of(addr) // an unreadable file of networks says nothing
			}
		}
		out.serverID = e.ServerKey
		out.outcome.Evidence = &kept
	}
	out.found = find(r.lists, t.Endpoint.ID, out.host, out.listen, out.exit)
	return out
}

// attempt makes the stored result of an answer.
func (r *reading) attempt(t Taken, a vantage.Answer, s seen) (Attempt, error) {
	o := t.Offer
	started := a.Started.UTC().Truncate(time.Microsecond)
	result := probe.Result{
		V:          probe.Version,
		ID:         o.ID.String(),
		Endpoint:   t.Endpoint.Label,
		SpecHash:   hex.EncodeToString(t.Endpoint.SpecIndex),
		Protocol:   t.Endpoint.Protocol,
		Vantage:    r.v.Name,
		AgentSeq:   r.report.Seq,
		Started:    started,
		Slot:       o.Slot.UTC().Format(time.RFC3339),
		Attempt:    o.Attempt,
		Mode:       o.Mode,
		Outcome:    s.outcome,
		ExitASN:    s.where.ASN,
		Blocklists: s.found.tags,
		SW:         r.report.SW,
	}
	if s.exit.IsValid() {
		result.ExitIP = s.exit.String()
	}
	if err := result.Validate(); err != nil {
		return Attempt{}, fmt.Errorf("result of offer %s: %w", o.ID, err)
	}
	text, err := json.Marshal(result)
	if err != nil {
		return Attempt{}, fmt.Errorf("encode result: %w", err)
	}
	key, err := r.dataKey(t.Endpoint)
	if err != nil {
		return Attempt{}, err
	}
	sealed, err := key.Seal(recordAAD(o.ID), text)
	if err != nil {
		return Attempt{}, fmt.Errorf("seal result: %w", err)
	}
	verdict := s.outcome.Class.Verdict(o.Mode)
	unproven := verdict == probe.Up && o.Mode == probe.Full && o.Kind != vantage.KindControl &&
		(s.outcome.Evidence == nil || !s.outcome.Evidence.TGProven)
	if !r.trusted || unproven {
		verdict = probe.Unknown
	}
	return Attempt{
		OfferID:    o.ID,
		EndpointID: o.EndpointID,
		VantageID:  r.v.ID,
		Kind:       o.Kind,
		Mode:       o.Mode,
		Place:      o.Place,
		Slot:       o.Slot,
		Attempt:    o.Attempt,
		Started:    started,
		Verdict:    verdict,
		Stage:      s.outcome.Stage,
		FailedAt:   s.outcome.FailedAt,
		Class:      s.outcome.Class,
		MS:         s.outcome.MS,
		Record:     sealed,
		ExitKnown:  result.ExitIP != "",
		SHA256:     sha256.Sum256(text),
	}, nil
}

// keep adds what the endpoint may have in common with others.
func (r *reading) keep(t Taken, s seen) error {
	put := func(kind LinkKind, value string) error {
		index, err := linkIndex(r.cfg.Keys, kind, value)
		if err == nil {
			r.in.Links = append(r.in.Links, Link{EndpointID: t.Endpoint.ID, Kind: kind, Index: index, SeenAt: r.now})
		}
		return err
	}
	values := map[LinkKind]string{}
	if s.listen.IsValid() {
		values[LinkListenIP], values[LinkListenNet] = s.listen.String(), netplace.Group(s.listen).String()
	}
	if s.exit.IsValid() {
		values[LinkExitIP], values[LinkExitNet] = s.exit.String(), netplace.Group(s.exit).String()
	}
	if s.where.ASN != 0 {
		values[LinkExitASN] = strconv.FormatUint(uint64(s.where.ASN), 10)
	}
	if s.serverID != "" {
		values[LinkServerKey] = s.serverID
	}
	for _, kind := range []LinkKind{LinkListenIP, LinkListenNet, LinkExitIP, LinkExitNet, LinkExitASN, LinkServerKey} {
		if v := values[kind]; v != "" {
			if err := put(kind, v); err != nil {
				return err
			}
		}
	}
	for _, h := range s.found.hits {
		h = h.coarse()
		h.FoundAt = r.now
		if !slices.Contains(r.in.Hits, h) { // by a wider entry, or another answer
			r.in.Hits = append(r.in.Hits, h)
		}
	}
	return nil
}
