package endpoint

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// A proof is tried again after a random time between these, and stands for
// provenGrace longer, so that its operator can see to it.
const (
	againSoonest = 60 * 24 * time.Hour
	againLatest  = 100 * 24 * time.Hour
	provenGrace  = 14 * 24 * time.Hour
)

// Why a proof does not hold, beside the findings of package control.
const (
	whyNameOnly     = "name_only"     // the record is there, and says nothing of the server
	whyOtherAddress = "other_address" // the challenge was answered at an address that no check has dialled
)

// proof judges the answer to a proof of control.
func (r *reading) proof(t Taken, spec link.Spec, a vantage.Answer) error {
	o := t.Offer
	finding := control.NotKnown
	switch {
	case !r.trusted: // says nothing
	case o.Proof != control.KindCredential:
		finding = control.JudgeChallenge(a.Outcome)
	case a.Decoy != nil:
		finding = control.Judge(t.Endpoint.Protocol, a.Outcome, *a.Decoy)
	}
	if finding == control.NoAnswer && o.Attempt < grace {
		return r.askOlder(o)
	}
	id, err := r.newID()
	if err != nil {
		return err
	}
	p := Proof{
		ID:         id,
		EndpointID: o.EndpointID,
		OfferID:    o.ID,
		Kind:       string(o.Proof),
		Held:       finding == control.Held,
		VantageID:  r.v.ID,
		At:         r.now,
	}
	if p.Held && o.Proof == control.KindPort {
		if p.Held, err = r.dialledBefore(t, spec, a.Outcome.Addr); err != nil {
			return err
		}
		p.Why = whyOtherAddress
	}
	if p.Held && !o.Proof.Sufficient() {
		p.Held, p.Why = false, whyNameOnly
	}
	switch {
	case p.Held:
		wait, err := chance.Between(r.cfg.Random, againSoonest, againLatest)
		if err != nil {
			return err
		}
		p.Why, p.AgainAt = "", r.now.Add(wait).Truncate(time.Microsecond)
		p.ValidUntil = p.AgainAt.Add(provenGrace)
		e := entry(identity.System("prober"), "endpoint.proven", "endpoint", o.EndpointID, r.now)
		e.Detail = map[string]string{"way": string(o.Proof)}
		r.in.Entries = append(r.in.Entries, e)
	case p.Why == "":
		p.Why = string(finding)
	}
	r.in.Proofs = append(r.in.Proofs, p)
	return nil
}

// askOlder asks for the token of the period before: it may be the one that the
// operator was shown.
func (r *reading) askOlder(o Offer) error {
	id, err := r.newID()
	if err != nil {
		return err
	}
	wait, err := chance.Between(r.cfg.Random, askedSoonest, 2*askedSoonest)
	if err != nil {
		return err
	}
	due := r.now.Add(wait).Truncate(time.Microsecond)
	r.in.Confirm = append(r.in.Confirm, Offer{
		ID:         id,
		EndpointID: o.EndpointID,
		Kind:       o.Kind,
		Proof:      o.Proof,
		Mode:       o.Mode,
		Place:      o.Place,
		Slot:       o.Slot,
		Attempt:    o.Attempt + 1,
		Due:        due,
		Until:      due.Add(askedFor),
	})
	return nil
}

// dialledBefore reports whether the address that answered a challenge is the
// endpoint's own: what stands in its configuration, or what a check of the last
// day that passed has dialled.
func (r *reading) dialledBefore(t Taken, spec link.Spec, addr string) (bool, error) {
	if _, literal := spec.Server().Host.IP(); literal {
		return addr == spec.Server().String(), nil
	}
	attempts, err := r.cfg.Store.Attempts(
		r.ctx,
		t.Endpoint.ID,
		r.now.Add(-24*time.Hour),
		r.now.Add(clockOff),
		maxAttempts,
	)
	if err != nil {
		return false, err
	}
	for _, a := range attempts {
		if a.Verdict != probe.Up || a.Kind == vantage.KindControl {
			continue
		}
		result, err := r.record(t.Endpoint, a)
		if err != nil {
			return false, err
		}
		if result.Addr != "" && result.Addr == addr {
			return true, nil
		}
	}
	return false, nil
}

// record opens a stored result.
func (s *Service) record(e Opened, a Attempt) (probe.Result, error) {
	key, err := s.dataKey(e)
	if err != nil {
		return probe.Result{}, err
	}
	text, err := key.Open(recordAAD(a.OfferID), a.Record)
	if err != nil {
		return probe.Result{}, err
	}
	var r probe.Result
	if err := json.Unmarshal(text, &r); err != nil {
		return probe.Result{}, fmt.Errorf("decode result of offer %s: %w", a.OfferID, err)
	}
	return r, nil
}
