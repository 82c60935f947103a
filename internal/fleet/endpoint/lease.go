package endpoint

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// Bounds of leases. A prober that falls into other hands has seen at most
// perVantageDay endpoints a day.
const (
	leaseLife     = 10 * time.Minute
	leaseMost     = 100 // jobs of endpoints
	perVantageDay = 20_000
	leaseBytes    = vantage.MaxLease - 256<<10 // jobs; the rest is for what stands around them
	nextSoon      = 1                          // seconds, where more work waits
	nextIdle      = 10
	clockOff      = 5 * time.Minute
	canaryIn      = 9  // one canary for so many jobs
	maxCanaries   = 16 // of one lease
)

// Gate refuses a prober that asks too often. It is asked once the prober's signature
// is verified and before anything is done; nil lets everybody through.
type Gate func(prober uuid.UUID) error

// Pass asks the gate.
func (g Gate) Pass(prober uuid.UUID) error {
	if g == nil {
		return nil
	}
	return g(prober)
}

// Enrol takes a prober in, with a token that works once. NotFound
// "enrolment_unknown".
func (s *Service) Enrol(ctx context.Context, e vantage.Enrolment) (vantage.Welcome, error) {
	if err := e.Validate(); err != nil {
		return vantage.Welcome{}, errs.Wrap(
			err,
			errs.Malformed,
			vantage.CodeMessageRefused,
			"This version does not understand the enrolment. Nothing was changed.",
		)
	}
	v, err := s.cfg.Store.Enrol(ctx, hashToken(e.Token), e.PublicKey, s.now())
	if err != nil {
		return vantage.Welcome{}, err
	}
	return vantage.Welcome{Vantage: v.ID, Name: v.Name, ServiceKey: s.PublicKey()}, nil
}

// prober looks the prober of a message up; *v is set once it is found.
func (s *Service) prober(ctx context.Context, now time.Time, v *Vantage) vantage.KeyOf {
	return func(id uuid.UUID) (ed25519.PublicKey, error) {
		found, err := s.cfg.Store.Vantage(ctx, id, now)
		switch {
		case errs.Is(err, CodeVantageNotFound):
			return nil, errs.New(
				errs.Unauthenticated,
				CodeVantageUnknown,
				"This prober is not enrolled here. Nothing was saved: enrol it.",
			)
		case err != nil:
			return nil, err
		case found.DisabledAt != nil:
			return nil, errs.New(errs.Forbidden, CodeVantageDisabled, "This prober was disabled. Nothing was saved.")
		}
		*v = found
		return found.PublicKey, nil
	}
}

// Lease gives a prober what is due for it, signed. Errors of the message are those
// of vantage.OpenAsk; Unauthenticated vantage_unknown, Forbidden vantage_disabled,
// Conflict clock_off and replayed, Unavailable telegram_unknown, and those of gate.
func (s *Service) Lease(ctx context.Context, e vantage.Envelope, gate Gate) (vantage.Envelope, error) {
	now := s.now()
	var v Vantage
	ask, err := vantage.OpenAsk(e, s.prober(ctx, now, &v))
	if err != nil {
		return vantage.Envelope{}, err
	}
	if err := gate.Pass(v.ID); err != nil {
		return vantage.Envelope{}, err
	}
	if off := ask.At.Sub(now); off.Abs() > clockOff {
		return vantage.Envelope{}, errs.New(
			errs.Conflict,
			CodeClockOff,
			"The prober's clock differs from ours by more than 5 minutes. Nothing was given out. Set its clock.",
		)
	}
	telegram := s.cfg.Telegram()
	if len(telegram.Centres) == 0 {
		return vantage.Envelope{}, errs.New(
			errs.Unavailable,
			CodeTelegramUnknown,
			"The service has no addresses of Telegram's data centres. Nothing was given out.",
		)
	}
	id, err := s.leaseID(now)
	if err != nil {
		return vantage.Envelope{}, err
	}
	most := min(ask.Max, leaseMost)
	l := vantage.Lease{
		V:        vantage.Version,
		ID:       id,
		Vantage:  v.ID,
		Issued:   now,
		Expires:  now.Add(leaseLife),
		Telegram: telegram,
		EchoURL:  s.cfg.EchoURL,
		Jobs:     []vantage.Job{},
		Next:     nextIdle,
	}
	taken, err := s.cfg.Store.Take(ctx, v.ID, ask.At, ask.SW, id, now, l.Expires, most, perVantageDay)
	if err != nil {
		return vantage.Envelope{}, err
	}
	if len(taken) == most && most > 0 {
		l.Next = nextSoon
	}
	size := 0
	for _, t := range taken {
		if !t.Offer.Until.After(t.Offer.Due) || !t.Offer.Until.After(now) {
			continue // it has run out
		}
		j, err := s.job(id, t, telegram)
		if err == nil {
			err = s.withTwin(ctx, &j, id, t)
		}
		if unusable(err) {
			continue // nobody answers, and the offer runs out
		}
		if err != nil {
			return vantage.Envelope{}, err
		}
		text, err := json.Marshal(j)
		if err != nil {
			return vantage.Envelope{}, fmt.Errorf("encode job: %w", err)
		}
		if size += len(text) + 1; size > leaseBytes {
			break // only a list of the largest files gets here; their offers run out
		}
		l.Jobs = append(l.Jobs, j)
	}
	if l.Jobs, err = s.withCanaries(l, leaseBytes-size); err != nil {
		return vantage.Envelope{}, err
	}
	return vantage.SignLease(s.signing, l)
}

// leaseID returns a name for a lease that holds when it was issued, to the
// millisecond (RFC 9562, version 7).
func (s *Service) leaseID(now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7FromReader(s.cfg.Random)
	if err != nil {
		return uuid.Nil, fmt.Errorf("draw a lease: %w", err)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli())) // ours, where the library reads the machine's clock
	copy(id[:6], ms[2:])
	return id, nil
}

// issuedAt returns what leaseID was given.
func issuedAt(lease uuid.UUID) time.Time {
	return time.Unix(lease.Time().UnixTime()).Truncate(time.Millisecond).UTC()
}

// derived returns 16 bytes that only this service can make.
func (s *Service) derived(parts ...string) [16]byte {
	mac := hmac.New(sha256.New, s.jobKey)
	for _, p := range parts {
		mac.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return [16]byte(mac.Sum(nil))
}

// jobID returns the name of an offer, or of a canary, within a lease. Names of
// both look the same, and the answer finds back without anything being kept.
func (s *Service) jobID(lease uuid.UUID, of string) uuid.UUID {
	b := s.derived("job", lease.String(), of)
	return control.UUID(b)
}

// canaryName is what a canary's job is derived from: which one of its lease, and
// what is known of it.
func canaryName(i int, answer string) string { return "canary/" + strconv.Itoa(i) + "/" + answer }

// nonce returns the echo nonce of a job.
func (s *Service) nonce(job uuid.UUID) string {
	b := s.derived("echo", job.String())
	return hex.EncodeToString(b[:])
}

// job makes the job of an offer.
func (s *Service) job(lease uuid.UUID, t Taken, telegram vantage.Telegram) (vantage.Job, error) {
	text, spec, err := s.text(t.Endpoint)
	if err != nil {
		return vantage.Job{}, err
	}
	o := t.Offer
	j := vantage.Job{
		ID:    s.jobID(lease, o.ID.String()),
		Kind:  o.Kind,
		Mode:  o.Mode,
		Spec:  text,
		Due:   o.Due,
		Until: o.Until,
	}
	if j.DC, err = s.centre(telegram); err != nil {
		return vantage.Job{}, err
	}
	switch {
	case o.Kind != vantage.KindControl:
		j.Credential = s.credential(t.Endpoint, spec)
	case o.Proof == control.KindCredential:
		ours, ok := control.Derive(s.control, t.Endpoint.ID, t.Endpoint.Generation, t.Endpoint.Protocol)
		decoy, ok2 := control.Random(s.cfg.Random, t.Endpoint.Protocol)
		if !ok || !ok2 {
			return vantage.Job{}, fmt.Errorf("offer %s: no credential for %s", o.ID, t.Endpoint.Protocol)
		}
		j.Credential, j.Decoy = &ours, &decoy
	default:
		j.Challenge = &vantage.Challenge{
			Kind:  o.Proof,
			Token: control.Token(s.control, t.Endpoint.ID, period(o.Slot, o.Proof, o.Attempt-1)),
		}
	}
	if j.Credential != nil {
		j.Spec = withoutSecrets(text, spec)
	}
	if s.cfg.EchoURL != "" && j.Mode == probe.Full && j.Challenge == nil && spec.Protocol() != probe.MTProto {
		j.EchoNonce = s.nonce(j.ID)
	}
	return j, nil
}

func (s *Service) centre(t vantage.Telegram) (int, error) {
	i, err := chance.Below(s.cfg.Random, len(t.Centres))
	if err != nil {
		return 0, err
	}
	return t.Centres[i].ID, nil
}

// withCanaries mixes about one canary in ten jobs into those of l. They are like
// the others in form, kind, times and place.
func (s *Service) withCanaries(l vantage.Lease, room int) ([]vantage.Job, error) {
	known := s.cfg.Canaries()
	jobs := l.Jobs
	made := 0
	for _, like := range l.Jobs {
		roll, err := chance.Below(s.cfg.Random, canaryIn)
		if err != nil || len(known) == 0 {
			return jobs, err
		}
		if roll != 0 || made == maxCanaries {
			continue
		}
		which, err := chance.Below(s.cfg.Random, len(known))
		if err != nil {
			return nil, err
		}
		c := known[which]
		spec, err := link.Parse(c.Spec)
		if err != nil {
			return nil, fmt.Errorf("canary %d: %w", which+1, err)
		}
		j := vantage.Job{
			ID: s.jobID(
				l.ID,
				canaryName(made, c.Answer),
			),
			Kind:  like.Kind,
			Mode:  like.Mode,
			Spec:  c.Spec,
			DC:    like.DC,
			Due:   like.Due,
			Until: like.Until,
		}
		if j.Kind == vantage.KindControl {
			j.Kind = vantage.KindSlot
		}
		if s.cfg.EchoURL != "" && j.Mode == probe.Full && spec.Protocol() != probe.MTProto {
			j.EchoNonce = s.nonce(j.ID)
		}
		if room -= len(c.Spec)*2 + 1024; room < 0 {
			return jobs, nil
		}
		at, err := chance.Below(s.cfg.Random, len(jobs)+1)
		if err != nil {
			return nil, err
		}
		jobs = slices.Insert(slices.Clone(jobs), at, j)
		made++
	}
	return jobs, nil
}
