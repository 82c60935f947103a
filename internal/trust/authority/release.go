package authority

import (
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/approval"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// MaxUntil is how far ahead the last moment of an approval may lie.
const MaxUntil = 7 * 24 * time.Hour

// Payment is a line of a batch.
type Payment struct {
	Decision decision.Digest
	Period   int
	Sat      btcutil.Amount
}

// Release is a transaction that pays a batch.
type Release struct {
	Batch    uuid.UUID
	Note     decision.Digest
	Until    time.Time // last moment of a first release by this note
	Payments []Payment
	Fee      btcutil.Amount // of this transaction
}

func (r Release) total() btcutil.Amount {
	var sum btcutil.Amount
	for _, p := range r.Payments {
		sum += p.Sat
	}
	return sum
}

func (p Payment) period() period { return period{p.Decision, p.Period} }

// CheckRelease judges the first transaction of a batch: whether all it pays was accepted, is
// due and is not over, whether enough treasurers approved the note, and what the limits leave.
func (s *State) CheckRelease(r Release, envelopes []approval.Envelope, t Times) error {
	if err := s.checkHalts(r); err != nil {
		return err
	}
	binding, err := s.valid(t)
	if err != nil {
		return err
	}
	revoked := revokedBy(binding)
	for _, p := range r.Payments {
		if err := s.checkPayment(p, revoked, t); err != nil {
			return err
		}
	}
	if err := checkUntil(r.Until, t); err != nil {
		return err
	}
	if err := s.checkTreasurers(r, envelopes, binding, t); err != nil {
		return err
	}
	for _, c := range binding {
		if err := s.checkLimits(r, c, revoked, t.Begins); err != nil {
			return err
		}
	}
	return s.checkFees(r.Batch, r.Fee, binding, t.Begins)
}

func revokedBy(binding []charter.Charter) map[uuid.UUID]bool {
	revoked := map[uuid.UUID]bool{}
	for _, c := range binding {
		for _, id := range c.Revoked {
			revoked[id] = true
		}
	}
	return revoked
}

func (s *State) checkPayment(p Payment, revoked map[uuid.UUID]bool, t Times) error {
	a, ok := s.accepted[p.Decision]
	if !ok {
		return refuse(CodeDecisionUnknown,
			"Decision %s was not accepted here. Hand it in with the approvals of its reviewers first.", p.Decision)
	}
	if p.Period < 1 || p.Period > len(a.Terms.Due) {
		return refuse(CodePeriodUnknown, "Decision %s has no period %d.", p.Decision, p.Period)
	}
	if s.paid[p.period()] {
		return refuse(
			CodePaidBefore,
			"The trustees signed that period %d of decision %s was paid.",
			p.Period,
			p.Decision,
		)
	}
	if c, ok := s.closed[p.Decision]; ok && p.Period >= c.from {
		return refuse(CodeDecisionReplaced, "Decision %s took the place of decision %s from period %d on.",
			c.by, p.Decision, c.from)
	}
	for _, q := range a.Quorums {
		if err := q.met(CodeReviewersRevoked, revoked); err != nil {
			return err
		}
	}
	if s.counted[p.period()] {
		return nil // released once: its time was asked then
	}
	if due := a.Terms.Due[p.Period-1]; t.Begins.Before(due) {
		return refuse(
			CodePeriodEarly,
			"Period %d of decision %s may be paid from %s.",
			p.Period,
			p.Decision,
			stamp(due),
		)
	}
	if until := a.Terms.Until[p.Period-1]; t.Ends.After(until) {
		return refuse(
			CodePeriodOver,
			"Period %d of decision %s could be paid until %s.",
			p.Period,
			p.Decision,
			stamp(until),
		)
	}
	return nil
}

func checkUntil(until time.Time, t Times) error {
	if t.Ends.After(until) {
		return refuse(CodeApprovalOver, "The approval could be used until %s. Make the note anew.", stamp(until))
	}
	if until.After(t.Begins.Add(MaxUntil)) {
		return refuse(CodeApprovalLong, "The approval could be used until %s, for more than seven days.", stamp(until))
	}
	return nil
}

// checkTreasurers asks each charter for the treasurers of what the batch pays together with
// what other batches released in 24 hours, so that splitting a batch gains nothing.
func (s *State) checkTreasurers(
	r Release, envelopes []approval.Envelope, binding []charter.Charter, t Times,
) error {
	b, err := s.open(r.Note, envelopes, binding)
	if err != nil {
		return err
	}
	approvers := map[uuid.UUID]bool{}
	for _, p := range r.Payments {
		for person := range s.approvers[p.Decision] {
			approvers[person] = true
		}
	}
	sum := r.total()
	for _, old := range s.spent {
		if old.batch != r.Batch && old.at.After(t.Begins.Add(-day)) {
			sum += old.sat
		}
	}
	for _, c := range binding {
		if err := b.treasurers(c, c.Requirement(sum), approvers); err != nil {
			return err
		}
	}
	return nil
}

// CheckReplacement judges another transaction of a batch that was released: by the same note
// it is held to halts and fees only. Another note, such as one with a higher cap, needs
// treasurers of its own, in its time.
func (s *State) CheckReplacement(r Release, envelopes []approval.Envelope, t Times) error {
	if err := s.checkHalts(r); err != nil {
		return err
	}
	binding := s.Binding(t.Begins)
	if len(binding) == 0 {
		return refuse(CodeNoCharter, "There is no charter here yet.")
	}
	if !s.batches[r.Batch][r.Note] {
		if err := checkUntil(r.Until, t); err != nil {
			return err
		}
		if err := s.checkTreasurers(r, envelopes, binding, t); err != nil {
			return err
		}
	}
	return s.checkFees(r.Batch, r.Fee, binding, t.Begins)
}

// Own is a transaction that pays nobody but the treasury: upkeep, or what takes a batch back.
type Own struct {
	Batch uuid.UUID
	Note  decision.Digest // of the upkeep or void note
	Until time.Time
	Fee   btcutil.Amount
}

// CheckVoid judges what takes a batch back. It is the brake: no halt and no expiry stops it.
func (s *State) CheckVoid(o Own, envelopes []approval.Envelope, t Times) error {
	return s.checkOwn(o, envelopes, t)
}

// CheckUpkeep judges a transaction that tends the treasury's own coins.
func (s *State) CheckUpkeep(o Own, envelopes []approval.Envelope, t Times) error {
	if err := s.checkHalts(Release{Note: o.Note}); err != nil {
		return err
	}
	return s.checkOwn(o, envelopes, t)
}

func (s *State) checkOwn(o Own, envelopes []approval.Envelope, t Times) error {
	binding := s.Binding(t.Begins)
	if len(binding) == 0 {
		return refuse(CodeNoCharter, "There is no charter here yet.")
	}
	b, err := s.open(o.Note, envelopes, binding)
	if err != nil {
		return err
	}
	if err := checkUntil(o.Until, t); err != nil {
		return err
	}
	for _, c := range binding {
		if err := b.stewards(c); err != nil {
			return err
		}
	}
	return s.checkFees(o.Batch, o.Fee, binding, t.Begins)
}

// AddRelease notes a transaction that pays a batch, the first or a later one.
func (s *State) AddRelease(r Release, at time.Time) {
	if s.batches[r.Batch] == nil {
		s.batches[r.Batch] = map[decision.Digest]bool{}
	}
	s.batches[r.Batch][r.Note] = true
	spent := spending{at: at, batch: r.Batch}
	for _, p := range r.Payments {
		s.released[p.period()] = true
		if s.counted[p.period()] {
			continue
		}
		s.counted[p.period()] = true
		spent.sat += p.Sat
		if !s.byTerminal(p.Decision, nil) {
			spent.passkeyOnly += p.Sat
		}
	}
	if spent.sat > 0 {
		s.spent = append(s.spent, spent)
	}
	s.AddFee(r.Batch, r.Fee, at)
}

// AddFee notes the fee of a transaction. A batch counts at its dearest, since one of its
// transactions confirms at most; each counts what it adds, when it adds it.
func (s *State) AddFee(batch uuid.UUID, fee btcutil.Amount, at time.Time) {
	if added := fee - s.dearest[batch]; added > 0 {
		s.fees = append(s.fees, spending{at: at, batch: batch, sat: added})
		s.dearest[batch] = fee
	}
}

// AddDead notes that what paid a period was proven dead, or was taken back. Limits still
// count it.
func (s *State) AddDead(digest decision.Digest, number int) {
	delete(s.released, period{digest, number})
}

// AddHistory notes a period that was paid where no journal here says so.
func (s *State) AddHistory(digest decision.Digest, number int) { s.paid[period{digest, number}] = true }
