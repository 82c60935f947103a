package signer

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
	histories "github.com/causeway-fund/causeway/internal/trust/history"
)

// farNumber is how far a batch's number may be above the highest journalled one. Who skips
// numbers hides change from people who look for it.
const farNumber = 1000

func digestOf(text string) decision.Digest { return sha256.Sum256([]byte(text)) }

// replay tells history and state what the journal holds, in its order.
func (s *Signer) replay() error {
	records, acts := s.cfg.Journal.Records(), s.cfg.Journal.acts
	for len(records)+len(acts) > 0 {
		if len(acts) == 0 || len(records) > 0 && records[0].Seq < acts[0].place().Seq {
			if err := s.addRecord(records[0]); err != nil {
				return fmt.Errorf("%w: line %d: %w", ErrCorrupt, records[0].Seq, err)
			}
			records = records[1:]
			continue
		}
		if err := s.addAct(acts[0]); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrCorrupt, acts[0].place().Seq, err)
		}
		acts = acts[1:]
	}
	s.cfg.Journal.acts = nil // the state has what they say
	return nil
}

// addRecord lets a transaction of the journal count.
func (s *Signer) addRecord(r Record) error {
	s.history.add(r)
	if s.state == nil {
		return nil
	}
	at := time.Unix(r.Time, 0)
	released, err := releasedBy(r)
	if err != nil {
		return err
	}
	for _, d := range r.Dead {
		if err := s.addDead(d.TxID); err != nil {
			return err
		}
	}
	if r.Kind == KindPay {
		s.state.AddRelease(released, at)
	} else {
		s.state.AddFee(released.Batch, released.Fee, at)
	}
	return nil
}

// addDead notes which payments of a dead transaction no other one pays.
func (s *Signer) addDead(txid string) error {
	dead, ok := s.history.byTxID[txid]
	if !ok {
		return fmt.Errorf("names transaction %s, which stands nowhere before", txid)
	}
	for id, o := range dead.paid {
		lives := func(e *entry) bool { return !s.history.dead[e.TxID] }
		if slices.ContainsFunc(s.history.byInstalment[id], lives) {
			continue
		}
		digest, err := decision.ParseDigest(o.Note)
		if err != nil {
			return err
		}
		s.state.AddDead(digest, o.Period)
	}
	return nil
}

// addAct lets an act of the journal count.
func (s *Signer) addAct(a Act) error {
	at := time.Unix(a.place().Time, 0)
	if h, ok := a.(*HostHaltAct); ok {
		s.hostHalt = h.On
		if s.state != nil {
			s.state.AddHostHalt(h.On, at)
		}
		return nil
	}
	if c, ok := a.(*CharterAct); ok {
		return s.addCharter(c, at)
	}
	if s.state == nil {
		return errors.New("stands before the first charter")
	}
	switch a := a.(type) {
	case *DecisionAct:
		if a.read.err != nil {
			return a.read.err
		}
		s.state.AddDecision(a.accepted())
		s.takenIn[a.read.paper], s.takenIn[a.read.subject] = true, true
	case *HaltAct:
		note, err := halt.Parse([]byte(a.Note))
		if err != nil {
			return err
		}
		by, err := uuid.Parse(a.Person)
		if err != nil {
			return err
		}
		s.state.AddHalt(note, by, at)
	case *ResumeAct:
		note, err := halt.ParseResume([]byte(a.Note))
		if err != nil {
			return err
		}
		s.state.AddResume(note, at)
		s.takenIn[note.Digest()] = true
	case *HistoryAct:
		note, err := histories.Parse([]byte(a.Note))
		if err != nil {
			return err
		}
		for _, p := range note.Paid {
			s.state.AddHistory(p.Decision, int(p.Period))
		}
		s.takenIn[note.Digest()] = true
	}
	return nil
}

func (s *Signer) addCharter(a *CharterAct, at time.Time) error {
	c, err := charter.Parse([]byte(a.Charter))
	if err != nil {
		return err
	}
	if s.state == nil {
		s.state = authority.New(c.Network, c.Fund)
		if s.hostHalt {
			s.state.AddHostHalt(true, at)
		}
		// What was released before a charter was asked for counts in its limits too.
		for _, r := range s.cfg.Journal.Records() {
			if r.Seq > a.Seq {
				break
			}
			released, err := releasedBy(r)
			if err != nil {
				return err
			}
			if r.Kind == KindPay {
				s.state.AddRelease(released, time.Unix(r.Time, 0))
			} else {
				s.state.AddFee(released.Batch, released.Fee, time.Unix(r.Time, 0))
			}
		}
	}
	s.state.AddCharter(c, at, a.Pinned)
	return nil
}

// checkCharters asks the people: whether a checked proposal has what every charter that binds
// asks for its class. A signer whose journal has no charter asks for none.
func (s *Signer) checkCharters(p *proposal, approvals []json.RawMessage, t authority.Times) error {
	if s.state == nil {
		return nil
	}
	envelopes, err := readEnvelopes(approvals)
	if err != nil {
		return err
	}
	if err := s.checkNumber(p); err != nil {
		return err
	}
	switch {
	case p.kind == KindVoid:
		return s.state.CheckVoid(ownOf(p), envelopes, t)
	case p.kind == KindUpkeep:
		return s.state.CheckUpkeep(ownOf(p), envelopes, t)
	case len(s.history.byBatch[p.id.String()]) > 0:
		return s.state.CheckReplacement(releaseOf(p), envelopes, t)
	}
	if in, ok := s.state.InUse(t.Begins); !ok || in.Descriptor != s.cfg.Key.Descriptor().String() {
		return refuse(
			CodeTreasuryNotInUse,
			"Only treasury %d pays, the last one that stands in every charter that binds.",
			in.Number,
		)
	}
	return s.state.CheckRelease(releaseOf(p), envelopes, t)
}

func (s *Signer) checkNumber(p *proposal) error {
	var highest uint32
	for number := range s.history.byNumber {
		highest = max(highest, number)
	}
	if int64(p.number) > int64(highest)+farNumber {
		return refuse(
			CodeBatchNumberFar,
			"The batch has number %d, but the highest one so far is %d. Take one of the next %d.",
			p.number,
			highest,
			farNumber,
		)
	}
	return nil
}

func readEnvelopes[T ~[]byte | ~string](texts []T) ([]approval.Envelope, error) {
	envelopes := make([]approval.Envelope, len(texts))
	for i, text := range texts {
		var err error
		if envelopes[i], err = approval.ParseEnvelope([]byte(text)); err != nil {
			return nil, err
		}
	}
	return envelopes, nil
}

// underCharters returns r held to the caps of the charters too: a signer's own may only be
// stricter.
func (s *Signer) underCharters(r rules, t authority.Times) rules {
	if s.state == nil {
		return r
	}
	if limits, ok := s.state.Fees(t.Begins); ok {
		r.policy.MaxFeeRateSatKVB = min(r.policy.MaxFeeRateSatKVB, limits.FeeRateSatKVB)
		r.policy.MaxFee = min(r.policy.MaxFee, limits.Fee)
		r.policy.MaxFeePermille = min(r.policy.MaxFeePermille, limits.FeePermille)
	}
	return r
}

// checkHalted refuses everything but a void while the signer's host says so, or somebody has
// halted all, the batch or one of its decisions. Repeats stop too.
func (s *Signer) checkHalted(p *proposal) error {
	if p.kind == KindVoid {
		return nil
	}
	if s.hostHalt {
		return refuse(
			CodeHostHalted,
			"The signer was halted on its own host. Lift that there: causeway-signer halt --lift.",
		)
	}
	if s.state == nil {
		return nil
	}
	stops := map[decision.Digest]bool{{}: true, p.noteDigest: true}
	for _, pay := range p.batch.Payments {
		stops[pay.Decision] = true
	}
	for _, h := range s.state.InForce() {
		if stops[h.Halts] {
			return refuse(authority.CodeHalted, "Halt %s stops this: %s. The trustees can lift it.", h.ID, h.Reason)
		}
	}
	return nil
}

// asRefused makes the verdict of a rule about people a refusal with the same code.
func asRefused(err error) error {
	if e := (*errs.Error)(nil); errors.As(err, &e) && e.Kind == errs.Invalid {
		return refuse(e.Code, "%s", e.Message)
	}
	return err
}
